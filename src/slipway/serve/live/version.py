"""The ledger and the kept bundles in, the version in use out: swapped without a pause, never for one that is broken."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from slipway.errors import OutsideError, SlipwayError
from slipway.gate.service_scorer import load_service_scorer
from slipway.model.score import Scorer
from slipway.model.store import BundleStore
from slipway.records import LIVE_CHANGES, LedgerEntry
from slipway.release.ledger import entry_hash, verify_after, verify_with
from slipway.release.states import stand
from slipway.serve.live.route import LiveRoute, live_route
from slipway.storage.remembered import recall, remember
from slipway.storage.seams import Ledger

Told = TypeVar("Told")

LOOK_SECONDS = 0.5
VERIFY_SECONDS = 30.0
"""How often entries that were verified are compared with what the ledger says of them now."""
RETRY_SECONDS = 10.0
"""How long a release that could not be loaded is left alone before it is tried again."""
SILENT_SECONDS = 5.0
END_SECONDS = 5.0
"""How long an end waits for a database that says nothing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Live:
    """A version that is loaded and has given the answers that it was registered with."""

    version: int
    scorer: Scorer
    routes: Mapping[str, LiveRoute]
    released: LedgerEntry
    """The entry that made it live."""
    sample: Sequence[Mapping[str, Any]]
    """Rows as the model was tested on; read with the rest, so that nothing is asked of the bundle's files later."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """What there is to say about the version in use."""

    live: Live | None
    refused: str | None
    """Why the newest release is not the one in use."""
    ledger_problem: str | None
    """Why the ledger can't be read now; what was live goes on."""
    mistrust: str | None = None
    """Why the ledger can be read and is not followed; what was live goes on."""


