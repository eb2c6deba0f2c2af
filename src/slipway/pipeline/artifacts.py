"""Artifacts as files: read one's value, and write a value as the draft of one's file."""

import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, SlipwayError, StageError
from slipway.files import Draft, is_draft
from slipway.pipeline.vouched import sha256_of
from slipway.project.facts import PATH_TYPE, Project
from slipway.tables.values import as_asked, as_table, type_name

if TYPE_CHECKING:
    from slipway.storage.seams import Tables


def read_artifact(project: Project, name: str, as_type: str | None = None, tables: "Tables | None" = None) -> Any:
    """The value of an artifact.

    Args:
        as_type: the annotation of who wants it; "pandas.DataFrame" gives that, any other table is a Polars one;
            "pathlib.Path" gives the place of the file or folder, whatever is in it.
        tables: the project's database, for a source that is a query.

    Raises:
        DataError: its file is missing or unreadable.
    """
    artifact, path = project.artifacts[name], project.path(name)
    if as_type == PATH_TYPE and name in project.sources and project.sources[name].is_pattern:
        raise DataError(
            f"source `{name}` is several files ({artifact.path}), which have no one path: take it as a table, or name "
            f"their folder in slipway.toml, with a `/` at its end."
        )
    if artifact.kind == "path" or as_type == PATH_TYPE:
        return _existing(project, name)
    if name in project.sources:
        from slipway.pipeline.sources import read_source

        return as_asked(read_source(project, name, tables), as_type)
    if not path.is_file():
        raise DataError(f"{artifact.path} is missing: `slipway run {artifact.maker}` makes it.")
    match artifact.kind:
        case "table":
            from slipway.tables.files import read_table

            return as_asked(read_table(path, literal=project.literal), as_type)
        case "json":
            return _read_json(path)
        case "figure":
            return path.read_bytes()
        case "estimator":
            return _read_estimator(project, name)


def _existing(project: Project, name: str) -> Path:
    artifact, path = project.artifacts[name], project.path(name)
    if not path.exists():
        maker = artifact.maker
        remedy = f"`slipway run {maker}` makes it." if maker else "Put it there, or name another in slipway.toml."
        raise DataError(f"{artifact.path} is missing: {remedy}")
    return path


def write_artifact(project: Project, name: str, value: Any) -> Draft:
    """Write a value as the draft of an artifact's file; whoever calls commits it.

    Raises:
        StageError: the value is not what the artifact's kind promises.
    """
    draft = Draft(project.path(name))
    try:
        _write(project, name, value, draft.path)
    except BaseException:
        draft.discard()
        raise
    return draft


def _write(project: Project, name: str, value: Any, path: Path) -> None:
    match project.artifacts[name].kind:
        case "table":
            from slipway.tables.files import write_table

            write_table(as_table(value, f"artifact `{name}`"), path)
        case "json":
            path.write_text(_json(value, name), encoding="utf-8")
        case "figure":
            _write_figure(value, path, name)
        case "estimator":
            _write_estimator(project, value, path, name)
        case "path":
            _take(project.root, value, path, name)


def _take(root: Path, value: Any, path: Path, name: str) -> None:
    """Move a file or folder that a stage has made: it is in the draft that the stage was given, or outside the project.

    Raises:
        StageError: it is no path, nothing is there, or it is one of the project's own files.
    """
    if not isinstance(value, str | os.PathLike):
        raise StageError(
            f"artifact `{name}` is promised as a path, but a {type(value).__name__} came: give the file or folder made."
        )
    made = Path(os.fspath(value)).absolute()
    is_given = is_draft(made.parent.name) and made.name == path.name
    if not is_given and made.resolve().is_relative_to(root.resolve()):
        raise StageError(
            f"artifact `{name}` is `{made}`, a file of the project's own, which would be moved: write to the path that "
            f"a parameter such as `*, place: Path` of the stage is given."
        )
    if not made.exists():
        raise StageError(f"artifact `{name}` is promised at `{made}`, and nothing is there: write it before returning.")
    shutil.move(made, path)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}. `slipway run --force` makes it anew.") from error


def _json(value: Any, name: str) -> str:
    if not isinstance(value, Mapping):
        raise StageError(f"artifact `{name}` is promised as a dict, but {type_name(value)} came.")
    return json.dumps(_plain(value, name), indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any, where: str) -> Any:
    """JSON values of the same meaning; NumPy scalars and arrays become numbers and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StageError(f"artifact `{where}` is {value}: JSON has no such number. Leave it out, or give None.")
        return float(value)  # a NumPy float is one too, and prints otherwise
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), where)
    raise StageError(f"artifact `{where}` is {type_name(value)}: a dict is kept as JSON, which can't hold it.")


def _write_figure(value: Any, path: Path, name: str) -> None:
    if isinstance(value, bytes):
        path.write_bytes(value)
    elif hasattr(value, "savefig"):
        value.savefig(path)
    elif hasattr(value, "save"):
        value.save(path)
    else:
        raise StageError(
            f"artifact `{name}` is promised as a figure, but {type_name(value)} came: give what has `savefig` or "
            f"`save`, or the bytes of a PNG."
        )


def _read_estimator(project: Project, name: str) -> Any:
    from slipway.pipeline.estimators import read_estimator

    path, maker = project.path(name), project.artifacts[name].maker
    if maker is not None and project.stages[maker].command is not None:
        from slipway.pipeline.foreign import read_foreign

        return read_foreign(project, name)

    # This project's own run made the file on this machine, so its hash is what vouches for a pickle, where allowed.
    pickled = project.model.pickle
    return read_estimator(path, sha256=sha256_of(path) if pickled else None, allow_pickle=pickled)


def _write_estimator(project: Project, value: Any, path: Path, name: str) -> None:
    from slipway.pipeline.estimators import write_estimator

    if name == project.model.artifact and not hasattr(value, "predict"):
        raise StageError(f"artifact `{name}` is the model, but {type_name(value)} came, which has no `predict`.")
    try:
        write_estimator(value, path, allow_pickle=project.model.pickle)
    except SlipwayError as error:
        raise StageError(f"artifact `{name}`: {error}") from error
