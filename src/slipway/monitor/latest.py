"""The latest window of a version, for a service's page; imports what measures it only when it is asked."""

from typing import TYPE_CHECKING, Any

from slipway.project import Project

if TYPE_CHECKING:
    from slipway.model.score import Scorer
    from slipway.storage import Journal


def latest_drift(project: Project, scorer: "Scorer", version: int, journal: "Journal") -> dict[str, Any]:
    """Return the latest window of a version's predictions, as `slipway monitor --json` has it. Nothing is recorded."""
    from slipway.monitor.window import monitor_journal

    return monitor_journal(project, scorer, version, journal, hours=None, last=None).to_json()
