"""The artifacts of a finished run → a candidate: bundle kept, run recorded, version registered, entry in the ledger."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from slipway.errors import BundleError
from slipway.files import Draft
from slipway.model.bundle import Bundle, same_model
from slipway.model.candidate import build_bundle
from slipway.model.personal import hides_alike
from slipway.model.store import BundleStore
from slipway.pipeline.made import keep_made
from slipway.pipeline.params import read_params
from slipway.pipeline.proposed import lock_digest, mark_proposed, run_digest
from slipway.project import Project
from slipway.records import Waiting
from slipway.release.ledger import holding, record
from slipway.release.pending import Registering, register_pending, withdraw
from slipway.release.states import Standing, stand
from slipway.settings import Settings
from slipway.storage import Storage
from slipway.tracking.seams import Tracker


class CandidateMaker:
    """Makes candidates of one project. A crash at any point is made good by the next call."""

    def __init__(
        self, project: Project, settings: Settings, storage: Storage, store: BundleStore, tracker: Tracker
    ) -> None:
        self._project = project
        self._settings = settings
        self._storage = storage
        self._store = store
        self._registering = Registering(project.name, storage.ledger, storage.pending, store, tracker)

    def propose(self, reported: Mapping[str, float]) -> int | None:
        """Register what stands in the project's artifacts as the next version.

        Args:
            reported: the project's own metrics.

        Returns:
            The version; None when the artifacts give a model that is known already, which `slipway rollback --to`
            returns to if it is not live.

        Raises:
            RegistrationPending: the tracking server is away; the next run, gate or loop registers what waits.
        """
        mark = run_digest(self._project, self._settings)
        with self._built(reported) as bundle:
            standing = stand(holding(self._storage.ledger))
            known = self._known(bundle, standing)
            if known is not None:
                self._pass_over(standing, known)
                mark_proposed(self._settings, mark)
                return None
            if not self._waits(bundle):
                sha256, commit = self._store.put(bundle.folder), self._tags().get("git.commit")
                keep_made(self._project, self._settings, sha256, commit=commit, metrics=reported)
                self._storage.pending.add(self._waiting(bundle, sha256, reported))
        versions = register_pending(self._registering)
        mark_proposed(self._settings, mark)
        return max(versions, default=None)

    def _waiting(self, bundle: Bundle, sha256: str, reported: Mapping[str, float]) -> Waiting:
        settings = read_params(self._project)
        return Waiting(
            bundle=sha256,
            at=datetime.now(UTC).isoformat(timespec="microseconds"),
            by=self._settings.user,
            params={f"{stage}.{key}": value for stage, keys in settings.items() for key, value in keys.items()},
            metrics=dict(reported),
            tags={**self._tags(), **bundle.test_tags()},
        )

    def _waits(self, bundle: Bundle) -> bool:
        """Whether the newest of what is pending is this model already."""
        newest = [waiting.bundle for waiting in self._storage.pending.all()][-1:]
        with suppress(BundleError):
            return any(sha256 == bundle.sha256 or same_model(bundle, self._store.open(sha256)) for sha256 in newest)
        return False

    @contextmanager
    def _built(self, reported: Mapping[str, float]) -> Iterator[Bundle]:
        with Draft(self._settings.bundles / "candidate") as draft:
            yield build_bundle(self._project, self._storage.tables, reported, draft.path)

    def _known(self, bundle: Bundle, standing: Standing) -> int | None:
        """The version that has this very bundle; else the newest or live one, if it answers every request alike.

        One that shows values which are personal by now is another: they go with it.
        """
        personal = self._project.api.personal
        for version, sha256 in standing.bundles.items():
            if sha256 == bundle.sha256:
                return version
        newest = max(standing.states, default=None)
        for version in {v for v in (newest, standing.live) if v is not None}:
            # A version that is damaged must not keep its successor out.
            with suppress(BundleError):
                kept = self._store.open(standing.bundles[version])
                if same_model(bundle, kept) and hides_alike(bundle, kept, personal):
                    return version
        return None

    def _pass_over(self, standing: Standing, known: int) -> None:
        """A candidate that waits, of a project that has since been put back to an older version's, waits no more."""
        withdraw(self._registering)
        waiting = standing.candidate
        if waiting is not None and waiting != known:
            why = f"the project gives version {known} again"
            bundle = standing.bundles[waiting]
            record(self._storage.ledger, "refused", waiting, bundle=bundle, by=self._settings.user, why=why)

    def _tags(self) -> dict[str, str]:
        digest = lock_digest(self._settings)
        tags = {"dvc.lock.sha256": digest} if digest is not None else {}
        commit = self._settings.commit or _commit(self._settings.root)
        if commit is not None:
            tags["git.commit"] = commit
        return tags


def _commit(root: Path) -> str | None:
    """The commit that git has checked out; None in no repository, and where there is no git."""
    if shutil.which("git") is None:
        return None
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None
