"""What PostgreSQL or its library says in; ours, with the remedy and without a password, out."""

from typing import TYPE_CHECKING

from slipway.errors import DataError, OutsideError, SlipwayError

if TYPE_CHECKING:
    import psycopg

    from slipway.storage.postgres_address import Address

_BY_STATE = {
    "25006": "it takes no writes now (a standby, or set so). Give the address of the one that does.",
    "53100": "its disk is full: nothing was written. Make room there and try again.",
    "53200": "it is out of memory: nothing was written. Try again, or give it more.",
    "53300": "it has no connection left to give. Raise max_connections there, or end what holds them.",
    "55P03": "another program has kept what is asked for locked. End it, or try again when it is done.",
    "57014": "it took longer than a statement may. Ask for less at once, or look at what the server is busy with.",
    "57P01": "it was shut down meanwhile. Try again when it is up.",
    "57P02": "it ended after a fault of its own. Try again when it is up.",
    "57P03": "it is starting, or shutting down. Try again when it is up.",
}
_AT_THE_DOOR = (
    (
        ("password authentication failed", "no password supplied", "fe_sendauth"),
        "the password is refused. Correct it in the address, or in the file that SLIPWAY_DATABASE_PASSWORD_FILE names; "
        "a server keeps the one that it was first started with.",
    ),
    (("role ", "does not exist"), None),
    (("database ", "does not exist"), None),
    (("too many clients", "connection slots", "too many connections"), _BY_STATE["53300"]),
    (("starting up", "shutting down", "recovery mode", "not yet accepting"), _BY_STATE["57P03"]),
)


def first_line(error: Exception) -> str:
    """The server's own sentence, or the library's."""
    # Several addresses of one name are tried in turn, and each says why; the server's words stand after "FATAL:".
    text = str(error)
    for mark in ("ERROR:", "FATAL:"):
        text = text.rsplit(mark, 1)[1] if mark in text else text
    return text.strip().splitlines()[0].strip().rstrip(".") if text.strip() else type(error).__name__


def translated(error: "psycopg.Error", address: "Address") -> SlipwayError:
    """psycopg's error as ours."""
    return refused(error.sqlstate or "", first_line(error), str(error), address)


def refused(state: str, said: str, whole: str, address: "Address") -> SlipwayError:
    """What went wrong on the server or on the way there, with where it was and what to do.

    Args:
        state: five signs of the SQL standard; empty where no server was reached.
        said, whole: the sentence that says it, and all that was said.
    """
    where, said = f"PostgreSQL at {address.place}", address.hidden(said)
    if state in _BY_STATE:
        return OutsideError(f"{where}: {_BY_STATE[state]}")
    if state == "42501":
        return OutsideError(f"{where}: {said}. Another role may; or its owner grants this one the right.")
    if state.startswith("22"):
        return DataError(f"{where} refuses a value: {said}.")
    if not state or state.startswith("08"):
        return OutsideError(f"{where}: {_at_the_door(whole, said)}")
    return OutsideError(f"{where}: {said}.")


def _at_the_door(whole: str, said: str) -> str:
    for words, remedy in _AT_THE_DOOR:
        if remedy is not None and any(word in whole for word in words):
            return remedy
        if remedy is None and all(word in said for word in words):
            return f"{said}. Make it there, or correct the address."
    reason = said.rpartition("failed: ")[2]
    return f"it is away ({reason}). Start it, or correct the address."
