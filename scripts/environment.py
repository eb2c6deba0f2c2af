"""A lock in, the virtual environment `.venv` out: `environment.py runtime` for the demo, `dev` for tests.

Run by whatever `python3` there is, so it uses the standard library alone and says plainly what a bare machine lacks.
A second call finds its stamp and returns at once.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file has to be readable by older ones for this line's sake
    found = f"{sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}"
    sys.exit(f"Slipway needs Python 3.11 or later; {found}. Name a newer one, for example: make PYTHON=python3.12 ...")

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = HOME / "slipway.json"

# Measured on two cores with a fast line, from nothing: what is downloaded, what it takes on disk, how long it takes.
EXPECTED = {
    "runtime": "a download of 200 MB, 1.0 GB on disk, half a minute",
    "dev": "a download of 320 MB, 1.4 GB on disk, less than a minute",
}


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted not in EXPECTED:
        print("usage: environment.py runtime|dev", file=sys.stderr)
        return 2
    asked = fingerprint()
    present = stamp()
    if PYTHON.exists() and (present.get("dev") == asked or present.get(wanted) == asked):
        return 0
    say(f"Setting up {HOME}, once: the packages of locks/{wanted}.txt at their versions, each checked by its hash.")
    say(f"With a fast line that is {EXPECTED[wanted]}. Nothing outside changes but the caches of pip and uv.")
    started = time.monotonic()
    if not PYTHON.exists() or present.get("place") != str(HOME):
        create()
    install(wanted)
    STAMP.write_text(json.dumps({**present, "place": str(HOME), wanted: asked}))
    say(f"Done: {megabytes(HOME):.0f} MB in {time.monotonic() - started:.0f} s. To undo: rm -r {HOME}")
    return 0


def create() -> None:
    """Make the environment anew, with pip from the interpreter's own copy or from the system's."""
    bundled = importlib.util.find_spec("ensurepip") is not None
    if not bundled and importlib.util.find_spec("pip") is None:
        sys.exit(
            f"{sys.executable} can make no virtual environment: its ensurepip is missing. "
            "On Debian and Ubuntu: apt install python3-venv. Nothing was changed."
        )
    shutil.rmtree(HOME, ignore_errors=True)
    venv.create(HOME, with_pip=bundled, symlinks=os.name != "nt")
    pip = [PYTHON, "-m", "pip"] if bundled else [sys.executable, "-m", "pip", "--python", PYTHON]
    run([*pip, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", "locks/setup.txt"])


def install(wanted: str) -> None:
    """Install the lock, then the project itself as it stands in `src/`."""
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--no-python-downloads", "--compile-bytecode"]
    run([*uv, "--require-hashes", "-r", "locks/setup.txt", "-r", f"locks/{wanted}.txt"])
    run([*uv, "--no-deps", "--no-build-isolation", "--editable", "."])


def run(command: list[object]) -> None:
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env={**os.environ, "VIRTUAL_ENV": str(HOME)}, check=False)
    if done.returncode:
        sys.exit("That failed, see above. Without a network nothing can be set up; otherwise run the same once more.")


def fingerprint() -> str:
    """What the environment has to hold: the locks, the project's own metadata, and the interpreter's version."""
    files = [ROOT / "pyproject.toml", *sorted((ROOT / "locks").glob("*.txt"))]
    content = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(content + str(HOME).encode()).hexdigest()


def stamp() -> dict[str, str]:
    """What was set up before, by lock; empty when nothing was."""
    try:
        found: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found


def megabytes(folder: Path) -> float:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
