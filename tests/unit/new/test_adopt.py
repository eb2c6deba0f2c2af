import pytest

from slipway.errors import ProjectError
from slipway.new.adopt import adopt_project, find_stages
from slipway.new.init import init_adopting
from slipway.project import read_project

PREPARE = 'open("data/train.csv", "w")\nopen("data/test.csv", "w")\n'
TRAIN = 'open("data/train.csv")\nopen("data/test.csv")\nopen("models/{}", "wb")\nopen("out/scores.json", "w")\n'


@pytest.fixture
def folder(tmp_path):
    def write(model="best_model.joblib", *, rows=40, at="."):
        place = tmp_path / at
        place.mkdir(exist_ok=True)
        (place / "00-prepare.py").write_text(PREPARE)
        (place / "10-train.py").write_text(TRAIN.format(model))
        (tmp_path / "data").mkdir(exist_ok=True)
        for name in ("train", "test"):
            lines = [f"{n},{'yes' if n % 2 else 'no'}" for n in range(rows)]
            (tmp_path / f"data/{name}.csv").write_text("\n".join(["x,churn", *lines]) + "\n")
        return tmp_path

    return write


def test_what_the_scripts_write_tells_what_the_model_is(folder):
    root = folder(at="steps")
    made = init_adopting(root, "churn", None, with_git=False, with_dvc=False)
    project = read_project(root)
    assert (project.scripts.name, project.model.kind, project.model.target) == ("steps", "classification", "churn")
    assert (project.model.artifact, project.model.metrics, project.model.pickle) == ("best_model", "scores", True)
    said = "\n".join(made.lines())
    assert "2 numbered scripts (00-prepare.py, 10-train.py)" in said
    assert "pickle = true" in said
    ignored = (root / ".gitignore").read_text().splitlines()
    assert {"/.slipway/", "/data/train.csv", "/models/best_model.joblib"} <= {*ignored}
    assert "/out/scores.json" not in ignored


def test_a_model_in_skops_needs_no_pickle(folder):
    root = folder("model.skops")
    init_adopting(root, "churn", "classification", with_git=False, with_dvc=False)
    assert not read_project(root).model.pickle


@pytest.mark.parametrize(
    ("edit", "target", "said"),
    [
        ({}, None, r"data/train\.csv: .*churn"),
        ({}, "chrn", "the table has no such column. Did you mean `churn`"),
        ({"10-train.py": TRAIN.format("model.bin")}, "churn", "which file is the model"),
        ({"00-prepare.py": 'open("data/train.csv", "w")'}, "churn", None),
        ({"10-train.py": 'open("data/train.csv")\nopen("model.pkl", "w")', "00-prepare.py": PREPARE.split("\n")[0]},
         "churn", "which table the model is tested on"),
    ],
)  # fmt: skip
def test_what_can_t_be_told_is_listed_and_nothing_is_written(folder, edit, target, said):
    root = folder()
    for name, text in edit.items():
        (root / name).write_text(text)
    before = sorted(path.name for path in root.rglob("*"))
    if said is None:  # the test is a table that a script reads
        assert init_adopting(root, target, None, with_git=False, with_dvc=False).root == root
        return
    with pytest.raises(ProjectError, match=said):
        init_adopting(root, target, None, with_git=False, with_dvc=False)
    assert sorted(path.name for path in root.rglob("*")) == before


def test_a_folder_with_nothing_of_the_kind_is_told_what_to_say(tmp_path):
    with pytest.raises(ProjectError, match=r"no dvc\.yaml and no numbered scripts.*--from FILE"):
        init_adopting(tmp_path, None, None)
    with pytest.raises(ProjectError, match="expected classification or regression"):
        init_adopting(tmp_path, None, "ranking")


def test_a_dvc_yaml_whose_stages_read_files_in_a_folder_of_another_is_adopted(tmp_path):
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n"
        "  split: {cmd: x, deps: [loans.csv], outs: [data/split]}\n"
        "  fit: {cmd: x, deps: [./data/split/train.csv], outs: [models/]}\n"
        "  score: {cmd: x, deps: [data/split/test.csv, models/model.joblib], metrics: [metrics.json: {cache: false}]}\n"
    )
    found = find_stages(tmp_path)
    adopt_project(tmp_path, found, "paid", "classification", with_git=False, with_dvc=False)
    project = read_project(tmp_path)
    kept = {name: str(project.artifacts[name].path) for name in ("model", "test", "train")}
    assert kept == {"model": "models/model.joblib", "test": "data/split/test.csv", "train": "data/split/train.csv"}
    assert (project.train, project.model.pickle) == ("train", True)
