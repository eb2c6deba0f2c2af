"""pyproject.toml in, `locks/*.txt` out: each version, with its hashes, of what setup, tests and demo need.

`lock.py` adds what is missing and keeps every version that still fits; `--upgrade` takes the newest ones. `--check`
changes nothing and ends with 0 (fresh), 1 (stale, saying where) or 3 (the registry can't be reached).
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIGEST = "# pyproject.toml's requirements: sha256 "

# `dev` holds the other two, and is resolved first, so that what is tested is what runs.
LOCKS = {
    "dev": ["pyproject.toml", "--group", "dev"],
    "runtime": ["pyproject.toml", "--constraints", "locks/dev.txt"],
    "setup": ["--group", "setup", "--constraints", "locks/dev.txt"],
}
UNREACHABLE = re.compile(r"error sending request|failed to fetch|dns error|could not connect|timed out", re.IGNORECASE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Refresh or check the files in locks/.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    arguments = parser.parse_args()
    if arguments.check:
        return check()
    for name in LOCKS:
        found = resolve(name, ROOT / "locks" / f"{name}.txt", upgrade=arguments.upgrade)
        if found:
            return found
    return 0


def check() -> int:
    """Compare the locks with the requirements: first by digest, which needs no network, then by resolving them."""
    stale = [name for name in LOCKS if recorded(name) != digest()]
    if stale:
        print(f"pyproject.toml has changed since {', '.join(map(_file, stale))}: run `make lock`.")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for name in LOCKS:
            fresh = Path(shutil.copy(ROOT / _file(name), folder))
            if found := resolve(name, fresh):
                return found
            # Hashes are not compared: a wheel added to an old version later makes no lock stale.
            if changed := pins(ROOT / _file(name)) ^ pins(fresh):
                print(f"{_file(name)} is stale ({', '.join(sorted(changed))}): run `make lock`.")
                return 1
    return 0


def resolve(name: str, output: Path, *, upgrade: bool = False) -> int:
    """Write one lock; what stands in `output` is kept where it fits. 0, or the exit code of what went wrong."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *LOCKS[name], "--output-file", str(output)]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-python-downloads"]
    command += ["--quiet", "--no-annotate", "--no-header", *(["--upgrade"] if upgrade else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return 3 if UNREACHABLE.search(done.stderr) else 2
    pinned = output.read_text()
    output.write_text(f"# Written by `make lock`; not by hand.\n{DIGEST}{digest()}\n{pinned}")
    return 0


def digest() -> str:
    """What pyproject.toml asks for, as one SHA-256: the order and layout of the file do not count."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = content["project"], content["dependency-groups"]
    asked = {
        "python": project["requires-python"],
        "runtime": sorted(project["dependencies"]),
        **{name: sorted(map(str, group)) for name, group in groups.items()},
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def recorded(name: str) -> str | None:
    """The digest that a lock was made from."""
    for line in (ROOT / _file(name)).read_text().splitlines():
        if line.startswith(DIGEST):
            return line.removeprefix(DIGEST)
    return None


def pins(lock: Path) -> set[str]:
    """The versions that a lock names, with their conditions."""
    return {line.rstrip(" \\") for line in lock.read_text().splitlines() if line and line[0] not in " #"}


def _file(name: str) -> str:
    return f"locks/{name}.txt"


if __name__ == "__main__":
    sys.exit(main())
