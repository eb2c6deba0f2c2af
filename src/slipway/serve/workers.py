"""A listening socket in, several processes that answer on it: one that ends is begun anew, all end together."""

import logging
import multiprocessing
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from slipway import processes
from slipway.errors import OutsideError

RESTART_SECONDS = 1.0
"""Between the end of a process and its successor: one that can't start must not start a thousand times."""

Work = Callable[[socket.socket, Connection], None]
"""What a process does: answer on the socket, say so on the connection, end when that ends."""

log = logging.getLogger(__name__)


class Workers:
    """The processes of one service. They are spawned, not forked: libraries' threads don't survive a fork."""

    def __init__(self, root: Path, listener: socket.socket, count: int, work: Work) -> None:
        self._root = root
        self._listener = listener
        self._count = count
        self._work = work
        self._context = multiprocessing.get_context("spawn")
        self._running: dict[SpawnProcess, Connection] = {}
        self._is_stopping = False

    def run(self, on_ready: Callable[[], None]) -> None:
        """Keep them running until SIGTERM or SIGINT; returns when all have ended.

        Args:
            on_ready: called once, when every process answers.

        Raises:
            OutsideError: a process ended before it was ready for the first time.
        """
        with self._told_to_stop():
            for _ in range(self._count):
                self._begin()
            if self._wait_until_ready():
                threading.Thread(target=on_ready, name="on ready", daemon=True).start()
            while self._running:
                self._look()

    def _begin(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=self._work, args=(self._listener, theirs), name="slipway worker")
        with processes.spawning(self._root):
            process.start()
        theirs.close()  # so that what is ours ends with the process
        self._running[process] = ours

    def _wait_until_ready(self) -> bool:
        for process, connection in list(self._running.items()):
            while not connection.poll(0.1):
                if self._is_stopping:
                    return False
            try:
                connection.recv()
            except EOFError:
                if self._is_stopping:
                    return False
                self._stop()
                for each in self._running:
                    each.join()
                raise OutsideError(
                    f"a worker ended before it could serve (exit code {process.exitcode}); the lines above say why."
                ) from None
        return True

    def _look(self) -> None:
        wait([process.sentinel for process in self._running], timeout=0.5)
        for process in [process for process in self._running if not process.is_alive()]:
            process.join()
            self._running.pop(process).close()
            if self._is_stopping:
                continue
            log.error("worker %s ended with exit code %s; another takes its place", process.pid, process.exitcode)
            time.sleep(RESTART_SECONDS)
            if not self._is_stopping:
                self._begin()

    def _stop(self) -> None:
        self._is_stopping = True
        for process in self._running:
            process.terminate()

    @contextmanager
    def _told_to_stop(self) -> Iterator[None]:
        def told(number: int, frame: FrameType | None) -> None:
            self._stop()

        before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
