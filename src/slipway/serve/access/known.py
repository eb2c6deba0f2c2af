"""The tokens of a project, one in a mounted file, and those that were last seen in; who is known now out.

While the database is away the last ones that it gave stay valid, also over a restart: only their digests are kept.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.records import Scope, Token
from slipway.serve.access.tokens import digest
from slipway.settings import Settings, read_secret
from slipway.storage.remembered import recall, remember
from slipway.storage.seams import Tokens

MOUNTED = "stack"
"""The name, in the journal and in logs, of who has the token that the environment names a file of."""
SCOPES: tuple[Scope, ...] = ("predict", "feedback", "read")

log = logging.getLogger(__name__)


class KnownTokens:
    """Who may ask, as far as that can be told.

    Args:
        remembered: the file of those that the database last gave.
        mounted: one more, which is always known.
    """

    def __init__(self, tokens: Tokens, remembered: Path, mounted: Token | None = None) -> None:
        self._tokens = tokens
        self._path = remembered
        self._mounted = [] if mounted is None else [mounted]
        self._last = recall(remembered, list[Token])
        self.problem: str | None = None
        """Why the database can't be asked; None when it can."""

    @property
    def where(self) -> str:
        """Where a token comes from that is not made by hand, in words to go on with; empty where there is none."""
        return "; in a stack, `secrets/api_token` holds one" if self._mounted else ""

    @classmethod
    def of(cls, settings: Settings, tokens: Tokens) -> "KnownTokens":
        """Those of a service.

        Raises:
            OutsideError: the file that `SLIPWAY_TOKEN_FILE` names can't be read, or is empty.
        """
        return cls(tokens, settings.state / "tokens.json", _mounted(settings))

    def look(self) -> list[Token] | None:
        """All that are known now; None where nobody could ever say. Never raises."""
        try:
            found = self._tokens.all()
        except SlipwayError as error:
            if self.problem is None:
                log.warning("the tokens can't be read; those that are known go on: %s", error)
            self.problem = str(error)
            known = self._last
        else:
            self.problem = None
            # Nothing is kept of a project that has none; the last one's end is.
            if found != self._last and (found or self._last):
                remember(self._path, found)
            known = self._last = found
        return None if known is None and not self._mounted else [*self._mounted, *(known or ())]


def _mounted(settings: Settings) -> Token | None:
    if settings.token_file is None:
        return None
    token = read_secret(settings.token_file).strip()
    return Token(MOUNTED, digest(token.encode()), SCOPES, datetime.now(UTC).isoformat(timespec="seconds"))
