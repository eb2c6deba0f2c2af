import json
import re
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest

from slipway.gate.cleanroom import CleanRoom
from slipway.gate.expected import agree, check_examples
from slipway.gate.hold import GateReport, hold
from slipway.gate.lines import Line
from slipway.gate.schemas import same_requests
from slipway.gate.single import batch_is_single
from slipway.model.score import load_scorer
from slipway.project import Model, Threshold
from slipway.records import Prediction


def model(**gate):
    return Model("classification", "kind", gate=gate or {"accuracy": Threshold(0.7, None, 0.01)})


def asked(weight=150.0, colour="red", age=1.0, *, answer="apple", error=None):
    row = {"weight": weight, "colour": colour, "age": age}
    return Prediction(f"{weight}{colour}{age}", 1.0, 1, row, None if error else answer, error=error)


def line(report, check):
    return next(line for line in report.lines if line.check == check)


def test_a_first_candidate_passes_and_what_cannot_be_told_is_shown(good):
    report = hold(good, None, 1, model(), [])
    assert report.passed
    assert [(told.check, told.outcome) for told in report.lines] == [
        ("accuracy", "passed"),
        ("skill", "passed"),
        ("accuracy against production", "cannot tell"),
        ("schema", "cannot tell"),
        ("batch and single rows", "passed"),
        ("replay", "cannot tell"),
        ("latency", "cannot tell"),
        ("clean load", "passed"),
    ]
    assert line(report, "accuracy against production").measured == "nothing is live yet"
    assert line(report, "replay").measured == "no requests yet"
    assert report.sentence().startswith("4 lines passed; cannot tell: accuracy against production, schema, replay")


