import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "src" / "slipway" / "stack" / "files" / "locks"
LOCKS = (ROOT / "locks", IMAGES)


def test_locks_are_what_pyproject_asks_for():
    done = check(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_runs_on_versions_that_are_tested():
    dev, runtime, setup = (_pins(name) for name in ("dev", "runtime", "setup"))
    assert runtime
    assert runtime <= dev
    assert setup <= dev


def test_an_image_runs_on_versions_that_are_tested():
    tested = _pins("dev")
    names = {pin.split("==")[0] for pin in tested}
    # Prefect's server is alone in its image, with older versions that it works with.
    images = {pin for path in IMAGES.glob("*.txt") if path.stem != "prefect" for pin in _pins(path.stem, IMAGES)}
    assert {pin for pin in images - tested if pin.split("==")[0] in names} == set()


@pytest.mark.parametrize(
    "path", [path for folder in LOCKS for path in folder.glob("*.txt")], ids=lambda path: path.stem
)
def test_each_version_is_pinned_and_hashed(path):
    text = path.read_text()
    entries = text.replace(" \\\n", " ").splitlines()
    loose = [e.split()[0] for e in entries if e and not e.startswith("#") and not ("==" in e and "--hash=sha256:" in e)]
    assert loose == []


@pytest.mark.parametrize(
    ("changed", "old", "new", "stale"),
    [
        ("pyproject.toml", '"typer>=', '"tabulate>=0.9",\n    "typer>=', "locks/dev.txt"),
        ("locks/dev.txt", "typer==", "typer==9", "locks/dev.txt"),
        ("scripts/lock.py", '"pygments")', '"pygments", "rich")', "src/slipway/stack/files/locks/api.txt"),
    ],
)
def test_what_is_stale_is_found(tmp_path, changed, old, new, stale):
    locks = [str(path.relative_to(ROOT)) for folder in LOCKS for path in folder.glob("*.txt")]
    for name in ("pyproject.toml", "scripts/lock.py", *locks):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / name).read_text())
    text = (tmp_path / changed).read_text()
    assert old in text
    (tmp_path / changed).write_text(text.replace(old, new, 1))
    done = check(tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{stale} is stale")
    assert "run `make lock`" in done.stdout


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/lock.py", "--check"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _pins(name: str, folder: Path = ROOT / "locks") -> set[str]:
    lines = (folder / f"{name}.txt").read_text().splitlines()
    return {line.rstrip(" \\").split(" ;")[0] for line in lines if line[:1].isalnum()}
