"""Change what is live: held by the gate, recorded in the ledger, and the tracker's names pointed at it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import BundleError, CheckRefused, ProjectError, SlipwayError
from slipway.gate.cleanroom import ASKED, CHECK, CleanRoom
from slipway.gate.evidence import keep_table, read_table
from slipway.gate.expected import check_examples
from slipway.gate.hold import GateReport, hold
from slipway.gate.lines import Line
from slipway.model.score import Scorer, load_scorer
from slipway.model.store import BundleStore
from slipway.project import Model
from slipway.records import LIVE_CHANGES, Action, LedgerEntry
from slipway.release.anchor import bring_forward
from slipway.release.ledger import holding, record
from slipway.release.states import LIVE, Standing, follow, stand
from slipway.storage.seams import Journal, Ledger
from slipway.tracking.seams import Tracker

OUTCOMES: tuple[Action, ...] = ("passed", "refused")

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
    gates: Path | None = None
    """The folder in which the gate's tables are kept; None to keep none."""


def kept_report(releasing: Releasing) -> GateReport | None:
    """The table that the live version last had, as it was, where no candidate waits for another one.

    None where one does, where nothing is live, and where the table is not kept here.

    Raises:
        DataError: it was changed since.
    """
    entries = releasing.ledger.entries()
    standing = stand(entries)
    if standing.live is None or standing.candidate is not None:
        return None
    digest = last_table(entries, standing.live)
    if digest is None or releasing.gates is None:
        return None
    table = read_table(releasing.gates, digest)
    return None if table is None else GateReport.from_json(table)


def gate(releasing: Releasing, version: int | None = None, *, room: CleanRoom | None = None) -> GateReport:
    """Hold a version, by default the candidate, against project and production; record the outcome if it waits.

    Args:
        room: a fresh process that has entered no bundle yet, from a caller who started it beside other work.

    Raises:
        ProjectError: no candidate waits, or there is no such version.
        CheckRefused: the ledger does not hold, or another version went live while the gate was held.
    """
    # The fresh process spends a second on imports: it starts before ours does.
    room = room or CleanRoom()
    try:
        entries = holding(releasing.ledger)
        standing = stand(entries)
        version = _wanted(standing, version)
        report = _held(releasing, standing, version, room)
    finally:
        room.close()
    if releasing.gates is not None:  # before the entry that names it
        keep_table(releasing.gates, report.to_json())
    note_outcome(releasing, entries, report)
    return report


def note_outcome(releasing: Releasing, entries: Sequence[LedgerEntry], report: GateReport) -> None:
    """Record what the gate found, if its version waits for that.

    Args:
        entries: the ledger as it was when the gate was held; its table rests on what was live then.
    """
    standing = stand(entries)
    state = standing.states[report.version]
    # Holding the same table twice, as `up` and then `release` do, says nothing new.
    outcomes = [e for e in entries if e.version == report.version and e.action in OUTCOMES]
    if outcomes and outcomes[-1].gate == report.digest and outcomes[-1].seq > _last_change(entries):
        return
    # What was live is not refused afterwards: the gate's no is shown, and its state stays.
    if state in LIVE or (not report.passed and state in ("retired", "rolled back")):
        return
    action: Action = "passed" if report.passed else "refused"
    _record(releasing, standing, action, report.version, why=report.sentence(), gate=report.digest)


def _held(releasing: Releasing, standing: Standing, version: int, room: CleanRoom) -> GateReport:
    room.enter(releasing.store.path(standing.bundles[version]))
    try:
        candidate = _load(releasing, standing, version)
    except BundleError as error:
        return GateReport(
            version, (Line(CHECK, ASKED, str(error), "failed", "", "a bundle that loads here: run again"),)
        )
    # A version that is live is held against the one before it.
    beside = standing.previous if version == standing.live else standing.live
    production, absent = None, "nothing was live before" if version == standing.live else "nothing is live yet"
    if beside is not None:
        try:
            production = _load(releasing, standing, beside)
        except BundleError as error:  # a production that is broken must not keep its successor out
            absent = f"version {beside} can't be loaded: {error}"
    requests = releasing.journal.last(releasing.model.replay.requests)
    return hold(candidate, production, version, releasing.model, requests, absent=absent, room=room)


