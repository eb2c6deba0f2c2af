"""The images that are built of rendered Dockerfiles: what is in them, and what must not be."""

import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest

from engine import Stack, docker, require_engine

MEGABYTES = {"linear": 400, "housing": 570}
"""An API's image at most: without Polars in a request's path, and with it."""

SECRETS = {
    "secrets/postgres_password": "a-password-that-no-layer-may-hold",
    "secrets/api_token": "a-token-that-no-layer-may-hold",
    ".env": "KEY=a-value-of-dotenv-that-no-layer-may-hold",
    ".env.production": "KEY=another-value-that-no-layer-may-hold",
    ".dvc/config.local": "['remote']\n    secret_access_key = a-key-that-no-layer-may-hold",
    "deploy.pem": "a-certificate-that-no-layer-may-hold",
    ".git/config": "url = https://a-name-that-no-layer-may-hold@example.org/",
}
ABSENT = "uv pip pip3 gcc cc g++ make strip curl wget git"
TRAINING = ("polars", "pandas", "pyarrow", "mlflow", "sqlalchemy", "dvc", "matplotlib", "pytest")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Built:
    """An example's images."""

    def __init__(self, folder: Path, example: str, *services: str):
        self.stack = Stack(folder, example, settings=[] if example == "linear" else [('image = "mlops-{target}"', "")])
        for path, text in SECRETS.items():
            place = self.stack.folder / path
            place.parent.mkdir(exist_ok=True)
            place.write_text(f"{text}\n")
        self.stack.slipway("stack", "render")
        self.services = services
        self.build()

    def build(self) -> None:
        # One after the other, as `stack up` does it.
        with self.stack.building():
            self.stack.compose("--parallel", "1", "build", "--build-arg", f"SLIPWAY_COMMIT={COMMIT}", *self.services)

    def image(self, target: str) -> str:
        return f"{self.stack.name}-{target}:local"

    def inspected(self, target: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(docker("image", "inspect", self.image(target)))[0]
        return found

    def layers(self, target: str) -> list[str]:
        found: list[str] = self.inspected(target)["RootFS"]["Layers"]
        return found

    def says(self, target: str, script: str) -> str:
        """What a shell says in a container that may write nowhere."""
        return docker("run", "--rm", "--read-only", "--network", "none", self.image(target), "sh", "-c", script)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    require_engine()
    made: dict[str, Built] = {}

    def build(example: str) -> Built:
        if example not in made:
            services = {"linear": ("model-train", "model-serve", "model-serve-proxy"), "housing": ("api",)}
            made[example] = Built(tmp_path_factory.mktemp(f"images-{example}"), example, *services[example])
        return made[example]

    return build


@pytest.mark.parametrize("target", ["job", "api", "proxy"])
def test_an_image_says_what_it_is_and_runs_as_a_numeric_user(built: Callable[[str], Built], target: str) -> None:
    linear = built("linear")
    config = linear.inspected(target)["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] is None
    assert config["StopSignal"] == "SIGTERM"
    assert config["WorkingDir"] == "/app"
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["title"], labels["version"]) == (f"{linear.stack.name}-{target}", "local")
    assert labels["revision"] == COMMIT
    assert linear.says(target, "id -u; id -g").split() == ["10001", "10001"]


@pytest.mark.parametrize("target", ["job", "api", "proxy"])
def test_no_compiler_no_installer_and_no_tool_beyond_the_base(built: Callable[[str], Built], target: str) -> None:
    linear = built("linear")
    assert linear.says(target, f"for each in {ABSENT}; do command -v $each; done; true") == ""
    assert linear.says(target, "python -c 'import importlib.util as u; print(u.find_spec(\"pip\"))'") == "None\n"


def test_an_api_has_nothing_that_it_does_not_import(built: Callable[[str], Built]) -> None:
    script = "import importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    for example, present in (("linear", []), ("housing", ["polars"])):
        found = built(example).says("api", f"python -c {json.dumps(script.format(list(TRAINING)))}")
        assert found.strip() == str(present)
        left_out = built(example).says("api", "find /app /code -name '*.csv' -o -name 'test_*' 2>/dev/null; true")
        assert left_out == ""
        assert "serve" in built(example).says("api", "slipway --help")


@pytest.mark.parametrize("example", MEGABYTES)
def test_an_apis_image_is_small(built: Callable[[str], Built], example: str) -> None:
    assert built(example).inspected("api")["Size"] / 1e6 <= MEGABYTES[example]


def test_no_layer_and_no_record_holds_a_secret(built: Callable[[str], Built]) -> None:
    linear = built("linear")
    names = [linear.image(target) for target in ("job", "api", "proxy")]
    told = docker("image", "inspect", *names) + "".join(docker("history", "--no-trunc", name) for name in names)
    assert "that-no-layer-may-hold" not in told
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saved:
        assert saved.stdout is not None
        with tarfile.open(fileobj=saved.stdout, mode="r|") as archive:
            seen = set()
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                for path, data in _contents(member.name, content) if content is not None else ():
                    assert b"that-no-layer-may-hold" not in data, path
                    seen.add(path.rpartition(": ")[2])
    assert {"code/slipway.toml", "app/pipeline.py", "etc/passwd"} <= seen


def _contents(name: str, content: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """A layer's files; of anything else, itself."""
    if name.endswith(".json") or name in ("repositories", "oci-layout"):
        yield name, content.read()
        return
    with (
        suppress(tarfile.ReadError),
        tarfile.open(fileobj=content, mode="r|*") as layer,
    ):  # else a manifest, or a version
        for member in layer:
            file = layer.extractfile(member) if member.isfile() else None
            if file is not None:
                yield f"{name}: {member.name}", file.read()


def test_images_that_begin_alike_are_one_on_the_disk(built: Callable[[str], Built]) -> None:
    job, api = (built("linear").layers(target) for target in ("job", "api"))
    shared = [a for a, b in zip(job, api, strict=False) if a == b]
    assert len(shared) >= 4  # the public image's, the environment, and the packages that both import


def test_an_edit_of_the_code_changes_the_last_layers_alone(built: Callable[[str], Built]) -> None:
    linear = built("linear")
    before = linear.layers("job")
    with (linear.stack.folder / "pipeline.py").open("a") as module:
        module.write("# edited\n")
    linear.build()
    after = linear.layers("job")
    assert before[:-2] == after[:-2]
    assert before[-1] != after[-1]
