"""A request's headers in, who asks out, or its refusal. Open on this machine until a token exists, never beyond it."""

import hmac
import ipaddress
import logging
import threading
import time
from collections.abc import Iterable
from datetime import datetime

from slipway.records import Scope, Token
from slipway.serve.access.attempts import Attempts
from slipway.serve.access.caller import ANYBODY, NOBODY, Caller
from slipway.serve.access.cross_site import cross_site_sign, host_of
from slipway.serve.access.denied import Denied, expired, missing, too_little, unknown
from slipway.serve.access.known import KnownTokens
from slipway.serve.access.tokens import HOW, SCOPES, digest
from slipway.serve.http.refusal import Refusal

LOOK_SECONDS = 0.5
"""How long a new or revoked token may take to be noticed."""
END_SECONDS = 5.0
"""How long an end waits for a database that says nothing."""

OPEN = ("/health", "/docs")
"""Health without a token says little, and the page of the documentation nothing of the project: it has a field for a
token, with which it asks for the rest."""
READING = ("GET", "HEAD", "OPTIONS")

log = logging.getLogger(__name__)


class ForeignPage(Refusal):
    """A request without a token that a page of another site seems to have sent; `sign` says what shows it."""

    def __init__(self, sign: str) -> None:
        super().__init__(
            403,
            f"This looks like a page of another site that asks through a browser: {sign}. A client that is no browser "
            "sends `Content-Type: application/json` and no Origin; for a page of your own at another address, or "
            f"behind a proxy, make a token ({HOW}) and send it.",
        )


class Access:
    """Who may ask for what: the tokens, looked at again and again in a thread, so that no request waits for them.

    Args:
        host: what the service listens on. Beyond this machine every request needs a token, also when there is none.
    """

    def __init__(self, tokens: KnownTokens, host: str) -> None:
        self._tokens = tokens
        self._is_exposed = not is_loopback(host)
        self._hosts = {b"localhost", b"127.0.0.1", b"[::1]", _as_in_header(host)}
        self._known: tuple[tuple[str, Caller], ...] | None = None  # until they could be read, nobody is let in
        self._attempts = Attempts()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def asks_for_tokens(self) -> bool:
        """Whether a request needs a token now."""
        return self._is_exposed or self._known is None or bool(self._known)

    @property
    def problem(self) -> str | None:
        """Why the tokens can't be read now; those that are known go on."""
        return self._tokens.problem

    def look(self) -> None:
        """Read the tokens once. Never raises: where they can't be read, those that are known go on."""
        tokens = self._tokens.look()
        self._known = None if tokens is None else tuple((token.sha256, _caller(token)) for token in tokens)

    def start(self) -> None:
        """Look again and again, in a thread."""
        self._thread = threading.Thread(target=self._keep_looking, name="tokens", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)

    def admit(
        self,
        method: str,
        path: str,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        predicts: bool,
        place: str = "an unknown address",
    ) -> Caller:
        """Who asks, if they may; who may not is counted, and the log says how many there were.

        Args:
            headers: names in lower case, as ASGI gives them.
            predicts: whether the path is one that predicts.
            place: the address that the request comes from.

        Raises:
            Denied: 401, no token where one is needed, an unknown or an expired one; 403, it does not have the scope.
            Refusal: no token is needed, and the request is for another host (421) or would change something for a
                page of another site (403); 503, the tokens can't be read.
        """
        try:
            return self._admit(method, path, headers, predicts=predicts)
        except Denied as denied:
            self._attempts.denied(denied.reason, place)
            raise
        except ForeignPage:
            self._attempts.denied("signs of another site", place)
            raise

    def _admit(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], *, predicts: bool) -> Caller:
        known = self._known
        if known == () and not self._is_exposed:
            self._hold_to_own_host(headers)
            if _bearer(headers) is not None and path not in OPEN:  # revoked, and the last that there was
                raise unknown(_needed(method, predicts), self._tokens.where)
            if method not in READING and (sign := cross_site_sign(headers)) is not None:
                raise ForeignPage(sign)
            return ANYBODY
        token = _bearer(headers)
        caller = None if token is None or known is None else _find(known, token)
        is_expired = caller is not None and caller.until is not None and time.time() >= caller.until
        if path in OPEN and method in READING:
            return NOBODY if caller is None or is_expired else caller
        if known is None:
            raise Refusal(503, "Who may ask is not known: the tokens can't be read now. The service's log says why.")
        needed = _needed(method, predicts)
        if caller is None:
            raise (unknown if token is not None else missing)(needed, self._tokens.where)
        if is_expired:
            raise expired(caller, needed)
        if needed not in caller.scopes:
            raise too_little(caller, needed)
        return caller

    def _hold_to_own_host(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        # A page in the browser on this machine may be somebody else's, under a name that leads here (DNS rebinding).
        asked = next((value for name, value in headers if name == b"host"), None)
        if asked is not None and host_of(asked.strip().lower()) not in self._hosts:
            raise Refusal(
                421,
                f"This service answers for localhost, not for {asked.decode('latin-1')[:100]!r}. Ask for localhost; "
                f"or, for a proxy or another name, make a token ({HOW}) and send it.",
            )

    def _keep_looking(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
                self._attempts.tell()
            except Exception:  # the edge of this thread: it has to look again, whatever happened
                log.exception("looking for new tokens failed; those that are known go on")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may lead anywhere
        return False


def _caller(token: Token) -> Caller:
    until = None if token.expires_at is None else datetime.fromisoformat(token.expires_at).timestamp()
    return Caller(token.name, frozenset(SCOPES if "operate" in token.scopes else token.scopes), until)


def _needed(method: str, predicts: bool) -> Scope:
    # By the method, not by the path: the router takes more than the exact text of a path for it.
    return "predict" if predicts else "read" if method in READING else "feedback"


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            return token.strip() if scheme.lower() == b"bearer" else None
    return None


def _find(known: Iterable[tuple[str, Caller]], token: bytes) -> Caller | None:
    """The caller with this token. Takes as long whichever it is, and wherever one differs."""
    asked, found = digest(token), None
    for sha256, caller in known:
        if hmac.compare_digest(sha256, asked):
            found = caller
    return found


def _as_in_header(host: str) -> bytes:
    return (f"[{host}]" if ":" in host else host).lower().encode("latin-1", "replace")
