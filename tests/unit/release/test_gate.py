import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from slipway.model.score import load_scorer
from slipway.project import Model, Threshold
from slipway.records import Prediction
from slipway.release.cleanroom import CleanRoom
from slipway.release.expected import agree, check_examples
from slipway.release.gate import GateReport, hold
from slipway.release.lines import Line
from slipway.release.quality import MaxDrop, against_production, quality_of, thresholds
from slipway.release.replay import replay
from slipway.release.schemas import same_requests
from slipway.release.single import batch_is_single


def model(**gate):
    return Model("classification", "kind", gate=gate or {"accuracy": Threshold(0.7, None, 0.01)})


def asked(weight=150.0, colour="red", age=1.0, *, answer="apple", error=None):
    row = {"weight": weight, "colour": colour, "age": age}
    return Prediction(f"{weight}{colour}{age}", 1.0, 1, row, None if error else answer, error=error)


@pytest.fixture(scope="module")
def good(make_bundle, rows):
    return load_scorer(make_bundle(rows(400), rows(300, seed=2), reported={"kappa": 0.6, "accuracy": 0.1}))


@pytest.fixture(scope="module")
def bad(make_bundle, rows):
    """Learnt rows with truths at random."""
    train = rows(400, seed=3).with_columns(weight=pl.Series(np.random.default_rng(1).normal(135, 20, 400)))
    return load_scorer(make_bundle(train, rows(300, seed=2), flipped=0.5))


def line(report, check):
    return next(line for line in report.lines if line.check == check)


def compared(candidate, production, name="accuracy", limit=0.01):
    quality = quality_of(candidate, "classification")
    return against_production(MaxDrop(name, limit), quality, candidate, production, "nothing is live yet")


def test_a_first_candidate_passes_and_what_cannot_be_told_is_shown(good):
    report = hold(good, None, 1, model(), [])
    assert report.passed
    assert [(told.check, told.outcome) for told in report.lines] == [
        ("accuracy", "passed"),
        ("accuracy against production", "cannot tell"),
        ("schema", "cannot tell"),
        ("batch and single rows", "passed"),
        ("replay", "cannot tell"),
        ("clean load", "passed"),
    ]
    assert line(report, "accuracy against production").measured == "nothing is live yet"
    assert line(report, "replay").measured == "no requests yet"
    assert report.sentence().startswith("3 lines passed; cannot tell: accuracy against production, schema, replay")


def test_a_worse_candidate_is_refused_with_the_figures(good, bad):
    report = hold(bad, good, 2, model(), [])
    refused = line(report, "accuracy against production")
    assert refused.outcome == "failed"
    assert refused.measured.endswith("on 300 rows, p < 0.001")
    assert not report.passed
    assert f"accuracy against production: asked {refused.asked}, measured {refused.measured}" in report.sentence()


def test_a_better_candidate_passes(good, bad):
    report = hold(good, bad, 2, model(), [asked()])
    assert report.passed
    assert line(report, "accuracy against production").outcome == "passed"
    assert line(report, "schema").measured == "the same 3 fields"
    assert report.sentence() == "6 lines passed"


def test_rows_that_production_learnt_do_not_count_for_it(make_bundle, rows, good):
    """Production learnt half of the candidate's test rows by heart, and is good at them alone."""
    test = good.bundle.test_rows()
    known, new = test[:150], test[150:]
    production = load_scorer(make_bundle(known, rows(100, seed=9)))
    told = compared(good, production)
    assert f"on {new.height} rows" in told.measured


def test_a_production_that_learnt_all_the_test_rows_cannot_be_compared_with(make_bundle, rows, good):
    test = good.bundle.test_rows()
    production = load_scorer(make_bundle(test[:-10], rows(100, seed=9)))
    told = compared(good, production)
    assert told.outcome == "cannot tell"
    assert told.measured == "10 of 300 test rows are new to both and answered by production; 30 are needed"


def test_rows_that_are_recognised_whatever_their_order_and_their_types(make_bundle, rows, good):
    test = good.bundle.test_rows().reverse().select("kind", "age", "colour", "weight")
    production = load_scorer(make_bundle(test[:200], rows(100, seed=9).select(test.columns)))
    told = compared(good, production)
    assert "on 100 rows" in told.measured


def test_where_it_is_not_known_what_a_model_learnt_nothing_is_compared(good, bad):
    manifest = replace(bad.bundle.manifest, untraced={"train": 12, "test": 0})
    blurred = replace(bad, bundle=replace(bad.bundle, manifest=manifest))
    told = compared(good, blurred)
    assert told.outcome == "cannot tell"
    assert told.measured == "12 rows that production learnt from could not be traced back to `raw`"


