"""A project whose state and tables are on a PostgreSQL server, through the command line, with the roles of a stack."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from commands import Slipway
from postgres import PASSWORDS, Server


@pytest.fixture
def address(postgres_server: Server) -> str:
    return postgres_server.stack_database()


@pytest.fixture
def acting(slipway: Slipway, address: str) -> Callable[[str], None]:
    """Let the commands that follow be a role's; its password is in a file alone."""
    files = {}
    for role, password in PASSWORDS.items():
        files[role] = slipway.folder / f"{role}.password"
        files[role].write_text(f"{password}\n")

    def act(role: str) -> None:
        url = f"postgresql://{role}@{address}"
        told = {"SLIPWAY_STATE_URL": url, "SLIPWAY_DATABASE_URL": url, "SLIPWAY_DATABASE_PASSWORD_FILE": files[role]}
        slipway.environment |= {name: str(value) for name, value in told.items()}

    act("slipway")
    return act


def eventually(ask: Callable[[], Any], *, seconds: float = 30.0) -> None:
    """Wait until it is so."""
    give_up = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.1)


def journalled(address: str) -> list[str]:
    """The ids of what the journal has, by the server's own word."""
    with psycopg.connect(f"postgresql://postgres@{address}") as connection:
        return [key for (key,) in connection.execute("SELECT id FROM slipway.predictions ORDER BY seq").fetchall()]


def files_with(folder: Path, *words: str) -> list[Path]:
    """The files in which one of the words is, but for those that are for it."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".password"]
    return [path for path in found if any(word.encode() in path.read_bytes() for word in words)]


def test_the_whole_flow_on_a_server_that_goes_away_and_comes_back(
    slipway: Slipway, acting: Callable[[str], None], address: str, postgres_server: Server
) -> None:
    # On the laptop first: what a folder knows of its last run says nothing of another state.
    project = slipway.folder / "line"
    on_server, slipway.environment = slipway.environment, dict(os.environ)
    slipway("new", "line", "--example", "linear")
    assert slipway.json("-C", "line", "run")["candidate"] == 1
    for left in (".slipway/state.db", "mlflow.db", "data/project.db"):
        (project / left).unlink()
    slipway.environment = on_server

    assert slipway.json("-C", "line", "run")["candidate"] == 1
    slipway("-C", "line", "release")

    acting("slipway_api")
    with slipway.serving("-C", "line", "serve", "--port", "0") as server:
        server.url = server.line()
        first = server.ask("/predict", {"values": [5]})
        assert first["predictions"] == [[pytest.approx(10.925, abs=5e-4)]]
        eventually(lambda: len(journalled(address)) == 1)

        postgres_server.stop()
        for _ in range(5):
            server.ask("/predict", {"values": [6]})
        slipway("-C", "line", "journal", code=3)
        assert f"PostgreSQL at {address}: it is away (Connection refused). Start it" in slipway.said
        postgres_server.start()
        eventually(lambda: server.ask("/health")["status"] == "ok" and len(journalled(address)) == 6)

    slipway("-C", "line", "tokens", "add", "shop", "--scope", "read", code=3)
    assert "permission denied for table tokens" in slipway.said

    acting("slipway")
    slipway("-C", "line", "tokens", "add", "shop", "--scope", "read")
    keys = journalled(address)
    (project / "truths.csv").write_text("id,truth\n" + "".join(f"{key},11.0\n" for key in keys))
    slipway("-C", "line", "feedback", "line/truths.csv")
    assert slipway.json("-C", "line", "monitor")["rows"] == 6
    slipway("-C", "line", "journal", "--purge", keys[0])
    assert journalled(address) == keys[1:]
    assert "Journalled: 5 predictions and 5 truths; 0 records in the spool.\n" in (
        said := slipway("-C", "line", "journal")
    )
    assert f"It is kept in PostgreSQL at {address}." in said
    assert slipway.json("-C", "line", "loop", "--once")["live"] == 1
    slipway("-C", "line", "gc")
    assert slipway.json("-C", "line", "ledger", "--verify")["verified"] is True

    assert not (project / ".slipway/state.db").exists()
    assert not files_with(slipway.folder, *PASSWORDS.values())
