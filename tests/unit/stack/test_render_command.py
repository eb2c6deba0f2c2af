"""`slipway stack render` as a user calls it: what is written, what is said, the exit code."""

import pytest

from commands import Slipway

STACK = '\n[stack.services]\ntrain = { kind = "job" }\nserve = { kind = "api", port = 8001 }\n'


@pytest.fixture
def slipway(fruit):
    return Slipway(fruit(STACK).root)


def test_rendering_twice_changes_nothing_and_the_check_agrees(slipway):
    slipway("stack", "render", "--check", code=1)
    first = slipway.json("stack", "render")
    assert {"compose.yaml", ".env.example", ".dockerignore", "docker/Dockerfile"} <= set(first["written"])
    again = slipway.json("stack", "render")
    assert (again["written"], again["kept"], again["removed"]) == ([], [], [])
    assert slipway.json("stack", "render", "--check") == {"differing": {}}


def test_the_check_says_what_is_stale_and_writes_nothing(slipway):
    slipway("stack", "render")
    toml = slipway.folder / "slipway.toml"
    toml.write_text(toml.read_text().replace("8001", "8002"))
    before = (slipway.folder / "docker/serve/compose.yaml").read_text()
    assert "stale        docker/serve/compose.yaml" in slipway("stack", "render", "--check", code=1)
    assert (slipway.folder / "docker/serve/compose.yaml").read_text() == before
    slipway("-C", ".", "stack", "render")
    assert "8002" in (slipway.folder / "docker/serve/compose.yaml").read_text()


def test_what_a_user_edited_is_kept_and_said_and_their_own_file_is_never_touched(slipway):
    slipway("stack", "render")
    own = slipway.folder / "compose.override.yaml"
    own.write_text("services: {}\n")
    edited = slipway.folder / "docker/train/compose.yaml"
    edited.write_text("name: mine\n")
    assert "docker/train/compose.yaml: edited since it was rendered" in slipway("stack", "render")
    assert edited.read_text() == "name: mine\n"
    assert slipway.json("stack", "render", "--check", code=1) == {"differing": {"docker/train/compose.yaml": "edited"}}
    slipway("stack", "render", "--force")
    assert "slipway" in edited.read_text()
    assert own.read_text() == "services: {}\n"


def test_the_graph_of_services_is_drawn(slipway):
    assert slipway("stack", "dag").splitlines() == ["- → train  (job)", "train → serve  (api :8001)"]
    assert slipway("stack", "dag", "--format", "svg").startswith("<svg")


def test_a_project_that_asks_for_nothing_has_the_usual_stack_over_its_own_folder(slipway):
    toml = slipway.folder / "slipway.toml"
    toml.write_text(toml.read_text().replace(STACK, ""))
    slipway("stack", "render")
    assert "target: /app" in (slipway.folder / "docker/train/compose.yaml").read_text()
    waits = slipway("stack", "dag")
    for service in ("database", "mlflow", "train", "api", "monitor"):
        assert service in waits


def test_a_stack_of_no_services_is_told_what_to_write(slipway):
    toml = slipway.folder / "slipway.toml"
    toml.write_text(toml.read_text().replace(STACK, "[stack.services]\n"))
    for verb in ("render", "up"):
        slipway("stack", verb, code=2)
        assert "slipway.toml has no [stack.services]. The least is a job" in slipway.said


@pytest.mark.parametrize("verb", ["status", "logs", "down"])
def test_a_stack_that_was_never_rendered_has_nothing_to_look_at(slipway, verb):
    slipway("stack", verb, code=2)
    assert "compose.yaml is not there yet: `slipway stack render`" in slipway.said
