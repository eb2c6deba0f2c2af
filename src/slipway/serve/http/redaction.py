"""Texts of errors without what only this machine's owner has to know: where files are."""

import re
from pathlib import Path

_ABSOLUTE = re.compile(r"(?<![\w:/.])/(?:[\w.@+~%=-]+/)+(?P<name>[\w.@+~%=-]*)")


def without_paths(text: str, root: Path | None = None) -> str:
    """Return the text with the last part alone of each absolute path.

    Args:
        root: of the project, whose paths are shown as they are within it.
    """
    if root is not None:
        text = text.replace(f"{root}/", "").replace(str(root), "the project's folder")
    return _ABSOLUTE.sub(r"\g<name>", text) if "/" in text else text
