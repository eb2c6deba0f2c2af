"""A version and a reason in; what is live changed, recorded in the ledger, and the tracker's names pointed at it."""

import logging
from dataclasses import dataclass

from slipway.errors import BundleError, CheckRefused, ProjectError, SlipwayError
from slipway.model.score import Scorer, load_scorer
from slipway.model.store import BundleStore
from slipway.project import Model
from slipway.records import LedgerEntry
from slipway.release.cleanroom import ASKED, CHECK, CleanRoom
from slipway.release.expected import check_examples
from slipway.release.gate import GateReport, hold
from slipway.release.ledger import record
from slipway.release.lines import Line
from slipway.release.states import LIVE, Standing, follow, stand
from slipway.storage.seams import Journal, Ledger
from slipway.tracking.seams import Tracker

REPLAYED = 200
"""Journalled requests that the gate replays."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Releasing:
    """What it takes to release a version of one project."""

    name: str
    """The project's, and the registered model's."""
    model: Model
    ledger: Ledger
    journal: Journal
    store: BundleStore
    tracker: Tracker
    by: str
    """Who acts."""


def gate(releasing: Releasing, version: int | None = None) -> GateReport:
    """Hold a version, by default the candidate, against project and production; record the outcome if it waits.

    Raises:
        ProjectError: no candidate waits, or there is no such version.
    """
    entries = releasing.ledger.entries()
    standing = stand(entries)
    version = _wanted(standing, version)
    report = _held(releasing, standing, version)
    # Holding the same table twice, as `up` and then `release` do, says nothing new.
    outcomes = [e for e in entries if e.version == version and e.action in ("passed", "refused")]
    if not outcomes or outcomes[-1].gate != report.digest:
        _record_outcome(releasing, standing, report)
    return report


def _held(releasing: Releasing, standing: Standing, version: int) -> GateReport:
    # The fresh process spends a second on imports: it starts before ours does.
    room = CleanRoom(releasing.store.path(standing.bundles[version]))
    try:
        return _held_beside(room, releasing, standing, version)
    finally:
        room.close()


def _held_beside(room: CleanRoom, releasing: Releasing, standing: Standing, version: int) -> GateReport:
    try:
        candidate = _load(releasing, standing, version)
    except BundleError as error:
        return GateReport(version, (Line(CHECK, ASKED, str(error), "failed"),))
    # A version that is live is held against the one before it.
    beside = standing.previous if version == standing.live else standing.live
    production, absent = None, "nothing was live before" if version == standing.live else "nothing is live yet"
    if beside is not None:
        try:
            production = _load(releasing, standing, beside)
        except BundleError as error:  # a production that is broken must not keep its successor out
            absent = f"version {beside} can't be loaded: {error}"
    requests = releasing.journal.last(REPLAYED)
    return hold(candidate, production, version, releasing.model, requests, absent=absent, room=room)


def release(
    releasing: Releasing,
    version: int | None = None,
    *,
    why: str = "",
    override: str | None = None,
    report: GateReport | None = None,
) -> LedgerEntry | None:
    """Run the gate and make a version live, by default the candidate; None where it is live already.

    Args:
        override: why it goes live though the gate does not let it pass; recorded as such.
        report: the gate's table, from a caller who has just held it.

    Raises:
        ProjectError: no candidate waits, or there is no such version.
        CheckRefused: the gate does not let it pass and there is no `override`, or another release came between.
        BundleError: it does not load, or does not give the answers that it was registered with.
    """
    standing = stand(releasing.ledger.entries())
    version = _wanted(standing, version)
    if version == standing.live:
        point_names(releasing, standing)
        return None
    report = report or gate(releasing, version)
    if report.version != version:
        raise ProjectError(f"The gate's table is of version {report.version}, not of version {version}.")
    if not report.passed and override is None:
        raise CheckRefused(
            f"Version {version} is refused. {report.sentence()}. `--override WHY` releases it all the same, on record."
        )
    check_examples(_load(releasing, standing, version))
    entry = record(
        releasing.ledger,
        "released",
        version,
        bundle=standing.bundles[version],
        by=releasing.by,
        why=why if report.passed else f"override: {override}" + (f" ({why})" if why else ""),
        gate=report.digest,
        previous=standing.live,
        is_override=override is not None,
    )
    point_names(releasing)
    return entry


def rollback(releasing: Releasing, to: int | None = None, *, why: str = "") -> LedgerEntry:
    """Put an earlier version back, by default the one that was live before; loaded and tested before anything switches.

    Raises:
        ProjectError: nothing to return to, or the version was never live.
        BundleError: it does not load, or does not give the answers that it was registered with; nothing has changed.
    """
    standing = stand(releasing.ledger.entries())
    if standing.live is None:
        raise ProjectError("Nothing is live, so nothing can be rolled back. Release a version first.")
    version = standing.previous if to is None else to
    if version is None:
        raise ProjectError(
            f"No version that was live before version {standing.live} is there to return to. `slipway rollback --to "
            "VERSION` returns to one that was rolled back."
        )
    follow(standing, "rolled back", version)
    check_examples(_load(releasing, standing, version))
    entry = record(
        releasing.ledger,
        "rolled back",
        version,
        bundle=standing.bundles[version],
        by=releasing.by,
        why=why,
        previous=standing.live,
    )
    point_names(releasing)
    return entry


def settle(releasing: Releasing, version: int, *, why: str) -> LedgerEntry:
    """End the watch over the live version: it stays."""
    standing = stand(releasing.ledger.entries())
    follow(standing, "settled", version)
    return record(releasing.ledger, "settled", version, bundle=standing.bundles[version], by=releasing.by, why=why)


def point_names(releasing: Releasing, standing: Standing | None = None) -> tuple[str, ...]:
    """Make the tracker's `production` and `staging` say what the ledger says.

    Returns:
        What could not be done: the ledger is the truth, so a tracker that is away is a warning, which is logged too.
    """
    standing = standing or stand(releasing.ledger.entries())
    newest = standing.candidate
    staging = newest if newest is not None and standing.states[newest] == "passed" else None
    warnings = []
    for alias, version in (("production", standing.live), ("staging", staging)):
        if version is None:
            continue
        try:
            if releasing.tracker.pointed(releasing.name, alias) != version:
                releasing.tracker.point(releasing.name, alias, version)
        except SlipwayError as error:
            warnings.append(f"`{alias}` could not be pointed at version {version}, the next release does it: {error}")
            log.warning(warnings[-1])
    return tuple(warnings)


def _wanted(standing: Standing, version: int | None) -> int:
    if version is None:
        if standing.candidate is None:
            raise ProjectError("No candidate waits. `slipway run` makes one when something changed.")
        return standing.candidate
    if version not in standing.states:
        known = ", ".join(map(str, sorted(standing.states)))
        raise ProjectError(f"There is no version {version}. " + (f"Known: {known}." if known else "Run first."))
    return version


def _load(releasing: Releasing, standing: Standing, version: int) -> Scorer:
    return load_scorer(releasing.store.open(standing.bundles[version]))


def _record_outcome(releasing: Releasing, standing: Standing, report: GateReport) -> None:
    state = standing.states[report.version]
    # What was live is not refused afterwards: the gate's no is shown, and its state stays.
    if state in LIVE or (not report.passed and state in ("retired", "rolled back")):
        return
    record(
        releasing.ledger,
        "passed" if report.passed else "refused",
        report.version,
        bundle=standing.bundles[report.version],
        by=releasing.by,
        why=report.sentence(),
        gate=report.digest,
    )
    point_names(releasing)
