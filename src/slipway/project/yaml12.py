"""Read YAML as DVC does, which follows YAML 1.2: `1e-3` is a number, `yes` is a text, a key stands once."""

import re
from collections.abc import Callable
from typing import Any

import yaml
from yaml.constructor import ConstructorError

_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_OURS = ("bool", "int", "float")
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """PyYAML's own follows YAML 1.1."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice, as DVC does; one that a merge brings along may be written over."""
        seen = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = self.construct_object(key_node, deep=True) if key_node.tag != _MERGE else key_node
            try:
                is_twice = key in seen
            except TypeError:  # which the loader itself refuses
                continue
            if is_twice:
                raise ConstructorError(
                    "while reading a table", node.start_mark, f"found the key {key!r} twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in _OURS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _first in (
    ("bool", _BOOL, "tTfF"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, list(_first))


def _whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    digits = text.lstrip("+-").lower()
    number = int(digits, 0) if digits[:2] in ("0b", "0o", "0x") else int(digits)
    return -number if text.startswith("-") else number


def _checked(
    construct: Callable[[yaml.SafeLoader, yaml.ScalarNode], Any],
) -> Callable[[yaml.SafeLoader, yaml.ScalarNode], Any]:
    """Give a constructor that names the place of what looks like a number or a date and is none, such as 2024-13-01."""

    def constructed(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
        try:
            return construct(loader, node)
        except (ValueError, OverflowError) as error:
            raise ConstructorError(None, None, f"{node.value!r} is no value: {error}", node.start_mark) from error

    return constructed


for _name, _construct in (
    ("int", _whole),
    ("float", yaml.SafeLoader.construct_yaml_float),
    ("timestamp", yaml.SafeLoader.construct_yaml_timestamp),
):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _checked(_construct))


def load_yaml(text: str) -> Any:
    """The values of one document.

    Raises:
        yaml.YAMLError: it is none, or DVC refuses it: a key that stands twice, a date that is none.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe one
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None


def compose_yaml(text: str) -> yaml.Node | None:
    """The nodes of one document, each with where it stands in the text."""
    return yaml.compose(text, _Loader)
