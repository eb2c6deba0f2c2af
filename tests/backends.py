"""The storage backends that every suite of the seams runs over, each opened as another process would open it."""

from pathlib import Path

from slipway.settings import read_settings
from slipway.storage import Storage, open_storage

BACKENDS = ("sqlite",)


def open_backend(backend: str, place: Path) -> Storage:
    """The backend's storage of the project in a folder; opened again, the same one as another process has it."""
    assert backend == "sqlite"
    return open_storage(read_settings(place, {}))
