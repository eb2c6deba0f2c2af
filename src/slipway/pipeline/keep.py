"""Files that a stage has made in; their MD5, and copies in DVC's cache, out: beside the next stage, not before it."""

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from slipway.pipeline.contents import Contents, Signature, md5_of
from slipway.pipeline.dvc_cache import cache_file


class Keeper:
    """One thread that reads finished files. What it found is in `contents` after `wait`."""

    def __init__(self, root: Path, contents: Contents, cache: Path | None) -> None:
        self._root = root
        self._contents = contents
        self._cache = cache
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="slipway-keep")
        self._waiting: dict[str, Future[tuple[str, Signature | None, int]]] = {}

    def close(self) -> None:
        """End the thread; what is waiting is not read."""
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
            if future is None:
                continue
            md5, signature, looked_at = future.result()
            if signature is not None and signature == self._contents.signature(path):
                self._contents.note(path, signature, md5, looked_at)

    def _read(self, path: str, cache: Path | None) -> tuple[str, Signature | None, int]:
        signature, looked_at = self._contents.signature(path), time.time_ns()
        file = self._root / path
        return (md5_of(file) if cache is None else cache_file(cache, file)), signature, looked_at
