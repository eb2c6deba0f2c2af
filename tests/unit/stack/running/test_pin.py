import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.stack.pins import read_pins, write_pins
from slipway.stack.running.engine import Plan, Planned
from slipway.stack.running.pin import ask_pins, tags

DIGEST = "sha256:" + "ab" * 32


def planned(name: str, image: str, dockerfile=None) -> Planned:
    return Planned(name, image, dockerfile, None, (), {}, (), (), ends=False, may_end=False, has_health=False)


def test_pins_are_read_as_they_were_written(tmp_path):
    pins = {"postgres:17": f"postgres:17@{DIGEST}", "ghcr.io/x/uv:1": f"ghcr.io/x/uv:1@{DIGEST}"}
    write_pins(tmp_path, pins)
    assert read_pins(tmp_path) == pins
    assert read_pins(tmp_path / "elsewhere") == {}


@pytest.mark.parametrize("text", ['"postgres:17" = "other:17@sha256:00"', '"postgres:17" = 3', "not toml"])
def test_a_pin_that_is_none_is_refused_with_the_remedy(tmp_path, text):
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/pins.toml").write_text(text)
    with pytest.raises(ProjectError, match=r"docker/pins\.toml: .*then call `slipway stack pin`"):
        read_pins(tmp_path)


def test_public_images_and_what_builds_rest_on_are_pinned_and_our_own_are_not(tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM python:3.13-slim@{DIGEST} AS base\nCOPY --from=uv:1 /uv /uv\n")
    services = {
        "database": planned("database", f"postgres:17@{DIGEST}"),
        "train": planned("train", "line-job:local", tmp_path / "Dockerfile"),
    }
    assert tags(Plan("line", services, {}, ())) == ["postgres:17", "python:3.13-slim", "uv:1"]


def test_a_registry_is_asked_for_each_tag(docker):
    assert ask_pins(docker(f"echo {DIGEST}"), ["postgres:17"]) == {"postgres:17": f"postgres:17@{DIGEST}"}


def test_without_a_registry_every_image_is_named_with_the_reason(docker):
    engine = docker('[ "$4" = here:1 ] && echo sha256:nothing || { echo "ERROR: no such host" >&2; exit 1; }')
    with pytest.raises(OutsideError) as refused:
        ask_pins(engine, ["postgres:17", "uv:1"])
    assert str(refused.value) == (
        "No digest could be had for:\n- postgres:17: ERROR: no such host\n- uv:1: ERROR: no such host\n"
        "Pinning needs the way to a registry; docker/pins.toml is as it was."
    )
