import time
from datetime import datetime
from itertools import pairwise

import pytest

from prefects import prefects
from slipway.schedule.record import Record, State
from slipway.schedule.server import PrefectServer


@pytest.fixture
def held():
    with prefects() as held:
        yield held


@pytest.fixture
def said():
    return []


def record(held, said, **given):
    return Record(PrefectServer(held.url, timeout=2.0), "flats-train", "train 1", said.append, **given)


def test_a_run_is_told_with_its_tasks_its_lines_and_its_end(held, said):
    made = record(held, said)
    made.line("it begins", None)
    split = made.begin("split")
    made.line("200 rows", split)
    made.end(split, State("COMPLETED", "never ran"))
    model = made.begin("model", [split.id])
    made.end(model, State("FAILED", "too few rows"))
    assert made.close(State("FAILED", "too few rows"), 5.0)
    assert held.flows == ["flats-train"]
    ((run, states),) = held.runs.items()
    assert [state["type"] for state in states] == ["PENDING", "RUNNING", "FAILED"]
    assert states[-1]["message"] == "too few rows"
    assert held.ended() == {"split": ("Completed", "never ran"), "model": ("Failed", "too few rows")}
    assert (held.said(None), held.said("split")) == (["it begins"], ["200 rows"])
    assert {line["flow_run_id"] for line in held.lines} == {run}
    assert all(e["related"][0]["prefect.resource.id"] == f"prefect.flow-run.{run}" for e in held.events)
    inputs = held.tasks()["model"][0]["payload"]["task_run"]["task_inputs"]
    assert inputs == {"after": [{"input_type": "task_run", "id": split.id}]}
    assert said == []


def test_a_task_took_as_long_as_it_took_whenever_it_is_told(held, said):
    held.stop()
    made = record(held, said)
    task = made.begin("split")
    time.sleep(0.2)
    made.end(task, State("COMPLETED"))
    held.start()
    assert made.close(State("COMPLETED"), 10.0)
    began, ended = held.tasks()["split"]
    assert 0.2 <= ended["payload"]["task_run"]["total_run_time"] < 1.0
    times = [datetime.fromisoformat(each["occurred"]) for each in (began, ended)]
    assert (times[1] - times[0]).total_seconds() == pytest.approx(ended["payload"]["task_run"]["total_run_time"])


def test_nothing_waits_for_a_server_that_is_away_and_all_is_told_when_it_is_back(held, said):
    held.stop()
    made = record(held, said)
    before = time.monotonic()
    tasks = [made.begin(f"stage {i}") for i in range(50)]
    for task in tasks:
        made.line("a line", task)
        made.end(task, State("COMPLETED"))
    assert time.monotonic() - before < 1.0
    while not said:  # it is told in a thread, which may not have tried yet
        time.sleep(0.01)
    held.start()
    assert made.close(State("COMPLETED"), 10.0)
    assert len(held.ended()) == len(held.lines) == 50
    assert [e["occurred"] for e in held.events] == sorted(e["occurred"] for e in held.events)
    away, back = said
    assert away.endswith("Connection refused. The work goes on without it.")
    assert back == f"Prefect at {held.url} is back."


def test_one_that_never_comes_is_not_waited_for_longer_than_one_wants(held, said):
    held.stop()
    made = record(held, said)
    assert not made.close(State("COMPLETED"), 0.1)
    assert len(said) == 1


def test_a_refusal_is_said_once(held, said):
    held.status = 403
    made = record(held, said)
    made.end(made.begin("split"), State("COMPLETED"))
    assert not made.close(State("COMPLETED"), 5.0)
    assert len(said) == 1
    assert "403" in said[0]


def test_a_run_that_prefect_scheduled_is_gone_on_with(held, said):
    made = record(held, said, scheduled="a-run")
    assert made.close(State("COMPLETED"), 5.0)
    assert [state["type"] for state in held.runs["a-run"]] == ["RUNNING", "COMPLETED"]
    assert held.flows == []


def test_of_very_many_lines_the_last_are_kept_in_their_order(held, said):
    made = record(held, said)
    for i in range(1000):
        made.line(f"{i}", None)
    made.line("x" * 50_000, None)
    assert made.close(State("COMPLETED"), 10.0)
    *numbers, long = held.said(None)
    assert all(int(a) < int(b) for a, b in pairwise(numbers))
    assert (len(numbers), len(long)) == (1000, 10_000)
