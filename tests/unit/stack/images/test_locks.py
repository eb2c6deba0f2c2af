import re
from importlib.resources import files

import pytest

from slipway.stack.images.locks import distribution, entries, locks, text_of
from slipway.stack.images.parts import images

FOLDER = files("slipway.stack") / "files" / "locks"
PARTS = sorted(path.name.removesuffix(".txt") for path in FOLDER.iterdir())


@pytest.mark.parametrize("part", PARTS)
def test_each_version_has_hashes(part):
    found = entries((FOLDER / f"{part}.txt").read_text())
    assert found
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+", pin) and "--hash=sha256:" in text for pin, text in found.items())


def test_every_part_of_every_image_is_rendered(project):
    found = locks(project)
    parts = {part for image in images(project) for part in image.parts}
    assert {
        path.removeprefix("docker/locks/").split(".")[0].replace("mlflow-unified", "mlflow") for path in found
    } == parts


def test_no_package_is_in_an_image_twice(project):
    for image in images(project):
        names = [
            pin.split("==")[0]
            for number, part in enumerate(image.parts)
            for pin in entries(text_of(part, over=image.parts[:number]))
        ]
        assert len(names) == len({*names})


def test_an_api_holds_no_training_library():
    held = {pin.split("==")[0] for part in ("api", "polars") for pin in entries(text_of(part))}
    assert (
        held
        & {"mlflow-skinny", "mlflow", "sqlalchemy", "alembic", "pandas", "pyarrow", "dvc", "matplotlib", "pygments"}
        == set()
    )


def test_a_rendered_lock_changes_with_its_versions_alone():
    assert "sha256 " not in text_of("api").splitlines()[0]
    assert text_of("job") == text_of("job", over=())


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("xgboost>=2", "xgboost"), ("Foo_Bar[all]==1", "foo-bar"), ("a.b ; python_version > '3'", "a-b"), (" c ", "c")],
)
def test_a_requirement_is_of_a_distribution(requirement, name):
    assert distribution(requirement) == name
