"""Refusals: errors that a request is answered with."""

import logging
from collections.abc import Iterable
from typing import Any

from slipway.errors import OutsideError

log = logging.getLogger(__name__)


class Refusal(Exception):
    """A request that is answered with an error: the status, and what the body says under `detail`."""

    def __init__(
        self, status: int, detail: str | list[dict[str, Any]], headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def unavailable(error: OutsideError) -> Refusal:
    """Log that the disk or a database is away; what the caller is told of it, without where they are."""
    log.error("a request is refused: %s", error)
    return Refusal(503, "The journal can't be used now, so this is not answered. The service's log says why.")
