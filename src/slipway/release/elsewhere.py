"""A project's folder in; what other tools' caches hold beyond what the workspace needs, and the command for it, out."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.pipeline.dvc_cache import Cache, find_cache

_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_FILES = ("dvc.lock",)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is kept by another tool, whose own command removes it: only that knows what other commits need."""

    path: Path
    bytes: int
    remedy: str

    def to_json(self) -> dict[str, Any]:
        return {"path": str(self.path), "bytes": self.bytes, "remedy": self.remedy}


def elsewhere(root: Path) -> tuple[Elsewhere, ...]:
    """DVC's cache, as far as the workspace's dvc.lock and .dvc files do not name it. Nothing is removed here."""
    cache = find_cache(root)
    if cache is None or not cache.folder.is_dir():
        return ()
    needed = set(_named(root, cache))
    beyond = sum(
        path.stat().st_size for path in cache.folder.glob("??/*") if path.parent.name + path.name not in needed
    )
    if not beyond:
        return ()
    remedy = "`dvc gc --workspace` keeps what is named here, `dvc gc --all-commits` what any commit names"
    return (Elsewhere(cache.folder, beyond, remedy),)


def _named(root: Path, cache: Cache) -> Iterator[str]:
    for path in (*(root / name for name in _FILES), *root.glob("**/*.dvc")):
        if not path.is_file():
            continue
        for md5 in _MD5.findall(path.read_text(encoding="utf-8", errors="replace")):
            yield md5
            if md5.endswith(".dir"):
                yield from _members(cache.place(md5))


def _members(listed: Path) -> Iterator[str]:
    try:
        entries = json.loads(listed.read_bytes())
    except (OSError, ValueError):
        return
    yield from (entry["md5"] for entry in entries)
