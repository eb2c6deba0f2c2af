"""Every fault that was reported with a script of its own is gone: the script ends with 0.

The scripts stand beside the project where they are at hand; elsewhere these tests skip. What each shows has tests of
its own, beside the module that was wrong.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "faults"
SCRIPTS = sorted(FOLDER.glob("*/run.sh"))
LONGEST_SECONDS = 240

pytestmark = pytest.mark.skipif(not SCRIPTS, reason="the scripts of reported faults are not here")


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Return the variables of a script: this environment's commands first, and a folder of projects to begin with."""
    base = tmp_path_factory.getbasetemp()
    base = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "faults"
    base.mkdir(exist_ok=True)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    found = {**os.environ, "PATH": path, "FAULTS_BASE": str(base)}
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = 'set -e; . "$1/lib.sh"; base mix; base lin'
        done = subprocess.run(
            ["bash", "-c", made, "make", FOLDER], env=found, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return found


@pytest.mark.timeout(LONGEST_SECONDS + 30)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.parent.name)
def test_the_product_does_right(script, environment):
    done = subprocess.run(
        ["bash", script],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    if done.returncode == 2 and "undecided" in said and os.environ.get("REQUIRE_SERVICES") != "1":
        pytest.skip(said.strip().splitlines()[-1])
    assert done.returncode == 0, said
