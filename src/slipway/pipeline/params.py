"""`params.yaml` and `--set` in, the settings of each stage out; what the file lacks is written into it."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.files import read_text, rewrite_text
from slipway.project.facts import Project

FILE = "params.yaml"

Params = dict[str, dict[str, Any]]
"""Settings by stage."""


def read_params(project: Project) -> Params:
    """The settings of each stage that has some: defaults, and over them what `params.yaml` says.

    Raises:
        ProjectError: the file is no mapping of stage → setting → value, or a setting is unknown or of another type.
    """
    return _over_defaults(project, _load(project.root / FILE))


def complete_params(project: Project, sets: Iterable[str] = ()) -> Params:
    """Take `stage.setting=value` over, write what `params.yaml` lacks, and give the settings.

    Comments and formatting of the file stay as they are.
    """
    path = project.root / FILE
    given = _load(path)
    wanted = _over_defaults(project, given)
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
        found.setdefault(file, {})[key] = value
    return found


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


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(read_text(path))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none, brackets without end
        raise ProjectError(f"{FILE}: not YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ProjectError(f"{FILE}: expected the settings of each stage, such as `model: {{trees: 100}}`.")
    # A stage whose settings are all commented out is None.
    return {str(key): value if value is not None else {} for key, value in values.items()}


def _over_defaults(project: Project, given: Mapping[str, Any]) -> Params:
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
        params[name] = {
            setting: _checked(settings.get(setting, default), default, f"{FILE}: {name}.{setting}")
            for setting, default in defaults.items()
        }
    return params


def _checked(value: Any, default: Any, where: str) -> Any:
    """The value, if it is of its default's type; tuples are lists, as the file has them."""
    default = list(default) if isinstance(default, tuple) else default
    value = list(value) if isinstance(value, tuple) else value
    if default is None or value is None or type(value) is type(default):
        return value
    if isinstance(default, float) and not isinstance(value, bool):
        try:  # 1e-3 is a text to this reader of YAML
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
        return stage, setting, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ProjectError(f"--set {text}: the value is not YAML: {error}") from error


def _edit(text: str, stage: str, setting: str, value: Any) -> str:
    """The text with one setting put in its place, or in a place that fits."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if re.match(rf"{re.escape(stage)}\s*:\s*(#.*)?$", line)), None)
    if start is None:
        return "\n".join([*lines, f"{stage}:", f"  {setting}: {_scalar(value)}"]) + "\n"
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"[^\s#]", lines[i])), len(lines))
    for i in range(start + 1, end):
        found = re.match(rf"(\s+{re.escape(setting)}\s*:)[^#\n]*?(\s+#.*)?$", lines[i])
        if found:
            lines[i] = f"{found[1]} {_scalar(value)}{found[2] or ''}"
            return "\n".join(lines) + "\n"
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, f"  {setting}: {_scalar(value)}")
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("...").strip()


def _write(path: Path, edited: str, wanted: Params, given: Mapping[str, Any]) -> None:
    import yaml

    others = {name: value for name, value in given.items() if name not in wanted}
    meant = {**others, **wanted}
    try:
        is_right = yaml.safe_load(edited) == meant
    except yaml.YAMLError:
        is_right = False
    if not is_right:  # written in a way that lines can't be put into, such as `{a: 1}`
        edited = yaml.safe_dump(meant, sort_keys=False, allow_unicode=True)
    rewrite_text(path, edited)
