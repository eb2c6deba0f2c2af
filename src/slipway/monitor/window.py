"""Where a window comes from: the journal, or a file scored by the live version → the drift found in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import DataError
from slipway.journal.window import labelled, read_window
from slipway.model.score import Scorer
from slipway.monitor.check import DriftReport, check
from slipway.pipeline.tables import read_table
from slipway.project import Project
from slipway.project.facts import ModelKind
from slipway.records import Label
from slipway.release.measure import measure
from slipway.storage.seams import Journal


@dataclass(frozen=True, slots=True)
class Monitored:
    """A drift report, of which window and version, and how right the answers were where truths are known."""

    report: DriftReport
    version: int
    window: str
    """The window in words: "the last 1,000 predictions of version 3"."""
    quality: Mapping[str, float]
    """Metrics against the truths of the window; empty without truths."""
    truths: int

    @property
    def decision(self) -> str:
        return self.report.decision

    def sentence(self) -> str:
        """What was found, in one sentence."""
        report = self.report
        if report.decision == "too small":
            return f"{self.window} are too few to judge: {report.rows} rows, at least {report.min_rows} are needed."
        if not report.alerts:
            return f"No signal is beyond its threshold in {self.window}."
        signals = ", ".join(f"{a.measure} of {a.column} {a.value:.3g} > {a.threshold:g}" for a in report.alerts[:4])
        more = f" and {len(report.alerts) - 4} more" if len(report.alerts) > 4 else ""
        return f"In {self.window}: {signals}{more}."

    def to_json(self) -> dict[str, Any]:
        """What `monitor --json` prints."""
        about = {"version": self.version, "window": self.window, "quality": dict(self.quality), "truths": self.truths}
        return {**self.report.to_json(), **about}


def monitor_journal(
    project: Project, scorer: Scorer, version: int, journal: Journal, *, hours: float | None, last: int | None
) -> Monitored:
    """Hold the live version's own predictions against what it learnt from; failed rows are left aside.

    A window has the answers of one version: those of its predecessor would show as drift that is none.
    """
    rows = last if last is not None or hours is not None else project.monitor.window
    found = [p for p in read_window(journal, last=rows, hours=hours, version=version) if p.error is None]
    raw = scorer.bundle.schema.table([p.row for p in found])
    span = (
        f"the predictions of the last {hours:g} hours" if hours is not None else f"the last {len(found):,} predictions"
    )
    ids = {p.id for p in found}
    truths = {p.id: t.truth for p, t in labelled(journal) if p.id in ids}
    known = [i for i, p in enumerate(found) if p.id in truths]
    predictions = [p.prediction for p in found]
    probabilities = [p.probabilities for p in found]
    quality = _quality(project.model.kind, predictions, probabilities, {i: truths[found[i].id] for i in known})
    report = check(project.monitor, scorer.bundle.profile, scorer.features(raw), predictions, raw)
    return Monitored(report, version, f"{span} of version {version}", quality, len(known))


def monitor_file(project: Project, scorer: Scorer, version: int, file: Path) -> Monitored:
    """Score a file by the live version and hold it against what that learnt from. Nothing is journalled.

    Raises:
        DataError: the file lacks a column that the model needs, or no row of it could be scored.
    """
    table = read_table(file)
    raw = scorer.bundle.schema.take(table)
    scores = scorer.score(raw)
    scored = [i for i, error in enumerate(scores.errors) if error is None]
    if not scored:
        raise DataError(f"{file}: no row could be scored. The first: {next(iter(scores.errors), 'the file is empty')}.")
    target = project.model.target
    truths = dict(enumerate(table[target].to_list())) if target in table.columns else {}
    raw = raw[scored]
    predictions = [scores.predictions[i] for i in scored]
    probabilities = [None if scores.probabilities is None else scores.probabilities[i] for i in scored]
    known = {new: truths[old] for new, old in enumerate(scored) if truths.get(old) is not None}
    quality = _quality(project.model.kind, predictions, probabilities, known)
    report = check(project.monitor, scorer.bundle.profile, scorer.features(raw), predictions, raw)
    return Monitored(
        report, version, f"the {len(scored):,} rows of {file.name} scored by version {version}", quality, len(known)
    )


def _quality(
    kind: ModelKind,
    predictions: Sequence[Label | None],
    probabilities: Sequence[Mapping[str, float] | None],
    truths: Mapping[int, Label],
) -> dict[str, float]:
    answered = [(p, probabilities[i], truths[i]) for i, p in enumerate(predictions) if p is not None and i in truths]
    if not answered:
        return {}
    shares = [share for _, share, _ in answered if share is not None]
    return measure(
        kind,
        [truth for _, _, truth in answered],
        [prediction for prediction, _, _ in answered],
        shares if len(shares) == len(answered) else None,
    )
