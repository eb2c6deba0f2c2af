"""What turned out to be true, by prediction id, in; what is new of it in the spool, and what became of each out."""

import contextlib
import fcntl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slipway.journal import segment
from slipway.journal.spool import SpoolWriter
from slipway.journal.window import find
from slipway.records import Label, Truth, new_id
from slipway.storage.seams import Journal

Outcome = Literal["kept", "corrected", "known", "unknown id", "contradicts"]
"""Kept for the first time; kept as a correction; the same truth again; no such prediction; another truth is kept."""

REFUSED: tuple[Outcome, ...] = ("unknown id", "contradicts")


@dataclass(frozen=True, slots=True)
class Given:
    """A truth as somebody gives it."""

    id: str
    """The prediction's."""
    truth: Label
    is_correction: bool = False


def record_truths(
    journal: Journal, folder: Path, writer: SpoolWriter, given: Sequence[Given], *, source: str
) -> list[Outcome]:
    """Keep truths, all or, if one of them is refused, none; what became of each, in the order given.

    The spool is held meanwhile, so that of two contradicting truths given at once one is refused.

    Raises:
        OutsideError: the journal or the disk is away.
    """
    with contextlib.ExitStack() as held:
        with segment.at_the_disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context((folder / "truths.lock").open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        found = find(journal, folder, [g.id for g in given])
        latest: dict[str, Label] = {key: f.truths[-1].truth for key, f in found.items() if f.truths}
        outcomes: list[Outcome] = []
        records = []
        for item in given:
            outcome = _judge(item, latest, is_known=item.id in found)
            outcomes.append(outcome)
            if outcome in ("kept", "corrected"):
                latest[item.id] = item.truth
                records.append(
                    Truth(
                        id=new_id(),
                        prediction_id=item.id,
                        at=time.time(),
                        truth=item.truth,
                        source=source,
                        is_correction=outcome == "corrected",
                    )
                )
        if not any(outcome in REFUSED for outcome in outcomes):
            writer.write(records)
        return outcomes


def _judge(item: Given, latest: dict[str, Label], *, is_known: bool) -> Outcome:
    if not is_known:
        return "unknown id"
    if item.id not in latest:
        return "kept"
    # 1 and True are equal in Python and are different labels; 1 and 1.0 are the same number.
    known = latest[item.id]
    if known == item.truth and isinstance(known, bool) == isinstance(item.truth, bool):
        return "known"
    return "corrected" if item.is_correction else "contradicts"
