"""Where a window comes from: the journal, or a file scored by the live version → the drift found in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from slipway.errors import DataError
from slipway.gate.measure import measure
from slipway.journal.label_type import label_type
from slipway.journal.partial import Measurable, measurable_answers
from slipway.journal.shares import callers_beside_others, newest_within
from slipway.journal.window import read_window, truths_of
from slipway.model.score import Scorer
from slipway.monitor.check import DriftReport, Window, count_pieces, judge
from slipway.monitor.course import cut
from slipway.monitor.quality import Answers
from slipway.monitor.words import signal
from slipway.profile.clocks import dates_of
from slipway.project import Project
from slipway.project.facts import ModelKind
from slipway.records import Label
from slipway.rounding import counted
from slipway.storage.seams import Journal
from slipway.tables.files import name_of, table_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a window, by the times of its first row and its last."""

    start: datetime
    end: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A column of a request with values that the online stages lost, as shares of the rows."""

    column: str
    window: float
    reference: float
    """Of the training table."""

    def sentence(self) -> str:
        """What was found, with what there was in training."""
        return (
            f"In {self.window:.1%} of the rows `{self.column}` has a value that the online stages can't read "
            f"({self.reference:.1%} in training)."
        )


@dataclass(frozen=True, slots=True, repr=False)
class Monitored:
    """A drift report, of which window and version, and how right the answers were where truths are known."""

    report: DriftReport
    version: int
    window: str
    """The window in words: "the last 1,000 predictions of version 3"."""
    quality: Mapping[str, float]
    """Metrics against the truths of the window; empty without truths."""
    truths: int
    pieces: tuple[Piece, ...] = ()
    """What each value of a column's course is of; none where the rows have no times, or are too few."""
    part: Measurable | None = None
    """What of the rows could be measured, where the journal does not keep them whole."""
    one_source: str | None = None
    """The caller by whose truths alone the answers were worse, which those of others do not confirm."""
    unread: tuple[Unread, ...] = ()
    """Columns with values that the online stages could not read."""

    @property
    def decision(self) -> str:
        return self.report.decision

    def __repr__(self) -> str:
        return f"<Monitored: {self.decision}; {self.sentence()}>"

    def sentence(self) -> str:
        """What was found, in one sentence."""
        report = self.report
        if report.decision == "too small":
            return f"{self.window} are too few to judge: {report.rows} rows, at least {report.min_rows} are needed."
        if not report.alerts:
            return f"No signal is beyond its threshold in {self.window}.{self._unconfirmed}{self._lacking}"
        signals = ", ".join(signal(alert) for alert in report.alerts[:4])
        more = f" and {len(report.alerts) - 4} more" if len(report.alerts) > 4 else ""
        critical = " Critical." if report.critical else ""
        return f"In {self.window}: {signals}{more}.{critical}{self._unconfirmed}{self._lacking}"

    def to_json(self) -> dict[str, Any]:
        """What `monitor --json` prints."""
        about = {"version": self.version, "window": self.window, "quality": dict(self.quality), "truths": self.truths}
        pieces = [{"from": p.start.isoformat(), "to": p.end.isoformat(), "rows": p.rows} for p in self.pieces]
        about |= {"one_source": self.one_source} if self.one_source else {}
        lacking = {"absent": self.part.absent, "unmeasured": self.part.unmeasured} if self.part else {}
        unread = {each.column: {"window": each.window, "reference": each.reference} for each in self.unread}
        lists = {key: list(values) for key, values in lacking.items()}
        return {**self.report.to_json(), **about, "pieces": pieces, **lists, "unread": unread}

    @property
    def _unconfirmed(self) -> str:
        if self.one_source is None:
            return ""
        return f" By the truths of {self.one_source} alone the answers are worse, which those of others do not confirm."

    @property
    def _lacking(self) -> str:
        lacking = self.part.sentence() if self.part else None
        return "".join(f" {said}" for said in (lacking, *(each.sentence() for each in self.unread)) if said)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A window's rows as they came, with their answers; `times` are theirs, ascending, where they have any."""

    part: Measurable
    predictions: Sequence[Label | None]
    probabilities: Sequence[Mapping[str, float] | None]
    truths: Mapping[int, Label]
    """By row, where it is known."""
    times: Sequence[datetime]
    sources: Mapping[int, str] = field(default_factory=dict)
    """Who gave the truth, by row."""


def monitor_journal(
    project: Project, scorer: Scorer, version: int, journal: Journal, *, hours: float | None, last: int | None
) -> Monitored:
    """Hold the live version's own predictions against what it learnt from; failed rows are left aside.

    A window has the answers of one version: those of its predecessor would show as drift that is none.
    """
    rows = last if last is not None or hours is not None else project.monitor.window
    answered = [p for p in read_window(journal, last=rows, hours=hours, version=version) if p.error is None]
    found, part = measurable_answers(scorer, answered)
    span = f"the last {counted(len(found), 'prediction')}"
    if hours is not None:
        span = f"the predictions of the last {hours:g} hours"
    place = {p.id: i for i, p in enumerate(found)}
    truths = newest_within(truths_of(journal, found), project.model.max_source_share)
    seen = _Rows(
        part=part,
        predictions=[p.prediction for p in found],
        probabilities=[p.probabilities for p in found],
        truths={place[key]: truth.truth for key, truth in truths.items()},
        times=[datetime.fromtimestamp(p.at, UTC) for p in found],
        sources={place[key]: truth.source for key, truth in truths.items()},
    )
    return _monitored(project, scorer, version, f"{span} of version {version}", seen)