@pytest.mark.parametrize(
    ("gate", "said", "outcome"),
    [
        ({"accuracy": Threshold(minimum=0.7)}, "on 300 test rows", "passed"),  # measured, not the 0.1 reported
        ({"accuracy": Threshold(minimum=0.99)}, "on 300 test rows", "failed"),
        ({"log_loss": Threshold(maximum=0.6)}, "on 300 test rows", "passed"),
        ({"log_loss": Threshold(maximum=0.01)}, "on 300 test rows", "failed"),
        ({"kappa": Threshold(minimum=0.5)}, "0.6, reported by the project", "passed"),
        ({"kappa": Threshold(minimum=0.7)}, "0.6, reported by the project", "failed"),
        ({"kapa": Threshold(minimum=0.1)}, "no `kapa` in the project's metrics", "failed"),
        ({"kapa": Threshold(minimum=0.1)}, "it can't be recomputed. Did you mean `kappa`?", "failed"),
    ],
)  # fmt: skip
def test_thresholds_are_held_against_what_we_measure_else_what_the_project_says(good, gate, said, outcome):
    ((name, threshold),) = gate.items()
    (told,) = thresholds(name, threshold, quality_of(good, "classification"))
    assert said in told.measured
    assert (told.check, told.outcome) == (name, outcome)


@pytest.mark.parametrize("name", ["macro_f1", "log_loss", "auc"])
def test_other_metrics_are_compared_with_production_too(good, bad, name):
    assert compared(bad, good, name).outcome == "failed"
    assert compared(good, bad, name).outcome == "passed"


def test_a_drop_within_what_is_allowed_passes(good, bad):
    assert compared(bad, good, limit=0.9).outcome == "passed"


def test_test_rows_that_cannot_be_answered_fail_the_quality(make_bundle, rows):
    test = rows(60, seed=2)
    broken = load_scorer(make_bundle(rows(200), test))
    broken_rows = test.with_columns(weight=pl.when(pl.int_range(60) < 3).then(-7.0).otherwise("weight"))
    broken_rows.write_parquet(broken.bundle.folder / "test.parquet")
    report = hold(broken, broken, 2, model(), [])
    assert not report.passed
    for check in ("accuracy", "accuracy against production"):
        assert line(report, check).outcome == "failed"
        assert line(report, check).measured.startswith(
            "3 of 60 test rows can't be answered: ValueError: a fruit of -7 g"
        )


def test_a_bundle_that_is_broken_on_disk_fails_the_clean_load(make_bundle, rows):
    scorer = load_scorer(make_bundle(rows(200), rows(100, seed=2)))
    (scorer.bundle.folder / "stages.py").write_text("raise SystemExit\n")
    told = line(hold(scorer, None, 1, model(), []), "clean load")
    assert told.outcome == "failed"
    assert "stages.py" in told.measured


def test_a_bundle_that_answers_otherwise_in_a_fresh_process_fails_the_clean_load(make_bundle, rows, seal):
    scorer = load_scorer(make_bundle(rows(200), rows(100, seed=2)))
    path = scorer.bundle.folder / "examples.json"
    kept = json.loads(path.read_text())
    kept["answers"][0]["probabilities"]["apple"] += 1e-6
    path.write_text(json.dumps(kept))
    seal(scorer.bundle.folder)
    told = CleanRoom(scorer.bundle.folder).line()
    assert told.outcome == "failed"
    assert "example 0 is answered with" in told.measured


def test_a_stage_that_leans_on_the_project_fails_the_clean_load(make_bundle, rows, seal):
    """A fresh process has neither the project's folder nor what this process imported."""
    scorer = load_scorer(make_bundle(rows(200), rows(100, seed=2)))
    stages = scorer.bundle.folder / "stages.py"
    stages.write_text("import only_here\n" + stages.read_text())
    seal(scorer.bundle.folder)
    told = CleanRoom(scorer.bundle.folder).line()
    assert told.outcome == "failed"
    assert "only_here" in told.measured


def test_a_fresh_process_that_takes_too_long_is_ended_and_cannot_be_told(good):
    told = CleanRoom(good.bundle.folder, seconds=0.01).line()
    assert (told.measured, told.outcome) == ("not done after 0.01 s", "cannot tell")


