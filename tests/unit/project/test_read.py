import re
from pathlib import Path, PurePosixPath

import pytest

from slipway.errors import ProjectError
from slipway.project import Monitor, Route, Source, Threshold, find_project, read_project


def test_a_small_project_is_read_whole(write):
    root = write()
    project = read_project(root)
    assert (project.name, project.root, project.module) == ("fruit", root, PurePosixPath("pipeline.py"))
    assert project.sources == {"raw": Source("raw", PurePosixPath("data/raw/fruit.csv"))}
    assert list(project.stages) == ["fruit", "split", "model", "metrics"]
    assert {a.name: (a.kind, str(a.path), a.maker) for a in project.artifacts.values()} == {
        "raw": ("table", "data/raw/fruit.csv", None),
        "fruit": ("table", "data/fruit.parquet", "fruit"),
        "train": ("table", "data/train.parquet", "split"),
        "test": ("table", "data/test.parquet", "split"),
        "model": ("estimator", "models/model.skops", "model"),
        "metrics": ("json", "reports/metrics.json", "metrics"),
    }
    assert project.model_stage.name == "model"
    assert project.train == "train"
    assert project.path("test") == root / "data/test.parquet"
    assert project.model.gate == {"accuracy": Threshold(max_drop=0.01)}
    assert project.monitor.thresholds == Monitor().thresholds
    assert (project.monitor.signals_to_retrain, project.monitor.window, project.monitor.min_rows) == (2, 1000, 100)
    assert project.api.durability == "process"


def test_every_key_has_its_place(write, toml):
    toml = toml.replace('raw = "data/raw/fruit.csv"', 'raw = { sql = "SELECT * FROM fruit", after = "fruit" }')
    more = """
    gate = { accuracy = { min = 0.7, max_drop = 0.01 }, f2 = { min = 0.5 }, log_loss = { max = 0.9 } }
    retrain_into = "raw"
    pickle = true
    [monitor]
    psi = false
    mean_shift = 1
    clocks = ["month"]
    cool_down_minutes = 5
    [api]
    durability = "disk"
    [api.routes]
    "/predict" = { request = "helper", response = "helper", invalid_status = 400, example = { values = [5] } }
    [api.types]
    weight = "text | number | null"
    [artifacts]
    fruit = "data/processed/fruit.csv"
    """
    project = read_project(write(toml, more=more))
    assert project.sources["raw"] == Source(
        "raw", PurePosixPath("data/raw/raw.parquet"), "SELECT * FROM fruit", "fruit"
    )
    assert project.model.gate == {
        "accuracy": Threshold(0.7, None, 0.01),
        "f2": Threshold(minimum=0.5),
        "log_loss": Threshold(maximum=0.9),
    }
    assert (project.model.retrain_into, project.model.pickle) == ("raw", True)
    assert project.monitor.thresholds == {"cardinality_ratio": 1.3, "prediction_drift": 0.15, "mean_shift": 1.0}
    assert (project.monitor.clocks, project.monitor.cool_down_minutes) == (("month",), 5.0)
    assert project.api.durability == "disk"
    assert project.api.routes == (Route("/predict", "helper", "helper", 400, {"values": [5]}),)
    assert project.api.types == {"weight": ("text", "number", "null")}
    assert project.path("fruit") == project.root / "data/processed/fruit.csv"


def test_a_regression_is_held_to_its_error(write, toml):
    project = read_project(write(toml.replace("classification", "regression")))
    assert project.model.gate == {"rmse": Threshold(max_drop=0.02, is_share=True)}


def test_outputs_of_a_stage_are_of_their_own_kinds(write, pipeline):
    both = pipeline[: pipeline.index("@stage\ndef model")] + (
        '@stage(outputs=("model", "metrics", "curve", "scores"))\n'
        "def train_model(train: pl.DataFrame, test: pl.DataFrame) -> "
        "tuple[object, dict[str, float], plt.Figure, pl.LazyFrame]: ...\n"
    )
    kinds = {a.name: a.kind for a in read_project(write(pipeline=both)).artifacts.values()}
    assert {name: kinds[name] for name in ("model", "metrics", "curve", "scores")} == {
        "model": "estimator",
        "metrics": "json",
        "curve": "figure",
        "scores": "table",
    }


