"""Ids of predictions, or an age, in; journal, spool and labelled rows without them, and a record of that, out."""

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from slipway.errors import BusyError, DataError
from slipway.journal import segment
from slipway.journal.segment import IsGone, Record
from slipway.journal.ship import Shipper
from slipway.journal.spool import read_spool
from slipway.project import Project
from slipway.records import Decision, Prediction, Truth, new_id
from slipway.settings import Settings
from slipway.storage import Storage
from slipway.storage.seams import Decisions, Journal

SHIPPING_SECONDS = 5.0
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, repr=False)
class Purged:
    """What was removed for good."""

    predictions: int
    truths: int
    labelled_rows: int
    """Rows that a retraining would have learnt from."""
    damaged: tuple[Path, ...] = ()
    """Segments of the spool that can't be read, so that nobody knows what they hold."""

    def __repr__(self) -> str:
        return f"<Purged: {self.sentence()}>"

    def to_json(self) -> dict[str, Any]:
        return {
            "predictions": self.predictions,
            "truths": self.truths,
            "labelled_rows": self.labelled_rows,
            "damaged": [str(path) for path in self.damaged],
        }

    def sentence(self) -> str:
        said = f"{self.predictions:,} predictions and {self.truths:,} truths are gone"
        said += f", and {self.labelled_rows:,} labelled rows." if self.labelled_rows else "."
        if self.labelled_rows:
            said += (
                " Tables made from those rows, DVC's cache and versions that learnt from them still have them: "
                "`slipway run` makes the tables anew, `dvc gc -w` clears the cache."
            )
        if self.damaged:
            said += f" {self.damaged[0]} can't be read and may hold some: delete it when you need it no more."
        return said


@dataclass(frozen=True, slots=True)
class Places:
    """Where a prediction is kept."""

    journal: Journal
    decisions: Decisions
    spool: Path
    labelled: tuple[Path, ...]
    """The files of labelled rows."""

    @classmethod
    def of(cls, project: Project, settings: Settings, storage: Storage) -> "Places":
        """Those of an opened project."""
        labelled = tuple(project.labelled(source) for source in project.sources)
        return cls(storage.journal, storage.decisions, settings.spool, labelled)


def purge(places: Places, ids: Sequence[str], *, by: str) -> Purged:
    """Remove these predictions with their truths, as if they had never been asked for.

    Raises:
        DataError: no prediction has one of the ids; nothing was removed.
        BusyError: the spool could not be shipped first, since another process ships.
        OutsideError: journal or disk are away, or somebody reads from the database all the while.
    """
    wanted = list(dict.fromkeys(ids))
    Shipper(places.spool, places.journal).ship(wait_seconds=SHIPPING_SECONDS)
    # What a crash left half removed is no longer in the journal, and may be purged again.
    rows_of = _labelled(places)
    known = {*places.journal.find(wanted), *(key for ids in rows_of.values() for key in ids)}
    unknown = [key for key in wanted if key not in known]
    if any(_key(record) in wanted for record in read_spool(places.spool)):
        raise BusyError(f"{places.spool}: another process ships just now. Nothing was removed; try again.")
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise DataError(f"no prediction has the id {unknown[0]!r}{more}. Nothing was removed.")
    gone = frozenset(wanted)
    damaged = _clear_spool(places.spool, lambda record: _key(record) in gone)
    rows = _drop(dict.fromkeys(rows_of, gone))
    predictions, truths = places.journal.remove(wanted)
    purged = Purged(predictions, truths, rows, damaged)
    _record(places.decisions, purged, "purged", f"asked for by {by}")
    return purged


def expire(places: Places, keep_days: float) -> Purged:
    """Remove the predictions that are older than so many days with their truths.

    A service without a table library leaves labelled rows to the next one who has it, such as `slipway gc`.
    """
    before = time.time() - keep_days * DAY_SECONDS
    damaged = _clear_spool(places.spool, _too_old(places, before))  # first: it asks the journal whose a truth is
    predictions, truths = places.journal.remove_before(before)
    rows = 0
    with contextlib.suppress(ModuleNotFoundError):
        rows_of = _labelled(places)
        present = places.journal.find([key for ids in rows_of.values() for key in ids])
        rows = _drop({path: [key for key in ids if key not in present] for path, ids in rows_of.items()})
    purged = Purged(predictions, truths, rows, damaged)
    if predictions or truths or rows:
        _record(places.decisions, purged, "expired", f"older than {keep_days:g} days")
    return purged


def _labelled(places: Places) -> dict[Path, list[str]]:
    """The predictions that each file of labelled rows comes from."""
    paths = [path for path in places.labelled if path.is_file()]
    if not paths:
        return {}
    from slipway.journal.labels import ids_in

    return {path: ids_in(path) for path in paths}


def _drop(gone: Mapping[Path, Collection[str]]) -> int:
    """Take the labelled rows of these predictions out of the files; how many they were."""
    if not gone:
        return 0
    from slipway.journal.labels import drop_labelled

    return sum(drop_labelled(path, ids) for path, ids in gone.items())


def _clear_spool(spool: Path, is_gone: IsGone) -> tuple[Path, ...]:
    """Blank what was shipped and is to be gone; the segments that can't be read."""
    with segment.at_the_disk(spool):
        folders = segment.folders(spool)
        for path in chain.from_iterable(map(segment.segments, folders)):
            try:
                segment.blank(path, segment.shipped(path), is_gone)
            except FileNotFoundError:
                continue  # shipped to its end and deleted meanwhile
        return tuple(sorted(path for folder in folders for path in folder.glob("*.damaged")))


def _too_old(places: Places, before: float) -> IsGone:
    """Whether a record of the spool is of a prediction before a Unix time; a truth that came later goes with it."""
    told: set[str] = set()
    with segment.at_the_disk(places.spool):
        for path in chain.from_iterable(map(segment.segments, segment.folders(places.spool))):
            with contextlib.suppress(FileNotFoundError):
                told |= {r.prediction_id for r in segment.read_segment(path).records if isinstance(r, Truth)}
    answered = places.journal.find(list(told))
    kept = {key for key, prediction in answered.items() if prediction.at >= before}

    def is_gone(record: Record) -> bool:
        return record.prediction_id not in kept if isinstance(record, Truth) else record.at < before

    return is_gone


def _key(record: Record) -> str:
    return record.id if isinstance(record, Prediction) else record.prediction_id


def _record(decisions: Decisions, purged: Purged, outcome: str, why: str) -> None:
    """That it happened, and how much; nothing of what was removed, not even its ids."""
    said = f"{purged.predictions} predictions and {purged.truths} truths, {why}."
    at = datetime.now(UTC).isoformat()
    detail = {key: value for key, value in purged.to_json().items() if isinstance(value, int)}
    decisions.append(Decision(new_id(), "purge", outcome, said, at, detail))
