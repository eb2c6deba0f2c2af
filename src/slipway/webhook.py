"""A notice of what happened to a model, and an address, in; the notice posted there as JSON, out."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Literal
from urllib.parse import urlsplit

from slipway.errors import OutsideError
from slipway.records import LedgerEntry

FORMAT = 1
TIMEOUT = 5.0
WAITS = (1.0, 4.0)
"""Seconds before the second try and the third."""
MOST_ALERTS = 20

Event = Literal["alarm", "promotion", "rollback"]


class NotTold(OutsideError):
    """Nobody took the notice."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person needs to judge an alarm, a promotion or a rollback. No row and no answer of anybody's is in it."""

    id: str
    """The same when the notice is sent again."""
    project: str
    event: Event
    at: str
    """ISO 8601 in UTC."""
    version: int | None
    """What is live now."""
    previous: int | None
    """What was live before, where that changed."""
    why: str
    found: Mapping[str, Any] = field(default_factory=dict)
    """Of an alarm, what the check found, as `monitor --json` prints it."""
    gate: Mapping[str, Any] | None = None
    """Of a promotion, the gate's table, as `gate --json` prints it."""
    entry: LedgerEntry | None = None

    def to_json(self) -> dict[str, Any]:
        alerts: Sequence[Any] = self.found.get("alerts", ())
        return {
            "format": FORMAT,
            "id": self.id,
            "project": self.project,
            "event": self.event,
            "at": self.at,
            "text": self.text(),
            "version": self.version,
            "previous": self.previous,
            "why": self.why,
            "decision": self.found.get("decision"),
            "window": self.found.get("window"),
            "rows": self.found.get("rows"),
            "alerts": list(alerts[:MOST_ALERTS]),
            "more_alerts": max(len(alerts) - MOST_ALERTS, 0),
            "quality": dict(self.found.get("quality", {})),
            "gate": None if self.gate is None else _verdict(self.gate),
            "ledger": None if self.entry is None else _named(self.entry),
        }

    def text(self) -> str:
        """What a chat shows: one line of what happened, one of why, one of where to look."""
        back = "rolled forward" if self.entry is not None and self.entry.action == "rolled forward" else "rolled back"
        happened = {
            "alarm": f"drift: {self.found.get('decision', 'alarm')}",
            "promotion": f"version {self.version} is live",
            "rollback": f"{back} to version {self.version}",
        }[self.event]
        instead = f", instead of version {self.previous}" if self.previous is not None else ""
        look = "slipway monitor" if self.event == "alarm" else "slipway ledger"
        hashed = f", entry {self.entry.seq} ({self.entry.hash[:12]})" if self.entry is not None else ""
        return "\n".join([f"{self.project}: {happened}{instead}.", self.why or "No reason given.", f"`{look}`{hashed}"])


def send(address: str, notice: Notice, *, waits: Sequence[float] = WAITS, timeout: float = TIMEOUT) -> None:
    """Post a notice; tried again where the other side may take it later.

    Args:
        waits: seconds before each further try.

    Raises:
        NotTold: it was not taken. The message has no more of the address than its host, since the rest may be secret.
    """
    parts = urlsplit(address)
    where = f"{parts.scheme}://{parts.hostname}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotTold("the webhook's address is none: expected https://… in SLIPWAY_WEBHOOK or [monitor] webhook.")
    body = json.dumps(notice.to_json(), ensure_ascii=False, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "slipway", "Idempotency-Key": notice.id}
    request = urllib.request.Request(address, body, headers)  # noqa: S310 - the scheme was looked at above
    said = ""
    for wait in (0.0, *waits):
        time.sleep(wait)
        try:
            with _OPENER.open(request, timeout=timeout):
                return
        except urllib.error.HTTPError as error:
            said = f"status {error.code}"
            error.close()
            if error.code < 500 and error.code != 429:
                raise NotTold(f"the webhook at {where} refused the notice: {said}.") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            said = str(reason) or type(reason).__name__
    raise NotTold(f"the webhook at {where} did not take the notice in {len(waits) + 1} tries: {said}.")


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its body, somewhere that nobody named."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_StaysHere)


def _verdict(table: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        {key: line.get(key) for key in ("check", "asked", "measured", "outcome")} for line in table.get("lines", ())
    ]
    return {"version": table.get("version"), "passed": table.get("passed"), "lines": lines}


def _named(entry: LedgerEntry) -> dict[str, Any]:
    return {"seq": entry.seq, "action": entry.action, "by": entry.by, "hash": entry.hash}
