"""Child processes that run Python for Slipway, and how a process ends with the one that began it.

A child never finds the working folder's or the project's modules in place of the standard library's: a project may
hold a `platform.py`, and only its pipeline's own code may import that.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

Channel = int | None
"""What `subprocess` takes for a child's input or output."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter. Start it in an `environment` of ours."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(root: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables for a child: this process's, without the project's folder on Python's path.

    Other folders that `PYTHONPATH` names stay, since libraries may lie there. One without a name stands for the working
    folder, mostly by accident: it goes.

    Args:
        root: the project's folder.
        more: variables that the child is given besides.
    """
    variables = {**os.environ, **(more or {})}
    given = variables.pop("PYTHONPATH", "").split(os.pathsep)
    kept = [folder for folder in given if folder and not _is_same(folder, root)]
    return {**variables, "PYTHONPATH": os.pathsep.join(kept)} if kept else variables


def start(
    module: str,
    *arguments: str,
    root: Path,
    more: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: Channel = subprocess.PIPE,
    stdout: Channel = subprocess.PIPE,
    stderr: Channel = None,
    has_own_session: bool = False,
    descriptors: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a module, of ours or of a library, in a Python of its own.

    Args:
        root: the project's folder, whose modules it does not find by itself.
        more: variables that it is given besides ours.
        has_own_session: whether signals of the terminal, such as Ctrl-C, pass it by.
        descriptors: open files that it is given besides, under the same numbers.
    """
    return subprocess.Popen(
        command(module, *arguments),
        cwd=cwd,
        env=environment(root, more),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=has_own_session,
        pass_fds=descriptors,
    )


@contextmanager
def spawning(root: Path) -> Iterator[None]:
    """Within this, processes that `multiprocessing` spawns begin as `start` lets them."""
    wanted = {**environment(root), "PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PYTHONSAFEPATH")}
    _set({name: wanted.get(name) for name in before})
    try:
        yield
    finally:
        _set(before)


def end_with(lead: int, end: Callable[[], object] = lambda: os._exit(1)) -> None:
    """End this process when its parent does, however that ends: nobody who comes later finds it at work.

    Args:
        lead: a file handle that the parent holds the other end of, and never writes to.
        end: what to do then; by default the process ends at once.
    """
    from threading import Thread

    def follow() -> None:
        with suppress(OSError):
            os.read(lead, 1)
        end()

    Thread(target=follow, name="slipway-follow", daemon=True).start()


def ended_by(code: int) -> str | None:
    """Return the name of the signal that ended a process, with a hint where there is one; None for an exit code."""
    import signal

    if code >= 0:
        return None
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"{name}.{' Is memory short?' if -code == signal.SIGKILL else ''}"


def _is_same(folder: str, root: Path) -> bool:
    try:
        return Path(folder).samefile(root)
    except OSError:
        return False


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
