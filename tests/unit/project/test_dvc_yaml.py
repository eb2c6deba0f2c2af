from pathlib import PurePosixPath as P

import pytest

from slipway.errors import ProjectError
from slipway.project.dvc_yaml import adopt_stages, read_with

WRITTEN = """
stages:
  prepare:
    cmd: python prepare.py
    desc: Rows that are whole.
    deps: [prepare.py, data/raw.csv]
    params: [prepare.share, {other.yaml: [seed]}]
    outs:
      - data/clean.csv
      - data/big: {cache: false, persist: true}
  train:
    wdir: steps
    cmd: [python train.py, echo done]
    deps: [../data/clean.csv, train.py]
    outs: [model.pkl]
    metrics: [{metrics.json: {cache: false}}]
    plots: [roc.json]
"""


def write(folder, text):
    (folder / "dvc.yaml").write_text(text)
    return adopt_stages(folder, P("dvc.yaml"))


def test_each_stage_becomes_a_command_with_its_files(tmp_path):
    stages, paths = write(tmp_path, WRITTEN)
    prepare, train = stages.values()
    assert prepare.doc == "Rows that are whole."
    assert prepare.command.lines == ("python prepare.py",)
    assert prepare.command.files == (P("prepare.py"), P("data/raw.csv"))
    assert prepare.command.params == ("prepare.share", "other.yaml:seed")
    assert prepare.command.uncached == (P("data/big"),)
    assert train.command.lines == ("python train.py", "echo done")
    assert (train.command.adopted.folder, train.command.adopted.is_list) == (P("steps"), True)
    assert prepare.command.adopted.persisted == (P("data/big"),)
    assert train.command.files == (P("data/clean.csv"), P("steps/train.py"))
    assert train.command.uncached == (P("steps/metrics.json"),)
    assert paths == {
        "clean": P("data/clean.csv"),
        "big": P("data/big"),
        "model": P("steps/model.pkl"),
        "metrics": P("steps/metrics.json"),
        "roc": P("steps/roc.json"),
    }


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    stages, _ = write(tmp_path, "stages: {a: {cmd: x, outs: [a/x.csv, b/x.csv]}}")
    assert stages["a"].outputs == ("x", "b_x_csv")


def test_without_keys_all_of_a_file_of_parameters_counts(tmp_path):
    (tmp_path / "p.toml").write_text("seed = 1\n[train]\nlr = 0.1\n")
    stages, _ = write(tmp_path, "stages: {a: {cmd: x, outs: [y], params: [{p.toml: null}]}}")
    assert stages["a"].command.params == ("p.toml:seed", "p.toml:train")


def test_templates_are_resolved_as_dvc_resolves_them(tmp_path):
    (tmp_path / "params.yaml").write_text("lr: 0.1\nmodels: [a, b]\n")
    text = """
stages:
  train:
    foreach: ${models}
    do:
      cmd: python train.py --lr ${lr} --name ${item}
      outs: ["models/${item}.pkl"]
"""
    stages, paths = write(tmp_path, text)
    assert list(stages) == ["train@a", "train@b"]
    assert stages["train@a"].command.lines == ("python train.py --lr 0.1 --name a",)
    # As in DVC: what a template took shows in the command itself, which is compared.
    assert stages["train@b"].command.params == ()
    assert read_with(tmp_path, P("dvc.yaml")) == (P("dvc.yaml"), P("params.yaml"))
    assert paths == {"a": P("models/a.pkl"), "b": P("models/b.pkl")}


def test_what_dvc_is_told_of_running_is_kept(tmp_path):
    stages, _ = write(tmp_path, "stages: {a: {cmd: x, frozen: true}, b: {cmd: [x], always_changed: true}}")
    assert (stages["a"].command.adopted.frozen, stages["b"].command.adopted.frozen) == (True, False)
    assert (stages["a"].command.adopted.always, stages["b"].command.adopted.always) == (False, True)
    assert (stages["a"].command.adopted.is_list, stages["b"].command.adopted.is_list) == (False, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: [", r"dvc\.yaml: while parsing"),
        ("vars: []", r"dvc\.yaml: it has no stages"),
        ("stages: {a: 1}", "stage `a` is no table"),
        ("stages: {a: {cmd: x, dep: [y]}}", "`dep` is no key of a stage. Did you mean `deps`"),
        ("stages: {a: {outs: [y]}}", "stage `a`: cmd is None"),
        ("stages: {a: {cmd: x, deps: y}}", "stage `a`: deps is 'y': expected a list"),
        ("stages: {a: {cmd: x, deps: [s3://b/k]}}", "s3://b/k: addresses are not read"),
        ("stages: {a: {cmd: x, outs: [/etc/x]}}", "/etc/x, which is outside"),
        ("stages: {a: {cmd: x, outs: [../x]}}", r"\.\./x, which is outside"),
        ("stages: {a: {cmd: x, outs: [y]}, b: {cmd: x, outs: [y]}}", "stage `b` writes y, as a stage before it does"),
        ("stages: {a: {cmd: x, outs: [y], params: [{none.yaml: null}]}}", r"none\.yaml can't be read"),
        ("stages: {a: {cmd: 'echo ${absent}', outs: [y]}}", "absent"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(tmp_path, text, message):
    with pytest.raises(ProjectError, match=message):
        write(tmp_path, text)
