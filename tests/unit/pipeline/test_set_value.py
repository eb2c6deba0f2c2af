import pytest

from slipway.errors import ProjectError
from slipway.pipeline.set_value import set_value
from slipway.project import read_project

TEXT = """\
# By hand.
train: {lr: 1e-3, deep: true}   # flow
other:
  name: "a b"  # quoted
  shared: &s 1
  again: *s
  block: |
    lines
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "params.yaml").write_text(TEXT)
    (tmp_path / "more.json").write_text('{"seed": 1}')
    (tmp_path / "dvc.yaml").write_text(
        "stages: {a: {cmd: x, deps: [d.csv], outs: [model.pkl, test.csv],"
        " params: [train.lr, other, {more.json: [seed]}]}}"
    )
    (tmp_path / "slipway.toml").write_text(
        'name = "x"\npipeline = "dvc.yaml"\n[model]\nkind = "regression"\ntarget = "y"\n'
    )
    return read_project(tmp_path)


@pytest.mark.parametrize(
    ("given", "old", "new"),
    [
        ("train.lr=0.5", "lr: 1e-3,", "lr: 0.5,"),
        ("other.name=c", '"a b"  #', "c  #"),
        ("params.yaml:train.lr=2e-4", "1e-3", "0.0002"),  # which scripts that read YAML 1.1 take for a number, too
        ("train.lr=-.inf", "1e-3", "-.inf"),
        ("other.name=1e5", '"a b"', "'1e5'"),
        ("other.name=2024-01-01", '"a b"', "'2024-01-01'"),
        ("other.name=yes", '"a b"', "'yes'"),
        ("other.name=a,b", '"a b"', "a,b"),
    ],
)
def test_one_value_is_changed_and_all_else_stays(project, given, old, new):
    assert set_value(project, given)
    assert (project.root / "params.yaml").read_text() == TEXT.replace(old, new)


def test_json_is_written_as_json(project):
    assert set_value(project, "more.json:seed=7")
    assert (project.root / "more.json").read_text() == '{"seed": 7}'


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("train.lr", "expected key=value"),
        ("train.deep=false", "no stage depends on `train.deep`"),
        ("train.lr=fast", "expected a value like 0.001"),
        ("other.again=2", "it is written in a way that one value can't be changed in"),
        ("other.absent=1", r"params\.yaml has no `other\.absent`"),
        ("other={}", "expected a value like"),
        ("train.lr=2024-01-01", "is a date"),
    ],
)
def test_what_can_t_be_changed_alone_is_refused_and_nothing_is_written(project, given, said):
    with pytest.raises(ProjectError, match=said):
        set_value(project, given)
    assert (project.root / "params.yaml").read_text() == TEXT
