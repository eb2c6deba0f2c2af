"""Ids of predictions, or an age, in; journal, spool and labelled rows without them, and a record of that, out."""

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from slipway.errors import BusyError, DataError
from slipway.journal import damage, segment
from slipway.journal.retention_clock import DAY_SECONDS, keep_sighting, look, read_sighting
from slipway.journal.segment import IsGone, Record
from slipway.journal.ship import Shipper
from slipway.journal.spool import read_spool
from slipway.project import Project
from slipway.records import Decision, Prediction, Truth, new_id
from slipway.settings import Settings
from slipway.storage import Storage
from slipway.storage.clock import latest_moment, unix_time
from slipway.storage.seams import Decisions, Journal, Ledger

SHIPPING_SECONDS = 5.0
SIGHTING = "clock.json"
"""Beside the spool: what retention has seen of the clock."""

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class Purged:
    """What was removed for good."""

    predictions: int
    truths: int
    labelled_rows: int
    """Rows that a retraining would have learnt from."""
    damaged: tuple[Path, ...] = ()
    """Files of the spool with what can't be read and does not name the prediction, so that nobody knows what it is."""
    postponed: str = ""
    """Why not all that is too old by the clock was removed."""

    def __repr__(self) -> str:
        return f"<Purged: {self.sentence()}>"

    def to_json(self) -> dict[str, Any]:
        return {
            "predictions": self.predictions,
            "truths": self.truths,
            "labelled_rows": self.labelled_rows,
            "damaged": [str(path) for path in self.damaged],
        } | ({"postponed": self.postponed} if self.postponed else {})

    def sentence(self) -> str:
        said = f"{self.predictions:,} predictions and {self.truths:,} truths are gone"
        said += f", and {self.labelled_rows:,} labelled rows." if self.labelled_rows else "."
        if self.labelled_rows:
            said += (
                " Tables made from those rows, DVC's cache and versions that learnt from them still have them: "
                "`slipway run` makes the tables anew, `dvc gc -w` clears the cache."
            )
        said += f" {self.postponed}" if self.postponed else ""
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
    ledger: Ledger | None = None

    @classmethod
    def of(cls, project: Project, settings: Settings, storage: Storage) -> "Places":
        """Those of an opened project."""
        labelled = tuple(project.labelled(source) for source in project.sources)
        return cls(storage.journal, storage.decisions, settings.spool, labelled, storage.ledger)


def purge(places: Places, ids: Sequence[str], *, by: str) -> Purged:
    """Remove these predictions with their truths, as if they had never been asked for; those that can't be read, too.

    Raises:
        DataError: no prediction has one of the ids; nothing was removed.
        BusyError: the spool could not be shipped first, since another process ships.
        OutsideError: journal or disk are away, or somebody reads from the database all the while.
    """
    wanted = list(dict.fromkeys(ids))
    gone = frozenset(wanted)
    Shipper(places.spool, places.journal).ship(wait_seconds=SHIPPING_SECONDS)
    with segment.at_the_disk(places.spool):
        # What a crash left half removed is no longer in the journal, and may be purged again.
        known = places.journal.present(wanted) | damage.present(places.spool, gone)
    known |= {key for ids in _labelled(places).values() for key in ids if key in gone}
    if any(_key(record) in gone for record in read_spool(places.spool)):
        raise BusyError(f"{places.spool}: another process ships just now. Nothing was removed; try again.")
    unknown = [key for key in wanted if key not in known]
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise DataError(f"no prediction has the id {unknown[0]!r}{more}. Nothing was removed.")
    _clear_spool(places.spool, lambda record: _key(record) in gone, damage.holding(gone))
    with segment.at_the_disk(places.spool):
        of_spool = damage.purge(places.spool, gone)
        left = tuple(damage.files(places.spool))
    rows = _drop(dict.fromkeys(places.labelled, gone))
    of_journal = places.journal.remove(wanted)
    # Again: labels that were being gathered when the journal still had them are written by now.
    rows += _drop(dict.fromkeys(places.labelled, gone))
    purged = Purged(of_journal[0] + of_spool[0], of_journal[1] + of_spool[1], rows, left)
    _record(places.decisions, purged, "purged", f"asked for by {by}")
    return purged