class LiveVersion:
    """Follows the ledger. Readers take `state` once a request, and keep what they took until they have answered.

    Args:
        remembered: the file of the entry that made live what is served, by which a start goes on without the ledger.
        place: of the ledger's database: an entry that was followed there has to be in the ledger still.
    """

    def __init__(self, ledger: Ledger, store: BundleStore, remembered: Path, place: str = "") -> None:
        self._ledger = ledger
        self._store = store
        self._remembered = remembered
        self._kept: LedgerEntry | None = None
        self._state = LiveState(None, None, None)
        self._place = place
        self._seen: LedgerEntry | None = None
        self._verified: list[LedgerEntry] = []
        self._verify_at = 0.0
        self._retry_at = 0.0
        self._asked_at: float | None = None
        self.observer: Callable[[LiveState], None] = lambda state: None
        """Called with the state after each look at the ledger."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> LiveState:
        return self._state

    def look(self) -> None:
        """Ask the ledger once; load what it says is live if that is not in use. Never raises for what is outside."""
        head = None
        try:
            head = self._ask(self._ledger.head)
            is_told = self._state.refused is not None or self._state.mistrust is not None
            is_due = time.monotonic() >= (self._retry_at if is_told else self._verify_at)
            if head == self._seen and not is_due:
                self._say(ledger_problem=None)
                return
            entries = self._ask(self._ledger.entries) if head or self._verified else []
            if (problem := self._verify(entries)) is not None:
                self._seen = head
                self._distrust(problem)
                return
            standing = stand(entries)
        except OutsideError as error:
            if self._state.ledger_problem is None:
                log.warning("the ledger can't be read; what is live goes on: %s", error)
            self._say(ledger_problem=str(error))
            if self._state.live is None and time.monotonic() >= self._retry_at:
                self._go_on_from_memory()
            return
        except SlipwayError as error:
            if self._state.refused != str(error):
                log.error("the ledger does not make sense; what is live goes on: %s", error)
            self._seen, self._retry_at = head, time.monotonic() + RETRY_SECONDS
            self._say(refused=str(error), ledger_problem=None)
            return
        self._seen = head
        self._follow(entries, standing.live, standing.bundles)

    def _verify(self, entries: list[LedgerEntry]) -> str | None:
        """Why these entries are not followed; what was verified before is only compared."""
        if not self._verified or not self._remembered.exists():  # `ledger --accept` removes it
            verified = verify_with(recall(self._remembered, LedgerEntry, self._place), entries)
        else:
            verified = verify_after(self._verified, entries)
        if not verified.ok:
            return f"The ledger does not hold: {verified.problem}. `slipway ledger --verify` looks again."
        self._verified, self._verify_at = entries, time.monotonic() + VERIFY_SECONDS
        return None

    def _distrust(self, problem: str) -> None:
        state = self._state
        if state.mistrust != problem:
            log.error("%s %s", problem, "What is live goes on." if state.live else "It is not followed.")
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if state.live is None:
            self._go_on_from_memory()
        self._state = replace(self._state, ledger_problem=None, mistrust=problem)

    def _ask(self, what: Callable[[], Told]) -> Told:
        self._asked_at = time.monotonic()
        try:
            return what()
        finally:
            self._asked_at = None

    @property
    def ledger_problem(self) -> str | None:
        """Why the ledger can't be read now; one that lets itself be asked and says nothing is as good as away."""
        asked_at = self._asked_at
        if self._state.ledger_problem is None and asked_at is not None:
            silent = time.monotonic() - asked_at
            return f"the ledger has not answered for {silent:.0f} s" if silent > SILENT_SECONDS else None
        return self._state.ledger_problem

    def start(self) -> None:
        """Look again and again, in a thread."""
        self.observer(self._state)
        self._thread = threading.Thread(target=self._keep_looking, name="live version", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)

    def _keep_looking(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
                self.observer(self._state)
            except Exception:  # the edge of this thread: it has to look again, whatever happened
                log.exception("looking for a new release failed; what is live goes on")
                self._say(ledger_problem="looking for a new release failed; the service's log says why")

    def _follow(self, entries: list[LedgerEntry], version: int | None, bundles: Mapping[int, str]) -> None:
        current = self._state.live
        if version is None:
            self._state = LiveState(None, None, None)
            return
        sha256 = bundles[version]
        released = next(e for e in reversed(entries) if e.version == version and e.action in LIVE_CHANGES)
        if current is not None and current.version == version and current.scorer.bundle.sha256 == sha256:
            self._state = LiveState(replace(current, released=released), None, None)
        elif (live := self._loaded(version, sha256, released)) is not None:
            self._state = LiveState(live, None, None)
            log.info("version %d is live%s", version, f", after version {current.version}" if current else "")
        is_kept = self._kept == released and self._remembered.exists()
        if self._state.refused is None and not is_kept and remember(self._remembered, released, self._place):
            self._kept = released

    def _go_on_from_memory(self) -> None:
        entry = recall(self._remembered, LedgerEntry)
        if entry is None or entry_hash(entry) != entry.hash:
            return
        problem = self._state.ledger_problem
        live = self._loaded(entry.version, entry.bundle, entry)
        self._say(ledger_problem=problem)
        if live is not None:
            self._kept, self._state = entry, LiveState(live, None, problem)
            log.warning("version %d is served, as when the ledger was last followed", entry.version)

    def _loaded(self, version: int, sha256: str, released: LedgerEntry) -> Live | None:
        """The version; None where it can't be used, which the state then says."""
        current = self._state.live
        try:
            return load_version(self._store, version, sha256, released)
        except Exception as error:  # whatever a bundle does while it is loaded, the old version goes on
            reason = f"version {version} can't be used: {error}"
            if reason != self._state.refused:
                log.error("%s. %s", reason, f"Version {current.version} goes on." if current else "Nothing is served.")
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._state = LiveState(current, reason, None)
            return None

    def _say(self, *, ledger_problem: str | None, refused: str | None = None) -> None:
        state = self._state
        self._state = replace(state, refused=refused or state.refused, ledger_problem=ledger_problem)


def load_version(store: BundleStore, version: int, sha256: str, released: LedgerEntry) -> Live:
    """Load a version and hold it to the answers that it was registered with.

    Raises:
        SlipwayError: its bundle is gone or changed, or can't be used here.
    """
    bundle = store.open(sha256)
    scorer = load_service_scorer(bundle)
    routes = {route.path: live_route(route, scorer.function) for route in scorer.bundle.manifest.routes}
    return Live(version, scorer, routes, released, scorer.bundle.sample())
