"""The project's other files as text, from what was judged of a table and what a first model reached."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from slipway.new.code import clock_parts, quoted
from slipway.new.columns import Column, Judged
from slipway.new.first_gate import Ask
from slipway.project.editor_schema import DIRECTIVE

GITIGNORE = """\
# Data and models are DVC's (see dvc.yaml); metrics stay here, so that `dvc metrics diff` has two to compare.
/data/**
!/data/**/
!/data/**/*.dvc
/models/
/reports/*
!/reports/metrics.json
# Slipway's and MLflow's own.
/.slipway/
/mlflow.db*
/mlruns/
__pycache__/
.pytest_cache/
.venv/
/.env
"""


SIGNALS = """\
# A measure beyond `alert` is an alarm; two different ones ask for retraining, and so does one beyond `critical`.
# Whatever the numbers, windows without drift alarm in 2 % at most. `false` takes a measure away.
psi = { alert = 0.25, critical = 1.0 }               # a column's values are spread differently
cardinality_ratio = { alert = 1.3, critical = 3.0 }  # more distinct values than as many rows should have
prediction_drift = { alert = 0.15, critical = 0.4 }  # the answers moved: share of classes, or standard deviations
missing = { alert = 0.02, critical = 0.3 }           # more nulls, as a share of the rows
unreadable = { alert = 0.02, critical = 0.3 }        # values that the online stages make null
unseen = { alert = 0.05, critical = 0.3 }            # rows with a category that nobody learnt from
out_of_range = { alert = 0.02, critical = 0.3 }      # rows beyond every number that was learnt from
spike = { alert = 0.1, critical = 1.0 }              # one value that became frequent: -1, 0, "unknown"
truth_drift = { alert = 0.03, critical = 0.25 }      # what turned out to be true moved: a base rate, a mean
quality_drop = { alert = 0.1, critical = 0.2 }       # answers worse than on the test rows, relative to there
signals_to_retrain = 2
""".splitlines()
"""`[monitor]` as it is written: every measure that alarms by default, with both levels."""


def toml_text(name: str, data: str, judged: Judged, gate: Ask) -> str:
    """slipway.toml. `data` is the source's path in the project."""
    clocks = [column.name for column in judged.of("date")] + clock_parts(judged)
    # Not where a number's own point would be taken for one between thousands, nor where a unit has to be told.
    numbers_too = [c.name for c in judged.columns if c.quantity is not None and c.quantity.takes_numbers]
    numbers_too += [column.name for column in judged.of("date") if column.dates.is_long_count]
    lines = [
        DIRECTIVE,
        "# Every key that can stand here is explained in docs/configuration.md in Slipway's repository.",
        f"name = {quoted(name)}",
        "",
        "[sources]",
        f"raw = {quoted(data)}",
        "",
        "[model]",
        f"kind = {quoted(judged.target.kind)}",
        f"target = {quoted(judged.target.name)}",
        *_label_lines(judged.target.literal_labels),
        *textwrap.wrap(gate.why, 110, initial_indent="# ", subsequent_indent="# "),
        "# max_drop is how much worse than the version in production a new one may be.",
        f"gate = {gate.toml()}",
        "# Production rows whose truth came by /feedback are added to this source when the model is retrained.",
        'retrain_into = "raw"',
        "",
        "[monitor]",
        *SIGNALS,
    ]
    if clocks:
        lines += [
            "# They move with time by themselves: shown, never alarming.",
            f"clocks = [{', '.join(quoted(clock) for clock in clocks)}]",
        ]
    if numbers_too:
        lines += ["", "[api.types]", "# A caller may give a text as the file has it, or the number itself."]
        lines += [f'{_key(name)} = "text | number"' for name in numbers_too]
    return "\n".join(lines) + "\n"


def _label_lines(labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    listed = ", ".join(map(quoted, labels))
    return ["# Labels that are words for a missing value elsewhere.", f"literal_labels = [{listed}]"]


def readme_text(name: str, data: str, judged: Judged, gate: Ask, *, file: str, warnings: Iterable[str]) -> str:
    """README.md: how to run it, and what became of each column and why.

    Args:
        file: how the table's file is written, where that is not the usual way.
        warnings: what is odd about the table, a sentence each.
    """
    target = judged.target
    dropped = f" {target.missing:,} rows without it are left out of learning and testing." if target.missing else ""
    kept = "\n".join(f"| {_cell(column.name)} | {_use(column)} |" for column in judged.kept)
    left = "\n".join(f"| {_cell(column.name)} | {_plain(column.why)} |" for column in judged.left_out)
    left_out = (
        "\n## What it does not learn from\n\n"
        "To take one back, add it to `CATEGORIES` or `NUMBERS` in `pipeline.py`.\n\n"
        f"| column | it |\n|---|---|\n{left}\n"
        if left
        else ""
    )
    written = f" The file has {file}." if file else ""
    warned = "".join(f"- {warning}\n" for warning in warnings)
    odd = f"\n## To look at\n\n{warned}" if warned else ""
    return f"""# {name}

Predicts `{target.name}` from a row of `{data}`: {target.kind}, since {target.why}.{dropped}{written}

```
slipway up                # run, gate, release, serve; prints a request with a real row and its answer
slipway monitor           # what came in, against what the model learnt from
slipway loop --once       # drift → decision → retrain → gate → promote
slipway retrain           # the same with the truths there are, since you say so
```

The stages have tests, as plain functions. What runs them does not come with Slipway:

```
pip install pytest
pytest
```

Nor does DVC, which keeps the data's and the model's versions and carries them to other machines:

```
pip install 'slipway[dvc]'
dvc status
```

## What to change next

| to | edit |
|---|---|
| give the model another column, or read one otherwise | `features` and the lists above it in `pipeline.py` |
| try another model, or other settings | `model` in `pipeline.py`; settings also in `params.yaml` |
| ask more, or less, of a new version | `gate` under `[model]` in `slipway.toml` |
| be told of drift sooner, or later | `[monitor]` in `slipway.toml` |
| take other forms of a request, or answer in another | `[api.types]` and `[api.routes]` in `slipway.toml` |

Every key of `slipway.toml` is explained in `docs/configuration.md` in Slipway's repository, and every command by
`slipway --help`. {gate.why}

{_split_words(judged)}

## What the model learns from

| column | as |
|---|---|
{kept}
{left_out}{odd}"""


def test_text(judged: Judged, data: str, *, is_boosted: bool) -> str:
    """tests/test_pipeline.py: what has to hold of the stages, on rows of the project's own file."""
    trees = ", trees=10" if is_boosted else ""
    cleaning = ""
    for column in judged.of("quantity")[:1]:
        assert column.quantity is not None
        name, example, value = quoted(column.name), quoted(column.quantity.example), column.quantity.value
        cleaning = f"""

def test_the_number_is_read_from_its_text():
    raw = ROWS.head(1).with_columns(pl.lit({example}).alias({name}))
    assert pipeline.features(raw)[{name}][0] == {value!r}
"""
    answer = (
        "assert set(answers) <= set(train[pipeline.TARGET])"
        if judged.target.kind == "classification"
        else "assert all(math.isfinite(answer) for answer in answers)"
    )
    split = (_SPLIT_BY_TIME if judged.time else _SPLIT_BY_CONTENT).strip("\n")
    imports = "import math\nimport sys" if judged.target.kind == "regression" else "import sys"
    return f'''"""The stages as plain functions, on the file's rows. First `pip install pytest`, then `pytest`."""

{imports}
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import pipeline

from slipway import read_table

FILE = ROOT / {quoted(data)}
if not FILE.is_file():
    pytest.skip(f"{{FILE}} is missing: `dvc pull` (pip install 'slipway[dvc]') fetches it", allow_module_level=True)
ROWS = read_table(FILE).drop_nulls(pipeline.TARGET)
ROWS = ROWS.sample(min(2_000, ROWS.height), seed=7)


def features_with_target():
    return pipeline.features(ROWS.drop(pipeline.TARGET)).with_columns(ROWS[pipeline.TARGET])


def test_a_row_alone_gives_what_it_gives_in_a_table():
    together = pipeline.features(ROWS)
    assert together.height == ROWS.height
    for place in range(5):
        assert pipeline.features(ROWS[place]).equals(together[place])


{split}

{cleaning}
def test_the_model_answers_for_nulls_and_for_what_it_has_not_seen():
    train, _ = pipeline.split(features_with_target())
    model = pipeline.model(train{trees})
    nothing = ROWS.head(1).clear(1)
    unseen = ROWS.head(1).with_columns(pl.col(pl.String).replace_strict({{}}, default="never seen"))
    rows = pl.concat([ROWS.head(3), nothing, unseen]).drop(pipeline.TARGET)
    answers = model.predict(pipeline.features(rows)).tolist()
    assert len(answers) == 5
    {answer}


def test_metrics_are_numbers():
    train, test = pipeline.split(features_with_target())
    figures = pipeline.metrics(pipeline.model(train{trees}), test)
    assert figures
    assert all(value == value for value in figures.values())
'''


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _use(column: Column) -> str:
    word = {"category": "a category", "number": "a number"}.get(column.use, "")
    return ", ".join(part for part in (word, _plain(column.why)) if part)


def _cell(name: str) -> str:
    return f"`{_plain(name)}`"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _split_words(judged: Judged) -> str:
    if not judged.time:
        return "Rows are split by their content: a row keeps its side when more of them come, and equal rows share one."
    return (
        f"Rows are split by time, `{_plain(judged.time)}`: the newest are the test, since what the model will be asked "
        f"about is newer still. Once 200 rows are of later days than {judged.until}, the file's last, a share of these "
        "is the test, by their content, and all others are learnt from: what has changed has to teach the next model. "
        "`test_share`, `until` and `enough` stand in `params.yaml`; a later `until` makes the test newer."
    )


_SPLIT_BY_CONTENT = """
def test_no_row_is_on_both_sides_of_the_split():
    train, test = pipeline.split(features_with_target())
    assert train.height + test.height == ROWS.height
    assert train.join(test, on=train.columns, how="semi", nulls_equal=True).is_empty()
"""

_SPLIT_BY_TIME = """
def test_every_row_of_the_test_is_newer_than_what_the_model_learns_from():
    train, test = pipeline.split(features_with_target())
    assert train.height + test.height == ROWS.height
    assert test.height
    assert train[pipeline.TIME].max() < test[pipeline.TIME].min()


def test_rows_that_come_later_are_learnt_from_once_they_are_enough_to_be_tested_on():
    rows = features_with_target()
    later = rows.drop_nulls(pipeline.TIME).with_columns(pl.col(pipeline.TIME) + 36_500)
    train, test = pipeline.split(pl.concat([rows, later]), enough=later.height)
    assert train.height > rows.height
    assert test[pipeline.TIME].min() > rows[pipeline.TIME].max()
    train, _ = pipeline.split(pl.concat([rows, later]), enough=later.height + 1)
    assert train.height < rows.height + later.height
"""
