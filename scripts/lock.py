"""pyproject.toml in; out, each version, with its hashes, of what setup, tests, demo and a stack's images need.

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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIGEST = "# pyproject.toml's requirements: sha256 "

ANYWHERE = ("--universal", "--python-version", "3.11")
# What images are made of; for arm64 the same versions come out, and the hashes are those of every wheel.
IN_AN_IMAGE = ("--python-version", "3.13", "--python-platform", "x86_64-unknown-linux-gnu")
IMAGES = "src/slipway/stack/files/locks"


@dataclass(frozen=True)
class Lock:
    """One file of pinned versions: what it answers, and what it has to agree with."""

    file: str
    asks: tuple[str, ...]
    target: tuple[str, ...] = ANYWHERE
    agrees: tuple[str, ...] = ()
    """Locks whose versions it takes where both have a package."""
    over: tuple[str, ...] = ()
    """Locks whose packages it leaves out: it is installed on top of them."""
    without: tuple[str, ...] = ()
    """Requirements of its packages that it leaves unmet."""


def image(
    name: str, *asks: str, over: tuple[str, ...] = (), agrees: tuple[str, ...] = (), **more: tuple[str, ...]
) -> Lock:
    lower = tuple(f"{IMAGES}/{part}.txt" for part in over)
    beside = tuple(f"{IMAGES}/{part}.txt" for part in agrees)
    agreed = more.pop("constraints", ("locks/dev.txt",))
    return Lock(f"{IMAGES}/{name}.txt", asks, IN_AN_IMAGE, (*agreed, *lower, *beside), lower, **more)


# What tracking on a server leaves idle: the libraries of models that it logs, runs and images, and other web servers.
NO_MODELS = ("docker", "gunicorn", "huey", "matplotlib", "pyarrow", "scikit-learn", "scipy", "skops")
# What serving never imports of what its packages ask for: colours of code, Markdown and tables for terminals.
NOT_SERVED = ("markdown-it-py", "prettytable", "pygments")
ON_A_JOB = ("api", "polars", "job")

# In this order: `dev` holds the next two, and is resolved first, so that what is tested is what runs.
LOCKS = (
    Lock("locks/dev.txt", ("pyproject.toml", "--group", "dev")),
    Lock("locks/runtime.txt", ("pyproject.toml",), agrees=("locks/dev.txt",)),
    Lock("locks/setup.txt", ("--group", "setup"), agrees=("locks/dev.txt",)),
    image("api", "--group", "image-api", without=NOT_SERVED),
    image("polars", "--group", "image-polars", over=("api",)),
    image("job", "pyproject.toml", "--extra", "postgres", over=("api", "polars")),
    image("pandas", "--group", "image-pandas", over=("api", "polars"), agrees=("job",)),
    image("figures", "pyproject.toml", "--extra", "figures", over=ON_A_JOB),
    image("dvc", "pyproject.toml", "--extra", "dvc", over=ON_A_JOB, agrees=("figures",)),
    image("s3", "pyproject.toml", "--extra", "s3", over=(*ON_A_JOB, "dvc")),
    image("gs", "pyproject.toml", "--extra", "gs", over=(*ON_A_JOB, "dvc"), agrees=("s3",)),
    image("azure", "pyproject.toml", "--extra", "azure", over=(*ON_A_JOB, "dvc"), agrees=("s3", "gs")),
    image("test", "--group", "image-test", over=ON_A_JOB, agrees=("figures", "dvc", "s3", "gs", "azure")),
    image("mlflow", "--group", "image-mlflow", agrees=("job", "dvc", "s3", "gs", "azure"), without=NO_MODELS),
    image("prefect", "--group", "image-prefect", constraints=()),
)
UNREACHABLE = re.compile(r"error sending request|failed to fetch|dns error|could not connect|timed out", re.IGNORECASE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Refresh or check the locks.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    parser.add_argument("--images", action="store_true", help="those of the images alone")
    arguments = parser.parse_args()
    if arguments.check:
        return check()
    for lock in LOCKS:
        if lock.target == ANYWHERE and arguments.images:
            continue
        if found := resolve(lock, ROOT / lock.file, upgrade=arguments.upgrade):
            return found
    return 0


def check() -> int:
    """Compare the locks with the requirements: first by digest, which needs no network, then by resolving them."""
    stale = [lock.file for lock in LOCKS if recorded(lock) != digest()]
    if stale:
        print(f"pyproject.toml has changed since {', '.join(stale)}: run `make lock`.")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for lock in LOCKS:
            fresh = Path(shutil.copy(ROOT / lock.file, folder))
            if found := resolve(lock, fresh):
                return found
            # Hashes are not compared: a wheel added to an old version later makes no lock stale.
            if changed := pins(ROOT / lock.file) ^ pins(fresh):
                print(f"{lock.file} is stale ({', '.join(sorted(changed))}): run `make lock`.")
                return 1
    return 0


def resolve(lock: Lock, output: Path, *, upgrade: bool = False) -> int:
    """Write one lock; what stands in `output` is kept where it fits. 0, or the exit code of what went wrong."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *lock.asks, "--output-file", str(output), *lock.target]
    command += ["--generate-hashes", "--no-python-downloads"]
    command += ["--quiet", "--no-annotate", "--no-header", *(["--upgrade"] if upgrade else [])]
    for other in lock.agrees:
        command += ["--constraints", other]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as unmet:
        # A marker that holds nowhere takes a requirement away.
        unmet.write("".join(f"{name} ; python_version < '3'\n" for name in lock.without))
        unmet.flush()
        command += ["--overrides", unmet.name] if lock.without else []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return 3 if UNREACHABLE.search(done.stderr) else 2
    lower = set().union(*(entries(ROOT / other) for other in lock.over))
    kept = "".join(text for pin, text in entries(output).items() if pin not in lower)
    output.write_text(f"# Written by `make lock`; not by hand.\n{DIGEST}{digest()}\n{kept}")
    return 0


def digest() -> str:
    """What pyproject.toml asks for, as one SHA-256: the order and layout of the file do not count."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = content["project"], content["dependency-groups"]
    asked = {
        "python": project["requires-python"],
        "runtime": sorted(project["dependencies"]),
        "extras": {name: sorted(extra) for name, extra in project["optional-dependencies"].items()},
        **{name: sorted(map(str, group)) for name, group in groups.items()},
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def recorded(lock: Lock) -> str | None:
    """The digest that a lock was made from."""
    for line in (ROOT / lock.file).read_text().splitlines():
        if line.startswith(DIGEST):
            return line.removeprefix(DIGEST)
    return None


def entries(lock: Path) -> dict[str, str]:
    """A lock's pins, with their conditions, each with its whole text."""
    found: dict[str, str] = {}
    pin = ""
    for line in lock.read_text().splitlines(keepends=True):
        if line[0] not in " #":
            pin = line.rstrip(" \\\n")
        if line[0] != "#":
            found[pin] = found.get(pin, "") + line
    return found


def pins(lock: Path) -> set[str]:
    """The versions that a lock names, with their conditions."""
    return set(entries(lock))


if __name__ == "__main__":
    sys.exit(main())
