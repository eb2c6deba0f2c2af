"""A Compose file as data in, its text out: in the order of the data, the same each time."""

from typing import Any

import yaml

_WIDTH = 110
_SHORT = 100
"""Letters of a list on one line."""
_ON_ONE_LINE = frozenset(
    {"condition", "required", "internal", "file", "context", "dockerfile", "target", "max-size", "max-file"}
)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Override:
    """A value that takes the place of the one below it, instead of being merged into it."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Reset:
    """What is below is taken away."""


class _ComposeDumper(_Dumper):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        """Each service is written out whole: anchors would tie what a reader changes to what is elsewhere."""
        return True


def _list(dumper: Any, value: list[Any]) -> Any:
    is_short = all(isinstance(item, str) for item in value) and sum(len(item) + 4 for item in value) < _SHORT
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=is_short)


def _dict(dumper: Any, value: dict[str, Any]) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=value.keys() <= _ON_ONE_LINE)


def _override(dumper: Any, value: Override) -> Any:
    node = dumper.represent_data(value.value)
    node.tag = "!override"
    return node


_ComposeDumper.add_representer(list, _list)
_ComposeDumper.add_representer(dict, _dict)
_ComposeDumper.add_representer(Override, _override)
_ComposeDumper.add_representer(Reset, lambda dumper, value: dumper.represent_scalar("!reset", "null"))


def dump(data: Any) -> str:
    """YAML as Compose reads it."""
    text: str = yaml.dump(data, Dumper=_ComposeDumper, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return text
