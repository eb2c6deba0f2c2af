"""A status and a reason in, an exception out that is turned into its answer at the edge."""

from collections.abc import Iterable
from typing import Any


class Refusal(Exception):
    """A request that is answered with an error: the status, and what the body says under `detail`."""

    def __init__(
        self, status: int, detail: str | list[dict[str, Any]], headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = headers
