"""`slipway job` as a container calls it: exit codes, what is last on standard error, JSON, an image's newer code."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import Slipway


@pytest.fixture
def line(slipway: Slipway) -> Path:
    """The example linear, in an image and in a volume that was filled from it."""
    slipway("new", "code", "--example", "linear", "--no-git")
    shutil.copytree(slipway.folder / "code", slipway.folder / "app")
    slipway.environment["SLIPWAY_CODE"] = str(slipway.folder / "code")
    slipway.folder = slipway.folder / "app"
    return slipway.folder


def test_a_stack_of_jobs_ends_with_a_live_version_and_runs_what_a_new_image_has(slipway: Slipway, line: Path) -> None:
    slipway("job", "model-train", code=2)
    assert "job `data-prep` makes it: `docker compose run --rm data-prep`" in slipway.said
    slipway("job", "data-prep")
    assert "readings             runs: never ran" in slipway.said
    assert "candidate" not in slipway("job", "model-train"), "it is live by now"
    assert slipway.said.endswith("  Version 1 is live.\n")
    done = slipway.json("job", "model-train", "-q")
    assert (done["service"], done["live"], done["released"], slipway.said) == ("model-train", 1, False, "")
    assert [stage["outcome"] for stage in done["run"]["stages"]] == ["unchanged"] * 4

    code = line.parent / "code/pipeline.py"
    code.write_text(code.read_text() + "\n\ndef later() -> None: ...\n")
    slipway("run")  # whose shortcut must not hide that the image is newer
    assert (line / "pipeline.py").read_text() == code.read_text()


def test_a_stage_that_fails_has_the_last_word(slipway: Slipway, line: Path) -> None:
    code = line.parent / "code/pipeline.py"
    name = next(text for text in code.read_text().splitlines() if text.startswith("def readings("))
    code.write_text(code.read_text().replace(name, f"{name}\n    raise ValueError('the well is dry')"))
    slipway("job", "data-prep", code=2)
    assert slipway.said.splitlines()[-1].endswith("ValueError: the well is dry")
    slipway("job", "model-serve", code=2)
    assert "is of kind api" in slipway.said


def test_sigterm_ends_the_loop_at_once_though_nothing_is_live(slipway: Slipway, line: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway", "loop", "--every", "1h"],
        cwd=line,
        env=slipway.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "Nothing is live yet" in process.stderr.readline()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert time.monotonic() - began < 30
