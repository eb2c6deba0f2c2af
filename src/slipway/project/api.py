"""`[api]` of slipway.toml → how the service takes rows and gives answers."""

from slipway.errors import near_miss
from slipway.project.facts import Api, Route
from slipway.project.keys import Keys

TYPES = ("text", "integer", "number", "boolean", "date", "datetime", "null")
"""The types of a column of a request, as `[api.types]` writes them: "text | number | null"."""


def read_api(keys: Keys) -> Api:
    tables, types = keys.table("routes"), keys.table("types")
    routes = []
    for path in tables.rest():
        if not path.startswith("/"):
            tables.refuse(path, "a path that starts with /")
        table = tables.table(path)
        request, response = table.text("request", None), table.text("response", None)
        status = table.integer("invalid_status", 422, at_least=400, at_most=599)
        example = table.value("example") if "example" in table.rest() else None
        routes.append(Route(path, request, response, status, example))
        table.finish()
    unions = {}
    for column in types.rest():
        names = tuple(part.strip() for part in types.text(column).split("|"))
        unknown = [name for name in names if name not in TYPES]
        if unknown:
            types.refuse(column, f"types among {', '.join(TYPES)}, with | between", near_miss(unknown[0], TYPES))
        unions[column] = names
    api = Api(tuple(routes), unions, keys.text("durability", "process", among=("process", "disk")))
    keys.finish()
    return api
