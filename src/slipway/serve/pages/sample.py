"""A bundle in, a request that its service answers out: what `slipway up` shows, with a real row."""

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
