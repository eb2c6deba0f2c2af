"""A PostgreSQL server's URL in; where that is, in words without a password, and how to connect to it, out."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from slipway.errors import ProjectError

SCHEMES = ("postgresql://", "postgres://")
CONNECT_SECONDS = 3

_HOST = r"(?:[A-Za-z0-9._%-]*|\[[0-9A-Fa-f:.%]+\])(?::\d+)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")
_PATIENCE: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    # A server that vanished from the network is noticed within a quarter of a minute, not of an hour.
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "fallback_application_name": "slipway",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A database on a server."""

    url: str
    place: str
    """`host:port/database`: what messages call it."""
    secret: str
    """The password in the URL, which no message may show."""

    def parameters(self) -> dict[str, Any]:
        """What libpq is told; whatever the URL says itself goes before what we add.

        Raises:
            ProjectError: the URL has a part that libpq doesn't know.
        """
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            said = conninfo_to_dict(self.url)
        except ProgrammingError as error:
            raise ProjectError(f"the database's URL, {self.place}: {self.hidden(str(error).strip())}") from error
        return {**_PATIENCE, **said}

    def conninfo(self) -> str:
        """The same as one text, for libraries that take no more."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo("", **self.parameters())

    def hidden(self, text: str) -> str:
        """A text without the password."""
        return text.replace(self.secret, "…") if len(self.secret) > 2 else text


def read_address(url: str) -> Address:
    """Take a URL apart.

    Args:
        url: `postgresql://user:password@host:port/database`, as libpq takes it.

    Raises:
        ProjectError: it can't be taken apart, as where a password holds a sign that has to be written otherwise.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _no_url() from None
    user, _, hosts = parts.netloc.rpartition("@")
    if "@" in user + parts.path or "#" in url or not _HOSTS.fullmatch(hosts):
        raise _no_url()
    with_port = hosts if re.search(r":\d+$", hosts) else f"{hosts or 'localhost'}:5432"
    return Address(url, f"{with_port}{parts.path}", unquote(user.partition(":")[2]))


def _no_url() -> ProjectError:
    return ProjectError(
        "the database's URL is none such as postgresql://user:password@host:5432/shop. In a password `/` is written "
        "%2F, `@` %40, `#` %23, `:` %3A, `%` %25."
    )