def test_the_folder_is_found_from_below(write):
    root = write()
    below = root / "data" / "raw"
    below.mkdir(parents=True)
    assert find_project(below) == root
    assert find_project(root) == root


def test_a_folder_without_a_project_says_how_to_name_one(tmp_path):
    with pytest.raises(ProjectError, match=r"no slipway\.toml here or above\. Name the project's folder with -C"):
        find_project(tmp_path)


def test_a_folder_that_is_not_there_is_not_taken_for_the_one_above(write):
    with pytest.raises(ProjectError, match="frut: there is no such folder"):
        find_project(write() / "frut")


def test_nothing_of_the_module_is_run(write):
    read_project(write(code="raise SystemExit('this module was run')\n"))


REFUSALS = {
    # of the whole file
    'name = "fruit"': [
        ("", "slipway.toml: name is missing: expected a text."),
        ('nmae = "fruit"', "name is missing: expected a text. `nmae` is there: was that meant?"),
        ("name = 3", "slipway.toml: name = 3: expected a text."),
        ('name = ""', "name = '': expected a text."),
        ('name = "a/b"', "name = 'a/b': expected letters, digits, spaces, `.`, `-` and `_`, a letter or digit first."),
        ('name = "fruit"\nname = "x"', "slipway.toml: Cannot overwrite a value (at line"),
        (
            'name = "fruit"\npipelin = "x.py"',
            "slipway.toml: pipelin is not a key that Slipway knows. Did you mean `pipeline`?",
        ),
        ('name = "fruit"\npipeline = "x.py"', "slipway.toml: pipeline = 'x.py': there is no such file in"),
        ('name = "fruit"\nmonitor = 3', "slipway.toml: monitor = 3: expected a table."),
    ],
    "[model]": [("[modell]", "slipway.toml: modell is not a key that Slipway knows. Did you mean `model`?")],
    # of the sources
    'raw = "data/raw/fruit.csv"': [
        ("raw = 3", '[sources] raw = 3: expected a file ("data/raw/my.csv"), files'),
        ('raw = ""', "[sources] raw = '': expected a file such as"),
        (
            'raw = "/data/fruit.csv"',
            "[sources] raw = '/data/fruit.csv': expected a file in the project's folder: copy it there",
        ),
        ('raw = "../fruit.csv"', "expected a file in the project's folder"),
        (
            'raw = "s3://bucket/fruit.csv"',
            "expected one file in the project's folder; addresses and patterns are not read",
        ),
        ('raw = "../*.csv"', 'expected files of the project\'s folder, such as "data/raw/*.csv"'),
        ("raw = { after = 'fruit' }", '[sources.raw]: expected either sql = "select …" or fetch = "function".'),
        (
            "raw = { sql = 'SELECT 1', afte = 'fruit' }",
            "[sources.raw] afte is not a key that Slipway knows. Did you mean `after`?",
        ),
        (
            "raw = { sql = 'SELECT 1', after = 'friut' }",
            "[sources.raw] after = 'friut': no stage has this name. Did you mean `fruit`?",
        ),
        (
            'row = "data/raw/fruit.csv"',
            "pipeline.py:7: stage `fruit` reads `raw`, which no source and no stage gives. Did you mean `row`?",
        ),
        ('raw = "a.csv"\nsplit = "b.csv"\ntrain = "c.csv"', "`train` is made here and by a source: names are unique."),
    ],
    # of the model
    'kind = "classification"': [
        (
            'kind = "clasification"',
            "kind = 'clasification': expected one of classification, regression. Did you mean `classification`?",
        ),
        ("", "slipway.toml: [model] kind is missing: expected a text."),
    ],
    'target = "kind"': [
        ('targt = "kind"', "[model] target is missing: expected a text. `[model] targt` is there: was that meant?"),
        ('target = "kind"\nartifact = "modle"', "[model] artifact = 'modle': no stage makes it. Did you mean `model`?"),
        ('target = "kind"\nartifact = "raw"', "[model] artifact = 'raw': no stage makes it."),
        ('target = "kind"\ntest = "tests"', "[model] test = 'tests': no stage makes it. Did you mean `test`?"),
        (
            'target = "kind"\ntest = "metrics"',
            "[model] test = 'metrics': expected a table, and its stage makes a json.",
        ),
        (
            'target = "kind"\nmetrics = "metric"',
            "[model] metrics = 'metric': no stage makes it. Did you mean `metrics`?",
        ),
        ('target = "kind"\nretrain_into = "rw"', "[model] retrain_into = 'rw': not a source. Did you mean `raw`?"),
        ('target = "kind"\npickle = "yes"', "[model] pickle = 'yes': expected true or false."),
        ('target = "kind"\ngate = 0.8', "[model] gate = 0.8: expected a table."),
        ('target = "kind"\ngate = { accuracy = 0.8 }', "[model.gate] accuracy = 0.8: expected a table."),
        ('target = "kind"\ngate = { accuracy = {} }', "[model.gate] accuracy = {}: expected min, max or max_drop"),
        (
            'target = "kind"\ngate = { accuracy = { mn = 1 } }',
            "[model.gate.accuracy] mn is not a key that Slipway knows. Did you mean `min`?",
        ),
        (
            'target = "kind"\ngate = { accuracy = { min = "high" } }',
            "[model.gate.accuracy] min = 'high': expected a finite number.",
        ),
        (
            'target = "kind"\ngate = { accuracy = { min = nan } }',
            "[model.gate.accuracy] min = nan: expected a finite number.",
        ),
        (
            'target = "kind"\ngate = { accuracy = { max = inf } }',
            "[model.gate.accuracy] max = inf: expected a finite number.",
        ),
        ('target = "kind"\ngate = { accuracy = { max_drop = -1 } }', "max_drop = -1: expected a number, at least 0."),
        (
            'target = "kind"\ngate = { acuracy = { max_drop = 0.1 } }',
            "auc, average_precision are recomputed, so only they have a max_drop. Did you mean `accuracy`?",
        ),
        # of the monitor
        ('target = "kind"\n[monitor]\npsy = 1', "[monitor] psy is not a key that Slipway knows. Did you mean `psi`?"),
        ('target = "kind"\n[monitor]\npsi = true', "[monitor] psi = true: expected a finite number."),
        ('target = "kind"\n[monitor]\nwindow = 0', "[monitor] window = 0: expected a whole number, at least 1."),
        ('target = "kind"\n[monitor]\nwindow = 10.5', "[monitor] window = 10.5: expected a whole number, at least 1."),
        ('target = "kind"\n[monitor]\nclocks = "month"', "[monitor] clocks = 'month': expected a list of texts."),
        # of the service
        (
            'target = "kind"\n[api.routes]\npredict = {}',
            "[api.routes] predict = {}: expected a path that starts with /.",
        ),
        (
            'target = "kind"\n[api.routes]\n"/p" = { request = "hepler" }',
            "[api.routes] '/p': request = 'hepler' is not a function of pipeline.py. Did you mean `helper`?",
        ),
        (
            'target = "kind"\n[api.routes]\n"/p" = { reqest = "helper" }',
            "[api.routes./p] reqest is not a key that Slipway knows. Did you mean `request`?",
        ),
        (
            'target = "kind"\n[api.routes]\n"/p" = { invalid_status = 700 }',
            "invalid_status = 700: expected a whole number, from 400 to 599.",
        ),
        (
            'target = "kind"\n[api.types]\nweight = "text | nmber"',
            "[api.types] weight = 'text | nmber': expected types among text, integer, number",
        ),
        ('target = "kind"\n[api.types]\nweight = "text | nmber"', "with | between. Did you mean `number`?"),
        (
            'target = "kind"\n[api]\ndurability = "disc"',
            "[api] durability = 'disc': expected one of process, disk. Did you mean `disk`?",
        ),
        # of the artifacts
        (
            'target = "kind"\n[artifacts]\nfriut = "data/f.csv"',
            "[artifacts] friut: no stage makes it. Did you mean `fruit`?",
        ),
        ('target = "kind"\n[artifacts]\nraw = "data/f.csv"', "[artifacts] raw: no stage makes it."),
        (
            'target = "kind"\n[artifacts]\nfruit = "data/.slipway-1/f.csv"',
            "`fruit` = 'data/.slipway-1/f.csv': a name that begins with .slipway- is an unfinished file's",
        ),
        (
            'target = "kind"\n[artifacts]\nfruit = "../f.csv"',
            "[artifacts] fruit = '../f.csv': expected a file in the project's folder",
        ),
        (
            'target = "kind"\n[artifacts]\ntrain = "data/test.parquet"',
            "`train` and `test` are kept in one file, data/test.parquet.",
        ),
        ('target = "kind"\n[artifacts]\nfruit = "data/raw/fruit.csv"', "`raw` and `fruit` are kept in one file"),
    ],
}


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [(line, instead, message) for line, cases in REFUSALS.items() for instead, message in cases],
)
def test_what_is_wrong_is_named_with_file_key_value_and_what_was_meant(write, toml, line, instead, message):
    assert line in toml
    with pytest.raises(ProjectError, match=re.escape(message)):
        read_project(write(toml.replace(line, instead)))


