"""An artifact's name in, its value out of its file; and a value in, a file written aside that can be renamed to it."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, SlipwayError, StageError
from slipway.pipeline.paths import make_aside, remove, take
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


def write_artifact(project: Project, name: str, value: Any) -> Path:
    """Write a value beside the file that it will be; whoever calls renames it.

    Raises:
        StageError: the value is not what the artifact's kind promises.
    """
    artifact, path = project.artifacts[name], project.path(name)
    aside = make_aside(path, spared=value if artifact.kind == "path" else None)
    try:
        match artifact.kind:
            case "table":
                from slipway.tables.files import write_table

                write_table(as_table(value, f"artifact `{name}`"), aside)
            case "json":
                aside.write_text(_json(value, name), encoding="utf-8")
            case "figure":
                _write_figure(value, aside, name)
            case "estimator":
                _write_estimator(project, value, aside, name)
            case "path":
                take(project.root, value, aside, name)
    except BaseException:
        remove(aside)
        raise
    return aside


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
