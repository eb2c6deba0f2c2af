"""Run the unit tests under each kernel of OpenBLAS that this processor has, and under each Python from 3.11 on.

`make kernels`, or `python scripts/kernels.py [ARGUMENT...]` with arguments for pytest, such as `tests/unit/model -x`.
Answers of models may differ between them in their last bits, and a test that asks for more than the product promises
shows here. Environments of other Pythons are made once, in `build/`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ("Prescott", "Haswell", "Zen", "SkylakeX")
OLDEST = 11
NEWEST = 16
USED = """
import numpy, threadpoolctl
numpy.ones((64, 64)) @ numpy.ones((64, 64))
print(threadpoolctl.threadpool_info()[0]["architecture"])
"""


def main(arguments: list[str]) -> int:
    """Run all of them, and say at the end which failed."""
    asked = arguments or ["tests/unit", "-q", "-n", "2"]
    failed = []
    for name, python, variables in (*_kernels(), *_pythons()):
        print(f"== {name}", flush=True)
        command = [python, "-m", "pytest", *asked]
        if subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, check=False).returncode:
            failed.append(name)
    print(f"Failed under {', '.join(failed)}." if failed else "All passed.")
    return int(bool(failed))


def _kernels() -> Iterator[tuple[str, str, dict[str, str]]]:
    seen = set()
    for kernel in KERNELS:
        variables = {"OPENBLAS_CORETYPE": kernel}
        # A processor without its instructions ends the process; OpenBLAS takes another kernel's for some.
        found = subprocess.run(
            [sys.executable, "-c", USED], env={**os.environ, **variables}, capture_output=True, text=True, check=False
        ).stdout.strip()
        if found and found not in seen:
            seen.add(found)
            yield f"kernel {kernel}, as {found}", sys.executable, variables
        else:
            print(f"== kernel {kernel}: {f'the same as {found}' if found else 'not of this processor'}", flush=True)


def _pythons() -> Iterator[tuple[str, str, dict[str, str]]]:
    for minor in range(OLDEST, NEWEST):
        if minor == sys.version_info[1]:
            continue
        found = _interpreter(minor)
        if found is None:
            print(f"== Python 3.{minor}: not here", flush=True)
            continue
        yield f"Python 3.{minor}", _environment(minor, found), {}


def _interpreter(minor: int) -> str | None:
    if (found := shutil.which(f"python3.{minor}")) is not None:
        works = subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
        if works:  # a version manager's stand-in may have none behind it
            return found
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next((str(path) for path in sorted(managed.glob(f"3.{minor}.*/bin/python"), reverse=True)), None)


def _environment(minor: int, interpreter: str) -> str:
    folder = ROOT / "build" / f"python3.{minor}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        uv = [sys.executable, "-m", "uv"]
        shutil.rmtree(folder, ignore_errors=True)
        into = ["--quiet", "--python", str(python)]
        locks = [f"--requirements={ROOT / 'locks' / name}.txt" for name in ("setup", "dev")]
        for command in (
            ["venv", "--quiet", "--no-python-downloads", "--python", interpreter, str(folder)],
            ["pip", "install", *into, "--require-hashes", *locks],
            ["pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
        ):
            subprocess.run([*uv, *command], cwd=ROOT, check=True)
        (folder / "whole").touch()
    return str(python)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