def test_a_file_that_cannot_be_read_as_text_says_so(write):
    root = write()
    (root / "slipway.toml").write_bytes(b'name = "fr\xfcit"')
    with pytest.raises(ProjectError, match=r"slipway\.toml: not UTF-8 at byte 10\. Save it as UTF-8\."):
        read_project(root)


def test_a_folder_in_the_place_of_a_file_says_so(write):
    root = write()
    (root / "pipeline.py").unlink()
    (root / "pipeline.py").mkdir()
    with pytest.raises(ProjectError, match=r"pipeline\.py: can't be read: Is a directory"):
        read_project(root)


def test_a_missing_file_says_what_makes_one(tmp_path):
    with pytest.raises(ProjectError, match=r"no slipway\.toml here\. `slipway new` makes a project"):
        read_project(tmp_path)


def test_a_model_that_learns_from_nothing_is_refused(write, pipeline):
    with pytest.raises(ProjectError, match=r"pipeline\.py:16: stage `model` makes the model but reads no table"):
        read_project(write(pipeline=pipeline.replace("def model(train: pl.DataFrame, *,", "def model(*,")))


def test_a_module_without_stages_is_refused(write):
    with pytest.raises(ProjectError, match=r"pipeline\.py: no function here is marked with @stage"):
        read_project(write(pipeline="def fruit(raw): ...\n"))


