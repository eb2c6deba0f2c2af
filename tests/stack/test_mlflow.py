"""The tracker's suite over HTTP: MLflow's server as a stack has it, its tables in PostgreSQL."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine import Stack, asked, standing
from slipway.errors import OutsideError
from slipway.tracking.mlflow import MlflowTracker
from slipway.tracking.seams import RunFacts
from trackers import *  # noqa: F403 - the suite and its fixtures
from trackers import client

SERVICE = "tracking"
SETTINGS = [
    (
        "[stack.services.data-prep]",
        f'[stack.services.{SERVICE}]\nkind = "mlflow"\nport = 5001\n\n[stack.services.data-prep]',
    )
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("tracking")
    with standing(folder, "linear", SERVICE, name="tracking", settings=SETTINGS) as stack:
        yield stack


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    return stack.url(SERVICE)


def test_artifacts_go_through_the_server(stack: Stack, root: Path, address: str, version: int) -> None:
    assert not (root / "mlruns").exists()
    source = client(address).get_model_version_download_uri("flats", str(version))
    assert source.startswith("mlflow-artifacts:/")
    assert stack.python(SERVICE, "import pathlib; print(len(list(pathlib.Path('/data').rglob('MLmodel'))))") >= "1"


def test_what_was_away_registers_when_it_is_back(
    stack: Stack, root: Path, address: str, version: int, facts: RunFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker, later = MlflowTracker(address, root), replace(facts, bundle_sha256="2" * 64)
    stack.compose("stop", "-t", "3", SERVICE)
    began = time.monotonic()
    with pytest.raises(OutsideError, match="could not register the run"):
        tracker.register(later)
    assert time.monotonic() - began < 30
    stack.compose("up", "-d", "--wait", "--no-deps", SERVICE)
    assert tracker.register(later) == version + 1
    assert tracker.register(later) == version + 1


def test_it_answers_to_its_own_names_alone(address: str) -> None:
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/experiments/search?max_results=1")
    request.add_header("Host", "pages.example:5000")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code == 403
    caught.value.close()


def test_its_pages_are_there_and_it_is_one_process(stack: Stack, address: str) -> None:
    status, page = asked(address + "/")
    assert (status, b"<title>MLflow" in page) == (200, True)
    shown = stack.compose("top", SERVICE)
    assert shown.count("serve_mlflow.py") == 2, shown  # what starts processes and ends them, and the server
    assert stack.secret("mlflow_password") not in shown
