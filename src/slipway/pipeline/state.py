"""What runs have learnt, kept as one JSON file in Slipway's folder: read at the start of a run, written at its end."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError

FORMAT = 3
_PAIRS = "\0pairs"
"""The one key of what stands for a table whose keys are not all texts."""


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
    elif found < 2:
        return RunState()
    return RunState(values["files"], values["code"], _decoded(values["params"]), _decoded(values["records"]))


def _from_first(values: dict[str, Any]) -> dict[str, Any]:
    """The first format had no values of constants, and of a stage's parameters its settings alone."""
    for record in values["records"].values():
        record.pop("settings", None)
        record["params"] = {}
    return {**values, "code": {}}


def _encoded(value: Any) -> Any:
    """The value for JSON, whose keys are texts: a setting such as `{0: 0.1, 1: 0.9}` comes back with its numbers."""
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: _encoded(item) for key, item in value.items()}
        return {_PAIRS: [[key, _encoded(item)] for key, item in value.items()]}
    return [_encoded(item) for item in value] if isinstance(value, list | tuple) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_PAIRS}:
            return {key: _decoded(item) for key, item in value[_PAIRS]}
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def write_state(path: Path, state: RunState) -> None:
    """Write the state; a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {"params": _encoded(state.params), "records": _encoded(state.records)}
    values = {"format": FORMAT, "files": state.files, "code": state.code, **known}
    aside = path.with_name(f".aside-{path.name}")
    aside.write_text(json.dumps(values, separators=(",", ":")), encoding="utf-8")
    aside.replace(path)
