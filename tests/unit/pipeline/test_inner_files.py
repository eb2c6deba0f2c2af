"""Stages that read files in a folder that another makes as a whole, however they spell them, beside the real DVC."""

import pytest

from adopted import TOML, Adopted
from slipway.errors import ProjectError
from slipway.pipeline.draw import draw
from slipway.pipeline.graph import needs, order
from slipway.pipeline.run import run_stage, stale
from slipway.pipeline.vouched import sha256_of, vouched
from slipway.project import read_project
from slipway.settings import read_settings

SPLIT = """\
stages:
  score:
    cmd: cat split/deep/test.csv out/model.pkl > scores.txt
    deps: [split/deep/test.csv, out/model.pkl]
    outs: [scores.txt]
  fit:
    cmd: mkdir -p out && cp split/train.csv out/model.pkl
    deps: [split/train.csv]
    outs: [out]
  split:
    cmd: sh split.sh
    deps: [split.sh, train.csv]
    outs: [split]
"""
SCRIPT = "mkdir -p split/deep && cp train.csv split/train.csv && cp train.csv split/deep/test.csv && {} > split/notes"


@pytest.fixture
def made(tmp_path):
    return Adopted(tmp_path / "p", files={"dvc.yaml": SPLIT, "split.sh": SCRIPT.format("echo 1")})


def test_each_file_is_an_artifact_of_the_stage_that_makes_the_folder(made):
    project = made.project
    assert {name: (str(a.path), a.kind, a.maker, a.folder) for name, a in project.artifacts.items() if a.folder} == {
        "test": ("split/deep/test.csv", "table", "split", "split"),
        "split_train_csv": ("split/train.csv", "table", "split", "split"),  # the source has the name `train`
        "model": ("out/model.pkl", "estimator", "fit", "out"),
    }
    assert order(project) == ["split", "fit", "score"]
    assert needs(project, "score") == ["split", "fit"]
    assert "split -->" in draw(project, "mermaid").replace("stage_", "")
    assert (project.model_stage.name, project.model.test) == ("fit", "test")


def test_a_run_a_second_one_and_dvc_agree(made):
    assert list(made.run().items()) == [("split", "ran"), ("fit", "ran"), ("score", "ran")]
    assert made.status() == {}
    assert set(made.run().values()) == {"unchanged"}
    assert vouched(made.project, "model") == sha256_of(made.root / "out/model.pkl")

    # Only what reads a changed file runs again, as with DVC.
    made.write({"split.sh": SCRIPT.format("echo 2")})
    with made.repo() as repo:
        theirs = {stage.name for stage in repo.reproduce(dry=True)}
    outcomes = made.run()
    assert outcomes == {"split": "ran", "fit": "unchanged", "score": "unchanged"}
    assert theirs >= {name for name, outcome in outcomes.items() if outcome == "ran"}
    assert made.status() == {}

    made.write({"split.sh": SCRIPT.format("echo 3 >> split/deep/test.csv; echo 2")})
    settings = read_settings(made.root, {})
    assert {s.name: s.why for s in stale(made.project, settings)}["score"] == (
        "input model will be made anew",
        "input test will be made anew",
    )
    assert made.run() == {"split": "ran", "fit": "unchanged", "score": "ran"}
    assert made.status() == {}
    run_stage(made.project, settings, None, "score")
    assert made.status() == {}


def test_what_the_maker_leaves_out_is_missing_for_who_reads_it(made):
    made.run()
    made.write({"split.sh": "mkdir -p split && cp train.csv split/train.csv"})
    with pytest.raises(Exception, match=r"stage `score` reads split/deep/test\.csv, which is missing"):
        made.run()
    assert (made.root / "scores.txt").exists()


SPELLINGS = [
    ("./split.sh", "split/", "./split/train.csv", "out", "out//model.pkl"),
    ("x/../split.sh", "./split", "split/./train.csv", "./out/", "out/../out/model.pkl"),
    ("{root}/split.sh", "{root}/split", "{root}/split/train.csv", "out/.", "{root}/out/model.pkl/"),
]


