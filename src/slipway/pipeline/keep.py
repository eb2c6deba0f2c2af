"""Files that a stage has made in; their MD5, and copies in DVC's cache, out: beside the next stage, not before it."""

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import OutsideError
from slipway.pipeline.contents import Contents, Signature, md5_of, tree_md5
from slipway.pipeline.dvc_cache import Cache, cache_file, cache_folder
from slipway.pipeline.dvcignore import check_listing
from slipway.pipeline.folders import files_in

_THREADS = 2


@dataclass(frozen=True, slots=True)
class _Read:
    path: str
    signature: Signature
    md5: str
    looked_at: int
    files: int | None = None


class Keeper:
    """Threads that read finished files. What they found is in `contents` after `wait`."""

    def __init__(self, root: Path, contents: Contents, cache: Cache | None) -> None:
        self._root = root
        self._contents = contents
        self._cache = cache
        # Beside a stage one core is free; after the last one, whose files are often the largest, there are two.
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="slipway-keep")
        self._waiting: dict[str, Future[list[_Read]]] = {}

    def close(self) -> None:
        """End the threads; what is waiting is not read."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def keep(self, paths: Iterable[str], uncached: frozenset[str]) -> None:
        """Start reading files, given relative to the project's folder; those `uncached` get no copy in the cache."""
        for path in paths:
            self._waiting[path] = self._pool.submit(self._read, path, self._cache if path not in uncached else None)

    def is_done(self, paths: Iterable[str]) -> bool:
        """Whether nothing of these has to be waited for."""
        return all(path not in self._waiting or self._waiting[path].done() for path in paths)

    def wait(self, paths: Iterable[str]) -> None:
        """Until the contents of these are known."""
        for path in paths:
            future = self._waiting.pop(path, None)
            for read in future.result() if future is not None else ():
                # Of a file that was written to meanwhile, the signature shows that this is not its content.
                self._contents.note(read.path, read.signature, read.md5, read.looked_at, read.files)

    def _read(self, path: str, cache: Cache | None) -> list[_Read]:
        signature, looked_at = self._contents.signature(path), time.time_ns()
        if signature is None:
            return []
        if not (self._root / path).is_dir():
            return [_Read(path, signature, self._md5(self._root / path, cache), looked_at)]
        found = []
        listed = files_in(str(self._root), str(self._root / path))
        check_listing(path, (name for name, _ in listed))
        for name, seen in listed:
            looked_at_file = time.time_ns()
            md5 = self._md5(self._root / path / name, cache)
            found.append(_Read(f"{path}/{name}", seen, md5, looked_at_file))
        members = {read.path[len(path) + 1 :]: read.md5 for read in found}
        if cache is not None:
            cache_folder(cache, members)
        return [*found, _Read(path, signature, tree_md5(members), looked_at, len(members))]

    def _md5(self, path: Path, cache: Cache | None) -> str:
        if cache is not None:
            try:
                return cache_file(cache, path)
            except OutsideError:  # a full disk: told at the run's end, when the cache is looked over
                pass
        return md5_of(path)
