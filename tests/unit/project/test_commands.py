from pathlib import PurePosixPath

import pytest

from slipway.errors import ProjectError
from slipway.project import read_project

TOML = """
name = "fruit"
[sources]
raw = "data/raw/fruit.csv"
pictures = "data/raw/pictures/"
[model]
kind = "classification"
target = "kind"
[commands.prepare]
cmd = "python prepare.py"
reads = ["prepare.py", "data/raw/fruit.csv", "data/raw/pictures/first.png"]
writes = ["data/train.csv", "data/test.csv"]
params = ["prepare.rows", "other.toml:a.b", "params.yaml:seed"]
[commands.train]
cmd = ["python train.py", "python check.py"]
reads = ["data/train.csv"]
writes = { model = "models/fruit.pkl", metrics = "out/scores.json", log = "out/log/" }
"""


@pytest.fixture
def folder(tmp_path):
    def written(text=TOML):
        (tmp_path / "slipway.toml").write_text(text)
        return tmp_path

    return written


def test_commands_are_stages_of_files(folder):
    project = read_project(folder())
    prepare, train = project.stages["prepare"], project.stages["train"]
    assert [wanted.artifact for wanted in prepare.inputs] == ["raw", "pictures"]
    assert prepare.command.files == (PurePosixPath("prepare.py"), PurePosixPath("data/raw/pictures/first.png"))
    assert prepare.command.params == ("prepare.rows", "other.toml:a.b", "seed")
    assert prepare.outputs == ("train", "test")
    assert [wanted.artifact for wanted in train.inputs] == ["train"]
    assert train.command.lines == ("python train.py", "python check.py")
    assert {name: (a.kind, str(a.path)) for name, a in project.artifacts.items()} == {
        "raw": ("table", "data/raw/fruit.csv"),
        "pictures": ("path", "data/raw/pictures"),
        "train": ("table", "data/train.csv"),
        "test": ("table", "data/test.csv"),
        "model": ("estimator", "models/fruit.pkl"),
        "metrics": ("json", "out/scores.json"),
        "log": ("path", "out/log"),
    }
    assert project.model_stage.where == "slipway.toml: [commands.train]"


def test_functions_and_commands_stand_side_by_side(folder):
    root = folder()
    (root / "pipeline.py").write_text(
        "from pathlib import Path\nimport polars as pl\nfrom slipway import stage\n"
        "@stage\ndef drawn(test: pl.DataFrame, *, place: Path, size: int = 3) -> Path: ...\n"
    )
    project = read_project(root)
    assert list(project.stages) == ["drawn", "prepare", "train"]
    assert project.stages["drawn"].place == "place"
    assert dict(project.stages["drawn"].settings) == {"size": 3}
    assert project.artifacts["drawn"].kind == "path"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('cmd = "python prepare.py"', "", r"\[commands.prepare\] cmd is missing: expected a command such as"),
        ('cmd = "python prepare.py"', 'cmd = "x"\nread = ["a"]', r"\[commands.prepare\] read is not a key.*`reads`"),
        ('["data/train.csv", "data/test.csv"]', "[]", r"writes = \[\]: expected the files that it makes"),
        (
            '["data/train.csv", "data/test.csv"]',
            '["a/x.csv", "b/x.csv"]',
            "a name for each, since two are called alike",
        ),
        ('["data/train.csv", "data/test.csv"]', '["../x.csv"]', "each as a path below its folder"),
        ('reads = ["data/train.csv"]', 'reads = ["out/log/old.txt"]', "reads out/log/old.txt, which it writes itself"),
        ('"prepare.rows"', '"notes.txt:rows"', '"train.lr" of params.yaml, or "other.yaml:train.lr"'),
        ("[commands.train]", "[commands.raw]", r"\[commands.raw\]: a source has this name already"),
        ("{ model =", "{ train =", r"\[commands.train\] writes `train`, as \[commands.prepare\] does"),
        ("[commands.train]", '[artifacts]\ntest = "x.csv"\n[commands.train]', "says where it writes this"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(folder, old, new, said):
    assert old in TOML
    with pytest.raises(ProjectError, match=said):
        read_project(folder(TOML.replace(old, new)))


def test_a_module_that_is_named_has_to_be_there(folder):
    with pytest.raises(ProjectError, match="there is no such file"):
        read_project(folder(TOML.replace("[sources]", 'pipeline = "steps.py"\n[sources]')))
