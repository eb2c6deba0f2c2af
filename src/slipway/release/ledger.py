"""An action on a version → the next entry of a chain that shows every later change; entries → whether it holds."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from slipway.errors import BusyError, CheckRefused, SlipwayError
from slipway.records import LIVE_CHANGES, Action, LedgerEntry
from slipway.release.states import Standing, broken, follow, stand
from slipway.storage.seams import Ledger

FIRST_PREVIOUS_HASH = "0" * 64
_ATTEMPTS = 50
_ON_PURPOSE = "Where a copy was put back on purpose, `slipway ledger --accept` says so"


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the chain holds, and where it breaks."""

    ok: bool
    problem: str | None


def record(
    ledger: Ledger,
    action: Action,
    version: int,
    *,
    bundle: str,
    by: str,
    why: str,
    gate: str | None = None,
    on: Standing | None = None,
    is_override: bool = False,
) -> LedgerEntry:
    """Append what happened to a version, if it may follow what the ledger says now.

    Args:
        bundle, gate: SHA-256 of the version's bundle, and of the gate's table that this rests on.
        on: where the versions stood when the caller decided, if its reasons rest on which one was live, or that
            none was. Of two first releases at once, one is so refused.

    Raises:
        ProjectError, CheckRefused: it may not follow; see `states.follow`.
        CheckRefused: another version went live meanwhile; or the chain does not hold, so nothing is built on it.
        BusyError: others kept appending.
    """
    for _ in range(_ATTEMPTS):
        entries = holding(ledger)
        standing = stand(entries)
        if on is not None:
            _refuse_if_another_is_live(standing, on)
        follow(standing, action, version, is_override=is_override)
        entry = LedgerEntry(
            seq=0,
            at=datetime.now(UTC).isoformat(timespec="microseconds"),
            action=action,
            version=version,
            previous=standing.live if action in LIVE_CHANGES else None,
            bundle=bundle,
            gate=gate,
            by=_storable(by),
            why=_storable(why),
            previous_hash="",
            hash="",
        )
        entry = _chained(entry, entries[-1] if entries else None)
        if (words := broken(stand([*entries, entry]))) is not None:
            raise SlipwayError(
                f"After {action} of version {version} it would not be that {words}. Nothing is recorded."
            )
        if ledger.append(entry):
            return entry
    raise BusyError(
        f"The ledger changed {_ATTEMPTS} times while {action} of version {version} was to be recorded. Retry."
    )


def holding(ledger: Ledger) -> list[LedgerEntry]:
    """The entries, oldest first, of a chain that holds.

    Raises:
        CheckRefused: it does not.
    """
    entries = ledger.entries()
    refuse_unless_held(verify(entries))
    return entries


def refuse_unless_held(verified: Verified) -> None:
    """Pass where a chain holds.

    Raises:
        CheckRefused: it does not.
    """
    if not verified.ok:
        raise CheckRefused(
            f"The ledger does not hold: {verified.problem}. Nothing is built on it. Put a copy of the state back; "
            "`slipway ledger --verify` looks again."
        )


def entry_hash(entry: LedgerEntry) -> str:
    """SHA-256 over the canonical JSON (sorted keys, no spaces, ASCII) of every field but the hash."""
    fields = asdict(entry)
    del fields["hash"]
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _refuse_if_another_is_live(standing: Standing, on: Standing) -> None:
    if standing.live != on.live:
        now, then = (f"version {v}" if v is not None else "nothing" for v in (standing.live, on.live))
        raise CheckRefused(
            f"{now.capitalize()} is live, not {then}, which this was decided on. Look at `slipway ledger` "
            "and decide again."
        )


def _chained(entry: LedgerEntry, head: LedgerEntry | None) -> LedgerEntry:
    """The same entry behind the chain's head: numbered, with both hashes."""
    behind = FIRST_PREVIOUS_HASH if head is None else head.hash
    entry = replace(entry, seq=1 if head is None else head.seq + 1, previous_hash=behind)
    return replace(entry, hash=entry_hash(entry))


def verify(entries: Sequence[LedgerEntry]) -> Verified:
    """Whether every entry is as it was written, in its place, with none missing between.

    A chain can't know of entries cut off at its end: `anchor.py` keeps the newest hash elsewhere.
    """
    return _verify(entries, None)


def _verify(entries: Sequence[LedgerEntry], after: LedgerEntry | None) -> Verified:
    before = FIRST_PREVIOUS_HASH if after is None else after.hash
    for seq, entry in enumerate(entries, start=1 if after is None else after.seq + 1):
        if entry.seq != seq:
            return Verified(False, f"entry {seq} is missing or out of order: entry {entry.seq} stands in its place")
        if entry.previous_hash != before:
            return Verified(
                False,
                f"entry {seq} follows an entry with hash {entry.previous_hash[:12]}, but the one before it has "
                f"{before[:12]}: one of the two was replaced or edited",
            )
        if (found := entry_hash(entry)) != entry.hash:
            return Verified(
                False,
                f"entry {seq} ({entry.action} of version {entry.version}) was edited: its fields give hash "
                f"{found[:12]}, written is {entry.hash[:12]}",
            )
        before = entry.hash
    return Verified(True, None)


def verify_after(known: Sequence[LedgerEntry], entries: Sequence[LedgerEntry]) -> Verified:
    """Return whether a chain goes on from one that was verified before: only what is new is hashed."""
    for before, now in zip(known, entries, strict=False):
        if before != now:
            return Verified(False, f"entry {before.seq} is another than the one that was verified here before")
    if len(entries) < len(known):
        return Verified(False, _cut(entries, known[-1]))
    return _verify(entries[len(known) :], known[-1] if known else None)


def verify_with(followed: LedgerEntry | None, entries: Sequence[LedgerEntry]) -> Verified:
    """Return whether a chain holds and has the entry that a service followed, if one is known."""
    verified = verify(entries)
    if not verified.ok or followed is None or entry_hash(followed) != followed.hash or followed in entries:
        return verified
    if followed.seq > len(entries):
        return Verified(False, f"{_cut(entries, followed)}. {_ON_PURPOSE}")
    return Verified(
        False, f"entry {followed.seq}, which a service followed, is another now: it was written anew. {_ON_PURPOSE}"
    )


def _cut(entries: Sequence[LedgerEntry], known: LedgerEntry) -> str:
    return f"it ends with entry {len(entries)}, and entry {known.seq} was followed here: entries were cut off"


def entry_json(entry: LedgerEntry) -> dict[str, Any]:
    """One entry as `slipway ledger --json` prints it."""
    return asdict(entry)


def _storable(text: str) -> str:
    # Arguments of a command line can carry bytes that are no UTF-8, as lone surrogates; no database keeps those.
    return text.encode("utf-8", "backslashreplace").decode()
