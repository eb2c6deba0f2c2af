"""Who asks, and what they may: a token's name, its scopes, its end."""

from dataclasses import dataclass

from slipway.journal.shares import ANYBODY as ANYBODY_ON_THIS_MACHINE
from slipway.journal.shares import TOKEN
from slipway.records import Scope
from slipway.serve.access.tokens import SCOPES


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they may."""

    name: str | None
    """The token's; None where nobody has to say who they are."""
    scopes: frozenset[Scope]
    until: float | None = None
    """Unix time from which the token is refused; None for never."""

    @property
    def source(self) -> str:
        """Who a truth is from, as it is kept with it."""
        return ANYBODY_ON_THIS_MACHINE if self.name is None else TOKEN + self.name


ANYBODY = Caller(None, frozenset(SCOPES))
NOBODY = Caller(None, frozenset())
