"""The tracker's suite on its embedded store, and what is that store's alone."""

import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from slipway.errors import OutsideError
from slipway.tracking.mlflow import MlflowTracker
from trackers import *  # noqa: F403 - the suite and its fixtures
from trackers import client


@pytest.fixture(scope="module")
def address(root):
    """A database of the project's own, whose tables take seconds to make."""
    return f"sqlite:///{root / 'mlflow.db'}"


def test_artifacts_stay_in_the_project(root, version):
    assert list((root / "mlruns").rglob("MLmodel"))
    needed = next((root / "mlruns").rglob("requirements.txt")).read_text()
    assert {"slipway", "scikit-learn", "polars"} <= {line.split("==")[0] for line in needed.splitlines()}


def test_a_folder_that_was_moved_takes_its_versions_along(root, version, facts, tmp_path):
    there = tmp_path / "there"
    shutil.copytree(root, there)
    before = sorted((root / "mlruns").rglob("*"))
    models = len(list((root / "mlruns").rglob("MLmodel")))
    moved = MlflowTracker(f"sqlite:///{there / 'mlflow.db'}", there)
    moved.point("flats", "production", version)
    source = client(f"sqlite:///{there / 'mlflow.db'}").get_model_version_download_uri("flats", str(version))
    assert source.startswith((there / "mlruns").as_uri())
    assert moved.register(replace(facts, bundle_sha256="0" * 64)) == version + 1
    assert len(list((there / "mlruns").rglob("MLmodel"))) == models + 1
    assert sorted((root / "mlruns").rglob("*")) == before, "nothing is put where the folder was"


def test_nothing_is_printed_and_nobody_is_told(root, facts):
    code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from slipway.tracking.mlflow import MlflowTracker
        MlflowTracker("sqlite:///{root / "mlflow.db"}", Path("{root}")).pointed("flats", "production")
        from mlflow.telemetry.utils import is_telemetry_disabled
        sys.exit(0 if is_telemetry_disabled() else 5)
    """)
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DO_NOT"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=quiet, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_server_that_is_away_is_an_outside_error_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = MlflowTracker("http://user:secret@127.0.0.1:9", tmp_path)
    with pytest.raises(OutsideError, match=r"MLflow at http://127\.0\.0\.1:9 could not read `production`") as caught:
        away.pointed("flats", "production")
    assert "secret" not in str(caught.value)


def test_the_loader_refuses_rows_as_the_api_does(root):
    import pandas as pd

    from slipway.errors import DataError
    from slipway.model.pyfunc import _load_pyfunc

    model = _load_pyfunc(str(root / "bundle"))
    with pytest.raises(DataError, match="row 1: rooms = 'many': expected a whole number or null"):
        model.predict(pd.DataFrame({"area": ["50 m2", "60 m2"], "rooms": [1, "many"], "tax": 1}))
    assert model.predict(pd.DataFrame({"area": ["50 m2", 150], "tax": [0.0, 1.0]})).tolist() == ["cheap", "dear"]
