import os

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.stack.images.locks import entries
from slipway.stack.images.packages import lacking, lock_packages, package_of, refuse_unlocked

STAGES = """
import polars as pl
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier
from slipway import stage


@stage
def fruit(raw: pl.DataFrame) -> pl.DataFrame: ...


@stage
def tree(fruit: pl.DataFrame):
    return make_pipeline(XGBClassifier())
"""
SERVICES = '[stack.services]\ntrain = { kind = "job" }\nserve = { kind = "api" }'
REMEDY = 'add packages = ["xgboost"] to [stack] of slipway.toml, then run `slipway stack lock`.'


def test_a_library_that_no_lock_holds_is_told(fruit):
    assert [*lacking(fruit(SERVICES, stages=STAGES))] == [
        f"The image `job` lacks `xgboost`, which the code imports: {REMEDY}",
        f"The image `api` lacks `xgboost`; if the model is made of it: {REMEDY}",
    ]


def test_one_that_is_asked_for_is_not(fruit):
    assert [*lacking(fruit(f'[stack]\npackages = ["XGBoost>=2"]\n{SERVICES}', stages=STAGES))] == []


def test_the_examples_lack_nothing(project):
    assert [*lacking(project)] == []


def test_an_imported_name_has_its_distribution():
    assert [package_of(name) for name in ("sklearn", "PIL", "lightgbm", "some_thing")] == [
        "scikit-learn", "pillow", "lightgbm", "some-thing",
    ]  # fmt: skip


def test_a_lock_that_is_missing_or_of_other_packages_is_refused_before_a_build(fruit):
    project = fruit(f'[stack]\npackages = ["xgboost>=2"]\n{SERVICES}')
    with pytest.raises(
        ProjectError, match=r"docker/locks/extra-job\.txt is missing: `slipway stack lock` makes it, for"
    ):
        refuse_unlocked(project)
    for target in ("job", "api"):
        lock = project.root / "docker" / "locks" / f"extra-{target}.txt"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(f"# Made by `slipway stack lock` for the image `{target}`: xgboost>=2.\n")
    refuse_unlocked(project)
    (project.root / "docker" / "locks" / "extra-api.txt").write_text("# of other ones\n")
    with pytest.raises(ProjectError, match=r"extra-api\.txt is of other packages than slipway\.toml asks for now"):
        refuse_unlocked(project)


def test_nothing_asked_for_has_nothing_to_lock(fruit):
    with pytest.raises(ProjectError, match="asks for no packages"):
        lock_packages(fruit(SERVICES).root)


def test_a_lock_holds_what_the_image_lacks_at_versions_that_fit_it(fruit):
    project = fruit(f'[stack]\npackages = ["tabulate>=0.9", "numpy"]\n{SERVICES}')
    try:
        paths = lock_packages(project.root)
    except OutsideError:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("no package registry to ask for versions")
    assert paths == ["docker/locks/extra-job.txt", "docker/locks/extra-api.txt"]
    for path in paths:  # NumPy is in every image already
        assert [pin.split("==")[0] for pin in entries((project.root / path).read_text())] == ["tabulate"]
    refuse_unlocked(project)


def test_packages_that_do_not_fit_are_refused_with_what_uv_says(fruit):
    project = fruit(f'[stack]\npackages = ["rich<1"]\n{SERVICES}')
    try:
        with pytest.raises(ProjectError, match=r"packages = \['rich<1'\] of the image `job` can't be had beside"):
            lock_packages(project.root)
    except OutsideError:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            raise
        pytest.skip("no package registry to ask for versions")
