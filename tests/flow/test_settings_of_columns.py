"""What slipway.toml says of columns reaches the next version, though no stage has changed."""

import random

import polars as pl
import pytest

from slipway import open_project
from slipway.errors import ProjectError
from slipway.new.write import new_project


@pytest.fixture
def root(tmp_path):
    draw = random.Random(5)
    towns, rooms = draw.choices(["Ulm", "Bonn", "Kiel", "Jena"], k=120), draw.choices(range(1, 30), k=120)
    rents = [round(400 + 15 * n + draw.gauss(0, 60), 2) for n in rooms]
    table = pl.DataFrame({"town": towns, "rooms": rooms, "rent": rents})
    table.write_csv(tmp_path / "rents.csv")
    new_project(tmp_path / "rents", tmp_path / "rents.csv", "rent", with_git=False, with_dvc=False)
    with open_project(tmp_path / "rents") as project:
        assert project.run().candidate == 1
        assert project.run().candidate is None
    return tmp_path / "rents"


def ran(root, said=""):
    settings = root / "slipway.toml"
    settings.write_text(settings.read_text() + said)
    with open_project(root) as project:
        return project.run()


def test_another_type_of_a_column_and_a_personal_one_make_a_version_each(root):
    assert ran(root, '\n[api.types]\nrooms = "integer | text"\n').candidate == 2
    assert ran(root).candidate is None
    found = ran(root, '\n[api]\npersonal = ["town"]\n')
    assert found.candidate == 3
    assert not any(stage.outcome == "ran" for stage in found.report.stages)
    assert ran(root).candidate is None
    with open_project(root) as project:
        bundles = project.standing().bundles
        towns = [{row["town"] for row in project.store.open(bundles[version]).sample()} for version in (2, 3)]
        assert repr(project.runs()[-1]).startswith("<Version 3: candidate; ")
    assert len(towns[0]) > 1
    assert towns[1] == {"personal"}


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ('[api.types]\nroom = "number"', r"\[api.types\] room: a request has no such column. Did you mean `rooms`"),
        ('[api]\npersonal = ["Town"]', r"\[api\] personal names `Town`, .* Did you mean `town`"),
    ],
)
def test_a_misspelt_one_is_refused_though_no_stage_has_changed(root, said, refusal):
    for _ in range(2):
        with pytest.raises(ProjectError, match=refusal):
            ran(root, f"\n{said}\n" if said not in (root / "slipway.toml").read_text() else "")
