import os
import signal
import threading
from dataclasses import replace

import pytest

from prefects import prefects
from slipway.errors import CheckRefused, StageError
from slipway.schedule.prefect import FLOW_RUN, as_flow
from slipway.workspace import open_project

TOML = """
name = "flats"
[sources]
raw = "raw.csv"
[model]
kind = "regression"
target = "price"
test = "raw"
"""

PIPELINE = """
from slipway import stage
import polars as pl

@stage
def flats(raw: pl.DataFrame):
    print(f"{raw.height} flats")
    return raw

@stage
def cheap(flats: pl.DataFrame):
    return flats.filter(pl.col("price") < 100)

@stage
def dear(flats: pl.DataFrame, cheap: pl.DataFrame, *, fails: bool = False):
    if fails:
        raise ValueError("no flat is dear")
    return flats

@stage
def model(raw: pl.DataFrame): ...
"""


class Table:
    def __init__(self, passed):
        self.passed = passed

    def sentence(self):
        return "4 lines passed" if self.passed else "accuracy 0.4 < 0.75"


@pytest.fixture
def held():
    with prefects() as held:
        yield held


@pytest.fixture
def flats(tmp_path, held):
    (tmp_path / "slipway.toml").write_text(TOML)
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    (tmp_path / "raw.csv").write_text("price\n1\n200\n")
    with open_project(tmp_path) as workspace:
        workspace.settings = replace(workspace.settings, orchestrator=held.url)
        yield workspace


def run(flats, **given):
    return flats.run(["dear"], **given)


def test_each_stage_is_a_task_after_those_it_reads(flats, held):
    ran = as_flow(flats, "train", lambda: run(flats), lambda ran: f"{len(ran.report.stages)} stages")
    assert [stage.outcome for stage in ran.report.stages] == ["ran"] * 3
    assert held.ended() == dict.fromkeys(("flats", "cheap", "dear"), ("Completed", "never ran"))
    ids = {name: events[0]["resource"]["prefect.resource.id"].split(".")[-1] for name, events in held.tasks().items()}
    asked = {name: events[0]["payload"]["task_run"]["task_inputs"] for name, events in held.tasks().items()}
    after = {name: {each["id"] for each in inputs.get("after", [])} for name, inputs in asked.items()}
    assert after == {"flats": set(), "cheap": {ids["flats"]}, "dear": {ids["flats"], ids["cheap"]}}
    (states,) = held.runs.values()
    assert (states[-1]["type"], states[-1]["message"]) == ("COMPLETED", "3 stages")
    assert held.flows == ["flats-train"]


def test_what_a_stage_prints_is_among_its_tasks_lines_and_where_it_was(flats, held, capsys):
    as_flow(flats, "train", lambda: run(flats))
    assert held.said("flats") == ["flats: never ran", "2 flats"]
    assert "2 flats" in capsys.readouterr().err


def test_what_did_not_change_is_a_task_that_is_done_already(flats, held):
    run(flats)
    as_flow(flats, "train", lambda: [run(flats) for _ in range(3)])
    assert {name: len(events) for name, events in held.tasks().items()} == {"flats": 2, "cheap": 2, "dear": 2}
    assert {name for name, _ in held.ended().values()} == {"Cached"}
    assert held.ended()["dear"][1] == "nothing that it depends on has changed"


def test_a_stage_that_fails_says_itself_why(flats, held):
    def work():
        error = run(flats, sets=["dear.fails=true"]).report.error
        if error is not None:
            raise error

    with pytest.raises(StageError, match="no flat is dear") as caught:
        as_flow(flats, "train", work)
    name, message = held.ended()["dear"]
    assert (name, message) == ("Failed", str(caught.value))
    (states,) = held.runs.values()
    assert (states[-1]["type"], states[-1]["message"]) == ("FAILED", str(caught.value))


def test_a_gate_that_refuses_is_a_task_that_is_refused_and_says_why(flats, held):
    def work():
        for passed in (True, False):
            flats.orchestrator.step(f"gate {passed}", "version 1", lambda passed=passed: Table(passed))
        raise CheckRefused("version 1 is refused")

    with pytest.raises(CheckRefused):
        as_flow(flats, "train", work)
    assert held.ended() == {
        "gate True": ("Completed", "4 lines passed"),
        "gate False": ("Refused", "accuracy 0.4 < 0.75"),
    }
    assert next(iter(held.runs.values()))[-1]["name"] == "Refused"


def test_a_run_that_prefect_scheduled_is_the_one_that_is_told(flats, held, monkeypatch):
    monkeypatch.setenv(FLOW_RUN, "scheduled")
    as_flow(flats, "loop", lambda: None)
    assert list(held.runs) == ["scheduled"]
    assert held.flows == []


def test_with_prefect_away_the_work_is_done_and_a_line_says_so(flats, held, capsys, monkeypatch):
    monkeypatch.setattr("slipway.schedule.prefect.PATIENCE", 0.1)
    held.stop()
    assert as_flow(flats, "train", lambda: run(flats)).report.ran("dear")
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("slipway: ")]
    assert len(said) == 2
    assert "does not answer" in said[0]
    assert said[1].endswith("was not told how this ended: its pages show less than was done.")


def test_without_an_orchestrator_the_work_is_simply_done(flats, held):
    flats.settings = replace(flats.settings, orchestrator=None)
    assert as_flow(flats, "train", lambda: 7) == 7
    assert held.asked == []


def test_after_a_flow_steps_are_nobodys_tasks(flats, held):
    as_flow(flats, "train", lambda: None)
    run(flats)
    assert held.events == []


def test_an_end_from_outside_is_told_before_the_process_ends(flats, held):
    def work():
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        threading.Event().wait(20)

    with pytest.raises(SystemExit) as caught:
        as_flow(flats, "train", lambda: flats.orchestrator.step("model", "never ran", work))
    assert caught.value.code == 128 + signal.SIGTERM
    assert held.ended()["model"][0] == "Crashed"
    assert next(iter(held.runs.values()))[-1]["type"] == "CRASHED"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
