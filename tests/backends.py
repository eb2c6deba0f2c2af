"""The storage backends that every suite of the seams runs over, each opened as another process would open it."""

from pathlib import Path

from postgres import CLOCK, Server
from slipway.settings import read_settings
from slipway.storage import Storage, open_storage

BACKENDS = ("sqlite", "postgres")

_servers: list[Server] = []
_databases: dict[Path, str] = {}


def serve(server: Server | None) -> None:
    """The PostgreSQL server that places have their databases on from now on."""
    _servers[:] = [server] if server is not None else []
    _databases.clear()


def environment(backend: str, place: Path) -> dict[str, str]:
    """What says that the project in a folder has its state there; a place keeps its database until `forget`."""
    if backend == "sqlite":
        return {}
    if place not in _databases:
        _databases[place] = _servers[0].take()
    return {"SLIPWAY_STATE_URL": _databases[place]}


def open_backend(backend: str, place: Path, *, has_own_clock: bool = False) -> Storage:
    """The backend's storage of the project in a folder; opened again, the same one as another process has it.

    Args:
        has_own_clock: a server's time is what the test says.
    """
    said = environment(backend, place)
    if has_own_clock:
        said = {name: f"{url}?{CLOCK}" for name, url in said.items()}
    return open_storage(read_settings(place, said))


def forget(place: Path) -> None:
    """The folder is needed no more: another may have its database."""
    if place in _databases:
        _servers[0].give_back(_databases.pop(place))
