"""A project in, its API on a port until it is told to stop; what was in flight is answered and shipped first."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from types import FrameType

import uvicorn

from slipway import garbage, processes
from slipway.errors import OutsideError, ProjectError
from slipway.project import Project
from slipway.serve.access.admit import is_loopback
from slipway.serve.access.known import KnownTokens
from slipway.serve.access.tokens import HOW, usable
from slipway.serve.app import App
from slipway.serve.drift import DriftCheck
from slipway.serve.http.connection import Connection
from slipway.serve.http.limits import ConnectionLimit, connections_within, raise_open_files
from slipway.serve.live.version import LiveState
from slipway.serve.log import Form, ServiceLog
from slipway.serve.personal import Personal
from slipway.serve.presence import Presence
from slipway.serve.service import open_service
from slipway.serve.workers import Workers
from slipway.settings import Settings
from slipway.storage import Storage, open_storage

FINISH_SECONDS = 30
"""How long what is being scored has to be answered, once told to stop; bodies that are still coming have less."""

GOODBYE_SECONDS = 0.5
"""How long connections that are open may still ask, once told to stop; each answer says that it was the last."""

SWITCH_SECONDS = 0.001
"""How long a thread that computes, such as the one that ships, may keep a request waiting that has got as far as it
can: a fifth of what Python gives, since a request is handed over between threads several times."""

BACKLOG = 2_048
"""Connections that wait to be taken."""

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
    log_form: Form = "auto",
    is_quiet: bool = False,
    drift: DriftCheck | None = None,
) -> None:
    """Serve the live version until SIGTERM or SIGINT; returns once everything acknowledged is shipped, or spooled.

    Args:
        port: 0 takes a free one.
        workers: processes that answer; each loads the model.
        on_ready: called once, in a thread of its own, with http://HOST:PORT when requests are taken.
        drift: what the page shows of the latest window; a function of a module, which other processes import.

    Raises:
        ProjectError: the host is reachable from elsewhere and there is no token.
        OutsideError: the port is taken, a worker can't start, or the token's file can't be read.
    """
    raise_open_files()
    if not is_loopback(host):
        _require_token(KnownTokens.of(settings, storage.tokens), host)
    parts = _Parts(project, settings, host, log_form, is_quiet, drift)
    with _listen(host, port) as listener:
        url = _url(listener)
        if workers > 1:
            listener.listen(BACKLOG)
            with _logged(parts):
                Workers(project.root, listener, workers, partial(_work, parts)).run(lambda: on_ready(url))
            return
        with _stopped_by_signals(signal.SIGTERM, signal.SIGINT) as stopper:
            _serve_one(parts, storage, listener, stopper, lambda: on_ready(url))


def _require_token(tokens: KnownTokens, host: str) -> None:
    # While the database is away nobody can tell: whoever has none is refused by each request.
    known = tokens.look()
    if tokens.problem is None and not usable(known or []):
        raise ProjectError(
            f"--host {host}: others than this machine reach that, so who asks there needs a token, and there is none. "
            f"{HOW} makes one, or SLIPWAY_TOKEN_FILE names a file that holds one; or leave --host out."
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a process is told of the service that it is to be."""

    project: Project
    settings: Settings
    host: str
    log_form: Form
    is_quiet: bool
    drift: DriftCheck | None


def _work(parts: _Parts, listener: socket.socket, parent: connection.Connection) -> None:
    """One of several processes: everything of its own but the socket."""
    garbage.look_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent tells us
    with contextlib.closing(open_storage(parts.settings)) as storage, _stopped_by_signals(signal.SIGTERM) as stopper:
        processes.end_with(parent.fileno(), stopper.stop)
        _serve_one(parts, storage, listener, stopper, lambda: parent.send("ready"))


def _serve_one(
    parts: _Parts, storage: Storage, listener: socket.socket, stopper: "Stopper", on_ready: Callable[[], None]
) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    with _logged(parts) as requests:
        service = open_service(
            parts.project,
            parts.settings,
            storage,
            host=parts.host,
            drift=parts.drift,
            log_form=parts.log_form,
            is_quiet=parts.is_quiet,
        )
        with contextlib.closing(Presence(parts.settings.state, _url(listener))) as presence:
            service.live.observer = partial(_tell, presence)
            service.start()
            app = App(service, requests)
            try:
                _answer(app, listener, stopper, on_ready)
            finally:
                app.close()
                service.stop()


def _tell(presence: Presence, state: LiveState) -> None:
    live = state.live
    problem = state.refused or state.mistrust or state.ledger_problem
    presence.tell(live.version if live else None, live.released.seq if live else 0, problem)


@contextlib.contextmanager
def _logged(parts: _Parts) -> Iterator[ServiceLog]:
    hides_words = Personal(parts.project.api).hides_words
    lines = ServiceLog(parts.log_form, is_quiet=parts.is_quiet, hides_words=hides_words)
    lines.start()
    try:
        yield lines
    finally:
        lines.stop()


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

    def __init__(self, config: uvicorn.Config, app: App, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            garbage.look_as_usual()
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.hurry()
        await self._say_goodbye()
        await super().shutdown(sockets)

    async def _say_goodbye(self) -> None:
        # A connection that is closed the moment that it is idle loses the request which is on its way: a proxy's, most
        # of all, whose connections are always about to be used.
        for server in self.servers:
            server.close()
        self.server_state.default_headers.append((b"connection", b"close"))
        until = time.monotonic() + GOODBYE_SECONDS
        while self.server_state.connections and not self.force_exit and time.monotonic() < until:
            await asyncio.sleep(0.02)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _answer(app: App, listener: socket.socket, stopper: Stopper, on_ready: Callable[[], None]) -> None:
    def ready() -> None:
        # A thread, since a caller may well ask the server something before it returns.
        threading.Thread(target=on_ready, name="on ready", daemon=True).start()

    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(Connection, limit=ConnectionLimit(connections_within(raise_open_files()))),  # type: ignore[arg-type]
        backlog=BACKLOG,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    server = _Server(config, app, ready)
    stopper.server = server
    server.should_exit = stopper.is_stopped
    log.info("serving on %s", _url(listener))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


@contextlib.contextmanager
def _stopped_by_signals(*numbers: int) -> Iterator[Stopper]:
    stopper = Stopper()

    def told(number: int, frame: FrameType | None) -> None:
        stopper.stop()

    if threading.current_thread() is not threading.main_thread():
        yield stopper  # signals reach the main thread alone
        return
    before = {number: signal.signal(number, told) for number in numbers}
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