def monitor_file(project: Project, scorer: Scorer, version: int, data: Any) -> Monitored:
    """Score a file or a table by the live version and hold it against what that learnt from. Nothing is journalled.

    Raises:
        DataError: the file lacks a column that the model needs, no row of it could be scored, or its target is of
            another type than the model predicts.
    """
    file = name_of(data)
    table, times = _by_time(table_of(data, stay_text=scorer.bundle.texts, literal=project.literal))
    try:
        raw = scorer.bundle.schema.take(table)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    scores = scorer.score(raw)
    scored = [i for i, error in enumerate(scores.errors) if error is None]
    if not scored:
        raise DataError(f"{file}: no row could be scored. The first: {next(iter(scores.errors), 'the file is empty')}.")
    target = project.model.target
    manifest = scorer.bundle.manifest
    wanted = label_type(manifest.kind, manifest.classes)
    truths = wanted.of_column(table[target], file) if target in table.columns else [None] * table.height
    seen = _Rows(
        part=Measurable(scorer.bundle.profile, scorer.features(raw[scored]), raw[scored]),
        predictions=[scores.predictions[i] for i in scored],
        probabilities=[None if scores.probabilities is None else scores.probabilities[i] for i in scored],
        truths={new: truth for new, old in enumerate(scored) if (truth := truths[old]) is not None},
        times=[times[i] for i in scored] if times else [],
    )
    return _monitored(project, scorer, version, f"the {len(scored):,} rows of {file} scored by version {version}", seen)


def _monitored(project: Project, scorer: Scorer, version: int, window: str, seen: _Rows) -> Monitored:
    profile, features, raw = seen.part.profile, seen.part.features, seen.part.raw
    pieces = count_pieces(profile, features, seen.predictions, raw) if seen.times else []
    counts = sum(pieces[1:], pieces[0]) if pieces else profile.count(features, seen.predictions, raw)
    known = [i for i, prediction in enumerate(seen.predictions) if prediction is not None and i in seen.truths]
    reference = _test_answers(scorer) if known else None

    def judged(rows: Sequence[int]) -> DriftReport:
        answers = _known_answers(seen, rows) if rows else None
        return judge(project.monitor, profile, Window(counts, pieces, answers), reference)

    report, one_source = judged(known), None
    for source in callers_beside_others(seen.sources.values()):  # none of whom decides alone
        if not _truth_alerts(report):
            break
        rest = judged([i for i in known if seen.sources[i] != source])
        if _truth_alerts(rest) < _truth_alerts(report):
            report, one_source = rest, source
    spans = [Piece(seen.times[a], seen.times[b - 1], b - a) for a, b in cut(features.height)] if pieces else []
    quality = _quality(project.model.kind, seen, known)
    return Monitored(
        report,
        version,
        window,
        quality,
        len(seen.truths),
        tuple(spans),
        seen.part,
        one_source,
        _unread(scorer, seen.part),
    )


def _truth_alerts(report: DriftReport) -> frozenset[str]:
    """Return the measures that alarm because of what turned out to be true."""
    columns = [column for column in report.columns.values() if column.role in ("quality", "truth")]
    return frozenset(alert.measure for column in columns for alert in column.alerts)


def _unread(scorer: Scorer, part: Measurable) -> tuple[Unread, ...]:
    """The columns with values that the online stages lost; none where the journal does not keep the rows whole."""
    readings = scorer.bundle.manifest.readings
    if part.absent or not readings.columns or not part.raw.height:
        return ()
    counts = Counter(name for names in scorer.lost(part.raw).values() for name in names)
    return tuple(
        Unread(name, count / part.raw.height, readings.columns[name].lost / max(readings.rows, 1))
        for name, count in counts.most_common()
    )


def _known_answers(seen: _Rows, known: Sequence[int]) -> Answers:
    predictions = [answer for i in known if (answer := seen.predictions[i]) is not None]
    return Answers([seen.truths[i] for i in known], predictions)


def _test_answers(scorer: Scorer) -> Answers:
    """What the version answers to the rows that it was tested on."""
    rows = scorer.bundle.test_rows()
    scores = scorer.score(scorer.bundle.schema.take(rows))
    truths = rows[scorer.bundle.manifest.target].to_list()
    pairs = [(t, p) for t, p in zip(truths, scores.predictions, strict=True) if t is not None and p is not None]
    return Answers([t for t, _ in pairs], [p for _, p in pairs])


def _by_time(table: pl.DataFrame) -> tuple[pl.DataFrame, list[datetime]]:
    """A file's rows in the order of their date; as they are where no column is a date in each of them."""
    for name in table.columns:
        dates = dates_of(table[name])
        if dates is not None and dates.null_count() == 0:
            order = dates.arg_sort()
            return table[order], [at.replace(tzinfo=UTC) for at in dates.gather(order).to_list()]
    return table, []


def _quality(kind: ModelKind, seen: _Rows, known: Sequence[int]) -> dict[str, float]:
    if not known:
        return {}
    shares = [share for i in known if (share := seen.probabilities[i]) is not None]
    return measure(
        kind,
        [seen.truths[i] for i in known],
        [answer for i in known if (answer := seen.predictions[i]) is not None],
        shares if len(shares) == len(known) else None,
    )
