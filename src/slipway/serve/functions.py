"""Calls of a project's own route functions, whatever they give as JSON."""

import logging
from collections.abc import Callable
from typing import Any

from slipway.errors import BadRequest
from slipway.model.json_values import json_value
from slipway.model.route_functions import place_of
from slipway.serve.http.refusal import Refusal

log = logging.getLogger(__name__)


def ask_function(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a `response` or `get` function and convert what it gives to JSON values.

    Raises:
        BadRequest: the function refused.
        Refusal: 500, it failed or gave what JSON has no form for; the log says where, and no stranger reads it.
    """
    name = getattr(function, "__name__", "the function")
    try:
        return json_value(function(*arguments))
    except BadRequest:
        raise
    except Exception as error:  # the project's own code
        log.exception("`%s` failed: %s", name, place_of(function, error))
        raise Refusal(500, f"`{name}` failed; see the log.") from error
