"""`--set key=value` for what commands look up themselves: one value of a parameters' file is put in another's place."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.files import read_text, rewrite_text
from slipway.pipeline.params import check_storable, file_and_key
from slipway.project.facts import Project
from slipway.project.yaml_text import flow_text

_PARAMS = (".yaml", ".yml", ".json")


def set_value(project: Project, text: str) -> bool:
    """Change one value that some command depends on; all else in its file, comments too, stays byte for byte.

    False, and nothing is changed, where `text` names a setting of a function.

    Args:
        text: "train.lr=0.1" for params.yaml, "other.yaml:train.lr=0.1" for another file.

    Raises:
        ProjectError: no command depends on such a value, or it is written in a way that one value can't be changed in.
    """
    name, equals, given = (part.strip() for part in text.partition("="))
    known = sorted({p for s in project.stages.values() if s.command is not None for p in s.command.params})
    if not known or (":" not in name and name.partition(".")[0] in project.defaults):
        return False
    if not equals or not given:
        raise ProjectError(f"--set {text}: expected key=value, such as {known[0]}=1; nothing at all is `null`.")
    name = name.removeprefix("params.yaml:")
    if not any(name == key or name.startswith(f"{key}.") for key in known):
        raise ProjectError(f"--set {text}: no stage depends on `{name}`.{near_miss(name, [*known, *project.defaults])}")
    file, key = file_and_key(name)
    _put(project.root / file, file, key.split("."), given, f"--set {text}")
    return True


def _put(path: Path, file: str, keys: Sequence[str], given: str, where: str) -> None:
    import yaml

    from slipway.project.yaml12 import compose_yaml, load_yaml

    by_hand = f"change `{'.'.join(keys)}` in {file} by hand, so that the rest of it stays as it is."
    if path.suffix not in _PARAMS:
        raise ProjectError(f"{where}: {by_hand}")
    try:
        text = read_text(path)
        value, before = load_yaml(given), load_yaml(text)
        is_read_alike = _is_read_alike(given, value)
        node = _node(compose_yaml(text), keys)
    except FileNotFoundError:
        raise ProjectError(f"{where}: {file} is missing.") from None
    except yaml.YAMLError as error:
        raise ProjectError(f"{where}: not YAML: {' '.join(str(error).split())}.") from error
    if node is None:
        raise ProjectError(f"{where}: {file} has no `{'.'.join(keys)}`.")
    if isinstance(_at(before, keys), str) and isinstance(value, bool | int | float | date):
        value, is_read_alike = given, False  # a text is meant, though YAML takes it for a number
    check_storable(value, where)
    _check(_at(before, keys), value, where)
    said = given if is_read_alike else flow_text([value])[1:-1]  # it may stand within `{…}`
    if path.suffix == ".json":
        said = json.dumps(value, ensure_ascii=False)
    edited = text[: node.start_mark.index] + said + text[node.end_mark.index :]
    try:
        is_right = load_yaml(edited) == _changed(before, keys, value)
    except yaml.YAMLError:
        is_right = False
    if not is_right:  # an anchor that stands for several, a block of lines, a value that needs quotes where it stands
        raise ProjectError(f"{where}: it is written in a way that one value can't be changed in: {by_hand}")
    rewrite_text(path, edited)


def _is_read_alike(given: str, value: Any) -> bool:
    """Whether a command that reads the file with PyYAML finds what DVC finds: `1e-3` is a text to it."""
    import yaml

    try:
        older = yaml.safe_load(given)
    except (yaml.YAMLError, ValueError):
        return False
    return type(older) is type(value) and older == value


def _node(node: Any, keys: Sequence[str]) -> Any:
    import yaml

    for key in keys:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for name, value in node.value if name.value == key), None)
    return node


def _at(values: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        values = values[key]
    return values


def _changed(values: Any, keys: Sequence[str], value: Any) -> Any:
    if not keys:
        return value
    return {**values, keys[0]: _changed(values[keys[0]], keys[1:], value)}


def _check(old: Any, new: Any, where: str) -> None:
    numbers = (int, float)
    is_number = isinstance(old, numbers) and isinstance(new, numbers) and bool not in (type(old), type(new))
    is_table = isinstance(old, Mapping) or isinstance(new, Mapping)
    if is_table or not (old is None or new is None or is_number or type(old) is type(new)):
        raise ProjectError(f"{where}: expected a value like {old!r}, which it has now.")