@pytest.mark.parametrize(("script", "folder", "train", "out", "model"), SPELLINGS)
def test_however_a_path_is_spelled_dvc_finds_it_in_its_lock(made, script, folder, train, out, model):
    text = SPLIT.replace("deps: [split.sh, train.csv]", f'deps: ["{script}", train.csv, ./train.csv]')
    text = text.replace("outs: [split]", f'outs: ["{folder}"]').replace("deps: [split/train.csv]", f'deps: ["{train}"]')
    text = text.replace("outs: [out]", f'outs: ["{out}"]').replace("csv, out/model.pkl]", f'csv, "{model}"]')
    made.write({"dvc.yaml": text.format(root=made.root) if "{root}" in text else text})
    assert set(made.run().values()) == {"ran"}
    assert made.status() == {}
    assert set(made.run().values()) == {"unchanged"}
    with made.repo() as repo:
        assert repo.reproduce() == []
    assert set(made.run().values()) == {"unchanged"}


def test_a_stage_in_a_folder_and_parameters_are_found_by_their_spelling(made):
    stage = (
        "  side:\n    wdir: steps\n    cmd: cat ../split/notes > n.txt\n    deps: [../split/notes, ./../train.csv]\n"
    )
    stage += "    params: [lr, {./more.yaml: [a]}, {../more.yaml: }]\n    outs: [./n.txt]\n"
    made.write({"dvc.yaml": SPLIT + stage, "steps/params.yaml": "lr: 1\n", "steps/more.yaml": "a: 1\n"})
    made.write({"more.yaml": "b: .5\n"})
    made.run()
    assert made.status() == {}
    made.write({"more.yaml": "b: .5\nc: 1\n"})  # a file without keys counts as a whole
    assert made.status() != {}
    assert made.run()["side"] == "ran"
    assert made.status() == {}


def test_an_input_that_contains_outputs_waits_for_their_makers(made):
    stage = "  all:\n    cmd: ls here > all.txt\n    deps: [here]\n    outs: [all.txt]\n"
    more = "  late:\n    cmd: mkdir -p here/late && cp train.csv here/late/a\n    outs: [here/late]\n"
    made.write({"dvc.yaml": SPLIT + stage + more, "here/own.txt": "1"})
    assert order(made.project).index("late") < order(made.project).index("all")
    made.run()
    assert made.status() == {}
    made.write({"here/own.txt": "2"})
    assert made.run()["all"] == "ran"
    assert made.status() == {}


@pytest.mark.parametrize(
    ("more", "theirs", "said"),
    [
        ("outs: [split/deep]", "overlap", "stage `x` makes split/deep, which lies in split, what stage `split` makes"),
        ("outs: [out/../split/train.csv]", "overlap", "stage `x` makes split/train.csv, which lies in split"),
        ("outs: [a/b, a]", "overlap", "stage `x` makes a/b, which lies in a, what stage `x` makes as a whole"),
        ("outs: [./scores.txt]", "output", "stage `x` writes scores.txt, as a stage before it does"),
        ("outs: [y, z]\n    metrics: [./y]", "output", "stage `x` writes y twice, which DVC refuses"),
        (
            "outs: [here/y]\n    deps: [here]",
            "(?i)cycl|circular|same",
            "stage `x` reads here/y, which it writes itself",
        ),
        ("outs: [y]\n    deps: [y/z]", "(?i)cycl|circular|same", "stage `x` reads y/z, which it writes itself"),
    ],
)
def test_what_dvc_refuses_is_refused_with_both_names(made, more, theirs, said):
    made.write({"dvc.yaml": f"{SPLIT}  x:\n    cmd: touch y\n    {more}\n"})
    with pytest.raises(ProjectError, match=said):
        made.run()
    with made.repo() as repo, pytest.raises(Exception, match=theirs):
        repo.reproduce(dry=True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("deps: [../x.csv]", r"\.\./x\.csv, which is outside the project's folder: copy or link it into that"),
        ("deps: [/etc/hostname]", "/etc/hostname, which is outside"),
        ("outs: [.]", "the project's folder itself"),
        ("outs: [{y: [{x: a}, {x: b}]}]", "expected options such as"),
        ("outs: [{y: {cached: false}}]", "`cached` is no option of an output. Did you mean `cache`"),
        (
            "outs_persist: [y]",
            r"`outs_persist` is a key of an older DVC.*write `outs: \[\{FILE: \{persist: true\}\}\]`",
        ),
        ("metrics_no_cache: [y]", "`metrics_no_cache` is a key of an older DVC"),
        ("params: [{params.yaml: lr}]", "params: params.yaml: 'lr': expected a list of keys"),
    ],
)
def test_what_can_t_be_adopted_is_named_with_the_remedy(made, more, said):
    outs = "" if "outs: " in more else "\n    outs: [y]"
    made.write({"dvc.yaml": f"{SPLIT}  x:\n    cmd: touch y\n    {more}{outs}\n"})
    with pytest.raises(ProjectError, match=said):
        made.project  # noqa: B018 - it is read


