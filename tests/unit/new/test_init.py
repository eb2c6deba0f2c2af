import shutil
import subprocess

import numpy as np
import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.new.draft import MADE
from slipway.new.init import init_project
from slipway.project import read_project

NOISE = np.random.default_rng(9).normal(size=300)
TABLE = pl.DataFrame(
    {
        "spend": NOISE,
        "city": [["Graz", "Linz", "Wien"][i % 3] for i in range(300)],
        "churn": np.where(NOISE + np.random.default_rng(1).normal(0, 0.4, 300) > 0, "yes", "no"),
    }
)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "my table.csv"
    TABLE.write_csv(path)
    return path


@pytest.fixture
def used(tmp_path):
    """A folder that somebody works in."""
    folder = tmp_path / "used"
    (folder / "src").mkdir(parents=True)
    (folder / "src/theirs.py").write_text("x = 1\n")
    return folder


def contents(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".git/" not in str(p)
    }


def test_a_folder_in_use_gets_a_project_beside_what_is_there(used, csv):
    made = init_project(used, csv, "churn")
    project = read_project(used)
    assert (made.name, project.name, project.model.target) == ("used", "used", "churn")
    assert (used / "data/raw/my_table.csv").read_bytes() == csv.read_bytes()
    assert set(contents(used)) == {
        ".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "README.md", "data/raw/my_table.csv",
        ".slipway/slipway.schema.json", "pipeline.py", "slipway.toml", "src/theirs.py", "tests/test_pipeline.py",
    }  # fmt: skip


def test_a_table_of_the_folder_is_read_where_it_is(used, csv):
    (used / "tables").mkdir()
    csv.rename(used / "tables/my table.csv")
    made = init_project(used, used / "tables/my table.csv", "churn")
    assert str(read_project(used).sources["raw"].path) == "tables/my table.csv"
    assert not (used / "data").exists()
    assert "tables/my table.csv is read where it is." in made.lines()


def test_what_is_there_is_refused_as_a_list_before_anything_is_written(used, csv):
    (used / "tests").mkdir()
    (used / "tests/test_pipeline.py").write_text("theirs")
    (used / "pipeline.py").symlink_to("nowhere")
    (used / "models").mkdir()
    (used / "models/model.skops").write_text("theirs")
    (used / "reports").write_text("theirs, where a folder has to be")
    before = contents(used)
    with pytest.raises(ProjectError, match="nothing is written over") as refused:
        init_project(used, csv, "churn")
    assert str(refused.value).splitlines()[1:-1] == [
        "  pipeline.py",
        "  tests/test_pipeline.py",
        "  models/model.skops (a run makes it)",
        "  reports (a file, where a folder has to be)",
    ]
    assert contents(used) == before


def test_settings_of_another_program_are_refused_before_anything_is_written(used, csv):
    (used / "params.yaml").write_text("split: {ratio: 3}\n")
    before = contents(used)
    with pytest.raises(ProjectError, match=r"params.yaml: split.ratio: stage `split` has no such setting"):
        init_project(used, csv, "churn")
    assert contents(used) == before


def test_the_list_names_whatever_a_run_would_make(used, csv):
    init_project(used, csv, "churn")
    project = read_project(used)
    made = {str(a.path) for a in project.artifacts.values() if a.maker is not None}
    assert made | {"params.yaml"} == set(MADE)


@pytest.mark.parametrize("name", ["README.md", "readme.rst", "README"])
def test_a_readme_is_kept(used, csv, name):
    (used / name).write_text("theirs")
    init_project(used, csv, "churn")
    assert (used / name).read_text() == "theirs"
    assert "`city`" in (used / "SLIPWAY.md").read_text(encoding="utf-8")


def test_lines_that_gitignore_lacks_are_appended(used, csv):
    theirs = b"*.log\r\n__pycache__/\r\n\xff"
    (used / ".gitignore").write_bytes(theirs)
    init_project(used, csv, "churn")
    now = (used / ".gitignore").read_bytes()
    assert now.startswith(theirs + b"\n")
    assert now.count(b"__pycache__/") == 1
    assert b"\n/models/\n" in now


def test_a_gitignore_that_lacks_nothing_stays(used, csv):
    init_project(used, csv, "churn")
    before = (used / ".gitignore").read_bytes()
    (used / "slipway.toml").unlink()
    for path in ("pipeline.py", "tests/test_pipeline.py", "data/raw/my_table.csv"):
        (used / path).unlink()
    init_project(used, csv, "churn")
    assert (used / ".gitignore").read_bytes() == before


@needs_git
def test_a_repository_is_used_and_dvc_stays_as_it_is(used, csv):
    subprocess.run(["git", "init", "--quiet"], cwd=used, check=True)
    (used / ".dvc").mkdir()
    (used / ".dvc/config").write_text("[core]\n    remote = theirs\n")
    made = init_project(used, csv, "churn")
    assert (used / ".dvc/config").read_text() == "[core]\n    remote = theirs\n"
    assert not (used / ".dvcignore").exists()
    assert any("part of a git repository already; DVC is set up already" in line for line in made.lines())


def test_stages_of_somebody_else_are_told_of(used, csv):
    (used / "dvc.yaml").write_text("stages: {}\n")
    made = init_project(used, csv, "churn")
    assert any("dvc.yaml is not Slipway's" in line for line in made.lines())
    assert (used / "dvc.yaml").read_text() == "stages: {}\n"


def test_a_project_is_not_made_twice(used, csv):
    init_project(used, csv, "churn")
    with pytest.raises(ProjectError, match="this is a project already"):
        init_project(used, csv, "churn")


def test_a_folder_that_is_missing_is_refused(tmp_path, csv):
    with pytest.raises(ProjectError, match=r"no such folder. `slipway new`"):
        init_project(tmp_path / "absent", csv, "churn")
    assert not (tmp_path / "absent").exists()
