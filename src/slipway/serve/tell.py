"""What is asked of a service by GET in, the answer out: health and figures, and what a project's own function tells.

These go without FastAPI, which a service that only predicts and is looked after never loads.
"""

import asyncio

import msgspec

from slipway.errors import BadRequest
from slipway.serve import metrics
from slipway.serve.access.caller import Caller
from slipway.serve.functions import ask_function
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.given import model_facts
from slipway.serve.live.route import LiveRoute
from slipway.serve.service import Service

HEALTH, METRICS = "/health", "/metrics"


async def state(service: Service, path: str, caller: Caller) -> tuple[int, bytes, str] | None:
    """Status, body and media type of what every service tells of itself; None for another path."""
    loop = asyncio.get_running_loop()
    if path == METRICS:
        text = await loop.run_in_executor(None, lambda: service.metrics.text(service.gauges()))
        return 200, text.encode(), metrics.CONTENT_TYPE
    if path != HEALTH:
        return None
    found = await loop.run_in_executor(None, service.health)
    shown = found if "read" in caller.scopes else {key: found[key] for key in ("status", "live", "ready")}
    return 200 if found["ready"] else 503, msgspec.json.encode(shown), "application/json"


async def tell(service: Service, route: LiveRoute, path: str) -> tuple[int, bytes]:
    """The status and the body. Health is 503 until something is served, whatever the body says.

    Raises:
        Refusal: nothing is released, or the function refused.
    """
    live = service.version()
    assert route.get is not None  # the caller has looked
    loop = asyncio.get_running_loop()
    health = await loop.run_in_executor(None, service.health)
    try:
        told = await loop.run_in_executor(
            None, ask_function, route.get, model_facts(service.project.name, live), health
        )
    except BadRequest as error:
        raise Refusal(route.invalid_status, str(error)) from error
    return 503 if path == HEALTH and not health["ready"] else 200, msgspec.json.encode(told)
