"""A method, a path and a body in, what Prefect's HTTP API answers out; or why there was no answer."""

import base64
import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from slipway.errors import OutsideError
from slipway.settings import look_up

TIMEOUT = 10.0
_LATER = (408, 409, 429)


class PrefectAway(OutsideError):
    """No answer, or one that may be another when asked again."""


class PrefectRefused(OutsideError):
    """An answer that stays what it is: who asks, or what is asked, is wrong."""


class PrefectServer:
    """Prefect at one address. It is asked by one thread at a time.

    Its client library would be 85 MB in every image that runs stages and a second of each start, for the few requests
    that are made here.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._client = uuid4().hex
        self._token: str | None = None

    def get(self, path: str) -> Any:
        """What the API has at a path, parsed.

        Raises:
            PrefectAway: it is away, or not well.
            PrefectRefused: it does not let us, or knows no such thing.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """What the API answers to a body. As `get`; a protection token that has run out is had anew."""
        if self._token is None:
            self._token = self._new_token()
        try:
            return self._ask("POST", path, body)
        except PrefectRefused as refused:
            if "CSRF" not in str(refused):
                raise
            self._token = self._new_token()
            return self._ask("POST", path, body)

    def _new_token(self) -> str:
        """What a server with protection against forged requests wants with each change; empty for one without."""
        try:
            return str(self._ask("GET", f"/csrf-token?client={self._client}", None)["token"])
        except PrefectRefused:
            return ""

    def _ask(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "User-Agent": "slipway", **_authorization()}
        if self._token:
            headers |= {"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._client}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        where = f"Prefect at {self.url}"
        if not self.url.startswith(("http://", "https://")):
            raise PrefectRefused(f"{where}: PREFECT_API_URL is an address such as http://prefect:4200/api.")
        try:
            request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                said = f"{error.code} {error.read(300).decode(errors='replace')}".strip()
            if error.code >= 500 or error.code in _LATER:
                raise PrefectAway(f"{where} is not well: {said}.") from None
            raise PrefectRefused(f"{where} refuses {method} {path}: {said}.{_remedy(error.code)}") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise PrefectAway(f"{where} does not answer: {reason or type(reason).__name__}.") from None
        except ValueError as error:
            raise PrefectRefused(f"{where} gave something else than JSON: {error}. Is it Prefect?") from None


def _authorization() -> dict[str, str]:
    """Who asks, as Prefect's own settings say it."""
    key, login = look_up("PREFECT_API_KEY"), look_up("PREFECT_API_AUTH_STRING")
    if key:
        return {"Authorization": f"Bearer {key}"}
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}


def _remedy(code: int) -> str:
    if code in (401, 403):
        return " PREFECT_API_KEY, or PREFECT_API_AUTH_STRING, says who asks."
    return " Does PREFECT_API_URL end with /api?" if code == 404 else ""
