"""The third document's `ali` as a stack: eight services in no order but the user's, two images, a folder as remote."""

import shutil
from collections.abc import Iterator

import pytest

from engine import Stack, asked, document_rows, require_engine
from followed import follow
from hardening import assert_hardened


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    require_engine()
    settings = [('layout = "eze"', 'layout = "ali"')]
    stack = Stack(tmp_path_factory.mktemp("ali"), "obesity", "ali", settings)
    try:
        stack.down()
        stack.slipway("stack", "render")
        stack.slipway("stack", "secrets")
        with (stack.folder / ".env").open("a") as env:
            env.write("DVC_REMOTE_URL=/app/remote\nDVC_REMOTE_NAME=myremote\n")
        with stack.building():
            stack.compose("--parallel", "1", "build")  # BuildKit of 20.10 may panic where images share stages
        yield stack
    finally:
        stack.down()


def test_nothing_waits_for_anything(stack: Stack) -> None:
    services = stack.services()
    assert set(services) == set(stack.kinds())
    assert len(services) == 8
    assert [name for name, service in services.items() if service.get("depends_on")] == []


def test_there_are_the_document_s_two_images(stack: Stack) -> None:
    assert (stack.folder / "Dockerfile").is_file()
    assert (stack.folder / "Dockerfile.api").is_file()
    ours = {service["image"] for service in stack.services().values()}
    assert len(ours) == 1
    assert "api" not in ours.pop()


def test_the_steps_of_the_document_one_after_the_other(stack: Stack) -> None:
    follow(stack, "docker compose up dvc-pipeline")
    model = stack.folder / "models/model.skops"
    held = model.read_bytes()
    # Nothing was ever pushed: that is said, and is no failure.
    model.unlink()
    follow(stack, "docker compose up dvc-pull")
    said = stack.compose("logs", "dvc-pull")
    assert "nothing is there yet. It does not have models/model.skops yet: stages make these" in said
    (stack.folder / "remote").mkdir()
    (stack.folder / "remote").chmod(0o777)
    follow(stack, "docker compose up dvc-full-pipeline")
    assert len(list((stack.folder / "remote").rglob("*"))) > 10
    model.unlink()
    shutil.rmtree(stack.folder / ".dvc/cache")
    follow(stack, "docker compose up dvc-pull")
    assert model.read_bytes() == held
    follow(stack, "docker compose up mlflow")
    assert asked(stack.url("mlflow") + "/health") == (200, b"OK")


def test_five_stages_and_no_drift(stack: Stack) -> None:
    assert "train" in stack.compose("logs", "dvc-full-pipeline")
    assert not (stack.folder / "reports/drift/drift_report.json").exists()


def test_three_kinds_of_remote_can_be_reached(stack: Stack) -> None:
    code = "import dvc_s3, dvc_gs, dvc_azure; print('all three')"
    assert "all three" in stack.compose("run", "--rm", "-T", "shell", "python", "-c", code)


def test_every_container_is_hardened(stack: Stack) -> None:
    assert_hardened(stack)


@pytest.mark.parametrize("command", document_rows("obesity", "ali"))
def test_a_command_of_the_document_works(stack: Stack, command: str) -> None:
    assert follow(stack, command)
