"""Files of a project in, the MD5 of their contents out; a file that has not been touched since is not read again."""

import time
from pathlib import Path

Signature = tuple[int, int, int]
"""Size, time of the last write in nanoseconds, and number of the file on its disk."""

Content = tuple[str, int]
"""MD5, as DVC writes it, and size in bytes."""

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
        try:
            stat = (self._root / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return stat.st_size, stat.st_mtime_ns, stat.st_ino

    def content(self, path: str) -> Content | None:
        """The content of a file, read only when it may have changed; None when it is missing."""
        signature, known = self.signature(path), self.known.get(path)
        if signature is None:
            return None
        if known is not None and tuple(known[:3]) == signature and _is_settled(signature, int(known[4])):
            return str(known[3]), signature[0]
        looked_at = time.time_ns()
        try:
            md5 = md5_of(self._root / path)
        except FileNotFoundError:
            return None
        self.note(path, signature, md5, looked_at)
        return md5, signature[0]

    def note(self, path: str, signature: Signature, md5: str, looked_at: int) -> None:
        """Keep what somebody else has read."""
        self.known[path] = [*signature, md5, looked_at]
        self.is_altered = True


def md5_of(path: Path) -> str:
    """The MD5 of a file's content."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _is_settled(signature: Signature, looked_at: int) -> bool:
    """Whether a write after the look would have shown in the file's time."""
    grain = _GRAIN_NS if signature[1] % 1_000_000_000 else _COARSE_GRAIN_NS
    return looked_at - signature[1] > grain
