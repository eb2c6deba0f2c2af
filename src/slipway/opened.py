"""A project and its settings → its backends, opened when they are first asked for, and what stands in them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from slipway.errors import (
    BusyError,
    CheckRefused,
    DataError,
    NothingLive,
    OutsideError,
    SlipwayError,
    StageError,
)
from slipway.pipeline.orchestrated import Orchestrator, Straight
from slipway.pipeline.proposed import is_proposed
from slipway.pipeline.reported import reported_metrics
from slipway.pipeline.run import RunReport, run_lock
from slipway.project import Project
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.gate.cleanroom import CleanRoom
    from slipway.model.score import Scorer
    from slipway.model.store import BundleStore
    from slipway.notices import Notices
    from slipway.release.states import Standing
    from slipway.release.switch import Releasing
    from slipway.storage import Storage
    from slipway.tracking.seams import Tracker


class Opened:
    """What the verbs and the loop's steps are made of. Most need few of the backends."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self.project = project
        self.settings = settings
        self.orchestrator: Orchestrator = Straight()
        """What carries out the steps of a run; a scheduler puts its own here."""
        self._room: CleanRoom | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.project.name} in {self.project.root}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what the backends hold."""
        if "storage" in self.__dict__:
            self.storage.close()
        if "tracker" in self.__dict__:
            self.tracker.close()
        self._leave_room()

    # Backends, opened when first asked for: most verbs need few of them.

    @cached_property
    def storage(self) -> "Storage":
        from slipway.storage import open_storage

        return open_storage(self.settings)

    @cached_property
    def tracker(self) -> "Tracker":
        from slipway.tracking import open_tracker

        return open_tracker(self.settings)

    @cached_property
    def store(self) -> "BundleStore":
        from slipway.model.store import BundleStore

        return BundleStore(self.settings.bundles)

    def prepare_gate(self) -> None:
        """Start the fresh process in which the gate loads a candidate: its imports pass beside other work."""
        from slipway.gate.cleanroom import CleanRoom

        if self._room is None:
            self._room = CleanRoom()

    def _leave_room(self) -> None:
        if self._room is not None:
            self._room.close()
            self._room = None

    @cached_property
    def notices(self) -> "Notices":
        """Those who watch the project, told by its webhook."""
        from slipway.notices import Notices

        return Notices(self.project, self.settings, self.storage)

    def standing(self) -> "Standing":
        """Where every version stands, by the ledger.

        Raises:
            CheckRefused: its chain does not hold, or lacks the entry that a service here last followed.
        """
        from slipway.records import LedgerEntry
        from slipway.release.ledger import refuse_unless_held, verify_with
        from slipway.release.states import stand
        from slipway.storage.remembered import recall

        entries = self.storage.ledger.entries()
        followed = recall(self.settings.live_file, LedgerEntry, self.storage.place)
        refuse_unless_held(verify_with(followed, entries))
        return stand(entries)

    def live_and_candidate(self) -> tuple[int | None, int | None, str | None]:
        """The live version, the candidate, and why neither is known where the ledger can't be followed."""
        try:
            standing = self.standing()
        except CheckRefused as error:
            return None, None, str(error)
        return standing.live, standing.candidate, None

    def require_live(self) -> int:
        """The live version's number; a NothingLive with the remedy where there is none."""
        live = self.standing().live
        if live is None:
            raise NothingLive(
                "Nothing is live yet: `slipway up`, or `slipway run` and `slipway release`, changes that."
            )
        return live

    def scorer(self, version: int) -> "Scorer":
        """A version, verified and loaded."""
        from slipway.model.score import load_scorer

        return load_scorer(self.store.open(self.standing().bundles[version]))

    def live_scorer(self) -> "Scorer":
        """The live version, verified and loaded."""
        return self.scorer(self.require_live())

    def ship(self) -> None:
        """Bring what waits in the spool into the journal; a running server's shipper may do it meanwhile."""
        from slipway.journal.ship import Shipper

        Shipper(self.settings.spool, self.storage.journal).ship(wait_seconds=5.0)

    def point_names(self) -> None:
        """Make the tracker's names, and the head that it keeps, say what the ledger says."""
        from slipway.release.switch import point_names

        point_names(self._releasing())

    def _releasing(self) -> "Releasing":
        from slipway.release.switch import Releasing

        self.standing()  # nothing is changed on a ledger that does not hold, or was cut short
        return Releasing(
            self.project.name,
            self.project.model,
            self.storage.ledger,
            self.storage.journal,
            self.store,
            self.tracker,
            self.settings.user,
            self.settings.gates,
        )

    def _register_pending(self, *, is_needed: bool) -> None:
        """Give what is pending its version; without need, a tracker that is away is passed by."""
        if not self.storage.pending.all():
            return
        from slipway.release.pending import Registering, register_pending

        registering = Registering(
            self.project.name, self.storage.ledger, self.storage.pending, self.store, self.tracker
        )
        try:
            with run_lock(self.settings):  # a run that goes on may be registering it itself
                register_pending(registering)
        except (BusyError, OutsideError):
            if is_needed:
                raise

    def _makes_model(self, report: RunReport) -> bool:
        return any(stage.name == self.project.model_stage.name for stage in report.stages)

    def _explained(self, error: SlipwayError, failed: Sequence[str]) -> SlipwayError:
        """A stage's error in the words of what has changed in its data since a version was trained."""
        from slipway.model.type_changes import explained

        try:
            bundles = [each.bundle for each in self.storage.pending.all()] or [*self.standing().bundles.values()]
            if not bundles or not isinstance(error, DataError | StageError):
                return error
            return explained(error, self.project, failed, self.store.open(bundles[-1]), self.storage.tables)
        except SlipwayError:  # a bundle that is gone or damaged explains nothing
            return error

    def _reported(self, report: RunReport) -> dict[str, float]:
        """The project's own metrics, where this run had their stage in view."""
        artifact = self.project.artifacts.get(self.project.model.metrics)
        if artifact is None or report.error is not None or not any(s.name == artifact.maker for s in report.stages):
            return {}
        return reported_metrics(self.settings.root / artifact.path)

    def _propose(self, metrics: Mapping[str, float]) -> int | None:
        from slipway.release.candidate import CandidateMaker

        is_known = self.storage.ledger.head() is not None  # a new state, as a stack's, knows of no run
        if is_known and is_proposed(self.project, self.settings) and not self.storage.pending.all():
            return None
        maker = CandidateMaker(self.project, self.settings, self.storage, self.store, self.tracker)
        return maker.propose(metrics)
