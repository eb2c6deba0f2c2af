"""The state of a project in one place in, the same state in another out; called again, it brings what is new since."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from slipway.errors import BusyError, CheckRefused
from slipway.records import Decision, LedgerEntry, Token
from slipway.storage import Storage
from slipway.storage.seams import Decisions, Journal, Tokens

_AT_ONCE = 10_000
_ALL = 10**9


@dataclass(frozen=True, slots=True)
class Carried:
    """How much was not there yet."""

    entries: int
    """Of the ledger."""
    predictions: int
    truths: int
    decisions: int
    tokens: int
    pending: int


def carry(source: Storage, target: Storage, *, report: Callable[[int], None] = lambda predictions: None) -> Carried:
    """Bring what one storage keeps to another, but for leases, which end by themselves, and tables.

    The ledger is checked first and written last: what an interrupted call brought is not live, and the next goes on.
    What waits in a spool is not in the storage yet: ship it first.

    Args:
        report: told how many predictions have been brought so far.

    Raises:
        CheckRefused: the ledger there is of another history; nothing was brought.
        BusyError: somebody writes to the ledger there meanwhile.
    """
    missing = _missing(source, target)
    predictions, truths = _bring_journal(source.journal, target.journal, report)
    decisions = _bring_decisions(source.decisions, target.decisions)
    tokens = _bring_tokens(source.tokens.all(), target.tokens)
    pending = sum(target.pending.add(waiting) for waiting in source.pending.all())
    for entry in missing:
        if not target.ledger.append(entry):
            raise BusyError(
                f"The ledger in {target.place} got an entry {entry.seq} meanwhile. End what writes there, then try "
                "again: what was brought is kept."
            )
    return Carried(len(missing), predictions, truths, decisions, tokens, pending)


def _missing(source: Storage, target: Storage) -> Sequence[LedgerEntry]:
    """The entries that the target has not yet; it may have gone on since it was last brought any."""
    ours, theirs = source.ledger.entries(), target.ledger.entries()
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            raise CheckRefused(
                f"The ledger in {target.place} is of another history: its entry {other.seq} ({other.action} of version "
                f"{other.version}, {other.at}) is not the one in {source.place} ({mine.action} of version "
                f"{mine.version}, {mine.at}). Nothing was brought. Name an empty database, or leave the ledger there."
            )
    return ours[len(theirs) :]


def _bring_journal(source: Journal, target: Journal, report: Callable[[int], None]) -> tuple[int, int]:
    before, done = target.count(), 0
    for part in source.parts(_AT_ONCE):
        target.append(part)
        done += len(part)
        report(done)
    for truths in source.truth_parts(_AT_ONCE):
        target.append(truths)
    after = target.count()
    return after[0] - before[0], after[1] - before[1]


def _bring_decisions(source: Decisions, target: Decisions) -> int:
    # They have no key, and equal ones are two: of each as many are brought as are missing.
    there = Counter(map(_key, target.last(_ALL)))
    brought = 0
    for decision in source.last(_ALL):
        key = _key(decision)
        if there[key]:
            there[key] -= 1
        else:
            target.append(decision)
            brought += 1
    return brought


def _bring_tokens(tokens: Sequence[Token], target: Tokens) -> int:
    known = {token.sha256 for token in target.all()}
    return sum(target.add(token) for token in tokens if token.sha256 not in known)


def _key(decision: Decision) -> str:
    return json.dumps(asdict(decision), sort_keys=True)