def test_a_worse_candidate_is_refused_with_the_figures(good, bad):
    report = hold(bad, good, 2, model(), [], room=OpenDoor())
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
    assert report.sentence() == "10 lines passed"
    assert [told.check for told in report.lines] == [
        "accuracy", "skill", "accuracy against production", "accuracy by colour", "schema", "batch and single rows",
        "replay", "latency", "training data", "clean load",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def alike(make_bundle, rows):
    """Two models of the same kind of data, with too few test rows to tell them apart."""
    return [load_scorer(make_bundle(rows(n, seed=6), rows(60, seed=2))) for n in (25, 300)]


class OpenDoor:
    """Instead of the fresh process, where a test is of the other lines."""

    def lines(self):
        return [Line("clean load", "loads", "not tried here", "passed")]

    def close(self):
        pass


def test_what_cannot_be_told_refuses_where_production_exists(alike):
    report = hold(*alike, 2, model(), [], room=OpenDoor())
    told = line(report, "accuracy against production")
    assert (told.outcome, told.counts) == ("cannot tell", True)
    assert not report.passed
    assert report.refusing == (told,)
    assert report.sentence().startswith("accuracy against production: asked at most 0.01 below production's")
    assert report.sentence().endswith(f"cannot tell ({told.would_change})")
    assert {said["check"] for said in report.to_json()["lines"] if said["refuses"]} == {told.check}


def test_a_project_can_let_pass_what_cannot_be_told(alike):
    report = hold(*alike, 2, replace(model(), cannot_tell="pass"), [], room=OpenDoor())
    assert report.passed
    assert "cannot tell: accuracy against production" in report.sentence()


def test_a_production_that_can_not_be_loaded_keeps_nobody_out(good):
    report = hold(good, None, 2, model(), [], absent="version 1 can't be loaded: damaged", room=OpenDoor())
    assert report.passed
    assert line(report, "accuracy against production").measured == "version 1 can't be loaded: damaged"


def test_a_model_that_is_production_itself_passes_whatever_the_rows(alike):
    report = hold(alike[0], alike[0], 2, model(accuracy=Threshold(max_drop=0.0, doubt=0.0)), [], room=OpenDoor())
    assert report.passed
    assert line(report, "accuracy against production").uncertainty == "0 to 0 worse (90 %)"


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
    assert (told.measured, told.outcome) == ("not done after 0.01 s of work, or without any for as long", "cannot tell")


def test_a_fresh_process_that_was_started_before_there_was_a_bundle_is_let_into_one(good):
    room = CleanRoom()
    room.enter(good.bundle.folder)
    told = room.line()
    assert told.outcome == "passed", told.measured


def test_the_clean_room_is_a_command_too(tmp_path):
    def run(*arguments, given=""):
        command = [sys.executable, "-I", "-m", "slipway.gate.cleanroom", *arguments]
        found = subprocess.run(command, capture_output=True, text=True, check=False, input=given)
        return found.returncode, found.stdout

    code, said = run(str(tmp_path))
    assert code == 1
    assert "no bundle here" in json.loads(said)["problem"]
    assert run() == (0, "")  # nobody needs it any more


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
    assert "1 more are refused both ways, the first: ValueError: a fruit of -7 g" in told.measured


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
    wider = told(replace(weight, types=("number", "text")), replace(colour, types=("text", "number")), age)
    assert wider.outcome == "passed"
    assert wider.measured == "`weight` was number, is number | text; `colour` was text | null, is text | number | null"
    # `colour` was never null in training: that the model answers then all the same promises nobody anything.
    assert (colour.nullable, colour.is_found_nullable) == (True, True)
    assert told(weight, replace(colour, nullable=False), age).outcome == "passed"
    empty = replace(weight, nullable=True)
    assert told(empty, colour, age).measured == "`weight` was number, is number | null"
    narrower = told(weight, colour, replace(age, nullable=False))
    assert (narrower.measured, narrower.outcome) == ("`age` was number | null, is number", "failed")
    assert told(replace(weight, types=("integer",)), colour, age).outcome == "failed"
    whole = replace(schema, columns=(replace(weight, types=("integer",)), colour, age))
    assert told(weight, colour, age, before=whole).outcome == "passed"


def test_the_digest_is_of_the_table(good):
    one = GateReport(1, (Line("a", "b", "c", "passed"),))
    assert one.digest == GateReport(1, (Line("a", "b", "c", "passed"),)).digest
    assert len({one.digest, GateReport(2, one.lines).digest, GateReport(1, ()).digest}) == 3
    assert one.to_json() == {
        "version": 1,
        "passed": True,
        "lines": [
            {
                "check": "a", "asked": "b", "measured": "c", "uncertainty": "", "outcome": "passed",
                "would_change": "", "counts": True, "varies": False, "refuses": False,
            }
        ],
        "training": {},
    }  # fmt: skip


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


def test_every_line_that_did_not_pass_says_what_would_change_that(good, bad, alike):
    reports = [
        hold(good, None, 1, model(kappa=Threshold(minimum=0.9), nothing=Threshold(minimum=0.1)), [], room=OpenDoor()),
        hold(bad, good, 2, model(), [asked(-7.0, answer="apple")], room=OpenDoor()),
        hold(*alike, 2, model(), [], room=OpenDoor()),
    ]
    lines = [line for report in reports for line in report.lines if line.outcome != "passed"]
    assert {line.check for line in lines} >= {"kappa", "nothing", "accuracy against production", "schema", "latency"}
    assert [line.check for line in lines if not line.would_change] == []


def test_a_refusal_gives_the_interval(good, bad):
    refused = hold(bad, good, 2, model(), [], room=OpenDoor())
    assert re.search(r"p (= 1e-05|< 0\.001) \(0\.1\d* to 0\.\d+ worse \(90 %\)", refused.sentence())


def test_a_report_is_read_back_from_its_table_as_it_was(good, alike):
    for report in (hold(good, None, 1, model(), [], room=OpenDoor()), hold(*alike, 2, model(), [], room=OpenDoor())):
        kept = GateReport.from_json(json.loads(json.dumps(report.to_json())))
        assert (kept.digest, kept.passed, kept.refusing) == (report.digest, report.passed, report.refusing)
    older = {
        "version": 1,
        "passed": True,
        "lines": [{"check": "a", "asked": "b", "measured": "c", "outcome": "passed"}],
    }
    assert GateReport.from_json(older).passed
