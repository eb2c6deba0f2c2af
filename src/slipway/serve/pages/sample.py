"""A bundle in, a request that its service answers out: what `slipway up` shows, with a real row; and its answer."""

import urllib.error
import urllib.request
from typing import Any

from slipway.model.bundle import Bundle


def sample_request(bundle: Bundle) -> tuple[str, Any]:
    """A path of the service and a body that it takes: a route's own example where the project gives one."""
    shown = next((route for route in bundle.manifest.routes if route.example is not None), None)
    if shown is not None:
        return shown.path, shown.example
    given = bundle.sample()[0]
    row = {name: given[name] for name in bundle.schema.names}
    # A project's own /predict takes a body of its own form; rows as they are go to the batch route then.
    is_own = any(route.path == "/predict" and route.request for route in bundle.manifest.routes)
    return ("/predict/batch", [row]) if is_own else ("/predict", row)


def curl_line(url: str, body: str, *, with_token: bool) -> str:
    """The request as a line to copy into a terminal; the token is to be in `$TOKEN` there."""
    quoted = body.replace("'", "'\\''")
    header = ' -H "Authorization: Bearer $TOKEN"' if with_token else ""
    return f"curl -X POST {url} -H 'Content-Type: application/json'{header} -d '{quoted}'"


def ask(url: str, body: str) -> str:
    """What the service answers to JSON at one of its addresses, refusals included; in words where it does not."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return f"no answer: {error}"
