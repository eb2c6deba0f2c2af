"""What runs have learnt, kept as one JSON file in Slipway's folder: read at the start of a run, written at its end."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError
from slipway.files import write_text

FORMAT = 2


@dataclass(slots=True)
class RunState:
    """All JSON values. Losing the file costs one full run and nothing else."""

    files: dict[str, list[int | str]] = field(default_factory=dict)
    """See `contents.py`."""
    code: dict[str, Any] = field(default_factory=dict)
    """See `code.py`."""
    params: dict[str, Any] = field(default_factory=dict)
    """The settings as they were read, and from which content of `params.yaml`."""
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By stage: what it last ran with, and what it made; see `book.py`."""


def read_state(path: Path) -> RunState:
    """The state; an empty one when there is none, or none that can be read.

    Raises:
        ProjectError: a newer version of Slipway wrote it.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return RunState()
    found = values.get("format", 0) if isinstance(values, dict) else 0
    if found > FORMAT:
        raise ProjectError(
            f"{path}: written by a newer Slipway (format {found}, known here: {FORMAT}). Update Slipway."
        )
    if found == 1:
        values = _from_first(values)
    elif found < FORMAT:
        return RunState()
    return RunState(values["files"], values["code"], values["params"], values["records"])


def _from_first(values: dict[str, Any]) -> dict[str, Any]:
    """The first format had no values of constants, and of a stage's parameters its settings alone."""
    for record in values["records"].values():
        record.pop("settings", None)
        record["params"] = {}
    return {**values, "code": {}}


def write_state(path: Path, state: RunState) -> None:
    """Write the state; a reader sees the old one or the new one."""
    values = {"format": FORMAT, "files": state.files, "code": state.code, "params": state.params}
    write_text(path, json.dumps({**values, "records": state.records}, separators=(",", ":")))
