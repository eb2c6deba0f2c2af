"""Set the versions beside each other: where each stands, what it was made with, how it differs and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway.errors import BundleError
from slipway.model.store import BundleStore
from slipway.pipeline.made import differences, read_made
from slipway.records import LedgerEntry
from slipway.release.evaluation import Evaluation, Evaluations
from slipway.release.states import stand
from slipway.rounding import rounded
from slipway.settings import Settings


@dataclass(frozen=True, slots=True, repr=False)
class VersionFacts:
    """One version beside the others: what it was made with and how it measured."""

    version: int
    state: str
    at: str
    metrics: Mapping[str, float]
    settings: Mapping[str, Any]
    """By "stage.setting"."""
    sources: Mapping[str, str]
    """MD5 of what it learnt from."""
    commit: str | None
    differs: tuple[str, ...] | None
    """From the version before, in a person's words; None where one of the two is not known any more."""
    evaluation: Evaluation | None = None
    """What the metrics were measured on; None where its test rows are gone."""

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {rounded(value)}" for name, value in self.metrics.items())
        return f"<Version {self.version}: {'; '.join(part for part in (self.state, figures) if part)}>"

    def to_json(self) -> dict[str, Any]:
        """One of what `runs --json` prints."""
        told = asdict(self)
        del told["evaluation"]
        tested_on = None if self.evaluation is None else self.evaluation.to_json()
        return told | {"differs": None if self.differs is None else list(self.differs), "tested_on": tested_on}


def versions(settings: Settings, store: BundleStore, entries: Sequence[LedgerEntry]) -> list[VersionFacts]:
    """All versions, oldest first. One whose bundle or run is gone is told with what is left of it."""
    standing = stand(entries)
    evaluations = Evaluations(store, settings.gates, entries)
    found, before = [], None
    for entry in entries:
        if entry.action != "candidate":
            continue
        bundle = standing.bundles[entry.version]
        now = read_made(settings, bundle)
        found.append(
            VersionFacts(
                version=entry.version,
                state=standing.states[entry.version],
                at=entry.at,
                metrics=now.metrics if now is not None else _reported(store, bundle),
                settings=now.settings if now is not None else {},
                sources=now.sources if now is not None else {},
                commit=now.commit if now is not None else None,
                differs=differences(before, now) if before is not None and now is not None else None,
                evaluation=evaluations.next(entry.version, bundle),
            )
        )
        before = now
    return found


def _reported(store: BundleStore, bundle: str) -> Mapping[str, float]:
    try:
        return store.open(bundle).manifest.reported
    except BundleError:  # gone, or damaged
        return {}
