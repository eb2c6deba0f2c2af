"""A project in, its API on a port until it is told to stop; what was in flight is answered and shipped first."""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from types import FrameType

import uvicorn

from slipway.errors import OutsideError, ProjectError
from slipway.project import Project
from slipway.serve.access import is_loopback
from slipway.serve.app import App
from slipway.serve.service import open_service
from slipway.serve.tokens import HOW
from slipway.settings import Settings
from slipway.storage import Storage

FINISH_SECONDS = 30
"""How long what is in flight has to be answered, once told to stop."""

log = logging.getLogger(__name__)


def serve(
    project: Project,
    settings: Settings,
    storage: Storage,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve the live version until SIGTERM or SIGINT; returns once everything acknowledged is shipped, or spooled.

    Args:
        port: 0 takes a free one.
        on_ready: called once, in a thread of its own, with http://HOST:PORT when requests are taken.

    Raises:
        ProjectError: the host is reachable from elsewhere and there is no token, or `workers` is not 1.
        OutsideError: the port is taken.
    """
    if workers != 1:
        raise ProjectError(f"--workers {workers}: this version serves with one process. Leave --workers out.")
    if not is_loopback(host) and not storage.tokens.all():
        raise ProjectError(
            f"--host {host}: others than this machine reach that, so who asks there needs a token, and there is none. "
            f"{HOW} makes one; or leave --host out."
        )
    with _listen(host, port) as listener, _stopped_by_signals() as stopper:
        service = open_service(project, settings, storage, host=host)
        service.start()
        app = App(service)
        try:
            _answer(app, listener, stopper, on_ready)
        finally:
            app.close()
            service.stop()


class Stopper:
    """What a signal tells a server, which may not have begun yet."""

    def __init__(self) -> None:
        self.is_stopped = False
        self.server: uvicorn.Server | None = None

    def stop(self) -> None:
        """Finish what is in flight; told twice, don't wait for it."""
        if self.server is not None:
            self.server.force_exit = self.is_stopped
            self.server.should_exit = True
        self.is_stopped = True


class _Server(uvicorn.Server):
    """Uvicorn's server, which says when it is ready and leaves signals to us: its own way ends by raising them."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _answer(app: App, listener: socket.socket, stopper: Stopper, on_ready: Callable[[str], None]) -> None:
    url = _url(listener)

    def ready() -> None:
        # A thread, since a caller may well ask the server something before it returns.
        threading.Thread(target=on_ready, args=(url,), name="on ready", daemon=True).start()

    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    server = _Server(config, ready)
    stopper.server = server
    server.should_exit = stopper.is_stopped
    log.info("serving on %s", url)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[Stopper]:
    stopper = Stopper()

    def told(number: int, frame: FrameType | None) -> None:
        stopper.stop()

    if threading.current_thread() is not threading.main_thread():
        yield stopper  # signals reach the main thread alone
        return
    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopper
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    # "localhost" may be ::1 or 127.0.0.1 elsewhere; here it is one of them.
    name = "127.0.0.1" if host == "localhost" else host
    with contextlib.ExitStack() as opened:
        try:
            family, kind, _, _, address = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0]
            listener = opened.enter_context(socket.socket(family, kind))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address[0], port, *address[2:]))
        except (OSError, OverflowError, UnicodeError) as error:
            raise OutsideError(
                f"{host}:{port} can't be listened on ({error}). Take another with --port, or --port 0 for a free one."
            ) from error
        yield listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
