"""Finished files and folders in, objects of DVC's cache out, as DVC itself stores them."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import OutsideError
from slipway.files import Draft
from slipway.pipeline.contents import md5_of, tree_text

_FICLONE = 0x40049409
"""The Linux call that lets two files share their blocks until one is written to."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Cache:
    """Where DVC keeps contents."""

    folder: Path
    has_links: bool = False
    """Whether DVC is told to link files to their objects where blocks can't be shared, instead of copying."""

    def place(self, md5: str) -> Path:
        """Where a content is."""
        return self.folder / md5[:2] / md5[2:]

    def has(self, md5: str) -> bool:
        return self.place(md5).exists()


def find_cache(root: Path) -> Cache | None:
    """DVC's cache for the project in `root`; None where DVC has not been set up."""
    for folder in (root, *root.parents):
        if (folder / ".dvc").is_dir():
            return _configured(folder / ".dvc")
        if (folder / ".git").exists():  # what lies above is another repository
            return None
    return None


def cache_file(cache: Cache, path: Path) -> str:
    """Store a file's content, read-only as DVC protects its objects, and give its MD5.

    Where the disk can, blocks are shared. The copy is what is read, so the name is right even when somebody writes to
    the file meanwhile.

    Raises:
        OutsideError: the disk does not take it.
    """
    try:
        return _cache_file(cache, path)
    except OSError as error:
        raise OutsideError(
            f"{cache.folder}: DVC's cache can't take {path.name} ({path.stat().st_size:,} bytes): {error.strerror}. "
            f"Make room there, or name another folder with `dvc cache dir`, and run again."
        ) from error


def cache_folder(cache: Cache, members: Mapping[str, str]) -> None:
    """Store the list of a folder's files, whose contents are stored already."""
    from hashlib import md5

    text = tree_text(members)
    target = cache.place(f"{md5(text, usedforsecurity=False).hexdigest()}.dir")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _draft(cache, "folder") as draft:
            draft.path.write_bytes(text)
            _put(draft, target)


def _cache_file(cache: Cache, path: Path) -> str:
    with _draft(cache, "file") as draft:
        is_shared = _reflink(path, draft.path) or (cache.has_links and _link(path, draft.path))
        md5 = md5_of(draft.path) if is_shared else _copy(path, draft.path)
        target = cache.place(md5)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _put(draft, target)
    return md5


def _draft(cache: Cache, name: str) -> Draft:
    """A draft beside DVC's folders of objects, where it looks for none."""
    return Draft(cache.folder.parent / name)


def _put(draft: Draft, target: Path) -> None:
    draft.path.chmod(0o444)
    draft.path.replace(target)


def _copy(source: Path, target: Path) -> str:
    """Copy a file and give the MD5 of what was written: read once, since a gigabyte is long for a second time."""
    from hashlib import md5

    digest, buffer = md5(usedforsecurity=False), memoryview(bytearray(_CHUNK))
    with source.open("rb", buffering=0) as taken, target.open("wb", buffering=0) as made:
        while count := taken.readinto(buffer):
            digest.update(buffer[:count])
            done = 0
            while done < count:
                done += made.write(buffer[done:count])
    return digest.hexdigest()


def _link(source: Path, target: Path) -> bool:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        return False
    return True


def _configured(dvc: Path) -> Cache:
    cache = Cache(dvc / "cache" / "files" / "md5")
    for name in ("config", "config.local"):
        try:
            text = (dvc / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # DVC says what is wrong with its file better than we could
            continue
        if "[cache]" in text:  # seldom, and the parser takes longer to import than the rest of this takes
            cache = _read_config(dvc, text, cache)
    return cache


def _read_config(dvc: Path, text: str, cache: Cache) -> Cache:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(configparser.Error):  # DVC says what is wrong with its file better than we could
        parser.read_string(text)
    folder, types = parser.get("cache", "dir", fallback=None), parser.get("cache", "type", fallback=None)
    return Cache(
        dvc / folder / "files" / "md5" if folder else cache.folder,
        cache.has_links if types is None else bool({"hardlink", "symlink"} & {t.strip() for t in types.split(",")}),
    )


def _reflink(source: Path, target: Path) -> bool:
    try:
        from fcntl import ioctl
    except ImportError:
        return False
    with source.open("rb") as taken, target.open("wb") as made:
        try:
            ioctl(made.fileno(), _FICLONE, taken.fileno())
        except OSError:
            return False
    return True
