"""A PostgreSQL server of the tests' own, from the system's packages: made in a temporary folder, gone with it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MISSING = "there is no PostgreSQL server here (Debian's package postgresql has one)"


def binaries() -> Path | None:
    """The folder of initdb and postgres, the newest one; Debian keeps it off the path."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    places = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((place.parent for place in places), key=lambda place: int(place.parent.name), default=None)


@contextmanager
def server() -> Iterator[str]:
    """A running server's URL; a skip where there is none to run, a failure where services are required."""
    programs = binaries()
    if programs is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    # Not pytest's own folder: nobody but its owner may pass through that, and the server is somebody else.
    folder = Path(tempfile.mkdtemp(prefix="slipway-postgres-"))
    owner = _owner()
    if owner is not None:
        shutil.chown(folder, owner)
    port = _free_port()
    try:
        _run([programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8"], owner)
        start = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        _run([programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", start, "start"], owner)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            _run([programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"], owner)
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    """Somebody to run as: the server refuses the superuser."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run(command: list[str | Path], owner: str | None) -> None:
    # Into a file: the server that pg_ctl starts keeps its output open, so a pipe would never end.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            [str(part) for part in command], user=owner, cwd="/", check=False,
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != 0:
            said.seek(0)
            pytest.fail(f"{command[0]} failed: {said.read()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
