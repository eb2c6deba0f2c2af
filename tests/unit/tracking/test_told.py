import socket
import subprocess
import sys
import threading

import pytest

from slipway.errors import OutsideError
from slipway.tracking.mlflow import MlflowTracker
from slipway.tracking.told import reason_of

URI = "http://user:secret@mlflow:5000"


class FromMlflow(Exception):
    """Words of MLflow's client."""


def answered(status, body="no", path="/api/2.0/mlflow/logged-models"):
    return FromMlflow(f"API request to endpoint {path} failed with error code {status} != 200. Response body: '{body}'")


def test_a_refused_name_is_told_with_the_setting_that_lets_it_in():
    said = reason_of(answered(403, "Invalid Host header - possible DNS rebinding attack detected"), URI)
    assert said == (
        "it takes no requests for mlflow:5000: name that host, with its port, where it is started (--allowed-hosts, "
        "or MLFLOW_SERVER_ALLOWED_HOSTS)"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_who_asks_has_to_be_said(status):
    assert reason_of(answered(status), URI).startswith(f"it does not let us in ({status}): MLFLOW_TRACKING_USERNAME")


def test_an_old_server_lacks_what_is_asked_of_it():
    said = reason_of(answered(404), URI)
    assert said == "it has no /api/2.0/mlflow/logged-models: is it MLflow, of version 3 or newer?"


def test_else_its_own_words_are_kept_but_for_the_traceback():
    assert reason_of(FromMlflow("INVALID_PARAMETER_VALUE: no such run.\nTraceback"), URI) == (
        "INVALID_PARAMETER_VALUE: no such run"
    )
    assert reason_of(FromMlflow(), URI) == "FromMlflow"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9", r"nothing listens there: is it started\?\."),
        ("http://mlflow.invalid:5000", r"no machine has this name: is it started, and on the same network\?\."),
    ],
)
def test_one_that_is_away_is_told_in_a_line(tmp_path, monkeypatch, address, reason):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(OutsideError, match=f"^MLflow at {address} could not read `production`: {reason}$"):
        MlflowTracker(address, tmp_path).pointed("flats", "production")


def test_one_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    code = "import socket, sys, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1]); "
    command = [sys.executable, "-u", "-c", code + "sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as silent:
        assert silent.stdout is not None
        port = silent.stdout.readline().strip()
        with pytest.raises(OutsideError, match="it did not answer in time"):
            MlflowTracker(f"http://127.0.0.1:{port}", tmp_path).pointed("flats", "production")
        silent.terminate()


def test_one_that_hangs_up_is_asked_once(tmp_path):
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def hang_up():
            while True:
                try:
                    caller, _ = door.accept()
                except OSError:  # the door was shut
                    return
                asked.append(caller.recv(5))
                caller.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(OutsideError, match="could not read `production`: the connection failed"):
            MlflowTracker(f"http://127.0.0.1:{door.getsockname()[1]}", tmp_path).pointed("flats", "production")
        door.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert asked == [b"GET /"]
