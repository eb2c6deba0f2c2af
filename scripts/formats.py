"""Write today's formats of the state file and the spool as small fixtures, which every later version has to read.

`python scripts/formats.py FOLDER` writes `state-N.sql` (a dump, since a database of SQLite is mostly empty pages) and
`spool-N.segment` there. A fixture of an older format is never written again: it is what an older version left.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from slipway.journal import segment
from slipway.records import Action, Decision, LedgerEntry, Prediction, Token, Truth, Waiting
from slipway.release.ledger import FIRST_PREVIOUS_HASH, entry_hash
from slipway.settings import read_settings
from slipway.storage import Storage, open_storage
from slipway.storage.sqlite import FORMAT

PREDICTIONS = (
    Prediction("0" * 26, 1767225600.5, 1, {"area": "160 m2", "rooms": 3, "age": None, "new": True, "größe": 1.5},
               "low", {"low": 0.75, "high": 0.25}, 4.5),
    Prediction("1" * 26, 1767225601.0, 1, {"area": None}, None, None, 0.5, "ValueError: no area"),
    Prediction("2" * 26, 1767225602.0, 2, {"area": 12}, 10.925, None, 3.25),
)  # fmt: skip
TRUTHS = (
    Truth("3" * 26, "0" * 26, 1767229200.0, "high", "ada"),
    Truth("4" * 26, "0" * 26, 1767229300.0, "low", "shop", True),
)
TOKENS = (Token("shop", "5" * 64, ("predict", "feedback"), "2026-01-01T00:00:00+00:00"),)
DECISIONS = (
    Decision("6" * 26, "check", "alarm", "psi of area 0.4 > 0.25", "2026-01-01T01:00:00+00:00", {"psi": 0.4, "n": [1]}),
)
ACTIONS: tuple[tuple[Action, int, int | None], ...] = (
    ("candidate", 1, None), ("passed", 1, None), ("released", 1, None), ("settled", 1, None),
    ("candidate", 2, None), ("passed", 2, None), ("released", 2, 1), ("rolled back", 1, 2),
)  # fmt: skip
WAITING = (
    Waiting("8" * 64, "2026-01-01T02:00:00+00:00", "ada", {"model.seed": 7}, {"accuracy": 0.9}, {"git.commit": "a1"}),
)
LEASE = ("retrain", "7" * 26, 10.0**10)
"""Held for centuries, so that whoever reads it sees it held."""


def entries() -> list[LedgerEntry]:
    """A chain of two releases and a way back."""
    chain: list[LedgerEntry] = []
    for seq, (action, version, previous) in enumerate(ACTIONS, start=1):
        gate = "9" * 64 if action in ("passed", "released") else None
        before = chain[-1].hash if chain else FIRST_PREVIOUS_HASH
        at = f"2026-01-01T00:00:{seq:02d}.000000+00:00"
        bare = LedgerEntry(seq, at, action, version, previous, f"{version}" * 64, gate, "ada", "why ü", before, "")
        chain.append(replace(bare, hash=entry_hash(bare)))
    return chain


def fill(storage: Storage) -> None:
    """One of everything that is kept."""
    storage.journal.append([*PREDICTIONS, *TRUTHS])
    for entry in entries():
        storage.ledger.append(entry)
    for decision in DECISIONS:
        storage.decisions.append(decision)
    for token in TOKENS:
        storage.tokens.add(token)
    for waiting in WAITING:
        storage.pending.add(waiting)
    name, holder, seconds = LEASE
    storage.lease.acquire(name, holder, seconds)


def main(folder: Path) -> None:
    """Write the fixtures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        settings = read_settings(Path(aside), {})
        storage = open_storage(settings)
        fill(storage)
        storage.close()
        with closing(sqlite3.connect(settings.state_db)) as connection:
            connection.execute("UPDATE leases SET until = 1e11, seconds = 1e11")
            connection.execute("UPDATE writer SET slipway = '0.1.0'")
            dump = [*connection.iterdump(), f"PRAGMA user_version = {FORMAT};"]
    (folder / f"state-{FORMAT}.sql").write_text("\n".join(dump) + "\n", encoding="utf-8")
    number = segment.HEADER.split()[-1].decode()
    (folder / f"spool-{number}.segment").write_bytes(segment.HEADER + segment.frame([*PREDICTIONS, *TRUTHS]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