def test_slipway_toml_names_files_in_such_folders(made):
    made.write(
        {"slipway.toml": TOML + '[sources]\ntest = "split/deep/test.csv"\n[artifacts]\nlearnt = "split/train.csv"\n'}
    )
    project = made.project
    assert project.sources == {"train": project.sources["train"]}
    assert (project.artifacts["test"].maker, project.artifacts["learnt"].maker) == ("split", "split")
    assert project.train == "learnt"
    made.run()
    assert made.status() == {}
    made.write({"slipway.toml": TOML + '[sources]\ntests = "split/deep/*.csv"\n'})
    with pytest.raises(
        ProjectError, match=r"\[sources\] tests = 'split/deep/\*\.csv': stage `split` makes split: name"
    ):
        made.project  # noqa: B018


def test_several_outputs_in_one_item_and_all_that_dvc_yaml_may_say_besides(tmp_path):
    more = """\
  told:
    desc: All that may be said of a stage.
    meta: {by: ada}
    cmd: [touch a b c, "printf '{\\"x\\": 1}' > m.json", "printf 'x,y\\\\n1,3\\\\n' > p.csv"]
    always_changed: false
    outs:
      - a: {cache: false}
        b: {persist: true, push: false, desc: kept}
      - c
    metrics:
      - m.json: {cache: false, type: json}
    plots:
      - p.csv: {x: x, y: y, title: one, cache: true}
metrics: [m.json]
params: [train.yaml]
plots:
  - p.csv: {x: x, y: y}
artifacts:
  model: {path: model.pkl, type: model, labels: [x]}
vars: [{unused: 1}]
"""
    made = Adopted(tmp_path / "p", more, {"train.yaml": "a: 1\n"})
    assert set(made.project.stages["told"].outputs) == {"a", "b", "c", "m", "p"}
    made.run()
    assert made.status() == {}
    cached = made.root / ".dvc/cache/files/md5"
    assert sum(path.is_file() for path in cached.rglob("*")) == 3  # train.csv's content, nothing, and the plot
    assert set(made.run().values()) == {"unchanged"}


def test_functions_and_scripts_may_make_such_a_folder_too(flats):
    flats.write(
        "slipway.toml",
        (flats.root / "slipway.toml").read_text()
        + '[commands.notes]\ncmd = "cp data/parts/a/b.csv notes.csv"\n'
        + 'reads = ["data/parts/a/b.csv"]\nwrites = ["notes.csv"]\n',
    )
    flats.edit("pipeline.py", "import polars as pl\n", "from pathlib import Path\n\nimport polars as pl\n")
    flats.write(
        "pipeline.py",
        (flats.root / "pipeline.py").read_text()
        + "\n\n@stage\ndef parts(raw: pl.DataFrame, *, place: Path) -> Path:\n    (place / 'a').mkdir(parents=True)\n"
        "    raw.write_csv(place / 'a/b.csv')\n",
    )
    project = read_project(flats.root)
    assert (project.artifacts["b"].maker, project.artifacts["b"].folder) == ("parts", "parts")
    report = flats.run(wanted=["notes"])
    assert [(s.name, s.outcome) for s in report.stages] == [("parts", "ran"), ("notes", "ran")]
