"""A `dvc.yaml` that somebody wrote → its stages as commands, with the files that they read and write. The file is read
and never written.
"""

import re
from collections.abc import Mapping
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.files import read_text
from slipway.project.facts import Adopted, Command, Stage
from slipway.project.named import name_files

FILE = "dvc.yaml"
PARAMS = "params.yaml"
HEADER = "# Written by `slipway run` from slipway.toml and the stages' module: change those, not this.\n"
"""The first line of one that is ours."""

_KEYS = (
    "cmd", "wdir", "deps", "outs", "metrics", "plots", "params", "desc", "meta", "always_changed", "frozen", "vars",
    "foreach", "do", "matrix",
)  # fmt: skip
_OPTIONS = (
    "cache", "persist", "push", "remote", "checkpoint", "desc", "type", "labels", "meta", "template", "x", "y",
    "x_label", "y_label", "title", "header",
)  # fmt: skip
_OLDER = {
    "outs_persist": "outs: [{FILE: {persist: true}}]",
    "outs_no_cache": "outs: [{FILE: {cache: false}}]",
    "outs_persist_no_cache": "outs: [{FILE: {persist: true, cache: false}}]",
    "metrics_no_cache": "metrics: [{FILE: {cache: false}}]",
    "metrics_persist": "metrics: [{FILE: {persist: true}}]",
    "metrics_persist_no_cache": "metrics: [{FILE: {persist: true, cache: false}}]",
    "plots_no_cache": "plots: [{FILE: {cache: false}}]",
    "plots_persist": "plots: [{FILE: {persist: true}}]",
    "plots_persist_no_cache": "plots: [{FILE: {persist: true, cache: false}}]",
    "locked": "frozen: true",
}
"""Keys of older versions of DVC, which today's refuses, and what is written instead."""
_TEMPLATES = ("foreach", "matrix", "vars")


def is_somebodys(root: Path) -> bool:
    """Whether a `dvc.yaml` is there that Slipway did not write."""
    try:
        with (root / FILE).open(encoding="utf-8") as file:
            return file.readline() != HEADER
    except (OSError, UnicodeDecodeError):
        return (root / FILE).exists()


def adopt_stages(
    root: Path, file: PurePosixPath, given: Mapping[str, PurePosixPath] | None = None
) -> tuple[dict[str, Stage], dict[str, PurePosixPath]]:
    """The stages of a `dvc.yaml` in its order, and the files of what they make, by artifact.

    An artifact is named as its file is, without folder and suffix; by the whole path where two would be named alike.
    Templates (`${…}`, `foreach`, `matrix`) are resolved by DVC itself, which has to be installed for that.

    Args:
        given: names of artifacts that the project has chosen itself.

    Raises:
        ProjectError: the file is not YAML, a stage lacks what it needs, or reads or writes outside the project.
    """
    written: dict[str, _Written] = {}
    made: dict[PurePosixPath, str] = {}
    for name, values in _read(root, file).items():
        where = f"{file}: stage `{name}`"
        written[name] = _Written(where, values, root, file.parent)
        for path in written[name].outs():
            if made.setdefault(path, name) != name:
                raise ProjectError(f"{where} writes {path}, as a stage before it does: a file has one maker.")
    names = name_files(made, given or {})
    stages = {name: stage.read(name, file, names) for name, stage in written.items()}
    return stages, {name: path for path, name in names.items()}


