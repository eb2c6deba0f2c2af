from pathlib import PurePosixPath as P

import pytest

from slipway.errors import ProjectError
from slipway.project import read_project
from slipway.project.dvc_yaml import HEADER

TOML = 'name = "line"\npipeline = "{}"\n[model]\nkind = "regression"\ntarget = "y"\n'
SCRIPTS = {
    "00-prepare.py": 'open("data/raw/rows.csv")\nopen("data/train.csv", "w")\nopen("data/test.csv", "w")\n',
    "10-train.py": 'open("data/test.csv")\nopen("data/train.csv")\nopen("models/model.pkl", "w")\n',
    "90-serve.py": "def request(body): ...\n",
}
DVC = """
stages:
  prepare: {cmd: a, deps: [data/raw/rows.csv], outs: [data/train.csv, data/test.csv]}
  train: {cmd: b, deps: [data/test.csv, data/train.csv], outs: [model.pkl]}
"""


@pytest.fixture
def folder(tmp_path):
    def write(pipeline, files, more=""):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "slipway.toml").write_text(TOML.format(pipeline) + more)
        return tmp_path

    return write


def test_scripts_are_stages_and_the_service_answers(folder):
    project = read_project(folder(".", SCRIPTS))
    assert list(project.stages) == ["prepare", "train"]
    assert (project.sources["rows"].path, project.scripts) == (P("data/raw/rows.csv"), P("."))
    assert (project.module, project.api.routes[0].path) == (P("90-serve.py"), "/predict")
    assert (project.api.routes[0].request, project.api.routes[0].response) == ("request", None)
    assert project.model_stage.name == "train"
    assert project.train == "train"  # the table that it does not test on, though a stage is named so, too
    assert set(project.read_from) == {P(name) for name in SCRIPTS}


def test_scripts_may_stand_in_a_folder(folder):
    project = read_project(folder("steps/", {f"steps/{name}": text for name, text in SCRIPTS.items()}))
    assert project.stages["train"].command.lines == ("python steps/10-train.py",)
    assert project.module == P("steps/90-serve.py")


def test_a_dvc_yaml_is_adopted(folder):
    project = read_project(folder("dvc.yaml", {"dvc.yaml": DVC}))
    assert (list(project.stages), project.is_adopted, project.train) == (["prepare", "train"], True, "train")
    assert project.stages["train"].where == "dvc.yaml: stage `train`"
    assert project.sources["rows"].path == P("data/raw/rows.csv")


@pytest.mark.parametrize(
    ("pipeline", "files", "more", "said"),
    [
        ("pipeline.py", {"dvc.yaml": DVC}, "", r"no such file in .*pipeline = 'dvc\.yaml'"),
        ("pipeline.py", SCRIPTS, "", r"no such file in .*pipeline = '\.'"),
        ("steps/", SCRIPTS, "", "there is no such folder"),
        ("other.yaml", {}, "", r"pipeline = 'other\.yaml': expected dvc\.yaml"),
        ("../x", {}, "", "expected a file or folder of the project"),
        ("dvc.yaml", {"dvc.yaml": HEADER + DVC}, "", "Slipway has written this dvc.yaml itself"),
        ("dvc.yaml", {"dvc.yaml": DVC}, '[commands.x]\ncmd = "y"\nwrites = ["z"]\n', "write this one there, too"),
        ("dvc.yaml", {"dvc.yaml": DVC}, '[sources]\nq = { sql = "select 1" }\n', "dvc.yaml is not Slipway's to add"),
        (".", SCRIPTS, '[commands.train]\ncmd = "y"\nwrites = ["z"]\n', "have one name: rename one"),
        (".", SCRIPTS, '[commands.x]\ncmd = "y"\nwrites = ["o/train.csv"]\n', "both make `train`"),
        (".", SCRIPTS, '[artifacts]\nlate = "data/other.csv"\n', r"\[artifacts\] late: no stage makes it"),
    ],
)
def test_what_is_wrong_is_said(folder, pipeline, files, more, said):
    with pytest.raises(ProjectError, match=said):
        read_project(folder(pipeline, files, more))


def test_labelled_rows_that_no_script_would_see_are_refused(folder):
    text = TOML.format(".") + 'retrain_into = "rows"\n'
    root = folder(".", SCRIPTS)
    (root / "slipway.toml").write_text(text)
    with pytest.raises(ProjectError, match=r"00-prepare\.py: stage `prepare` reads data/raw/rows\.csv itself"):
        read_project(root)
    more = 'import os\nif os.path.exists("data/labelled/rows.parquet"):\n    open("data/labelled/rows.parquet")\n'
    (root / "00-prepare.py").write_text(SCRIPTS["00-prepare.py"] + more)
    project = read_project(root)
    assert list(project.sources) == ["rows"]
    assert project.stages["prepare"].command.files == (P("00-prepare.py"),)
