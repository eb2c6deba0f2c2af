"""The artifacts of a finished run → a candidate: bundle kept, run recorded, version registered, entry in the ledger."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from slipway.errors import BundleError, OutsideError
from slipway.model.bundle import Bundle, same_model
from slipway.model.candidate import build_bundle
from slipway.model.store import BundleStore
from slipway.pipeline.params import read_params
from slipway.pipeline.proposed import lock_digest, mark_proposed
from slipway.project import Project
from slipway.release.ledger import record
from slipway.release.states import Standing, stand
from slipway.settings import Settings
from slipway.storage import Storage
from slipway.tracking.seams import RunFacts, Tracker


class CandidateMaker:
    """Makes candidates of one project. A crash at any point is made good by the next call."""

    def __init__(
        self, project: Project, settings: Settings, storage: Storage, store: BundleStore, tracker: Tracker
    ) -> None:
        self._project = project
        self._settings = settings
        self._storage = storage
        self._store = store
        self._tracker = tracker

    def propose(self, reported: Mapping[str, float]) -> int | None:
        """Register what stands in the project's artifacts as the next version.

        Args:
            reported: the project's own metrics.

        Returns:
            The version; None when the artifacts give a model that is known already, which `slipway rollback --to`
            returns to if it is not live.

        Raises:
            OutsideError: the tracking server is away; the bundle waits as `pending` and the next call registers it.
        """
        mark = lock_digest(self._settings)
        with self._built(reported) as bundle:
            standing = stand(self._storage.ledger.entries())
            known = self._known(bundle, standing)
            if known is not None:
                self._pass_over(standing, known)
                mark_proposed(self._settings, mark)
                return None
            sha256 = self._store.put(bundle.folder)
        version = self._register(self._store.open(sha256), reported)
        mark_proposed(self._settings, mark)
        return version

    def _register(self, bundle: Bundle, reported: Mapping[str, float]) -> int:
        rows, answers = bundle.examples()
        settings = read_params(self._project)
        facts = RunFacts(
            name=self._project.name,
            bundle=bundle.folder,
            bundle_sha256=bundle.sha256,
            params={f"{stage}.{key}": value for stage, keys in settings.items() for key, value in keys.items()},
            metrics=reported,
            tags=self._tags(),
            example=rows[:5],
            answers=[answer["prediction"] for answer in answers[:5]],
        )
        try:
            version = self._tracker.register(facts)
        except OutsideError as error:
            raise OutsideError(
                f"{error} The candidate is kept as pending (bundle {bundle.sha256[:12]}); the next run registers it."
            ) from error
        why = ", ".join(f"{name} {value:.4g}" for name, value in reported.items())
        record(self._storage.ledger, "candidate", version, bundle=bundle.sha256, by=self._settings.user, why=why)
        return version

    @contextmanager
    def _built(self, reported: Mapping[str, float]) -> Iterator[Bundle]:
        self._settings.bundles.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".building-", dir=self._settings.bundles))
        try:
            yield build_bundle(self._project, self._storage.tables, reported, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _known(self, bundle: Bundle, standing: Standing) -> int | None:
        """The version that has this very bundle; else the newest or live one, if it answers every request alike."""
        for version, sha256 in standing.bundles.items():
            if sha256 == bundle.sha256:
                return version
        newest = max(standing.states, default=None)
        for version in {v for v in (newest, standing.live) if v is not None}:
            # A version that is damaged must not keep its successor out.
            with suppress(BundleError):
                if same_model(bundle, self._store.open(standing.bundles[version])):
                    return version
        return None

    def _pass_over(self, standing: Standing, known: int) -> None:
        """A candidate that waits, of a project that has since been put back to an older version's, waits no more."""
        waiting = standing.candidate
        if waiting is not None and waiting != known:
            why = f"the project gives version {known} again"
            bundle = standing.bundles[waiting]
            record(self._storage.ledger, "refused", waiting, bundle=bundle, by=self._settings.user, why=why)

    def _tags(self) -> dict[str, str]:
        tags = {"dvc.lock.sha256": lock_digest(self._settings)}
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self._settings.root, capture_output=True, text=True, check=False
        )
        if found.returncode == 0:
            tags["git.commit"] = found.stdout.strip()
        return tags
