"""Rows of many requests in, their journalled answers out: all that are ready share one predict, without a timer."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import threadpoolctl

from slipway.journal.spool import SpoolWriter
from slipway.model.score import Scorer
from slipway.records import PartialPrediction, Prediction, new_id
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.version import Live
from slipway.serve.personal import Personal
from slipway.serve.rows import Row

MAX_REQUESTS = 1_024
MAX_ROWS_WAITING = 200_000
ROWS_AT_ONCE = 1_024
"""Requests are put together up to this; one that is larger by itself is scored by itself."""
FEW_ROWS = 64
"""A request of more rows waits in a second line, which takes turns with the first: a few rows never wait for more than
one of them."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Asked:
    """Checked rows that one version is to score."""

    live: Live
    rows: Sequence[Row]
    received: float
    """`time.perf_counter()` at which their request came."""


@dataclass(slots=True)
class _Request(Asked):
    answer: "asyncio.Future[list[Prediction]]"


class Batcher:
    """One thread that scores; requests that come meanwhile wait, and the next turn takes all of them.

    Answers are in the spool before they are given back, without what `personal` keeps out of it.
    """

    def __init__(self, writer: SpoolWriter, personal: Personal) -> None:
        self._writer = writer
        self._personal = personal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")
        self._few: deque[_Request] = deque()
        self._many: deque[_Request] = deque()
        self._is_turn_of_many = False
        self._rows_waiting = 0
        self._is_scoring = False
        self._limited: Scorer | None = None

    @property
    def waiting(self) -> int:
        """Requests that nobody has begun to score."""
        return len(self._few) + len(self._many)

    async def answer(self, live: Live, rows: Sequence[Row], received: float) -> list[Prediction]:
        """Score checked rows with one version; one prediction a row, in order.

        Args:
            received: `time.perf_counter()` at which the request came.

        Raises:
            Refusal: 503, too much waits already.
            OutsideError: the answers could not be written to the spool.
        """
        waiting = self.waiting
        if waiting >= MAX_REQUESTS or (waiting and self._rows_waiting + len(rows) > MAX_ROWS_WAITING):
            raise Refusal(503, f"{waiting} requests wait already. Try again in a second.")
        loop = asyncio.get_running_loop()
        request = _Request(live, rows, received, loop.create_future())
        (self._few if len(rows) <= FEW_ROWS else self._many).append(request)
        self._rows_waiting += len(rows)
        if not self._is_scoring:
            self._is_scoring = True
            loop.call_soon(self._begin)  # after everything else that this turn of the loop has ready
        return await request.answer

    def close(self) -> None:
        """Finish what is being scored, and end the thread."""
        self._thread.shutdown(wait=True)

    def _begin(self) -> None:
        group = self._take()
        if not group:
            self._is_scoring = False
            return
        loop = asyncio.get_running_loop()
        scoring = loop.run_in_executor(self._thread, self._score, group)
        scoring.add_done_callback(lambda done: self._finish(group, done))

    def _finish(self, group: list[_Request], done: "asyncio.Future[list[_Answer]]") -> None:
        error = done.exception()
        answers = [error] * len(group) if error is not None else done.result()
        for request, answer in zip(group, answers, strict=True):
            if request.answer.done():  # its caller has gone
                continue
            if isinstance(answer, BaseException):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)
        self._begin()

    def _take(self) -> list[_Request]:
        """The oldest requests of one line or the other, in turns."""
        for line in (self._many, self._few) if self._is_turn_of_many else (self._few, self._many):
            if group := self._take_from(line):
                self._is_turn_of_many = line is self._few
                return group
        return []

    def _take_from(self, line: deque[_Request]) -> list[_Request]:
        """The oldest requests, as many as share a version and fit into one predict."""
        group: list[_Request] = []
        rows = 0
        while line:
            request = line[0]
            if group and (request.live.scorer is not group[0].live.scorer or rows + len(request.rows) > ROWS_AT_ONCE):
                break
            line.popleft()
            self._rows_waiting -= len(request.rows)
            if request.answer.cancelled():
                continue
            group.append(request)
            rows += len(request.rows)
        return group

    def _score(self, group: list[_Request]) -> list["_Answer"]:
        scorer = group[0].live.scorer
        if scorer is not self._limited:
            # Asked in this thread and for each new version: OpenMP keeps the limit by thread, and a new model may have
            # loaded another library. Threads cost a single row twice the work.
            threadpoolctl.threadpool_limits(1)
            self._limited = scorer
        answers: list[_Answer]
        try:
            answers = [*predict_group(group, self._personal)]
        except Exception as error:  # one request must not fail its neighbours: each is asked for by itself
            answers = [error] if len(group) == 1 else [self._alone(request) for request in group]
        self._writer.write([prediction for answer in answers if isinstance(answer, list) for prediction in answer])
        return answers

    def _alone(self, request: _Request) -> "_Answer":
        try:
            return predict_group([request], self._personal)[0]
        except Exception as error:  # given to the one who asked
            return error


def predict_group(group: Sequence[Asked], personal: Personal) -> list[list[Prediction]]:
    """Score requests of one version by one predict; of each request a record a row, as it is to be journalled.

    Raises:
        SlipwayError: the rows can't be made a table of the types that training had.
    """
    scorer = group[0].live.scorer
    scores = scorer.score_rows([row for asked in group for row in asked.rows])
    probabilities = scores.probabilities or [None] * len(scores.predictions)
    scored = zip(scores.predictions, probabilities, scores.errors, strict=True)
    at, now = time.time(), time.perf_counter()
    kept, told = personal.journalled(scorer.bundle.schema), personal.reason
    answers, place = [], 0
    for asked in group:
        version, latency_ms = asked.live.version, round((now - asked.received) * 1000, 3)
        predictions = []
        for row, (prediction, shares, error) in zip(asked.rows, scored, strict=False):
            facts = (new_id(), at, version, kept(row), prediction, shares, latency_ms, told(error))
            unread = scores.lost.get(place) if scores.lost else None
            predictions.append(PartialPrediction(*facts, unread) if unread else Prediction(*facts))
            place += 1
        answers.append(predictions)
    return answers


_Answer = list[Prediction] | Exception
