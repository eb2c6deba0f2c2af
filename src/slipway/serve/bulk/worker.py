"""The bulk process itself: one large request after the other, told and answered over a socket.

`python -P -m slipway.serve.bulk.worker FD` is begun by a service, and ends with it.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import threadpoolctl

from slipway import garbage
from slipway.errors import OutsideError, SlipwayError
from slipway.journal import Shipper, SpoolWriter
from slipway.model.store import BundleStore
from slipway.records import Prediction
from slipway.serve.answer import answer_rows, read_request, refuse_failed
from slipway.serve.batch import Asked, predict_group
from slipway.serve.bulk.channel import Closed, FeedbackTask, PredictTask, Reply, Setup, receive, send
from slipway.serve.bulk.process import MANY_ROWS
from slipway.serve.feedback import FeedbackPlaces, give_feedback
from slipway.serve.http.json_body import read_json
from slipway.serve.http.refusal import Refusal, unavailable
from slipway.serve.live.route import LiveRoute
from slipway.serve.live.version import Live, load_version
from slipway.serve.log import ServiceLog
from slipway.serve.personal import Personal
from slipway.storage import open_storage

NICENESS = 5
"""Small requests, in the service's own process, go first where there are too few processors."""

log = logging.getLogger(__name__)


class Worker:
    """What answers large requests of one service."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._personal = Personal(setup.project.api)
        self._storage = open_storage(setup.settings)
        self._writer = SpoolWriter(setup.settings.own_spool, setup.project.api.durability)
        self._shipper = Shipper(setup.settings.spool, self._storage.journal, setup.settings.own_spool)
        self._shipping = ThreadPoolExecutor(1, thread_name_prefix="shipping")
        self._reserved = contextlib.ExitStack()
        self._ship: Callable[[], int] | None = None
        self._live: Live | None = None

    def answer(self, task: PredictTask | FeedbackTask, body: bytearray) -> tuple[Reply, bytes]:
        """Answer a body, refusals included. What is acknowledged is in the spool."""
        try:
            return self._predict(task, body) if isinstance(task, PredictTask) else self._feedback(task, body)
        except OutsideError as error:
            return _refused(unavailable(error))
        except Refusal as refusal:
            if refusal.status == 422:
                refusal = Refusal(task.invalid_status, refusal.detail)
            return _refused(refusal)
        except Exception:  # the edge of the request
            log.exception("a large request failed")
            return _refused(Refusal(500, "Something failed that is not the request's fault."))
        finally:
            self._writer.close()  # so that the segment goes once it is shipped

    def ship(self) -> None:
        """Ship what was written, in a thread: by the service it would compete with small requests for Python's lock."""
        ship, self._ship = self._ship, None
        if ship is not None:
            self._shipping.submit(_ship_all, ship, self._reserved.pop_all())

    def _predict(self, task: PredictTask, body: bytearray) -> tuple[Reply, bytes]:
        value = read_json(body)
        live = self._version(task)
        route = live.routes[task.path] if task.path else LiveRoute(None, None, task.invalid_status)
        asked = read_request(route, live, value, self._personal)
        predictions = self._scored(Asked(live, asked.right, task.received), task)
        if len(predictions) > MANY_ROWS and self._ship is None:
            self._ship = self._reserved.enter_context(self._shipper.reserved())
        self._writer.write(predictions)
        failed = len(asked.wrong) + sum(prediction.error is not None for prediction in predictions)
        refuse_failed(route, live, asked, predictions, self._personal)
        told, headers = answer_rows(self._setup.project.name, route, live, asked, predictions)
        return Reply(200, tuple(headers), len(asked.rows), failed), told

    def _scored(self, asked: Asked, task: PredictTask) -> list[Prediction]:
        try:
            return predict_group([asked], self._personal)[0] if asked.rows else []
        except SlipwayError as error:  # what the schema let pass and the table's types can't hold
            raise Refusal(task.invalid_status, str(self._personal.reason(str(error)))) from error

    def _feedback(self, task: FeedbackTask, body: bytearray) -> tuple[Reply, bytes]:
        settings = self._setup.settings
        journal = None if task.is_away else self._storage.journal
        places = FeedbackPlaces(journal, settings.spool, self._writer)
        told = give_feedback(places, read_json(body), task.source, task.label)
        return Reply(200), msgspec.json.encode(told)

    def _version(self, task: PredictTask) -> Live:
        released, live = task.released, self._live
        if live is not None and (live.version, live.released.bundle) == (released.version, released.bundle):
            return live
        self._live = None  # two at once are more memory than one
        store = BundleStore(self._setup.settings.bundles)
        try:
            self._live = load_version(store, released.version, released.bundle, released)
        except Exception as error:  # whatever a bundle does while it is loaded
            log.exception("version %d can't be loaded for a large request", released.version)
            raise Refusal(503, "Large requests can't be answered now. The service's log says why.") from error
        return self._live


def main(descriptor: int) -> None:
    """Answer what comes on the socket until that ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a terminal or a supervisor sends it to all; the service ends us
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # of two that lack memory, the service is the one to stay
        Path("/proc/self/oom_score_adj").write_text("500")
    threading.Thread(target=_end_with_service, daemon=True).start()
    with socket.socket(fileno=descriptor) as channel, contextlib.suppress(Closed):
        setup, _ = receive(channel)
        assert isinstance(setup, Setup)
        with _logged(setup):
            worker = Worker(setup)
            while True:
                _answer_next(channel, worker)


def _answer_next(channel: socket.socket, worker: Worker) -> None:
    task, body = receive(channel)
    assert isinstance(task, PredictTask | FeedbackTask)
    # Python would look at each of a million new objects several times to find that all of them are used.
    gc.disable()
    with threadpoolctl.threadpool_limits(1):
        reply, told = worker.answer(task, body)
    send(channel, reply, told)
    worker.ship()
    gc.enable()
    gc.collect()


def _ship_all(ship: Callable[[], int], reserved: contextlib.ExitStack) -> None:
    with reserved:
        try:
            while ship():
                pass
        except Exception as error:  # the edge of this thread: the service's own shipper goes on, and says so
            log.info("what large requests left is shipped by the service: %s", error)


@contextlib.contextmanager
def _logged(setup: Setup) -> Iterator[None]:
    hides_words = Personal(setup.project.api).hides_words
    lines = ServiceLog(setup.log_form, is_quiet=setup.is_quiet, hides_words=hides_words)
    lines.start()
    try:
        yield
    finally:
        lines.stop()


def _refused(refusal: Refusal) -> tuple[Reply, bytes]:
    headers = [*refusal.headers, (b"retry-after", b"1")] if refusal.status == 503 else refusal.headers
    return Reply(refusal.status, tuple(headers)), msgspec.json.encode({"detail": refusal.detail})


def _end_with_service() -> None:
    """End this process when the service does, however that ends."""
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    # As the module that the other ones know.
    from slipway.serve.bulk.worker import main as run_main

    garbage.look_seldom()
    run_main(int(sys.argv[1]))
