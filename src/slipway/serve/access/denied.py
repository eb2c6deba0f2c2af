"""What a caller lacks in, the refusal out: what it needs, and the command that makes it."""

from slipway.records import Scope
from slipway.serve.access.attempts import Reason
from slipway.serve.access.caller import Caller
from slipway.serve.http.refusal import Refusal


class Denied(Refusal):
    """A request that lacks a token or a scope; `challenge` is the answer's `WWW-Authenticate`."""

    def __init__(self, status: int, challenge: str, detail: str, reason: Reason) -> None:
        super().__init__(status, detail)
        self.challenge = challenge
        self.reason: Reason = reason


def missing(needed: Scope, where: str = "") -> Denied:
    """No token came.

    Args:
        where: another place where there is one, in words to go on with.
    """
    return Denied(
        401,
        'Bearer realm="slipway"',
        "This service needs a token: send it as `Authorization: Bearer TOKEN`. "
        f"`slipway tokens add NAME --scope {needed}` makes one{where}.",
        "no token",
    )


def unknown(needed: Scope, where: str = "") -> Denied:
    """A token that nobody has made, or that was revoked; `where` is as in `missing`."""
    return Denied(
        401,
        'Bearer realm="slipway", error="invalid_token"',
        "This token is unknown here, or was revoked. `slipway tokens` lists the names of those that are known; "
        f"`slipway tokens add NAME --scope {needed}` makes one{where}.",
        "an unknown token",
    )


def expired(caller: Caller, needed: Scope) -> Denied:
    """The caller's token is past its end."""
    return Denied(
        401,
        'Bearer realm="slipway", error="invalid_token"',
        f"The token `{caller.name}` has expired. `slipway tokens revoke {caller.name}`, then `slipway tokens add "
        f"{caller.name} --scope {needed}` makes another.",
        "an expired token",
    )


def too_little(caller: Caller, needed: Scope) -> Denied:
    """The caller is known, and may do other things."""
    return Denied(
        403,
        f'Bearer realm="slipway", error="insufficient_scope", scope="{needed}"',
        f"The token `{caller.name}` has the scope {', '.join(sorted(caller.scopes))}; this needs {needed}. "
        f"`slipway tokens add NAME --scope {needed}` makes one that has it.",
        "too few scopes",
    )
