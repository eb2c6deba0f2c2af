"""A kept bundle and what is known of its run in, a version in the ledger out; until it has one, it is pending.

The order, and what a crash after each step leaves: the bundle is kept (nobody refers to it: `gc` takes it, a run makes
it again); it is noted as pending (the next call goes on); the tracker gives a version (asked again for the same bundle
it gives the same one); the ledger has the candidate (the note alone is left); the note is removed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.errors import BundleError, OutsideError, ProjectError
from slipway.model.store import BundleStore
from slipway.records import Waiting
from slipway.release.ledger import holding, record
from slipway.release.states import stand
from slipway.rounding import rounded
from slipway.storage.seams import Ledger, Pending
from slipway.tracking.seams import RunFacts, Tracker

log = logging.getLogger(__name__)


class RegistrationPending(OutsideError):
    """The tracker is away: the candidate is kept and waits for its version."""


@dataclass(frozen=True, slots=True)
class Registering:
    """What it takes to give a bundle of one project a version."""

    name: str
    """The project's, and the registered model's."""
    ledger: Ledger
    pending: Pending
    store: BundleStore
    tracker: Tracker


def register_pending(registering: Registering) -> list[int]:
    """Give every candidate that is pending its version, oldest first; the versions.

    Raises:
        RegistrationPending: the tracker is away; those that are left wait for the next call.
    """
    waiting = registering.pending.all()
    versions = []
    for done, each in enumerate(waiting):
        try:
            version = _register(registering, each)
        except OutsideError as error:
            left = [w.bundle[:12] for w in waiting[done:]]
            raise RegistrationPending(
                f"{error} The candidate is kept as pending (bundle {', '.join(left)}); the next run, gate or loop "
                "registers it."
            ) from error
        if version is not None:
            versions.append(version)
    return versions


def withdraw(registering: Registering) -> Sequence[str]:
    """Forget what is pending, since the project gives another model again; the bundles."""
    return [each.bundle for each in registering.pending.all() if registering.pending.remove(each.bundle)]


def _register(registering: Registering, waiting: Waiting) -> int | None:
    standing = stand(holding(registering.ledger))
    version = next((v for v, bundle in standing.bundles.items() if bundle == waiting.bundle), None)
    if version is None:
        try:
            facts = run_facts(registering, waiting)
        except BundleError as error:
            log.warning("what was pending can't be registered, the next run makes it again: %s", error)
            registering.pending.remove(waiting.bundle)
            return None
        version = registering.tracker.register(facts)
        _record(registering, waiting, version)
    registering.pending.remove(waiting.bundle)
    return version


def _record(registering: Registering, waiting: Waiting, version: int) -> None:
    why = ", ".join(f"{name} {rounded(value)}" for name, value in waiting.metrics.items())
    try:
        record(registering.ledger, "candidate", version, bundle=waiting.bundle, by=waiting.by, why=why)
    except ProjectError:
        known = stand(holding(registering.ledger)).bundles.get(version)
        if known == waiting.bundle:  # another process was quicker
            return
        if known is None:
            raise
        raise ProjectError(
            f"The tracker calls this candidate version {version}, which is another model in the ledger: its registry "
            "was emptied or replaced. Put its database back, or name another with MLFLOW_TRACKING_URI."
        ) from None


def run_facts(registering: Registering, waiting: Waiting) -> RunFacts:
    """What the tracker is told of a candidate.

    Raises:
        BundleError: its bundle is gone, or damaged.
    """
    bundle = registering.store.open(waiting.bundle)
    rows, answers = bundle.examples()
    return RunFacts(
        name=registering.name,
        bundle=bundle.folder,
        bundle_sha256=bundle.sha256,
        params=waiting.params,
        metrics=waiting.metrics,
        tags=waiting.tags,
        example=rows[:5],
        answers=[answer["prediction"] for answer in answers[:5]],
    )
