import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written so that this file does not match itself.
HOSTS = re.compile(r"py[p]i\.org|python[h]osted|\.np[m]js|crate[s]\.io|proxy\.gola[n]g|maven\.or[g]|deb\.debia[n]")
PLACES = re.compile(r"/wor[k]/|/tm[p]/dev|/farm[/]|/roo[t]/|/hom[e]/[a-z]|/User[s]/[A-Za-z]")
LARGEST_BYTES = 500_000


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize(("what", "pattern"), [("a package registry's host", HOSTS), ("a machine's path", PLACES)])
def test_no_file_names(what, pattern):
    found = []
    for path in _tracked():
        text = path.read_bytes().decode(errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == [], f"{what} does not belong into a file that others get"


def test_no_file_is_large():
    large = {str(path.relative_to(ROOT)): size for path in _tracked() if (size := path.stat().st_size) > LARGEST_BYTES}
    assert large == {}


def test_no_file_is_made_by_a_run():
    made = re.compile(r"(^|/)(__pycache__|\.slipway|mlruns|\.venv|demo)/|mlflow\.db$|\.pyc$")
    names = [path.relative_to(ROOT).as_posix() for path in _tracked()]
    assert [name for name in names if made.search(name)] == []
