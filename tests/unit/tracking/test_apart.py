import os
import signal
import threading
import time

import pytest

from slipway.errors import OutsideError
from slipway.tracking.apart import TrackerApart


@pytest.fixture
def tracker(tmp_path):
    made = TrackerApart(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)
    yield made
    made.close()


def child(tracker):
    return tracker._process


def test_getting_ready_is_not_waited_for(tracker):
    began = time.monotonic()
    tracker.prepare()
    assert time.monotonic() - began < 0.5
    first = child(tracker)
    tracker.prepare()
    assert child(tracker) is first


def test_what_it_says_and_what_mlflow_refuses_come_back(tracker):
    assert tracker.pointed("flats", "production") is None
    with pytest.raises(OutsideError, match="point `production` at version 7"):
        tracker.point("flats", "production", 7)
    assert tracker.pointed("flats", "production") is None


def test_who_never_asked_does_not_wait_for_it(tracker, tmp_path):
    tracker.prepare()
    process = child(tracker)
    began = time.monotonic()
    tracker.close()
    assert time.monotonic() - began < 1
    assert process.returncode == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_it_makes_its_tables_before_it_ends(tracker, tmp_path):
    tracker.prepare()
    process = child(tracker)
    until = time.monotonic() + 60
    while not (tmp_path / "mlflow.db").exists():
        assert time.monotonic() < until, "MLflow's tables are not begun"
        time.sleep(0.005)
    tracker.close()
    assert process.returncode == 0
    again = TrackerApart(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)
    assert again.pointed("flats", "production") is None
    again.close()


def test_a_process_that_dies_is_said_and_another_takes_its_place(tracker):
    assert tracker.pointed("flats", "production") is None
    first = child(tracker)
    os.kill(first.pid, signal.SIGSTOP)  # it can't answer before it dies
    threading.Timer(0.3, first.kill).start()
    with pytest.raises(OutsideError, match="MLflow's process ended with -9"):
        tracker.pointed("flats", "production")
    assert tracker.pointed("flats", "production") is None
    assert child(tracker) is not first
