"""A fitted estimator in, a file of typed parts out, the same bytes each time; and back, if its types are trusted."""

import contextlib
import io
import json
import pickle
import re
import sys
import zipfile
from collections.abc import Callable, Iterable
from hashlib import sha256 as new_sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from slipway.code.libraries import is_library
from slipway.code.user_module import is_of_project
from slipway.errors import BundleError, ProjectError
from slipway.pipeline.trusted import TRUSTED_TYPES, is_estimator, skops_io

_PICKLE = b"slipway pickle 1\n"
"""What the file of a pickled estimator begins with; skops' files are ZIP archives."""
_SCHEMA = "schema.json"
_MODULE = re.compile(r'"__module__":\s*"([^"]+)"')
_DATE = (1980, 1, 1, 0, 0, 0)
_ADDRESS = "_stop_words_id"
"""An attribute in which scikit-learn's text vectorisers keep an address of this process; another is checked anew."""
_PICKLE_KEY = "`pickle = true` under [model] in slipway.toml"


def write_estimator(value: Any, path: Path, *, allow_pickle: bool = False) -> None:
    """Write an estimator with skops; the same estimator gives the same bytes.

    Args:
        allow_pickle: whether what skops can't hold, or types that nobody has reviewed, may be pickled instead.

    Raises:
        ProjectError: skops can't hold it, or it has types that are not trusted; the message names them.
    """
    try:
        path.write_bytes(_with_skops(value))
    except ProjectError:
        if not allow_pickle:
            raise
        path.write_bytes(_PICKLE + _pickled(value))


def read_estimator(path: Path, *, sha256: str | None = None, allow_pickle: bool = False) -> Any:
    """Load what `write_estimator` wrote.

    Args:
        sha256: what the file's content has to have; compared before a byte of it is loaded.
        allow_pickle: whether a pickle is loaded, which executes what it says; only one whose `sha256` is given is.

    Raises:
        BundleError: the content is another, holds types that are not trusted, or can't be loaded here.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: the estimator can't be read ({error.strerror}).") from error
    if sha256 is not None and (found := new_sha256(content).hexdigest()) != sha256:
        raise BundleError(
            f"{path}: the estimator is not the one that was registered (SHA-256 {found[:12]}, expected {sha256[:12]}): "
            "nothing of it was loaded."
        )
    if content.startswith(_PICKLE):
        return _unpickled(path, content, is_allowed=allow_pickle and sha256 is not None)
    return _from_skops(path, content)


def estimator_libraries(path: Path, signs: Iterable[str] = ()) -> set[str] | None:
    """Name the libraries whose types an estimator's file holds, Python's own left out, without loading it.

    Args:
        signs: words; where its text has one of them, nobody can tell.

    Returns:
        None where it can't be told: a pickle, or a text with a sign.
    """
    with path.open("rb") as file:
        if file.read(len(_PICKLE)) == _PICKLE:
            return None
    with zipfile.ZipFile(path) as archive:
        schema = archive.read(_SCHEMA).decode()
    if any(sign in schema for sign in signs):
        return None
    modules = set(_MODULE.findall(schema))
    return {module.partition(".")[0] for module in modules} - sys.stdlib_module_names


def _with_skops(value: Any) -> bytes:
    try:
        content = _normalised(skops_io().dumps(value))
    except Exception as error:  # skops raises whatever the state of a type that it does not know makes it raise
        raise ProjectError(
            f"skops can't hold a {_name(value)} ({_first_line(error)}). Use estimators of scikit-learn or LightGBM, "
            f"or let it be pickled with {_PICKLE_KEY}."
        ) from error
    if unknown := _untrusted(content):
        raise ProjectError(
            f"the {_name(value)} holds {_listed(unknown)}, which may execute code when it is loaded. Use types of "
            f"scikit-learn or LightGBM, or let it be pickled with {_PICKLE_KEY}."
        )
    return content


def _from_skops(path: Path, content: bytes) -> Any:
    io = skops_io()
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        estimators = {name for name in _class_names(content) if is_estimator(name)}
        return io.loads(content, trusted=sorted(TRUSTED_TYPES | estimators))
    except UntrustedTypesFoundException as error:  # raised by an audit of names, before anything is constructed
        raise BundleError(
            f"{path}: the estimator holds {_listed(_untrusted(content))}, which Slipway does not trust: nothing was "
            "loaded."
        ) from error
    except (
        Exception
    ) as error:  # a damaged archive, a library that is missing or of another version: each raises its own
        raise BundleError(
            f"{path}: the estimator can't be loaded here: {_first_line(error)}. "
            "Are the libraries that it was trained with installed, in the same versions?"
        ) from error


def _class_names(content: bytes) -> set[str]:
    """The full names of the classes in a skops file, from its text alone: asking skops would build its tree twice."""
    found: set[str] = set()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        waiting: list[Any] = [json.loads(archive.read(_SCHEMA))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.add(f"{node.get('__module__')}.{node.get('__class__')}")
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found


def _untrusted(content: bytes) -> list[str]:
    found = skops_io().get_untrusted_types(data=content)
    return [name for name in found if name not in TRUSTED_TYPES and not is_estimator(name)]


def _pickled(value: Any) -> bytes:
    # Classes and functions of the project's own modules go into the file, since those modules need not be importable
    # where the model is served; what is installed is referred to by name.
    import cloudpickle

    own = [module for module in list(sys.modules.values()) if _is_own(module)]
    registered = []
    try:
        for module in own:
            with contextlib.suppress(ValueError):  # one that goes by another name than the one it was imported under
                cloudpickle.register_pickle_by_value(module)
                registered.append(module)
        return bytes(cloudpickle.dumps(value))
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


def _is_own(module: ModuleType) -> bool:
    """Return whether a module is a file of somebody's own: neither installed nor a part of Python or of Slipway."""
    file, name = getattr(module, "__file__", None), module.__name__
    if not isinstance(file, str) or not file.endswith(".py") or name.partition(".")[0] in ("slipway", "__main__"):
        return False
    return is_of_project(module) or not is_library(name, file)


