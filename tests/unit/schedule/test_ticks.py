import os
import signal
import subprocess
import sys
import time

import pytest

from prefects import prefects
from slipway.project import read_project
from slipway.schedule.server import PrefectServer
from slipway.schedule.ticks import Deployment, Ticking, main

TOML = """
name = "flats"
[sources]
raw = "raw.csv"
[model]
kind = "regression"
target = "price"
test = "raw"
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "slipway.toml").write_text(TOML)
    (tmp_path / "pipeline.py").write_text("from slipway import stage\n\n@stage\ndef model(raw): ...\n")
    return tmp_path


@pytest.fixture
def held():
    with prefects() as held:
        yield held


class Ticks:
    """A loop whose ticks are counted; each says how it is doing, unless it is killed."""

    def __init__(self, root, held, seconds=60.0):
        self.done = []
        self.said = []
        self.is_killed = False
        self.held = held
        deployment = Deployment(PrefectServer(held.url, timeout=2.0), read_project(root), seconds)
        self.turn = Ticking(deployment, seconds, self.tick, self.said.append).turn

    def tick(self, run):
        self.done.append(run)
        if run is not None:
            self.held.due.remove(run)
            self.held.runs[run].append({"type": "RUNNING" if self.is_killed else "COMPLETED"})
        return -9 if self.is_killed else 0


def test_the_loop_is_a_deployment_of_the_projects_name_with_its_schedule(root, held):
    Ticks(root, held, seconds=900.0).turn()
    (made,) = held.deployments
    assert (made["name"], held.flows) == ("flats", ["flats-loop"])
    assert [each["schedule"]["interval"] for each in made["schedules"]] == [900.0]


def test_the_first_tick_is_asked_for_at_once_and_then_prefect_says_when(root, held):
    ticks = Ticks(root, held)
    ticks.turn()
    assert ticks.done == ["asked-0"]
    ticks.turn()
    assert ticks.done == ["asked-0"]
    held.due.append("later")
    ticks.turn()
    assert ticks.done == ["asked-0", "later"]
    assert [state["type"] for state in held.runs["later"]] == ["PENDING", "COMPLETED"]
    assert len(held.deployments) == 1


def test_of_ticks_that_waited_one_is_made_up_for(root, held):
    ticks = Ticks(root, held)
    ticks.turn()
    held.due += ["first", "second", "third"]
    ticks.turn()
    held.due.remove("first")
    held.due.remove("second")
    assert ticks.done == ["asked-0", "third"]
    assert held.runs["first"][-1]["name"] == "Skipped"


def test_a_tick_that_another_monitor_took_is_left_to_it(root, held):
    ticks = Ticks(root, held)
    ticks.turn()
    held.due.append("theirs")
    held.taken.add("theirs")
    ticks.turn()
    assert ticks.done == ["asked-0"]


def test_a_tick_that_was_killed_does_not_seem_to_go_on(root, held):
    ticks = Ticks(root, held)
    ticks.is_killed = True
    ticks.turn()
    last = held.runs["asked-0"][-1]
    assert last["type"] == "CRASHED"
    assert "ended with -9" in last["message"]


def test_with_prefect_away_it_ticks_by_the_clock_and_goes_back_to_it(root, held):
    ticks = Ticks(root, held, seconds=0.3)
    held.stop()
    ticks.turn()
    ticks.turn()
    assert ticks.done == [None]
    time.sleep(0.3)
    ticks.turn()
    assert ticks.done == [None, None]
    held.start()
    ticks.turn()
    assert len(ticks.said) == 2
    assert "does not answer" in ticks.said[0]
    assert ticks.said[1] == "Prefect is back: ticks are its flow runs again."
    held.due.append("scheduled")
    ticks.turn()
    assert ticks.done[-1] == "scheduled"


def test_an_interval_that_is_none_and_a_missing_address_are_said(root, capsys, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["-C", str(root), "--every", "often"]) == 2
        assert main(["-C", str(root)]) == 3
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    assert "expected a number with s, m, h or d" in said
    assert "PREFECT_API_URL is not set" in said


def test_it_ends_with_its_tick_when_it_is_told_to(root, held):
    """The tick says that nothing is live, and is a flow run of Prefect's that failed with these words."""
    command = [sys.executable, "-m", "slipway.schedule.ticks", "-C", str(root), "--every", "1h"]
    environment = {**os.environ, "PREFECT_API_URL": held.url}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not any(s["type"] == "FAILED" for states in held.runs.values() for s in states):
            assert time.monotonic() < deadline, held.runs
            time.sleep(0.1)
        process.terminate()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Nothing is live yet" in process.stderr.read()
    assert "Nothing is live yet" in held.runs["asked-0"][-1]["message"]
