"""What turned out to be true, by prediction id, in; what is new of it in the spool, and what became of each out."""

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slipway.errors import BusyError, OutsideError
from slipway.file_rights import make_private_folder
from slipway.files import locked
from slipway.journal import segment
from slipway.journal.corrections import may_correct
from slipway.journal.spool import SpoolWriter
from slipway.journal.window import Found, find, find_waiting
from slipway.records import Label, Truth, new_id
from slipway.storage.seams import Journal

Outcome = Literal["kept", "corrected", "known", "unchecked", "unknown id", "contradicts", "not theirs"]
"""Kept for the first time; kept as a correction; the same truth again; kept while the journal is away, so that nobody
knows what it has; no such prediction; another truth is kept; another one is, of somebody else's, which only they and
people at this machine correct."""

KEPT: tuple[Outcome, ...] = ("kept", "corrected", "unchecked")
REFUSED: tuple[Outcome, ...] = ("unknown id", "contradicts", "not theirs")

_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Given:
    """A truth as somebody gives it."""

    id: str
    """The prediction's."""
    truth: Label
    is_correction: bool = False


def record_truths(
    journal: Journal | None,
    spool: Path,
    writer: SpoolWriter,
    given: Sequence[Given],
    *,
    source: str,
    may_be_away: bool = False,
) -> list[Outcome]:
    """Keep truths, all or, if one of them is refused, none; what became of each, in the order given.

    The spool is held meanwhile, so that of two contradicting truths given at once one is refused.

    Args:
        journal: None where it is known to be away, so that nobody has to wait to find it out.
        may_be_away: truths of what only the journal knows are then kept as they are; `window.counting` passes over what
            should have been refused.

    Raises:
        OutsideError: the disk is away; or the journal, where it may not be.
    """
    with contextlib.ExitStack() as held:
        with segment.at_the_disk(spool):
            make_private_folder(spool)
            try:
                held.enter_context(locked(spool / "truths.lock", wait_seconds=_WAIT_SECONDS))
            except BusyError as error:
                raise OutsideError(f"{error} Nothing of these truths was kept.") from error
        found, is_checked = _look(journal, spool, [g.id for g in given], may_be_away=may_be_away)
        latest: dict[str, Truth] = {key: f.truth for key, f in found.items() if f.truth is not None}
        outcomes: list[Outcome] = []
        records = []
        for item in given:
            outcome = _judge(item, latest, source, is_known=item.id in found, is_checked=is_checked)
            outcomes.append(outcome)
            if outcome in KEPT:
                is_correction = outcome == "corrected" or (outcome == "unchecked" and item.is_correction)
                at = _after(latest.get(item.id))
                latest[item.id] = Truth(new_id(), item.id, at, item.truth, source, is_correction)
                records.append(latest[item.id])
        if not any(outcome in REFUSED for outcome in outcomes):
            writer.write(records)
        return outcomes


def _look(
    journal: Journal | None, spool: Path, ids: Sequence[str], *, may_be_away: bool
) -> tuple[dict[str, Found], bool]:
    """What is known of these predictions, and whether the journal was asked."""
    if journal is not None:
        try:
            return find(journal, spool, ids), True
        except OutsideError:
            if not may_be_away:
                raise
    return find_waiting(spool, ids), False


def _judge(item: Given, latest: Mapping[str, Truth], source: str, *, is_known: bool, is_checked: bool) -> Outcome:
    if not is_known and not (item.id in latest and not is_checked):
        return "unknown id" if is_checked else "unchecked"
    if item.id not in latest:
        return "kept"
    # 1 and True are equal in Python and are different labels; 1 and 1.0 are the same number.
    known = latest[item.id].truth
    if known == item.truth and isinstance(known, bool) == isinstance(item.truth, bool):
        return "known"
    if not item.is_correction:
        return "contradicts"
    return "corrected" if may_correct(source, latest[item.id].source) else "not theirs"


def _after(known: Truth | None) -> float:
    """Now, or just after the truth that is known, which a clock that was ahead may have dated later."""
    now = time.time()
    return now if known is None else max(now, math.nextafter(known.at, math.inf))