def release(
    releasing: Releasing,
    version: int | None = None,
    *,
    why: str = "",
    override: str | None = None,
    report: GateReport | None = None,
    fence: Callable[[], None] = lambda: None,
) -> LedgerEntry | None:
    """Run the gate and make a version live, by default the candidate; None where it is live already.

    Args:
        override: why it goes live though the gate does not let it pass; recorded as such.
        report: the gate's table, from a caller who has just held it.
        fence: called last of all, just before the entry: it raises where the caller may not go on.

    Raises:
        ProjectError: no candidate waits, or there is no such version.
        CheckRefused: the gate does not let it pass and there is no `override`, or another release came between.
        BundleError: it does not load, or does not give the answers that it was registered with.
    """
    entries = holding(releasing.ledger)
    standing = stand(entries)
    version = _wanted(standing, version)
    if version == standing.live:
        point_names(releasing)
        return None
    if report is not None and report.version != version:
        raise ProjectError(f"The gate's table is of version {report.version}, not of version {version}.")
    if report is None:
        report = gate(releasing, version)
    else:
        _refuse_an_older_table(entries, report)
    if not report.passed and override is None:
        raise CheckRefused(
            f"Version {version} is refused. {report.sentence()}. `--override WHY` releases it all the same, on record."
        )
    check_examples(_load(releasing, standing, version))
    fence()
    if not report.passed:
        why = f"override: {override}" + (f" ({why})" if why else "")
    is_override = override is not None
    return _record(releasing, standing, "released", version, why=why, gate=report.digest, is_override=is_override)


def rollback(
    releasing: Releasing, to: int | None = None, *, why: str = "", instead_of: int | None = None
) -> LedgerEntry:
    """Put an earlier version back, by default the one that was live before; loaded and tested before anything switches.

    A return to a later version, which was rolled back, is recorded as rolled forward. Either entry names the gate's
    table that the version last had.

    Args:
        instead_of: the version that is to be taken back; where another is live by now, nothing changes.

    Raises:
        ProjectError: nothing to return to, or the version was never live.
        BundleError: it does not load, or does not give the answers that it was registered with; nothing has changed.
    """
    entries = holding(releasing.ledger)
    standing = stand(entries)
    if standing.live is None:
        raise ProjectError("Nothing is live, so nothing can be rolled back. Release a version first.")
    if instead_of is not None and standing.live != instead_of:
        raise CheckRefused(
            f"Version {standing.live} is live, not version {instead_of}, which was to be taken back. Nothing changed."
        )
    version = standing.previous if to is None else to
    if version is None:
        raise ProjectError(
            f"No version that was live before version {standing.live} is there to return to. `slipway rollback --to "
            "VERSION` returns to one that was rolled back."
        )
    action = standing.direction(version)
    follow(standing, action, version)
    check_examples(_load(releasing, standing, version))
    return _record(releasing, standing, action, version, why=why, gate=last_table(entries, version))


def last_table(entries: Sequence[LedgerEntry], version: int) -> str | None:
    """The digest of the gate's table that a version last had; None where it never had one."""
    return next((e.gate for e in reversed(entries) if e.version == version and e.gate is not None), None)


def settle(releasing: Releasing, version: int, *, why: str) -> LedgerEntry:
    """End the watch over the live version: it stays."""
    standing = stand(holding(releasing.ledger))
    follow(standing, "settled", version)
    bundle = standing.bundles[version]
    entry = record(releasing.ledger, "settled", version, bundle=bundle, by=releasing.by, why=why)
    point_names(releasing)
    return entry


def point_names(releasing: Releasing) -> tuple[str, ...]:
    """Make the tracker's `production` and `staging` say what the ledger says, and keep the ledger's head there.

    Returns:
        What could not be done: the ledger is the truth, so a tracker that is away is a warning, which is logged too.
    """
    entries = holding(releasing.ledger)
    standing = stand(entries)
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
    if not warnings and (problem := bring_forward(releasing.tracker, releasing.name, entries)) is not None:
        warnings.append(problem)
    return tuple(warnings)


def _record(
    releasing: Releasing,
    standing: Standing,
    action: Action,
    version: int,
    *,
    why: str,
    gate: str | None = None,
    is_override: bool = False,
) -> LedgerEntry:
    """Record what was decided on this standing, and point the names at what follows from it."""
    entry = record(
        releasing.ledger,
        action,
        version,
        bundle=standing.bundles[version],
        by=releasing.by,
        why=why,
        gate=gate,
        on=standing,
        is_override=is_override,
    )
    point_names(releasing)
    return entry


def _wanted(standing: Standing, version: int | None) -> int:
    if version is None:
        if standing.candidate is None:
            raise ProjectError("No candidate waits. `slipway run` makes one when something changed.")
        return standing.candidate
    if version not in standing.states:
        known = ", ".join(map(str, sorted(standing.states)))
        hint = f"Known: {known}." if known else "`slipway run` makes the first."
        raise ProjectError(f"There is no version {version}. {hint}")
    return version


def _load(releasing: Releasing, standing: Standing, version: int) -> Scorer:
    return load_scorer(releasing.store.open(standing.bundles[version]))


def _last_change(entries: Sequence[LedgerEntry]) -> int:
    """The number of the entry by which what is live went live; 0 for none."""
    return max((entry.seq for entry in entries if entry.action in LIVE_CHANGES), default=0)


def _refuse_an_older_table(entries: Sequence[LedgerEntry], report: GateReport) -> None:
    recorded = [e.seq for e in entries if e.version == report.version and e.gate == report.digest]
    if recorded and recorded[-1] < _last_change(entries):
        raise CheckRefused(
            f"Another version went live since the gate was held for version {report.version}. Hold it again: "
            f"`slipway release {report.version}` does."
        )
