"""The file of pinned images in, each tag with its digest out; and back. Rendering puts them in the tags' place."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from slipway.errors import ProjectError
from slipway.files import read_text, write_text

FILE = "docker/pins.toml"

_HEAD = "# What each tag was when `slipway stack pin` looked. Rendering puts it in place of the tag.\n"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def read_pins(folder: Path) -> Mapping[str, str]:
    """By each pinned tag, the same with its digest; nothing without the file.

    Raises:
        ProjectError: it is no table of tags.
    """
    path = folder / FILE
    try:
        pins = tomllib.loads(read_text(path))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path}: {error}. Remove it, then call `slipway stack pin`.") from error
    wrong = [tag for tag, pinned in pins.items() if not isinstance(pinned, str) or not _is_pin(tag, pinned)]
    if wrong:
        raise ProjectError(
            f'{path}: {wrong[0]}: expected the tag with a digest behind it, such as "postgres:17@sha256:…". Remove the '
            "line, then call `slipway stack pin`."
        )
    return pins


def write_pins(folder: Path, pins: Mapping[str, str]) -> None:
    """Keep the pins, in place of those that were there."""
    text = _HEAD + "".join(f'"{tag}" = "{pinned}"\n' for tag, pinned in sorted(pins.items()))
    write_text(folder / FILE, text)


def _is_pin(tag: str, pinned: str) -> bool:
    name, _, digest = pinned.partition("@")
    return name == tag and DIGEST.fullmatch(digest) is not None