def test_the_clean_room_is_a_command_too(tmp_path):
    def run(folder):
        command = [sys.executable, "-I", "-m", "slipway.release.cleanroom", str(folder)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return found.returncode, json.loads(found.stdout)

    code, said = run(tmp_path)
    assert code == 1
    assert "no bundle here" in said["problem"]


def test_a_batch_is_answered_as_its_rows_are(good):
    told = batch_is_single(good)
    assert told.outcome == "passed"
    assert "rows agree" in told.measured


def test_a_stage_that_looks_at_the_whole_batch_is_found(make_bundle, rows, pipeline):
    skewed = pipeline.replace(
        "return raw.with_columns(", 'return raw.with_columns(pl.col("weight") - pl.col("weight").mean(), '
    )
    scorer = load_scorer(make_bundle(rows(200), rows(100, seed=2), pipeline=skewed))
    told = batch_is_single(scorer)
    assert told.outcome == "failed"
    assert "in a batch" in told.measured
    assert "alone" in told.measured


def test_extremes_that_cannot_be_answered_are_counted_and_hide_nothing(make_bundle, rows, pipeline):
    picky = pipeline.replace('(raw["weight"] == -7.0)', '(raw["colour"] == "001")')
    told = batch_is_single(load_scorer(make_bundle(rows(200), rows(100, seed=2), pipeline=picky)))
    assert told.outcome == "passed"
    assert "1 more can't be answered, the first: ValueError: a fruit of -7 g" in told.measured


def test_requests_are_replayed_and_the_share_of_changed_answers_is_shown(good):
    told = replay(good, [asked(), asked(100.0, "green", answer="pear"), asked(180.0, answer="pear"), asked(170.0)])
    assert told == Line(
        "replay", "answers the last 4 journalled requests", "all answered; 25.0% of the answers change", "passed"
    )


def test_a_request_that_was_answered_and_fails_now_fails_the_replay(good):
    told = replay(good, [asked(), asked(-7.0)])
    assert told.outcome == "failed"
    assert told.measured == "1 that were answered fail now: ValueError: a fruit of -7 g"


def test_a_request_that_the_candidates_schema_refuses_fails_the_replay(good):
    told = replay(good, [asked(), asked(colour=None)])
    assert told.outcome == "failed"
    assert told.measured.startswith("1 that were answered fail now: `colour` = None: expected ")


def test_a_request_that_failed_then_may_fail_now(good):
    told = replay(good, [asked(), asked(-7.0, error="ValueError: a fruit of -7 g")])
    assert (told.measured, told.outcome) == (
        "all answered; 0.0% of the answers change; 1 fail as they did then",
        "passed",
    )


def test_requests_of_callers_go_on_to_be_taken(good):
    schema = good.bundle.schema
    weight, colour, age = schema.columns
    none = "nothing is live yet"

    def told(*columns, unused=(), before=schema):
        return same_requests(replace(schema, columns=columns, unused=unused), before, none)

    assert told(weight, colour, age).outcome == "passed"
    assert told(age, weight, colour).outcome == "passed"
    assert told(weight, colour).measured == "`age` is refused now"
    assert told(weight, colour, unused=("age",)).outcome == "passed"
    assert told(weight, colour, age, replace(age, name="size")).measured == "`size` is asked for now"
    wider = told(replace(weight, types=("number", "text")), replace(colour, nullable=True), age)
    assert wider.outcome == "passed"
    assert wider.measured == "`weight` was number, is number | text; `colour` was text, is text | null"
    narrower = told(weight, colour, replace(age, nullable=False))
    assert (narrower.measured, narrower.outcome) == ("`age` was number | null, is number", "failed")
    assert told(replace(weight, types=("integer",)), colour, age).outcome == "failed"
    whole = replace(schema, columns=(replace(weight, types=("integer",)), colour, age))
    assert told(weight, colour, age, before=whole).outcome == "passed"


def test_production_with_a_column_that_the_test_rows_lack_is_not_compared_with(good):
    schema = good.bundle.schema
    extra = replace(schema, columns=(*schema.columns, replace(schema.columns[0], name="length")))
    production = replace(good, bundle=replace(good.bundle, manifest=replace(good.bundle.manifest, schema=extra)))
    told = compared(good, production)
    assert told.outcome == "cannot tell"
    assert told.measured == "production learnt from the column `length`, which they don't have"
    assert same_requests(schema, extra, "").measured == "`length` is refused now"


def test_the_digest_is_of_the_table(good):
    one = GateReport(1, (Line("a", "b", "c", "passed"),))
    assert one.digest == GateReport(1, (Line("a", "b", "c", "passed"),)).digest
    assert len({one.digest, GateReport(2, one.lines).digest, GateReport(1, ()).digest}) == 3
    assert one.to_json() == {
        "version": 1,
        "passed": True,
        "lines": [{"check": "a", "asked": "b", "measured": "c", "outcome": "passed"}],
    }


def test_a_working_bundle_gives_its_examples(good):
    assert check_examples(good) == len(good.bundle.examples()[0]) > 0


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        (1.0, 1.0 + 1e-12, True),
        (1.0, 1.0 + 1e-6, False),
        (1e12, 1e12 + 1e-4, True),
        (1, 1.0, True),
        ("1", 1, False),
        (None, None, True),
        (None, 1.0, False),
        (float("nan"), float("nan"), True),
        ({"a": 0.5}, {"a": 0.5 + 1e-12}, True),
        ({"a": 0.5}, {"b": 0.5}, False),
    ],
)
def test_answers_agree_within_what_a_batch_may_differ(given, expected, same):
    assert agree(given, expected) is same
