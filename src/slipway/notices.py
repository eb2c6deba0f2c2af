"""What the loop decided, or a person changed, in; those who watch the project told by its webhook, out."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from slipway.errors import DataError
from slipway.gate.evidence import read_table
from slipway.project import Project
from slipway.records import LIVE_CHANGES, Decision, LedgerEntry, Step, new_id
from slipway.settings import Settings
from slipway.storage import Storage
from slipway.webhook import WAITS, Event, Notice, NotTold, send

NOT_TOLD = "not told"
"""The outcome of a step whose notice nobody took; it stands in the decisions after the step's own."""


class Notices:
    """Tells of alarms, promotions and rollbacks, once each. What fails here is recorded and ends nothing."""

    def __init__(
        self, project: Project, settings: Settings, storage: Storage, *, waits: tuple[float, ...] = WAITS
    ) -> None:
        self._address = settings.webhook or project.monitor.webhook
        self._project = project.name
        self._gates = settings.gates
        self._storage = storage
        self._waits = waits

    def decided(self, decision: Decision) -> Decision | None:
        """Tell of a decision of the loop's that was just recorded, if it is one to tell of.

        Returns:
            The decision that nobody was told, recorded too; None where all went well.
        """
        if self._address is None:
            return None
        if decision.step == "check" and decision.outcome in ("alarm", "retrain"):
            if self._is_known(decision):
                return None
            live = decision.detail.get("version")
            notice = self._notice(decision, "alarm", live, found=dict(decision.detail))
        elif (decision.step, decision.outcome) in (("promote", "live"), ("rollback", "rolled back")):
            event: Event = "promotion" if decision.step == "promote" else "rollback"
            entry = self._last_change()
            if entry is None:
                return None
            notice = self._notice(decision, event, entry.version, entry=entry)
        elif (decision.step, decision.outcome) == ("rollback", "refused"):
            notice = self._notice(decision, "alarm", None)  # what is live is worse, and a person has to act
        elif decision.step == "watch" and "one_source" in decision.detail:
            notice = self._notice(decision, "alarm", None)  # it may be worse, and a person has to look
        else:
            return None
        return self._send(notice, decision)

    def entered(self, entry: LedgerEntry | None) -> NotTold | None:
        """Tell of what a person released or rolled back; None as the entry: nothing changed.

        Returns:
            Why nobody was told, recorded too; None where all went well.
        """
        if self._address is None or entry is None:
            return None
        step: Step = "promote" if entry.action == "released" else "rollback"
        decision = Decision(new_id(), step, entry.action, entry.why, entry.at)
        event: Event = "rollback" if step == "rollback" else "promotion"
        failed = self._send(self._notice(decision, event, entry.version, entry=entry), decision)
        return None if failed is None else NotTold(failed.why)

    def _notice(
        self,
        decision: Decision,
        event: Event,
        version: int | None,
        *,
        found: dict[str, Any] | None = None,
        entry: LedgerEntry | None = None,
    ) -> Notice:
        table = None
        if entry is not None and entry.gate is not None:
            with suppress(DataError):  # a table that was tampered with is no evidence
                table = read_table(self._gates, entry.gate)
        return Notice(
            id=f"{decision.tick}-{decision.step}",
            project=self._project,
            event=event,
            at=decision.at,
            version=version,
            previous=entry.previous if entry is not None else None,
            why=entry.why if entry is not None and entry.why else decision.why,
            found=found or {},
            gate=table,
            entry=entry,
        )

    def _send(self, notice: Notice, decision: Decision) -> Decision | None:
        assert self._address is not None  # both callers looked
        try:
            send(self._address, notice, waits=self._waits)
        except NotTold as error:
            now = datetime.now(UTC).isoformat()
            failed = Decision(decision.tick, decision.step, NOT_TOLD, str(error), now, {"event": notice.event})
            self._storage.decisions.append(failed)
            return failed
        return None

    def _is_known(self, decision: Decision) -> bool:
        """Whether the check before this one raised the same alarm, and somebody was told of it."""
        before = self._storage.decisions.latest("check", other_than=decision.tick)
        return before is not None and before.outcome != NOT_TOLD and _alarm(before) == _alarm(decision)

    def _last_change(self) -> LedgerEntry | None:
        changes = [e for e in self._storage.ledger.entries() if e.action in LIVE_CHANGES]
        return changes[-1] if changes else None


def _alarm(decision: Decision) -> tuple[Any, ...]:
    alerts = decision.detail.get("alerts", ())
    found = {(a.get("column"), a.get("measure"), a.get("level")) for a in alerts}
    return decision.outcome, decision.detail.get("version"), frozenset(found)
