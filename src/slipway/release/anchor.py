"""The ledger's chain beside the heads that were kept outside its database → whether it is the one that was written.

A chain that is whole can still have been written anew from some entry on, or cut short. So the head is kept, too, as a
tag of the live version in the tracker. A head that is an entry of the chain is as it should be: where it is not the
newest one, a crash came between, and it is brought forward. One that is no entry of the chain stays as evidence.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.errors import SlipwayError
from slipway.records import LedgerEntry
from slipway.release.ledger import verify
from slipway.release.states import stand
from slipway.tracking.seams import Tracker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Anchored:
    """What the heads kept outside say of a chain."""

    seq: int | None
    """The newest entry that one of them confirms; None without any."""
    problem: str | None
    """What differs, and where; None when nothing does."""

    def sentence(self) -> str:
        """What they say, in words."""
        if self.problem is not None:
            return self.problem
        if self.seq is None:
            return "no version in the tracker carries a head of the ledger, so there is nothing to compare it with"
        return f"the tracker confirms it up to entry {self.seq}"


def compare(entries: Sequence[LedgerEntry], heads: Mapping[int, str]) -> Anchored:
    """Look for each head in a chain that holds.

    Args:
        heads: by the version that carries it; see `head_of`.
    """
    confirmed: int | None = None
    problems = []
    for version, head in sorted(heads.items()):
        if not head:  # accepted while the ledger had no entry
            continue
        number, _, kept = head.partition(":")
        seq = int(number) if number.isdecimal() else 0
        if 1 <= seq <= len(entries) and entries[seq - 1].hash == kept:
            confirmed = max(confirmed or 0, seq)
        elif seq > len(entries):
            problems.append(
                f"version {version} in the tracker was marked at entry {seq} ({kept[:12]}), and the ledger ends with "
                f"entry {len(entries)}: entries were cut off"
            )
        else:
            found = entries[seq - 1].hash[:12] if seq else "none"
            problems.append(
                f"version {version} in the tracker was marked at entry {seq} with hash {kept[:12]}, and the ledger has "
                f"{found} there: it was written anew"
            )
    return Anchored(confirmed, "; ".join(problems) or None)


def head_of(entries: Sequence[LedgerEntry]) -> str:
    """The newest entry as a version carries it: its number and hash."""
    return f"{entries[-1].seq}:{entries[-1].hash}"


def bring_forward(tracker: Tracker, name: str, entries: Sequence[LedgerEntry]) -> str | None:
    """Let the live version carry the newest head; what could not be done, or does not agree, which is logged too.

    The ledger is the truth about what is live, so a tracker that is away is a warning, and so are its heads when they
    differ: `slipway ledger --verify` refuses, and says how to go on.
    """
    live = stand(entries).live
    if live is None:
        return None
    try:
        heads = tracker.anchors(name)
        anchored = compare(entries, heads)
        if anchored.problem is None and heads.get(live) != head_of(entries):
            tracker.anchor(name, live, head_of(entries))
    except SlipwayError as error:
        warning = f"the ledger's head could not be kept in the tracker, the next release does it: {error}"
    else:
        if anchored.problem is None:
            return None
        warning = f"the ledger is not the one that was written: {anchored.problem}. See `slipway ledger --verify`"
    log.warning(warning)
    return warning


def check_anchors(tracker: Tracker, name: str, entries: Sequence[LedgerEntry]) -> Anchored:
    """Compare with what the tracker keeps, and bring that forward where it agrees.

    Raises:
        OutsideError: the tracker is away.
    """
    anchored = compare(entries, tracker.anchors(name))
    if anchored.problem is None and verify(entries).ok:
        bring_forward(tracker, name, entries)
    return anchored


def accept(tracker: Tracker, name: str, entries: Sequence[LedgerEntry]) -> None:
    """Take the chain as it stands for the right one: every head that is not of it is replaced by the newest.

    Raises:
        OutsideError: the tracker is away.
    """
    for version, head in tracker.anchors(name).items():
        if compare(entries, {version: head}).problem is not None:
            tracker.anchor(name, version, head_of(entries) if entries else "")
