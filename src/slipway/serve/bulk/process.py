"""The bulk process as a service sees it: begun with the first large request, ended when none has come for a while."""

import asyncio
import logging
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

from slipway import processes
from slipway.serve.bulk.channel import Closed, FeedbackTask, PredictTask, Reply, Setup, receive, send
from slipway.serve.http.refusal import Refusal

LARGE_BODY_BYTES = 256 * 1024
"""A body above this is decoded beside the service: decoding holds up every thread of a Python process."""
MANY_ROWS = 1_000
"""More rows than this are scored beside the service."""
MAX_WAITING_BYTES = 128 * 1024 * 1024
IDLE_SECONDS = 600.0
"""After so long without a large request the process ends, which gives its memory back."""

log = logging.getLogger(__name__)


class BulkProcess:
    """Answers large requests one after the other, in one process of its own. Belongs to one event loop.

    It has the model in memory a second time, and takes as long to begin as the service does; the first large request
    waits for that. If it dies, the request that it had is refused, and the next one begins another.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulk")
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._waiting_bytes = 0
        self._idle: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def ask(self, task: PredictTask | FeedbackTask, body: bytes) -> tuple[Reply, bytearray]:
        """Have a body answered.

        Raises:
            Refusal: 503, too much waits already, or the process died of it.
        """
        if self._waiting_bytes and self._waiting_bytes + len(body) > MAX_WAITING_BYTES:
            raise Refusal(503, "Many large requests wait already. Try again in a few seconds.")
        loop = asyncio.get_running_loop()
        if self._idle is not None:
            self._idle.cancel()
        self._waiting_bytes += len(body)
        try:
            reply, answer = await loop.run_in_executor(self._thread, self._ask, task, body)
        finally:
            self._waiting_bytes -= len(body)
            if not self._waiting_bytes and not self._is_closed:
                self._idle = loop.call_later(IDLE_SECONDS, self._thread.submit, self._end)
        return reply, answer

    @property
    def pid(self) -> int | None:
        """The process's number; None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def close(self) -> None:
        """End the process, whatever it does."""
        self._is_closed = True
        if self._idle is not None:
            self._idle.cancel()
        process = self._process
        if process is not None:
            process.kill()
        self._thread.shutdown(wait=True)
        self._end()

    def _ask(self, task: PredictTask | FeedbackTask, body: bytes) -> tuple[Reply, bytearray]:
        try:
            channel = self._channel or self._begin()
            send(channel, task, body)
            reply, answer = receive(channel)
        except Closed:
            code = self._end()
            log.error("the process for large requests ended with %s; its request is refused", code)
            raise Refusal(
                503, "The process that answers large requests ended. Send fewer rows at once, or try again."
            ) from None
        except OSError as error:
            self._end()
            log.error("the process for large requests can't be begun: %s", error)
            raise Refusal(503, "Large requests can't be answered now. Send fewer rows at once.") from error
        assert isinstance(reply, Reply)
        return reply, answer

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._channel = ours
        with theirs:
            # Its standard input ends when we do; what a project's own code prints is no address of a server.
            self._process = processes.start(
                "slipway.serve.bulk.worker",
                str(theirs.fileno()),
                root=self._setup.project.root,
                stdout=2,
                descriptors=[theirs.fileno()],
            )
        if self._is_closed:  # which ended the process that there was before this one
            raise Closed
        log.info("large requests are answered by process %d", self._process.pid)
        send(ours, self._setup)
        return ours

    def _end(self) -> int | None:
        """End the process, which has nothing to answer; its exit code."""
        process, channel, self._process, self._channel = self._process, self._channel, None, None
        if channel is not None:
            channel.close()
        if process is None:
            return None
        process.kill()
        assert process.stdin is not None
        process.stdin.close()
        return process.wait()