def test_reading_leaves_no_trace(write):
    root = write()
    before = sorted(root.rglob("*"))
    read_project(root)
    assert sorted(root.rglob("*")) == before == [Path(root / "pipeline.py"), Path(root / "slipway.toml")]


@pytest.mark.parametrize("path", ["slipway.toml", "pipeline.py", "params.yaml", "dvc.lock", ".slipway/state.db"])
def test_an_artifact_is_not_kept_where_a_run_would_write_over_something(write, toml, path):
    root = write(toml + f'\n[artifacts]\nfruit = "{path}"\n')
    with pytest.raises(ProjectError, match=re.escape(f"[artifacts] fruit = '{path}': expected a file of its own")):
        read_project(root)


def test_a_table_is_kept_as_one(write, toml):
    root = write(toml + '\n[artifacts]\nfruit = "data/fruit.txt"\n')
    with pytest.raises(ProjectError, match=r"fruit = 'data/fruit.txt': expected a .parquet or a .csv file"):
        read_project(root)


def test_a_gate_that_nothing_can_pass_is_refused(write, toml):
    root = write(toml.replace("[model]", "[model]\ngate = { accuracy = { min = 0.9, max = 0.3 } }"))
    with pytest.raises(ProjectError, match=r"\[model.gate\] accuracy = .*expected a min that is not above the max"):
        read_project(root)
