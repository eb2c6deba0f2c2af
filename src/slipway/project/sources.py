"""`[sources]` of slipway.toml → the tables that come from outside."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from slipway.errors import ProjectError, near_miss
from slipway.project.facts import FILE, Fetch, Source
from slipway.project.keys import Keys
from slipway.project.module import read_fetcher, read_functions

SCHEMES = ("sqlite:///", "postgresql://", "postgres://")
"""What the URL of a source's database begins with."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FORMS = (
    'a file ("data/raw/my.csv"), files ("data/raw/*.csv"), a folder ("data/raw/images/"), { sql = "select …" } or '
    '{ fetch = "function" }'
)


def is_url(text: str) -> bool:
    """Whether a database's URL can be taken apart; one with a `/` or an `@` in its password can't."""
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return True


def read_sources(keys: Keys) -> dict[str, Source]:
    sources = {}
    for name in keys.names():
        value = keys.value(name, schema={"type": ["string", "object"]})
        if isinstance(value, str) and any(sign in value for sign in "*?["):
            sources[name] = Source(name, _pattern(keys, name, value), is_pattern=True)
        elif isinstance(value, str):
            sources[name] = Source(name, keys.path(name), is_folder=value.endswith("/"))
        elif isinstance(value, dict):
            sources[name] = _snapshot(name, keys.table(name))
        else:
            keys.refuse(name, _FORMS)
    return sources


def with_fetchers(sources: Mapping[str, Source], code: str, module: PurePosixPath) -> dict[str, Source]:
    """The sources, with what the module's text says of the functions that fetch some of them.

    Raises:
        ProjectError: there is no such function, or it takes what nobody could give it.
    """
    found = dict(sources)
    for name, source in sources.items():
        if source.fetch is not None:
            function, known = source.fetch.function, read_functions(code)
            if function not in known:
                raise ProjectError(
                    f"{FILE}: [sources.{name}] fetch = '{function}': not a function of {module}."
                    f"{near_miss(function, known)}"
                )
            found[name] = replace(source, fetch=read_fetcher(code, module, function, name))
    return found


def _snapshot(name: str, table: Keys) -> Source:
    sql, fetch = table.text("sql", None), table.text("fetch", None)
    after, database = table.text("after", None), table.text("database", None)
    max_age = _max_age(table)
    table.finish()
    where = f"{FILE}: [sources.{name}]"
    if (sql is None) == (fetch is None):
        raise ProjectError(f'{where}: expected either sql = "select …" or fetch = "function".')
    if fetch is not None:
        wrong = "after" if after is not None else "database" if database is not None else None
        if wrong is not None:
            raise ProjectError(f"{where} {wrong}: belongs to a query (sql); a fetched source has fetch and max_age.")
    if database is not None:
        _check_database(where, database)
    return Source(
        name,
        PurePosixPath(f"data/raw/{name}.parquet"),
        sql,
        after,
        database=database,
        fetch=Fetch(fetch) if fetch is not None else None,
        max_age=max_age,
    )


def _pattern(keys: Keys, name: str, value: str) -> PurePosixPath:
    path = PurePosixPath(value)
    if "://" in value or path.is_absolute() or ".." in path.parts or value.endswith("/"):
        keys.refuse(name, 'files of the project\'s folder, such as "data/raw/*.csv"')
    return path


def _max_age(table: Keys) -> float | None:
    text = table.text("max_age", None)
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smhdw])", text)
    if found is None or float(found[1]) <= 0:
        table.refuse("max_age", 'a time such as "90s", "30m", "1h", "7d" or "2w"')
    return float(found[1]) * _SECONDS[found[2]]


def _check_database(where: str, database: str) -> None:
    # The value is shown only when it is known to hold no password.
    if "://" not in database:
        if re.fullmatch(r"[A-Za-z_]\w*", database) is None:
            raise ProjectError(
                f"{where} database: expected the name of an environment variable that holds the URL, or a URL "
                f"({', '.join(SCHEMES)})."
            )
        return
    if not is_url(database):
        raise ProjectError(f"{where} database: not a URL such as postgresql://user@host:5432/shop.")
    parts = urlsplit(database)
    if parts.password or {"password", "sslpassword"} & {*parse_qs(parts.query)}:
        raise ProjectError(
            f"{where} database: this URL has a password in it, and {FILE} is kept with the code. Put the URL into an "
            f'environment variable and name that: database = "DATABASE_URL". Then change the password.'
        )
    if not database.startswith(SCHEMES):
        raise ProjectError(
            f"{where} database: a URL of the kind `{parts.scheme}`: expected one of {', '.join(SCHEMES)}. What else "
            f'there is a function can fetch: {{ fetch = "function" }}.'
        )
