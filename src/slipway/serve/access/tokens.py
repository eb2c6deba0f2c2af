"""A caller's name and scopes in, a token out that is told once: what is kept of it is a digest."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from slipway.errors import ProjectError, near_miss
from slipway.records import Scope, Token
from slipway.storage.seams import Tokens

PREFIX = "slw_"
"""Says what a token is, to whoever finds one, and to programs that look for secrets in what is committed."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
HOW = "`slipway tokens add NAME --scope predict`"

_RANDOM_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class TokenBook:
    """The tokens of one project: who may ask its service for what."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def all(self) -> list[Token]:
        """All of them, by name."""
        return self._tokens.all()

    def add(self, name: str, scopes: Sequence[str], *, days: float | None = None) -> str:
        """Make a token; it is told here and never again. A running service takes it within a second.

        Args:
            days: after so many days it is refused; never, if not given.

        Raises:
            ProjectError: the name is taken or is none, a scope is missing or unknown, or the days are no time ahead.
        """
        if not _NAME.fullmatch(name):
            raise ProjectError(
                f"{name!r} can't name a token: up to 64 letters, digits, dots, dashes and underscores, such as `shop`."
            )
        if not scopes:
            raise ProjectError(f"Say what `{name}` may do: --scope {', --scope '.join(SCOPES)} (operate: everything).")
        for scope in scopes:
            if scope not in SCOPES:
                raise ProjectError(f"There is no scope `{scope}`.{near_miss(scope, SCOPES)}")
        # 256 random bits: nobody finds them by trying, so a digest without salt or work is as good as a slow one.
        token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        allowed = tuple(scope for scope in SCOPES if scope in scopes)
        now = datetime.now(UTC)
        expires_at = None if days is None else _after(now, days).isoformat(timespec="seconds")
        made_at = now.isoformat(timespec="seconds")
        if not self._tokens.add(Token(name, digest(token.encode()), allowed, made_at, expires_at)):
            raise ProjectError(f"There is a token `{name}` already: `slipway tokens revoke {name}`, or another name.")
        return token

    def revoke(self, name: str) -> None:
        """Forget a token. A running service refuses it within a second.

        Raises:
            ProjectError: there is none of that name.
        """
        if not self._tokens.remove(name):
            known = [token.name for token in self._tokens.all()]
            raise ProjectError(f"There is no token `{name}`.{near_miss(name, known)}")


def usable(tokens: Sequence[Token]) -> list[Token]:
    """Those that have not expired."""
    now = datetime.now(UTC)
    return [each for each in tokens if each.expires_at is None or datetime.fromisoformat(each.expires_at) > now]


def _after(now: datetime, days: float) -> datetime:
    try:
        if days > 0:
            return now + timedelta(days=days)
    except (OverflowError, ValueError):  # beyond what a calendar has
        pass
    raise ProjectError(f"--days {days:g}: expected a number above 0, such as 90; leave it out for a token that lasts.")


def digest(token: bytes) -> str:
    """What is kept of a token: its SHA-256."""
    return hashlib.sha256(token).hexdigest()
