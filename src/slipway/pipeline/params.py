"""`params.yaml` and `--set` in, the settings of each stage out; what the file lacks is written into it."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from datetime import time as clock_time
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.files import read_text, rewrite_text
from slipway.project.facts import Project
from slipway.project.yaml_text import block_lines, flow_text

FILE = "params.yaml"

Params = dict[str, dict[str, Any]]
"""Settings by stage."""


def read_params(project: Project) -> Params:
    """The settings of each stage that has some: defaults, and over them what `params.yaml` says.

    Raises:
        ProjectError: the file is no mapping of stage → setting → value, or a setting is unknown or of another type.
    """
    return _over_defaults(project, *_load(project.root / FILE))


def complete_params(project: Project, sets: Iterable[str] = ()) -> Params:
    """Take `stage.setting=value` over, write what `params.yaml` lacks, and give the settings.

    Comments and formatting of the file stay as they are.
    """
    path = project.root / FILE
    given, older = _load(path)
    wanted = _over_defaults(project, given, older)
    for text in sets:
        stage, setting, value = _parse_set(project, text)
        wanted[stage][setting] = _checked(value, project.defaults[stage][setting], f"--set {stage}.{setting}")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    edited = text
    for stage, settings in wanted.items():
        for setting, value in settings.items():
            if setting not in given.get(stage, {}) or given[stage][setting] != value:
                edited = _edit(edited, stage, setting, value)
    if edited != text:
        _write(path, edited, wanted, given)
    return wanted


def looked_up(root: Path, wanted: Iterable[str]) -> Params:
    """The values that commands look up themselves, by file and dotted key.

    Args:
        wanted: keys of params.yaml, or "other.yaml:key".

    Raises:
        ProjectError: a file is missing or unreadable, or has no such key.
    """
    found: Params = {}
    texts: dict[str, Any] = {}
    for text in wanted:
        file, key = file_and_key(text)
        if file not in texts:
            texts[file] = _load_any(root / file, file)
        value = texts[file]
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                known = value if isinstance(value, dict) else ()
                raise ProjectError(f"{file}: there is no `{key}`, which a command asks for.{near_miss(part, known)}")
            value = value[part]
        check_storable(value, f"{file}: {key}")
        found.setdefault(file, {})[key] = value
    return found


def check_storable(value: Any, where: str) -> None:
    """Refuse what dvc.lock can't hold, and what DVC ends with an error at: a bare date, a set, bytes.

    Raises:
        ProjectError: it is such a value, or has one in it.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            check_storable(key, where)
            check_storable(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for item in value:
            check_storable(item, where)
    elif value is not None and not isinstance(value, str | int | float):
        kind = "a date" if isinstance(value, date | clock_time) else f"of type {type(value).__name__}"
        raise ProjectError(
            f"{where} is {kind} ({value}), which DVC takes for no parameter: put it in quotes, so that it is a text."
        )


def file_and_key(text: str) -> tuple[str, str]:
    """The file of parameters, and the key in it, that a command's `params` mean."""
    file, colon, key = text.rpartition(":")
    return (file if colon else FILE), key


def _load_any(path: Path, name: str) -> Any:
    try:
        text = read_text(path)
        match path.suffix:
            case ".toml":
                import tomllib

                return tomllib.loads(text)
            case ".json":
                import json

                return json.loads(text)
            case _:
                from slipway.project.yaml12 import load_yaml

                return load_yaml(text)  # as DVC does, so that both compare the same values
    except FileNotFoundError:
        raise ProjectError(f"{name} is missing: a command looks its parameters up there.") from None
    except Exception as error:  # each format has an error of its own
        raise ProjectError(f"{name}: can't be read: {error}") from error


def _load(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file's values as DVC reads them, and as readers of YAML 1.1 do, Slipway's own once: `yes` is true there."""
    import yaml

    from slipway.project.yaml12 import load_yaml

    try:
        text = read_text(path)
        values = load_yaml(text)
    except FileNotFoundError:
        return {}, {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none, brackets without end
        raise ProjectError(f"{FILE}: not YAML: {error}") from error
    try:
        older = yaml.safe_load(text)
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ):  # such as 2024-13-01 within quotes that only one reader asks for
        older = values
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise ProjectError(f"{FILE}: expected the settings of each stage, such as `model: {{trees: 100}}`.")
    return _by_stage(values), _by_stage(older)


def _by_stage(values: Mapping[Any, Any]) -> dict[str, Any]:
    # A stage whose settings are all commented out is None.
    return {str(key): value if value is not None else {} for key, value in values.items()}


def _over_defaults(project: Project, given: Mapping[str, Any], older: Mapping[str, Any]) -> Params:
    known = project.defaults
    for name in given:
        hint = near_miss(name, known)
        # Others may keep parameters here too.
        if name not in {*project.stages, *project.sources} and "Did you mean" in hint:
            raise ProjectError(f"{FILE}: {name}: no stage has this name.{hint}")
    params: Params = {}
    for name, defaults in known.items():
        settings = given.get(name, {})
        if not isinstance(settings, dict):
            raise ProjectError(
                f"{FILE}: {name} = {settings!r}: expected its settings, such as `{next(iter(defaults))}: …`."
            )
        for setting in settings:
            if setting not in defaults:
                raise ProjectError(
                    f"{FILE}: {name}.{setting}: stage `{name}` has no such setting.{near_miss(str(setting), defaults)}"
                )
        before = older.get(name)
        before = {**settings, **before} if isinstance(before, dict) else settings
        params[name] = {
            setting: _meant(settings[setting], before[setting], default, f"{FILE}: {name}.{setting}")
            if setting in settings
            else _checked(default, default, "")
            for setting, default in defaults.items()
        }
    return params


def _meant(value: Any, older: Any, default: Any, where: str) -> Any:
    """What a setting is meant to be: as DVC reads it; where only the other reading is of the default's type, that one,
    which is then written so that both read it.
    """
    if isinstance(default, str) and type(value) is date:
        return value.isoformat()
    if type(older) is type(value) and older != value and isinstance(default, int):
        raise ProjectError(
            f"{where} is {older} to some readers of YAML and {value} to others, DVC among them: write it without the "
            f"leading zero."
        )
    if type(value) is not type(default) and type(older) is type(default) and default is not None:
        return older
    return _checked(value, default, where)


def _checked(value: Any, default: Any, where: str) -> Any:
    """The value, if it is of its default's type; tuples are lists, as the file has them."""
    check_storable(value, where)
    default = list(default) if isinstance(default, tuple) else default
    value = list(value) if isinstance(value, tuple) else value
    if default is None or value is None or type(value) is type(default):
        return value
    if isinstance(default, float) and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    if isinstance(default, int) and not isinstance(default, bool) and isinstance(value, float):
        return value  # a share where the default is 1 or 0
    raise ProjectError(
        f"{where} = {value!r}: expected a value like {default!r}, which stands in the stage's definition."
    )


def _parse_set(project: Project, text: str) -> tuple[str, str, Any]:
    import yaml

    from slipway.project.yaml12 import load_yaml

    name, equals, value = text.partition("=")
    stage, dot, setting = name.strip().partition(".")
    if not equals or not dot:
        raise ProjectError(f"--set {text}: expected stage.setting=value, such as model.trees=200.")
    known = project.defaults
    if stage not in known:
        raise ProjectError(f"--set {text}: no stage `{stage}` has settings.{near_miss(stage, known)}")
    if setting not in known[stage]:
        hint = near_miss(setting, known[stage])
        raise ProjectError(f"--set {text}: stage `{stage}` has no setting `{setting}`.{hint}")
    if not value.strip():  # as YAML it would be null, which hardly anybody means
        if isinstance(known[stage][setting], str):
            return stage, setting, ""
        raise ProjectError(f"--set {text}: expected a value after `=`; nothing at all is `null`.")
    try:
        parsed = load_yaml(value)
    except yaml.YAMLError as error:
        raise ProjectError(f"--set {text}: the value is not YAML: {error}") from error
    if isinstance(known[stage][setting], str) and isinstance(parsed, bool | int | float | date):
        return stage, setting, value.strip()  # a text is meant, though YAML takes it for a number
    return stage, setting, parsed


def _edit(text: str, stage: str, setting: str, value: Any) -> str:
    """The text with one setting put in its place, or in a place that fits."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if re.match(rf"{re.escape(stage)}\s*:\s*(#.*)?$", line)), None)
    if start is None:
        added = [f"{flow_text(stage)}:", f"  {flow_text(setting)}: {flow_text(value)}"]
        return "\n".join([*lines, *added]) + "\n"
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"[^\s#]", lines[i])), len(lines))
    for i in range(start + 1, end):
        found = re.match(rf"(\s+{re.escape(setting)}\s*:)[^#\n]*?(\s+#.*)?$", lines[i])
        if found:
            lines[i] = f"{found[1]} {flow_text(value)}{found[2] or ''}"
            return "\n".join(lines) + "\n"
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, f"  {flow_text(setting)}: {flow_text(value)}")
    return "\n".join(lines) + "\n"


def _is_equal(found: Any, meant: Any) -> bool:
    if isinstance(found, dict) and isinstance(meant, dict):
        return found.keys() == meant.keys() and all(_is_equal(found[key], meant[key]) for key in meant)
    if isinstance(found, list) and isinstance(meant, list):
        return len(found) == len(meant) and all(map(_is_equal, found, meant))
    return bool(found == meant) or (found != found and meant != meant)  # `.nan`


def _write(path: Path, edited: str, wanted: Params, given: Mapping[str, Any]) -> None:
    import yaml

    from slipway.project.yaml12 import load_yaml

    others = {name: value for name, value in given.items() if name not in wanted}
    meant = {**others, **wanted}
    try:
        is_right = _is_equal(load_yaml(edited), meant)
    except yaml.YAMLError:
        is_right = False
    if not is_right:  # written in a way that lines can't be put into, such as `{a: 1}`
        try:
            edited = "\n".join(block_lines(meant)) + "\n"
        except TypeError as error:
            raise ProjectError(f"{FILE} is to be written anew, and can't be: {error}. Put it in quotes.") from error
    rewrite_text(path, edited)
