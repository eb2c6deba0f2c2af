"""Files and folders in, the MD5 of their contents out; a file that has not been touched since is not read again."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.pipeline.dvcignore import check_listing
from slipway.pipeline.folders import Signature as Signature
from slipway.pipeline.folders import files_in, path_signature

Content = tuple[str, int] | tuple[str, int, int]
"""MD5, as DVC writes it, and size in bytes; of a folder the number of its files, too."""

_GRAIN_NS = 50_000_000
"""Within this a clock of the system's may stand still: a write then leaves size and time as they were."""
_COARSE_GRAIN_NS = 2_000_000_000
"""The same on a disk that keeps whole seconds."""


class Contents:
    """What is known of files, by path relative to the project's folder."""

    def __init__(self, root: Path, known: dict[str, list[int | str]]) -> None:
        self._root = root
        self.known = known
        """By path: size, time, number, MD5, and when it was looked at. JSON values, kept between runs."""
        self.is_altered = False

    def signature(self, path: str) -> Signature | None:
        """What shows cheaply whether a file has been touched; None when it is missing."""
        return path_signature(str(self._root), os.path.join(self._root, path))  # noqa: PTH118 - ten times as fast, and asked often

    def content(self, path: str) -> Content | None:
        """The content of a file or folder, read only when it may have changed; None when it is missing."""
        signature, known = self.signature(path), self.known.get(path)
        if signature is None:
            return None
        if known is not None and tuple(known[:3]) == signature and _is_settled(signature, int(known[4])):
            return _content(str(known[3]), signature[0], known[5:])
        looked_at = time.time_ns()
        if (self._root / path).is_dir():
            members = self.members(path)
            md5 = tree_md5(members)
            self.note(path, signature, md5, looked_at, len(members))
            return md5, signature[0], len(members)
        try:
            md5 = md5_of(self._root / path)
        except FileNotFoundError:
            return None
        self.note(path, signature, md5, looked_at)
        return md5, signature[0]

    def members(self, folder: str) -> dict[str, str]:
        """The MD5 of each file in a folder, by path relative to it; a file that has not been touched is not read.

        Raises:
            ProjectError: an ignore file of DVC's is among them.
        """
        found: dict[str, str] = {}
        listed = files_in(str(self._root), str(self._root / folder))
        check_listing(folder, (path for path, _ in listed))
        for path, signature in listed:
            known = self.known.get(f"{folder}/{path}")
            if known is not None and tuple(known[:3]) == signature and _is_settled(signature, int(known[4])):
                found[path] = str(known[3])
                continue
            looked_at = time.time_ns()
            found[path] = md5_of(self._root / folder / path)
            self.note(f"{folder}/{path}", signature, found[path], looked_at)
        for gone in [p for p in self.known if p.startswith(f"{folder}/") and p[len(folder) + 1 :] not in found]:
            del self.known[gone]
        return found

    def note(self, path: str, signature: Signature, md5: str, looked_at: int, files: int | None = None) -> None:
        """Keep what somebody else has read."""
        self.known[path] = [*signature, md5, looked_at, *([files] if files is not None else [])]
        self.is_altered = True


def tree_md5(members: Mapping[str, str]) -> str:
    """The MD5 of a folder, as DVC writes it."""
    import hashlib

    return f"{hashlib.md5(tree_text(members), usedforsecurity=False).hexdigest()}.dir"


def tree_text(members: Mapping[str, str]) -> bytes:
    """What DVC keeps of a folder in its cache."""
    import json

    listed = [{"md5": members[path], "relpath": path} for path in sorted(members)]
    return json.dumps(listed, sort_keys=True).encode()


def md5_of(path: Path) -> str:
    """The MD5 of a file's content."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _content(md5: str, size: int, more: Sequence[int | str]) -> Content:
    return (md5, size, int(more[0])) if more else (md5, size)


def _is_settled(signature: Signature, looked_at: int) -> bool:
    """Whether a write after the look would have shown in the file's time."""
    grain = _GRAIN_NS if signature[1] % 1_000_000_000 else _COARSE_GRAIN_NS
    return looked_at - signature[1] > grain
