"""What runs have learnt, kept as one JSON file in Slipway's folder: read at the start of a run, written at its end."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway import files
from slipway.errors import ProjectError

FORMAT = 3
_PAIRS = "\0pairs"
"""The one key of what stands for a table whose keys are not all texts."""

_TEXTS = {str: str}
_CODE = {"function": str, "parts": _TEXTS, "values": _TEXTS, "libraries": _TEXTS, "modules": [str]}
FINGERPRINT = {"mark": dict, "parts": _TEXTS, "libraries": _TEXTS, "settings": dict, "inputs": {str: (str, None)}}
_CONTENTS = {str: ([(int, str)], None)}
_SHAPE = {
    "files": {str: [(int, str)]},
    "code": ({"stages": {str: _CODE}, "modules": _TEXTS, "marks": {str: int}}, {}),
    "params": ({"defaults": {str: dict}, "md5": (str, None), "values": {str: dict}}, {}),
    "records": {str: {"fingerprint": FINGERPRINT, "deps": _CONTENTS, "outs": _CONTENTS, "params": {str: dict}}},
}

log = logging.getLogger(__name__)


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
    values = files.read_state(path, {"format": int})
    if values is None:
        return RunState()
    found = values["format"]
    if found > FORMAT:
        raise ProjectError(
            f"{path}: written by a newer Slipway (format {found}, known here: {FORMAT}). Update Slipway."
        )
    if found == 1 and files.fits(values, {"records": {str: dict}}):
        values = _from_first(values)
    if not files.fits(values, _SHAPE) or any(not 5 <= len(known) <= 6 for known in values["files"].values()):
        log.warning("%s: its content is not what Slipway writes, so every stage runs once more", path)
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
    known = {"params": _encoded(state.params), "records": _encoded(state.records)}
    values = {"format": FORMAT, "files": state.files, "code": state.code, **known}
    files.write_text(path, json.dumps(values, separators=(",", ":")))