def read_with(root: Path, file: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """The file and those that its templates take values from."""
    values = _values(root, file)
    if not _has_templates(values):
        return (file,)
    found = {file, file.parent / PARAMS}
    for table in (values, *values["stages"].values()):
        listed = table.get("vars") if isinstance(table, dict) else None
        found |= {file.parent / item.partition(":")[0] for item in listed or () if isinstance(item, str)}
    return tuple(sorted(found))


def _values(root: Path, file: PurePosixPath) -> dict[str, Any]:
    import yaml

    from slipway.project.yaml12 import load_yaml

    values: Any
    try:
        values = load_yaml(read_text(root / file))
    except FileNotFoundError:
        raise ProjectError(f"{file}: there is no such file.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProjectError(f"{file}: {' '.join(str(error).split())}.") from error
    stages = values.get("stages") if isinstance(values, dict) else None
    if not isinstance(stages, dict) or not stages:
        raise ProjectError(f"{file}: it has no stages.")
    found: dict[str, Any] = values
    return found


def _read(root: Path, file: PurePosixPath) -> dict[str, Any]:
    values = _values(root, file)
    stages: dict[str, Any] = values["stages"]
    if _has_templates(values):
        stages = _resolved(root, file, values)
    for name, stage in stages.items():
        if not isinstance(stage, dict):
            raise ProjectError(f"{file}: stage `{name}` is no table of cmd, deps and outs.")
        unknown = next((key for key in stage if key not in _KEYS), None)
        if unknown in _OLDER:
            raise ProjectError(
                f"{file}: stage `{name}`: `{unknown}` is a key of an older DVC, which today's refuses: write "
                f"`{_OLDER[unknown]}`."
            )
        if unknown is not None:
            raise ProjectError(f"{file}: stage `{name}`: `{unknown}` is no key of a stage.{near_miss(unknown, _KEYS)}")
    return stages


def _has_templates(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(key in _TEMPLATES or _has_templates(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_has_templates(item) for item in value)
    return isinstance(value, str) and "${" in value


def _resolved(root: Path, file: PurePosixPath, values: dict[str, Any]) -> dict[str, Any]:
    try:
        from dvc.exceptions import DvcException
        from dvc.parsing import DataResolver
        from dvc.repo import Repo
    except ImportError as error:
        raise ProjectError(f"{file} has templates, which DVC resolves: install slipway[dvc].") from error
    try:
        with Repo(str(root), uninitialized=True) as repo:  # its file system and settings are what is needed
            resolver = DataResolver(repo, str(root / file.parent), values)
            found: dict[str, Any] = {}
            for name in resolver.get_keys():
                found |= resolver.resolve_one(name)
    except DvcException as error:
        raise ProjectError(f"{file}: {error}") from error
    return found


class _Written:
    """One stage as it is written, with paths brought to the project's folder."""

    def __init__(self, where: str, values: Mapping[str, Any], root: Path, folder: PurePosixPath) -> None:
        self._where = where
        self._values = values
        self._root = root
        self._folder = self._below(folder, values.get("wdir") or ".", "wdir")

    def read(self, name: str, file: PurePosixPath, names: Mapping[PurePosixPath, str]) -> Stage:
        made, deps = self.outs(), self._deps()
        command = Command(
            self._lines(),
            deps,
            self._params(),
            uncached=tuple(path for path, options in made.items() if options.get("cache", True) is False),
            adopted=Adopted(
                self._folder,
                deps,
                self._spelled(),
                is_list=isinstance(self._values.get("cmd"), list),
                persisted=tuple(path for path, options in made.items() if options.get("persist") is True),
                always=self._values.get("always_changed") is True,
                frozen=self._values.get("frozen") is True,
            ),
        )
        return Stage(
            name=name,
            module=file,
            line=0,
            inputs=(),
            settings={},
            outputs=tuple(names[path] for path in made),
            returns=None,
            doc=str(self._values.get("desc") or ""),
            command=command,
        )

    def outs(self) -> dict[PurePosixPath, Mapping[str, Any]]:
        """Each file that is made, with what is said of it."""
        found: dict[PurePosixPath, Mapping[str, Any]] = {}
        for key in ("outs", "metrics", "plots"):
            merged: dict[PurePosixPath, dict[str, Any]] = {}  # what stands twice in one list counts once
            for item in self._list(key):
                for text, options in item.items() if isinstance(item, dict) else ((item, {}),):
                    path = self._path(text, key)
                    if path in found:
                        raise ProjectError(f"{self._where} writes {path} twice, which DVC refuses: leave one out.")
                    merged.setdefault(path, {}).update(self._options(key, path, options))
            found |= merged
        return found

    def _options(self, key: str, path: PurePosixPath, options: Any) -> dict[str, Any]:
        if isinstance(options, dict):
            unknown = next((option for option in options if option not in _OPTIONS), None)
            if unknown is not None:
                hint = near_miss(str(unknown), _OPTIONS)
                raise ProjectError(f"{self._where}: {key}: {path}: `{unknown}` is no option of an output.{hint}")
        if options is not None and not isinstance(options, dict):
            raise ProjectError(
                f"{self._where}: {key}: {path}: {options!r}: expected options such as `{{cache: false}}`; further "
                f"plots of a file stand under `plots` at the top of {FILE}."
            )
        return options or {}

    def _spelled(self) -> dict[PurePosixPath, tuple[str, ...]]:
        """By path, the texts that name it, where they differ from the path as it is seen from the stage's folder."""
        found: dict[PurePosixPath, dict[str, None]] = {}
        for key in ("deps", "outs", "metrics", "plots", "params"):
            for item in self._list(key):
                for text in item if isinstance(item, dict) else () if key == "params" else (item,):
                    # DVC itself takes an absolute path below its repository for a relative one.
                    seen = relpath(text, self._root / self._folder) if PurePosixPath(text).is_absolute() else text
                    found.setdefault(self._path(text, key), {})[seen] = None
        return {path: tuple(texts) for path, texts in found.items() if [*texts] != [relpath(path, self._folder)]}

    def _lines(self) -> tuple[str, ...]:
        cmd = self._values.get("cmd")
        lines = [cmd] if isinstance(cmd, str) else cmd
        if not isinstance(lines, list) or not lines or not all(isinstance(line, str) and line for line in lines):
            raise ProjectError(f"{self._where}: cmd is {cmd!r}: expected a command, or a list of them.")
        return tuple(lines)

    def _deps(self) -> tuple[PurePosixPath, ...]:
        return tuple(dict.fromkeys(self._path(item, "deps") for item in self._list("deps")))

    def _params(self) -> tuple[str, ...]:
        """The values that the command looks up itself: a dotted key of params.yaml, or "other.yaml:key", each."""
        found: list[str] = []
        for item in self._list("params"):
            if isinstance(item, str):
                item = {PARAMS: [item]}  # noqa: PLW2901 - the short form of the same
            if not isinstance(item, dict):
                raise ProjectError(f"{self._where}: params has {item!r}: expected a key, or a file with its keys.")
            for name, keys in item.items():
                if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
                    raise ProjectError(f"{self._where}: params: {name}: {keys!r}: expected a list of keys.")
                path = self._path(name, "params")
                file = "" if str(path) == PARAMS else f"{path}:"
                # Without keys the whole file counts: each of its tables and values.
                found += [f"{file}{key}" for key in keys or _top_keys(self._root, path, self._where)]
        return tuple(dict.fromkeys(found))

    def _list(self, key: str) -> list[Any]:
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ProjectError(f"{self._where}: {key} is {value!r}: expected a list.")
        return value

    def _path(self, text: Any, key: str) -> PurePosixPath:
        if isinstance(text, dict) and text:  # a dependency with options
            text = next(iter(text))
        return self._below(self._folder, text, key)

    def _below(self, folder: PurePosixPath, text: Any, key: str) -> PurePosixPath:
        if not isinstance(text, str) or not text:
            raise ProjectError(f"{self._where}: {key} has {text!r}: expected a path.")
        if re.match(r"[A-Za-z][\w+.-]*://", text):
            raise ProjectError(f"{self._where}: {key} has {text}: addresses are not read by this version.")
        roots = {str(self._root), str(self._root.resolve())}
        seen = [relpath(text, root) for root in roots if PurePosixPath(text).is_absolute()]
        path = PurePosixPath(min(seen, key=len) if seen else normpath(folder / text))
        if ".." in path.parts:
            raise ProjectError(
                f"{self._where}: {key} has {text}, which is outside the project's folder: copy or link it into "
                f"that, and name it there."
            )
        if key not in ("wdir", "deps") and not path.parts:
            raise ProjectError(f"{self._where}: {key} has {text}, the project's folder itself: name what is in it.")
        return path


def _top_keys(root: Path, path: PurePosixPath, where: str) -> list[str]:
    import tomllib

    import yaml

    from slipway.project.yaml12 import load_yaml

    try:
        text = (root / path).read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else load_yaml(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ProjectError(f"{where}: params: {path} can't be read: {error}.") from error
    return list(values) if isinstance(values, dict) else []
