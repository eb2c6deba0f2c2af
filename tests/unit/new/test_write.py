import ast
import os
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import slipway
from slipway.errors import DataError, ProjectError
from slipway.new.write import new_example, new_project
from slipway.project import read_project

RNG = np.random.default_rng(9)
X = RNG.normal(size=300)
TABLE = pl.DataFrame(
    {
        "customer_id": range(1_000, 1_300),
        "spend": [f"{100 + 10 * x:.1f} EUR" for x in X],
        "city": [["Graz", "Linz", "Wien", None][i % 4] for i in range(300)],
        "churn": np.where(X + RNG.normal(0, 0.4, 300) > 0, "yes", "no"),
    }
)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "my table.csv"
    TABLE.write_csv(path)
    return path


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and ".git/" not in str(p)}


def run(folder, *command):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_table_becomes_a_project_that_can_be_read(tmp_path, csv):
    made = new_project(tmp_path / "mine", csv, "churn")
    assert files(made.root) == {
        ".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "README.md", "data/raw/my_table.csv",
        ".slipway/slipway.schema.json", "pipeline.py", "slipway.toml", "tests/test_pipeline.py",
    }  # fmt: skip
    assert (made.root / "data/raw/my_table.csv").read_bytes() == csv.read_bytes()
    project = read_project(made.root)
    assert (project.name, project.model.kind, project.model.retrain_into) == ("mine", "classification", "raw")
    assert project.api.types == {"spend": ("text", "number")}
    assert project.model.gate["accuracy"].minimum > 0.5


def test_what_is_written_imports_public_names_alone(tmp_path, csv):
    # A module of Slipway's own may move; a project made last year still has to import.
    made = new_project(tmp_path / "mine", csv, "churn")
    for file in ("pipeline.py", "tests/test_pipeline.py"):
        tree = ast.parse((made.root / file).read_text(encoding="utf-8"))
        ours = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "slipway" in str(node.module)]
        assert [node.module for node in ours] == ["slipway"]
        assert {alias.name for node in ours for alias in node.names} <= set(slipway.__all__)


def test_words_of_a_category_that_are_read_as_null_are_said(tmp_path):
    regions = ["NA", "EU", "APAC", "null", " ? "]
    rows = "".join(f"{x:.3f},{regions[i % 5]},{'yes' if x > 0 else 'no'}\n" for i, x in enumerate(RNG.normal(size=60)))
    (tmp_path / "t.csv").write_text(f"x,region,y\n{rows}")
    said = "\n".join(new_project(tmp_path / "p", tmp_path / "t.csv", "y", with_git=False, with_dvc=False).lines())
    assert 'Read: region "?" (12 rows), "NA" (12 rows), "null" (12 rows) as null.' in said


def test_it_says_what_it_kept_left_out_and_chose(tmp_path, csv):
    said = "\n".join(new_project(tmp_path / "mine", csv, "churn").lines())
    assert "classification, since `churn` is text with 2 values; 300 rows" in said
    assert "Left out: customer_id is another number in each row: an id" in said
    assert "Kept: spend, city" in said
    assert f"slipway -C {tmp_path / 'mine'} up" in said
    assert "customer_id" in (tmp_path / "mine/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["churn", "spend_eur"])
def test_the_tests_that_are_written_pass(tmp_path, target):
    table = TABLE.with_columns(spend_eur=X * 10 + RNG.normal(size=300), on=pl.lit("2022-01-05")).with_columns(
        on=pl.when(pl.int_range(300) % 2 == 0).then(pl.lit("2022-02-01")).otherwise("on")
    )
    table.write_parquet(tmp_path / "t.parquet")
    made = new_project(tmp_path / "mine", tmp_path / "t.parquet", target)
    done = run(made.root, sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_rows_without_a_target_are_dropped_by_the_split(tmp_path, csv):
    TABLE.with_columns(churn=pl.when(pl.int_range(300) < 30).then(None).otherwise("churn")).write_csv(csv)
    made = new_project(tmp_path / "mine", csv, "churn")
    assert any("30 rows without `churn`" in line for line in made.lines())
    assert "drop_nulls(TARGET)" in (made.root / "pipeline.py").read_text(encoding="utf-8")


def test_a_folder_in_use_is_left_alone(tmp_path, csv):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(ProjectError, match="is not empty"):
        new_project(tmp_path / "mine", csv, "churn")
    assert files(tmp_path / "mine") == {"notes.txt"}
    (tmp_path / "empty").mkdir()
    assert new_project(tmp_path / "empty", csv, "churn").name == "empty"


def test_what_fails_leaves_nothing_behind(tmp_path, csv):
    with pytest.raises(ProjectError):
        new_project(tmp_path / "mine", csv, "chrn")
    with pytest.raises(DataError):
        new_project(tmp_path / "mine", tmp_path / "absent.csv", "churn")
    assert {p.name for p in tmp_path.iterdir()} == {"my table.csv"}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_and_dvc_know_the_folder(tmp_path, csv):
    made = new_project(tmp_path / "mine", csv, "churn")
    listed = run(made.root, "git", "status", "--short", "--untracked-files=all").stdout
    assert "pipeline.py" in listed
    assert "data/raw" not in listed
    tracked = run(made.root, "git", "check-ignore", "data/raw/my_table.csv.dvc", "reports/metrics.json")
    assert tracked.returncode == 1  # neither is ignored
    env = os.environ | {"DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status"], cwd=made.root, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_folder_of_a_repository_gets_none_of_its_own(tmp_path, csv):
    run(tmp_path, "git", "init", "--quiet")
    made = new_project(tmp_path / "mine", csv, "churn")
    assert not (made.root / ".git").exists()
    assert any("part of a git repository" in line for line in made.lines())


@pytest.mark.parametrize("example", ["linear", "housing"])
def test_an_example_is_a_project_with_its_data_and_passing_tests(tmp_path, example):
    made = new_example(tmp_path / "here", example)
    project = read_project(made.root)
    assert all((made.root / s.path).is_file() for s in project.sources.values() if s.sql is None)
    assert not list(made.root.rglob("__pycache__"))
    done = run(made.root, sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_data_that_was_put_in_place_is_taken(tmp_path):
    raw = tmp_path / "here/data/raw"
    raw.mkdir(parents=True)
    (raw / "listings.csv").write_text("a,b\n1,2\n")
    made = new_example(tmp_path / "here", "housing")
    assert (raw / "listings.csv").read_text() == "a,b\n1,2\n"
    assert "is taken as it is" in made.lines()[0]


def test_generated_data_is_said_to_be(tmp_path):
    made = new_example(tmp_path / "here", "housing")
    assert "is generated" in made.lines()[0]


def test_an_unknown_example_is_refused_with_the_near_miss(tmp_path):
    with pytest.raises(ProjectError, match="Did you mean `housing`"):
        new_example(tmp_path / "here", "housings")


def test_a_folder_with_other_characters_gives_a_valid_name_or_nothing(tmp_path, csv):
    made = new_project(tmp_path / "my(x)", csv, "churn")
    assert (made.name, read_project(made.root).name) == ("my-x", "my-x")
    with pytest.raises(ProjectError, match="Give the folder another name"):
        new_project(tmp_path / "()", csv, "churn")
    assert not (tmp_path / "()").exists()