def _unpickled(path: Path, content: bytes, *, is_allowed: bool) -> Any:
    if not is_allowed:
        raise BundleError(
            f"{path}: the estimator is a pickle, which executes code when it is loaded, and nothing here allows that: "
            f"it takes {_PICKLE_KEY}, and the SHA-256 written at registration."
        )
    try:
        return pickle.loads(content[len(_PICKLE) :])  # noqa: S301 - allowed by the project, and its SHA-256 is right
    except Exception as error:
        raise BundleError(f"{path}: the estimator can't be unpickled here: {_first_line(error)}.") from error


def _normalised(content: bytes) -> bytes:
    """The same archive without what changes from one process to the next.

    skops names objects and files by their addresses in memory, and ZIP entries have the time. Objects are numbered in
    the order in which they come; sets are sorted; bytes that pad a record, which nobody ever wrote, become zero.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        names: dict[str, str] = {}
        _renumber(schema, _numbering(), names)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            _add(made, _SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
            for old, new in names.items():
                member = archive.read(old)
                _add(made, new, _without_padding(member) if old.endswith(".npy") else member)
    return out.getvalue()


def _numbering() -> Callable[[Any], int]:
    numbers: dict[Any, int] = {}

    def number(key: Any) -> int:
        return numbers.setdefault(key, len(numbers))

    return number


def _renumber(node: Any, number: Callable[[Any], int], names: dict[str, str]) -> None:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if node.get("__loader__") == "SetNode":
                node["content"].sort(key=_sort_key)
            if "__id__" in node:
                # Whether two equal leaves are one object depends on the process; a number each says the same.
                is_leaf = node.get("__loader__") in ("JsonNode", "TypeNode")
                node["__id__"] = number(object() if is_leaf else node["__id__"])
            if isinstance(address := node.get(_ADDRESS), dict):
                address["content"] = "0"
            if isinstance(node.get("file"), str) and "__loader__" in node:
                old = node["file"]
                node["file"] = names.setdefault(old, f"{len(names)}{Path(old).suffix}")
            stack.extend(reversed(node.values()))
        elif isinstance(node, list):
            stack.extend(reversed(node))


def _sort_key(node: Any) -> str:
    return json.dumps(node, sort_keys=True) if not isinstance(node, dict) else str(node.get("content"))


def _without_padding(member: bytes) -> bytes:
    array = np.load(io.BytesIO(member), allow_pickle=False)
    fields = array.dtype.fields
    if not fields or sum(field[0].itemsize for field in fields.values()) == array.dtype.itemsize:
        return member
    clean = np.zeros(array.shape, dtype=array.dtype)
    for name in fields:
        clean[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=1)


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more types"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().split("\n")[0]
