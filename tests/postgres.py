"""A PostgreSQL server of the tests' own, from the system's packages: made in a temporary folder, gone with it.

One serves all tests of a process, each in a database that nobody else has meanwhile.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

CLOCK = "options=-csearch_path%3Dtests,pg_catalog,public"
"""Added to a URL: the database's clock is then what `Server.clock` holds. pg_catalog else comes first by itself."""
PASSWORDS = {"slipway": "s3cret/of@jobs", "slipway_api": "s3cret:of%the#api"}
"""The roles of a stack: they come over TCP, and have to say who they are; the superuser does not."""
MISSING = "there is no PostgreSQL server here (Debian's package postgresql has one)"


def binaries() -> Path | None:
    """The folder of initdb and postgres, the newest one; Debian keeps it off the path."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    places = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((place.parent for place in places), key=lambda place: int(place.parent.name), default=None)


class Server:
    """A running server, which a test may stop and start."""

    def __init__(self, programs: Path, folder: Path, *, is_quick: bool) -> None:
        self._programs = programs
        self._is_quick = is_quick
        self.folder = folder
        self._owner = _owner()
        if self._owner is not None:
            shutil.chown(folder, self._owner)
        self.port = _free_port()
        self._free: list[str] = []
        self._made = 0
        self._admin: psycopg.Connection | None = None
        self.clock = folder / "clock"
        self._run("initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        rules = folder / "data" / "pg_hba.conf"
        guarded = f"host all {','.join(PASSWORDS)} 127.0.0.1/32 scram-sha-256"
        rules.write_text(f"{guarded}\n{rules.read_text()}")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
        }
        if self._is_quick:
            options |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
        said = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o", said, "start")

    def stop(self) -> None:
        """End it and every connection, as a machine that goes down."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def admin(self) -> psycopg.Connection:
        """A connection of the superuser, to the database that nobody's tests are in."""
        if self._admin is None or self._admin.closed:
            self._admin = psycopg.connect(self.url, autocommit=True)
        return self._admin

    def stack_database(self) -> str:
        """The address, without a user, of a new database as a stack makes it: `slipway` owns it, the API has a role."""
        for role, password in PASSWORDS.items():
            if self.admin().execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                self.admin().execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password))
        self._made += 1
        self.admin().execute(f"CREATE DATABASE t{self._made} OWNER slipway")
        return f"127.0.0.1:{self.port}/t{self._made}"

    def take(self) -> str:
        """The URL of a database that is empty, or holds empty tables of Slipway's."""
        if self._free:
            url = self._free.pop()
            with psycopg.connect(url, autocommit=True) as connection:
                # Quicker than a new database by far.
                deletes = [f"DELETE FROM slipway.{name}" for name in _tables(connection)]
                connection.execute("; ".join(deletes))
            return url
        self._made += 1
        name = f"t{self._made}"
        self.admin().execute(f"CREATE DATABASE {name}")
        url = f"{self.url.rpartition('/')[0]}/{name}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE SCHEMA tests; CREATE FUNCTION tests.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
                f"$$ SELECT to_timestamp(pg_read_file('{self.clock}')::double precision) $$"
            )
        return url

    def drop_tables(self) -> None:
        """Let every database that is taken from now on be an empty one."""
        self._free.clear()

    def give_back(self, url: str) -> None:
        """Let another test have the database."""
        self._free.append(url)

    def _run(self, program: str, *arguments: str | Path) -> None:
        # Into a file: the server that pg_ctl starts keeps its output open, so a pipe would never end.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                [str(self._programs / program), *map(str, arguments)], user=self._owner, cwd="/", check=False,
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
            if done.returncode != 0:
                said.seek(0)
                pytest.fail(f"{program} failed: {said.read()}")


@contextmanager
def server(*, is_quick: bool = True) -> Iterator[Server]:
    """A running server; a skip where there is none to run, a failure where services are required.

    Args:
        is_quick: nothing that it keeps would outlive the machine's power.
    """
    programs = binaries()
    if programs is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    # Not pytest's own folder: nobody but its owner may pass through that, and the server is somebody else.
    folder = Path(tempfile.mkdtemp(prefix="slipway-postgres-"))
    running = None
    try:
        running = Server(programs, folder, is_quick=is_quick)
        yield running
    finally:
        if running is not None:
            running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'slipway' AND tablename <> 'writer'")
    return [name for (name,) in found]


def _owner() -> str | None:
    """Somebody to run as: the server refuses the superuser."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
