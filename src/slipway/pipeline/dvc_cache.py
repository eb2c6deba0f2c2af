"""Finished files in, objects of DVC's cache out, as DVC itself stores them."""

import contextlib
import os
from pathlib import Path

from slipway.pipeline.contents import md5_of

_FICLONE = 0x40049409
"""The Linux call that lets two files share their blocks until one is written to."""


def find_cache(root: Path) -> Path | None:
    """The folder of DVC's cache for the project in `root`; None where DVC has not been set up."""
    for folder in (root, *root.parents):
        if (folder / ".dvc").is_dir():
            return _configured(folder / ".dvc") / "files" / "md5"
        if (folder / ".git").exists():  # what lies above is another repository
            return None
    return None


def is_cached(cache: Path, md5: str) -> bool:
    """Whether the cache has a content."""
    return object_path(cache, md5).exists()


def cache_file(cache: Path, path: Path) -> str:
    """Store a file's content, read-only as DVC protects its objects, and give its MD5.

    Where the disk can, blocks are shared. The copy is what is read, so the name is right even when somebody writes to
    the file meanwhile.
    """
    cache.mkdir(parents=True, exist_ok=True)
    aside = cache / f"{path.name}.{os.getpid()}.tmp"
    try:
        if not _reflink(path, aside):
            import shutil

            shutil.copyfile(path, aside)
        md5 = md5_of(aside)
        target = object_path(cache, md5)
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            aside.chmod(0o444)
            aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return md5


def object_path(cache: Path, md5: str) -> Path:
    """Where the cache has a content."""
    return cache / md5[:2] / md5[2:]


def _configured(dvc: Path) -> Path:
    folder = dvc / "cache"
    for name in ("config", "config.local"):
        try:
            text = (dvc / name).read_text(encoding="utf-8")
        except OSError:
            continue
        if "[cache]" in text:  # seldom, and the parser takes longer to import than the rest of this takes
            folder = _cache_folder(dvc, text) or folder
    return folder


def _cache_folder(dvc: Path, text: str) -> Path | None:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(configparser.Error):  # DVC says what is wrong with its file better than we could
        parser.read_string(text)
    folder = parser.get("cache", "dir", fallback=None)
    return dvc / folder if folder else None


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
