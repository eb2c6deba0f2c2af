"""`[sources]` of slipway.toml → the tables that come from outside."""

from pathlib import PurePosixPath

from slipway.project.facts import Source
from slipway.project.keys import Keys


def read_sources(keys: Keys) -> dict[str, Source]:
    sources = {}
    for name in keys.rest():
        value = keys.value(name)
        if isinstance(value, str):
            sources[name] = Source(name, keys.path(name), is_folder=value.endswith("/"))
        elif isinstance(value, dict):
            table = keys.table(name)
            sql, after = table.text("sql"), table.text("after", None)
            table.finish()
            sources[name] = Source(name, PurePosixPath(f"data/raw/{name}.parquet"), sql, after)
        else:
            keys.refuse(name, 'a file ("data/raw/my.csv") or { sql = "select …" }')
    return sources
