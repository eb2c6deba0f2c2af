"""Slipway: from raw data to a model that is served, monitored, retrained and rolled back."""

import sys

# `python -m slipway` would find a `typing.py` or `platform.py` of the working folder before the standard library's.
if (
    sys.argv[:1] == ["-m"]
    and sys.orig_argv[-len(sys.argv)].removeprefix("-m").partition(".")[0] == __name__
    and not sys.flags.safe_path
):
    del sys.path[0]

from typing import TYPE_CHECKING, Any

from slipway.errors import BadRequest, SlipwayError
from slipway.stages import stage

if TYPE_CHECKING:
    from slipway.model.rows import split_rows
    from slipway.tables.files import read_table
    from slipway.workspace import Workspace, open_project

__all__ = ["BadRequest", "SlipwayError", "Workspace", "open_project", "read_table", "split_rows", "stage"]

_LAZY = {
    "Workspace": "slipway.workspace",
    "open_project": "slipway.workspace",
    "read_table": "slipway.tables.files",
    "split_rows": "slipway.model.rows",
}


def __getattr__(name: str) -> Any:
    # A user's module imports `stage` from here in every process: it must not pay for Polars or the workspace.
    if name == "__version__":
        from importlib.metadata import version

        return version("slipway")
    if name not in _LAZY:
        raise AttributeError(f"module 'slipway' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
