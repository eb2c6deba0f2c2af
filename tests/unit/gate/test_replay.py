from dataclasses import replace

import pytest

from slipway.gate.replay import replay
from slipway.project import Model, Replay
from slipway.records import Prediction

MODEL = Model("classification", "kind")


def asked(weight=150.0, colour="red", age=1.0, *, answer="apple", error=None):
    row = {"weight": weight, "colour": colour, "age": age}
    return Prediction(f"{weight}{colour}{age}", 1.0, 1, row, None if error else answer, error=error)


def replayed(candidate, requests, model=MODEL, production=None):
    return replay(candidate, production, model, requests).lines


def test_requests_are_replayed_and_the_share_of_changed_answers_is_shown(good):
    (told,) = replayed(good, [asked(), asked(100.0, "green", answer="pear"), asked(180.0, answer="pear"), asked(170.0)])
    assert (told.asked, told.measured, told.outcome) == (
        "answers the last 4 journalled requests",
        "all answered; 25.0% of the answers change",
        "passed",
    )


def test_a_request_that_was_answered_and_fails_now_fails_the_replay(good):
    (told,) = replayed(good, [asked(), asked(-7.0)])
    assert told.outcome == "failed"
    assert told.measured == "1 that were answered fail now: ValueError: a fruit of -7 g"


def test_a_request_that_the_candidates_schema_refuses_fails_the_replay(good):
    (told,) = replayed(good, [asked(), asked(weight=None)])
    assert told.outcome == "failed"
    assert told.measured.startswith("1 that were answered fail now: `weight` = None: expected ")


def test_a_request_that_failed_then_may_fail_now(good):
    (told,) = replayed(good, [asked(), asked(-7.0, error="ValueError: a fruit of -7 g")])
    assert (told.measured, told.outcome) == (
        "all answered; 0.0% of the answers change; 1 fail as they did then",
        "passed",
    )


def test_answers_that_flip_are_shown_by_the_slice_where_most_do(good):
    red = [asked(150.0 + i / 100) for i in range(40)]
    green = [asked(100.0 + i / 100, "green", answer="apple" if i < 30 else "pear") for i in range(40)]
    (told,) = replayed(good, red + green)
    assert told.measured == ("all answered; 37.5% of the answers change, most where colour is green: 75.0% of 40")


@pytest.mark.parametrize(("limit", "outcome"), [(0.3, "failed"), (0.4, "passed")])
def test_a_project_can_say_how_many_may_flip(good, limit, outcome):
    requests = [asked(150.0 + i / 100, answer="apple" if i % 3 else "pear") for i in range(60)]
    _, told = replayed(good, requests, replace(MODEL, replay=Replay(max_flipped=limit)))
    assert (told.check, told.outcome) == ("flipped answers", outcome)
    assert told.measured == "33.3% of 60"
    assert told.uncertainty == "0.242 to 0.439 (90 %)"


def test_a_handful_of_requests_does_not_tell_how_many_flip(good):
    requests = [asked(150.0 + i / 100) for i in range(10)]
    _, told = replayed(good, requests, replace(MODEL, replay=Replay(max_flipped=0.1)))
    assert (told.outcome, told.counts, told.would_change) == ("cannot tell", False, "30 requests")


def test_rows_that_the_journal_has_not_whole_are_not_asked_again(good):
    partly = replace(asked(), row={"weight": 150.0, "age": 1.0})
    (told,) = replayed(good, [partly, asked()], production=good)
    assert (told.asked, told.outcome) == ("answers the last 1 journalled requests", "passed")
    (told,) = replayed(good, [partly], production=good)
    assert (told.outcome, told.counts) == ("cannot tell", False)
    assert told.measured == "none of 1 requests is journalled with every column"


def test_a_column_that_production_does_not_ask_for_is_what_callers_do_not_send(good):
    schema = good.bundle.schema
    bare = replace(schema, columns=schema.columns[:2])
    production = replace(good, bundle=replace(good.bundle, manifest=replace(good.bundle.manifest, schema=bare)))
    (told,) = replayed(good, [replace(asked(), row={"weight": 150.0, "colour": "red"})], production=production)
    assert told.outcome == "failed"
    assert "`age` = None" in told.measured
