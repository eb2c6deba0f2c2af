"""Texts of errors without what only this machine's owner has to know: where files are."""

import re
from pathlib import Path

_PLACES = re.compile(
    r"(?P<url>[\w+]+://\S+)|(?<![\w./])/(?:[\w.@+~%=-]+/)+(?P<name>[\w.@+~%=-]*)",
)
_FILES = ("sqlite://", "file://")


def without_paths(text: str, root: Path | None = None) -> str:
    """Return the text with the last part alone of each absolute path.

    Args:
        root: of the project, whose paths are shown as they are within it.
    """
    if root is not None:
        text = text.replace(f"{root}/", "").replace(str(root), "the project's folder")
    return _PLACES.sub(_last_part, text) if "/" in text else text


def _last_part(found: re.Match[str]) -> str:
    url: str | None = found["url"]
    if url is None:
        return found["name"] or "a folder"
    return url.rstrip("/").rpartition("/")[2] if url.startswith(_FILES) else url
