"""pyproject.toml in; out, each version, with its hashes, of what setup, tests, demo and a stack's images need.

`lock.py` adds what is missing and keeps every version that still fits; `--upgrade` takes the newest ones. `--check`
changes nothing and needs no network: each lock says what it was resolved from and into, so that a requirement that was
added, a lock that it has to agree with, and a line that was written by hand all show. It ends with 0 (fresh) or 1.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = "# Written by `make lock`; not by hand.\n"

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
    """Compare what each lock says of itself with what it would say now."""
    for lock in LOCKS:
        said = (ROOT / lock.file).read_text().splitlines()
        source, result = heading(lock, entries(ROOT / lock.file))
        if source not in said:
            why = "pyproject.toml, this script or a lock that it agrees with has changed"
        elif result not in said:
            why = "its own lines have changed"
        else:
            continue
        print(f"{lock.file} is stale ({why}): run `make lock`.")
        return 1
    return 0


def resolve(lock: Lock, output: Path, *, upgrade: bool = False) -> int:
    """Write one lock; what stands in `output` is kept where it fits. 0, or the resolver's exit code."""
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
        return done.returncode
    lower = set().union(*(entries(ROOT / other) for other in lock.over))
    kept = {pin: text for pin, text in entries(output).items() if pin not in lower}
    output.write_text("".join([HEAD, *(f"{line}\n" for line in heading(lock, kept)), *kept.values()]))
    return 0


def heading(lock: Lock, pins: dict[str, str]) -> tuple[str, str]:
    """What a lock says of itself: the digest of all that it was resolved from, and of its own lines."""
    others = {other: sorted(entries(ROOT / other)) for other in (*lock.agrees, *lock.over)}
    given = {"asked": asked(), "lock": asdict(lock), "others": others}
    return f"# Resolved from sha256 {digest(given)}", f"# into sha256 {digest(pins)}"


def asked() -> dict[str, object]:
    """What pyproject.toml asks for: the order and layout of the file do not count."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = content["project"], content["dependency-groups"]
    return {
        "python": project["requires-python"],
        "runtime": sorted(project["dependencies"]),
        "extras": {name: sorted(extra) for name, extra in project["optional-dependencies"].items()},
        **{name: sorted(map(str, group)) for name, group in groups.items()},
    }


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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


if __name__ == "__main__":
    sys.exit(main())
