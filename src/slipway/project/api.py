"""`[api]` of slipway.toml → how the service takes rows and gives answers."""

from collections.abc import Collection
from dataclasses import replace

from slipway.errors import near_miss
from slipway.project.facts import Api, Route
from slipway.project.keys import Keys

TYPES = ("text", "integer", "number", "boolean", "date", "datetime", "null")
"""The types of a column of a request, as `[api.types]` writes them: "text | number | null"."""

_NAME = rf"[ \t]*(?:{'|'.join(TYPES)})[ \t]*"
_UNION = rf"^{_NAME}(?:\|{_NAME})*$"

PATHS = (
    "/", "/predict", "/predict/batch", "/feedback", "/data/sample", "/model", "/model/features", "/model/classes",
    "/health", "/metrics", "/docs", "/openapi.json",
)  # fmt: skip
"""The paths that every service has, but for those with an id in them."""

_OWN = ("/", "/health", "/model", "/model/features", "/model/classes", "/data/sample")
"""What GET gives there may be the project's own form."""
_PREDICTING = ("/predict", "/predict/batch")


def read_api(keys: Keys) -> Api:
    invalid_status = keys.integer("invalid_status", 422, at_least=400, at_most=499)
    routes = _routes(keys.table("routes"), invalid_status)
    aliases = _aliases(keys.table("aliases"), {route.path for route in routes})
    journal = keys.texts("journal", None)
    api = Api(
        routes=routes,
        aliases=aliases,
        invalid_status=invalid_status,
        types=_types(keys.table("types")),
        durability=keys.text("durability", "process", among=("process", "disk")),
        journal=journal,
        personal=keys.texts("personal"),
        keep_days=keys.number(
            "keep_days", None, above=0, expectation="a number of days above 0, or no such key to keep everything"
        ),
    )
    keys.finish()
    both = [column for column in api.personal if column in (journal or ())]
    if both:
        keys.refuse("journal", f"no column that `personal` names, such as `{both[0]}`: those are never journalled")
    return api


def with_service(api: Api, functions: Collection[str]) -> Api:
    """The routes, with `/predict` by a service script's `request` and `response` where it has them and none is said."""
    request, response = ("request" in functions) or None, ("response" in functions) or None
    if not (request or response) or any(route.path == "/predict" for route in api.routes):
        return api
    route = Route("/predict", request and "request", response and "response", api.invalid_status)
    return replace(api, routes=(*api.routes, route))


def _routes(tables: Keys, invalid_status: int) -> tuple[Route, ...]:
    routes = []
    for path in tables.names():
        if not path.startswith("/"):
            tables.refuse(path, "a path that starts with /")
        table = tables.table(path)
        route = Route(
            path=path,
            request=table.text("request", None),
            response=table.text("response", None),
            invalid_status=table.integer("invalid_status", invalid_status, at_least=400, at_most=599),
            example=table.value("example", None),
            partial=table.flag("partial", False),
            get=table.text("get", None),
        )
        table.finish()
        if path in PATHS and path not in _PREDICTING and (path not in _OWN or route.request or route.response):
            taken = '{ get = "function" } here' if path in _OWN else "another path"
            tables.refuse(path, f"{taken}: the service has this one itself")
        routes.append(route)
    return tuple(routes)


def _aliases(table: Keys, own: set[str]) -> dict[str, str]:
    known = [*PATHS, *sorted(own)]
    aliases = {}
    for path in table.names():
        meant = table.text(path)
        if not path.startswith("/") or path in known:
            table.refuse(path, "a path that starts with / and that the service has not yet")
        if meant not in known:
            table.refuse(path, "a path that the service has", near_miss(meant, known))
        aliases[path] = meant
    return aliases


def _types(types: Keys) -> dict[str, tuple[str, ...]]:
    unions = {}
    for column in types.names():
        # An editor checks the same by the pattern; a person is told which name is wrong.
        said = types.value(column, schema={"type": "string", "pattern": _UNION})
        if not isinstance(said, str) or not said:
            types.refuse(column, "a text")
        names = tuple(part.strip() for part in said.split("|"))
        unknown = [name for name in names if name not in TYPES]
        if unknown:
            types.refuse(column, f"types among {', '.join(TYPES)}, with | between", near_miss(unknown[0], TYPES))
        unions[column] = names
    return unions
