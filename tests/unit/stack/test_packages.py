import pytest

from slipway.errors import ProjectError
from slipway.stack.packages import lacking, lock_packages, package_of, refuse_unlocked

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
