"""DVC 2's hash of a file and of a folder, which entries without `hash: md5` mean: texts have LF for CRLF there."""

from collections.abc import Mapping
from pathlib import Path

from slipway.pipeline.contents import Contents, tree_md5

_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_LOOKED_AT = 512
"""Bytes at the start of a piece that tell whether it is text."""
_PIECE = 1 << 20


def dvc2_md5(contents: Contents, root: Path, path: str) -> str:
    """Compute the hash of a file or folder as `dvc_data.hashfile.hash` does for the name `md5-dos2unix`.

    Args:
        contents: what lists a folder.
        root: the project's folder.
        path: relative to it.

    Raises:
        OSError: it can't be read.
    """
    if not (root / path).is_dir():
        return _md5_of(root / path)
    members: Mapping[str, str] = contents.members(path)
    return tree_md5({member: _md5_of(root / path / member) for member in members})


def _md5_of(path: Path) -> str:
    from hashlib import md5

    digest = md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece.replace(b"\r\n", b"\n") if _is_text(piece[:_LOOKED_AT]) else piece)
    return digest.hexdigest()


def _is_text(block: bytes) -> bool:
    return b"\0" not in block and len(block.translate(None, _TEXT)) / len(block) <= 0.3
