"""Projects with stacks of each shape: those of the examples, and small ones made of a few lines of TOML."""

import re
from functools import cache
from pathlib import Path

import pytest

import slipway.examples
from slipway.project import read_project
from slipway.stack.render import render
from slipway.stack.running.engine import Engine

EXAMPLES = Path(slipway.examples.__file__).parent
SHAPES = ("linear", "housing", "obesity-eze", "obesity-ali", "parts", "unified")

STAGES = """
import polars as pl
from slipway import stage


@stage
def fruit(raw: pl.DataFrame) -> pl.DataFrame: ...


@stage
def tree(fruit: pl.DataFrame): ...


@stage
def report(tree, fruit: pl.DataFrame) -> dict[str, float]: ...


@stage
def letter(report: dict[str, float]) -> dict[str, float]: ...
"""

STAGED = re.sub(
    r"^def", "@stage\ndef", STAGES.replace("import polars", "from slipway import stage\nimport polars"), flags=re.M
)

FRUIT = """
name = "fruit"
[sources]
raw = "data/raw/fruit.csv"
[model]
kind = "classification"
target = "kind"
artifact = "tree"
test = "fruit"
"""

PARTS = """
[stack]
image = "shop-{target}"
remotes = ["s3"]
work = "model_data"
[stack.services]
store = { kind = "postgres", port = 5432, volume = "postgres_data", memory = "1g" }
flows = { kind = "prefect", port = 4200 }
registry = { kind = "mlflow", profile = "tracking" }
fetch = { kind = "data", do = "pull", file = "docker-compose-etl.yml" }
prepare = { kind = "job", stages = ["fruit"], file = "docker-compose-etl.yml" }
train = { kind = "job", stages = ["tree"], environment = { TREES = 3 }, memory = "2g", cpus = 1.5, pids = 99 }
write = { kind = "job", then = "push", outside = true }
serve = { kind = "api", port = 8001, replicas = 2, mounts = ["./notes:/app/notes:ro"] }
watch = { kind = "monitor", every = "1h", profile = "watched" }
check = { kind = "test", command = ["pytest", "-q"] }
desk = { kind = "shell" }
keep = { kind = "data", do = "push" }
[stack.overlays.prod]
services.store = { external = true }
services.serve = { memory = "4g" }
"""

UNIFIED = """
[stack]
components = false
images = "unified"
volumes = "folders"
file = "docker-compose.yml"
[stack.services]
train = { kind = "job" }
serve = { kind = "api", port = 8001, scale = true }
board = { kind = "mlflow", port = 5001 }
check = { kind = "test" }
[stack.overlays.watched]
services.loop = { kind = "monitor" }
"""


@pytest.fixture
def fruit(tmp_path):
    """A project of four stages, with what its slipway.toml says of the stack."""

    def make(stack, stages=STAGES, toml=FRUIT):
        (tmp_path / "slipway.toml").write_text(toml + stack)
        (tmp_path / "pipeline.py").write_text(stages)
        return read_project(tmp_path)

    return make


@pytest.fixture(scope="session")
def shaped(tmp_path_factory):
    """A project of one of the SHAPES; it is read once, since nothing changes it."""

    @cache
    def make(shape):
        folder = tmp_path_factory.mktemp(shape)
        if shape in ("parts", "unified"):
            (folder / "slipway.toml").write_text(FRUIT + {"parts": PARTS, "unified": UNIFIED}[shape])
            (folder / "pipeline.py").write_text(STAGES)
            return read_project(folder)
        example, _, layout = shape.partition("-")
        for path in EXAMPLES.joinpath(example).rglob("*.*"):
            if path.suffix in (".py", ".toml"):
                place = folder / path.relative_to(EXAMPLES / example)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(path.read_text())
        toml = folder / "slipway.toml"
        toml.write_text(re.sub(r'layout = "\w+"', f'layout = "{layout}"', toml.read_text()))
        return read_project(folder)

    return make


@pytest.fixture(scope="session")
def rendered(shaped):
    """All that is rendered of one of the SHAPES."""
    return cache(lambda shape: render(shaped(shape)))


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


@pytest.fixture
def project(shape, shaped):
    return shaped(shape)


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """Puts a `docker` on the PATH that says and does what a test wants of one; the engine on it."""

    def put(script: str) -> Engine:
        program = tmp_path / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return Engine(tmp_path, "compose.yaml")

    return put