def expire(places: Places, keep_days: float) -> Purged:
    """Remove the predictions that are older than so many days with their truths.

    A service without a table library leaves labelled rows to the next one who has it, such as `slipway gc`. A clock
    that may be wrong removes nothing: see `journal/retention_clock.py`.
    """
    until = latest_moment()
    newest = places.journal.newest()
    if newest is not None and newest > until:
        return Purged(0, 0, 0, postponed=_ahead(newest))
    now, trusted = time.time(), _trusted_time(places, newest)
    before = trusted - keep_days * DAY_SECONDS
    _clear_spool(places.spool, _too_old(places, before))  # first: it asks the journal whose a truth is
    with segment.at_the_disk(places.spool):
        damage.expire(places.spool, before)
        left = tuple(damage.files(places.spool))
    predictions, truths = places.journal.remove_before(before, until=until)
    rows = 0
    with contextlib.suppress(ModuleNotFoundError):
        rows = _drop({path: _absent(places.journal, ids) for path, ids in _labelled(places).items()})
    postponed = _jumped(trusted) if now - trusted > DAY_SECONDS else ""
    purged = Purged(predictions, truths, rows, left, postponed)
    if predictions or truths or rows:
        _record(places.decisions, purged, "expired", f"older than {keep_days:g} days")
    return purged


def _trusted_time(places: Places, newest: float | None) -> float:
    """The latest time that can be relied on, by this clock and by what was noted before."""
    head = places.ledger.head() if places.ledger is not None else None
    noted = [decision.at for decision in places.decisions.last(1)] + ([] if head is None else [head.at])
    signs = [newest, *map(unix_time, noted)]
    path = places.spool.parent / SIGHTING
    seen = look(read_sighting(path), time.time(), [sign for sign in signs if sign is not None])
    keep_sighting(path, seen)
    return seen.trusted


def _ahead(newest: float) -> str:
    return (
        f"The prediction that came last is dated {_day(newest)}, which is yet to come: a clock was wrong, or this one "
        "is. Nothing is removed by age until one with a date of the day has come."
    )


def _jumped(trusted: float) -> str:
    return (
        f"By this clock there was nobody here since {_day(trusted)}. In case it is wrong, only what was too old then "
        "is removed now; the rest is once it has gone on for a day."
    )


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _absent(journal: Journal, ids: Sequence[str]) -> list[str]:
    """The predictions of these that the journal has no more."""
    absent: list[str] = []
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        present = journal.present(part)
        absent += [key for key in part if key not in present]
    return absent


def _labelled(places: Places) -> dict[Path, list[str]]:
    """The predictions that each file of labelled rows comes from."""
    paths = [path for path in places.labelled if path.is_file()]
    if not paths:
        return {}
    from slipway.journal.labels import ids_in

    return {path: ids_in(path) for path in paths}


def _drop(gone: Mapping[Path, Collection[str]]) -> int:
    """Take the labelled rows of these predictions out of the files; how many they were."""
    wanted = {path: ids for path, ids in gone.items() if ids and path.parent.is_dir()}
    if not wanted:
        return 0
    from slipway.journal.labels import drop_labelled

    return sum(drop_labelled(path, ids) for path, ids in wanted.items())


def _clear_spool(spool: Path, is_gone: IsGone, holds: Callable[[bytes], bool] = lambda content: False) -> None:
    """Blank what was shipped and is to be gone.

    Args:
        holds: whether bytes that can't be read are to be gone too.
    """
    with segment.at_the_disk(spool):
        for path in chain.from_iterable(map(segment.segments, segment.folders(spool))):
            with contextlib.suppress(FileNotFoundError):  # shipped to its end and deleted meanwhile
                segment.blank(path, segment.shipped(path), is_gone, holds)


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
