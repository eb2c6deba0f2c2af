"""What is rendered, as Compose itself reads it: the whole, every component's file alone, and every overlay on top."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import slipway.examples
from engine import require_engine
from slipway.project import read_project
from slipway.stack.render import render
from slipway.stack.written import write

EXAMPLES = Path(slipway.examples.__file__).parent

PARTS = """
[stack.services]
store = { kind = "postgres", port = 5432 }
board = { kind = "mlflow", profile = "tracking" }
flows = { kind = "prefect" }
fetch = { kind = "data", do = "pull", file = "docker-compose-etl.yml" }
train = { kind = "job", file = "docker-compose-etl.yml" }
serve = { kind = "api", port = 8001, replicas = 2 }
watch = { kind = "monitor" }
check = { kind = "test" }
desk = { kind = "shell" }
[stack.overlays.prod]
services.store = { external = true }
services.serve = { environment = { TREES = 3 }, replicas = 4 }
[stack.overlays.more]
services.board = { external = true }
services.keep = { kind = "data", do = "push" }
"""


@pytest.fixture
def stack(tmp_path):
    """An example's stack, rendered into a folder; `more` is a stack instead of its own."""
    require_engine()

    def make(example, layout="", more=None):
        for path in (*EXAMPLES.joinpath(example).glob("*.py"), EXAMPLES / example / "slipway.toml"):
            (tmp_path / path.name).write_text(path.read_text())
        toml = tmp_path / "slipway.toml"
        text = re.sub(r'layout = "\w+"', f'layout = "{layout}"', toml.read_text())
        toml.write_text(text if more is None else text.split("\n[stack]\n")[0] + more)
        project = read_project(tmp_path)
        write(tmp_path, render(project))
        return project.stack

    return make


def config(folder, *files, **environment):
    """The model that Compose makes of files, every profile of it; without files of what it finds."""
    command = ["docker", "compose", *(word for file in files for word in ("-f", file)), "--profile", "*", "config"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    done = subprocess.run(
        [*command, "--format", "json"], cwd=folder, env=kept | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower()
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("example", "layout"), [("linear", ""), ("housing", ""), ("obesity", "eze"), ("obesity", "ali")]
)
def test_compose_finds_and_takes_the_whole_of_each_example(stack, tmp_path, example, layout):
    made = stack(example, layout)
    found = config(tmp_path)
    proxies = {service.proxy for service in made.services.values() if service.has_proxy}
    assert set(found["services"]) == {*made.services, *proxies}
    assert found["name"] == made.name


def test_every_component_works_alone_with_what_it_waits_for(stack, tmp_path):
    made = stack("housing", more=PARTS)
    whole = config(tmp_path)["services"]
    files = [*tmp_path.glob("docker/*/compose.yaml"), tmp_path / "docker-compose-etl.yml"]
    assert len(files) == len(made.services) + 1
    for file in files:
        alone = config(tmp_path, str(file.relative_to(tmp_path)))
        assert alone["name"] == made.name
        for name, service in alone["services"].items():
            assert service == whole[name], f"{file}: {name}"
            assert set(service.get("depends_on") or {}) <= set(alone["services"])


def test_an_overlay_changes_what_it_says_and_nothing_else(stack, tmp_path):
    made = stack("housing", more=PARTS)
    before = config(tmp_path)["services"]
    prod = config(tmp_path, made.file, "docker-compose.prod.yaml", STORE_HOST="db.example.org")["services"]
    assert set(before) - set(prod) == {"store"}
    train = prod["train"]
    assert train["environment"]["SLIPWAY_STATE_URL"] == "postgresql://slipway@db.example.org:5432/housing"
    assert set(before["train"]["depends_on"]) - set(train["depends_on"]) == {"store"}
    assert prod["serve"]["environment"]["TREES"] == "3"
    assert prod["serve"]["deploy"]["replicas"] == 4
    assert prod["check"] == before["check"]
    more = config(tmp_path, made.file, "docker-compose.more.yaml", MLFLOW_TRACKING_URI="http://m.example.org")
    assert set(more["services"]) == {*before, "keep"} - {"board"}
    assert more["services"]["train"]["environment"]["MLFLOW_TRACKING_URI"] == "http://m.example.org"


def test_an_overlay_of_one_file_does_the_same(stack, tmp_path):
    made = stack("linear")
    found = config(tmp_path, made.file, "docker-compose.prod.yaml", DATABASE_HOST="db.example.org")["services"]
    assert "database" not in found
    watched = config(tmp_path, made.file, "docker-compose.monitoring.yaml")["services"]
    assert set(watched) - set(config(tmp_path)["services"]) == {"monitor"}
