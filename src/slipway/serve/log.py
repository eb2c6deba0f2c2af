"""What happens in a service in, one line each on standard error out, by a thread that no request waits for."""

import logging
import sys
import time
import traceback
from collections import deque
from datetime import UTC, datetime
from threading import Event, Thread
from typing import IO, Any, Literal

import msgspec

from slipway.serve.http.exchange import Exchange

Form = Literal["auto", "json", "text"]

WRITE_SECONDS = 0.1
MAX_WAITING = 20_000
"""Lines that wait for a reader of standard error; beyond them lines are dropped, and counted."""
LAST_SECONDS = 2.0
"""How long the last lines have to be taken, at the end."""

_LOGGERS = ("slipway", "uvicorn", "py.warnings")


class ServiceLog(logging.Handler):
    """The log of one service: its own records, and a line for each answered request.

    Args:
        form: "auto" is text for a terminal and JSON for anything else.
        is_quiet: warnings and errors alone.
        hides_words: of an exception its place and kind alone are told, since its words may quote what is personal.
    """

    def __init__(
        self, form: Form = "auto", *, is_quiet: bool = False, hides_words: bool = False, out: IO[str] | None = None
    ) -> None:
        super().__init__(logging.WARNING if is_quiet else logging.INFO)
        self._out = out or sys.stderr
        self._is_json = form == "json" or (form == "auto" and not self._out.isatty())
        self._is_quiet = is_quiet
        self._hides_words = hides_words
        self._lines: deque[tuple[float, Exchange | logging.LogRecord]] = deque()
        self._dropped = 0
        self._stopping = Event()
        self._thread = Thread(target=self._keep_writing, name="log", daemon=True)
        self._levels = {name: logging.getLogger(name).level for name in _LOGGERS}

    def start(self) -> None:
        """Take the records of the service's loggers from now on."""
        # A library's warning goes to standard error otherwise, where whoever warns waits for a reader.
        logging.captureWarnings(True)
        for name, level in zip(_LOGGERS, (logging.INFO, logging.WARNING, logging.WARNING), strict=True):
            logger = logging.getLogger(name)
            logger.addHandler(self)
            logger.setLevel(level)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and leave the loggers as they were."""
        logging.captureWarnings(False)
        for name, level in self._levels.items():
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).setLevel(level)
        self._stopping.set()
        self._thread.join(LAST_SECONDS)  # nobody may be reading the other end of a pipe

    def emit(self, record: logging.LogRecord) -> None:
        """A record of a logger."""
        self._take(record)

    def answered(self, exchange: Exchange) -> None:
        """An answered request."""
        if not self._is_quiet:
            self._take(exchange)

    def _take(self, what: "Exchange | logging.LogRecord") -> None:
        if len(self._lines) >= MAX_WAITING:
            self._dropped += 1
            return
        self._lines.append((time.time(), what))

    def _keep_writing(self) -> None:
        while not self._stopping.wait(WRITE_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        texts = []
        while self._lines:
            at, what = self._lines.popleft()
            texts.append(self._line(at, self._facts(what)))
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            message = f"{lost} lines were dropped: nobody read them in time"
            texts.append(self._line(time.time(), {"level": "warning", "event": "log", "message": message}))
        if not texts:
            return
        try:
            self._out.write("".join(texts))
            self._out.flush()
        except (OSError, ValueError):  # standard error is gone, and there is nowhere to say so
            return

    def _facts(self, what: "Exchange | logging.LogRecord") -> dict[str, Any]:
        return _request(what) if isinstance(what, Exchange) else _record(what, hides_words=self._hides_words)

    def _line(self, at: float, facts: dict[str, Any]) -> str:
        moment = datetime.fromtimestamp(at, UTC)
        if self._is_json:
            told = {"at": moment.isoformat(timespec="milliseconds"), **facts}
            return msgspec.json.encode(told).decode() + "\n"
        return f"{moment:%H:%M:%S} {_as_text(facts)}\n"


def _request(exchange: Exchange) -> dict[str, Any]:
    status = exchange.status
    facts = {
        "level": "info" if status is not None and status < 500 else "error",
        "event": "request",
        "id": exchange.id.decode("ascii"),
        "method": exchange.method[:20],
        "route": exchange.route,
        "status": status,  # null: the caller left before there was an answer
        "ms": round(exchange.seconds * 1000, 2),
    }
    more = {"rows": exchange.rows, "version": exchange.version, "caller": exchange.caller}
    return facts | {name: value for name, value in more.items() if value is not None}


def _record(record: logging.LogRecord, *, hides_words: bool) -> dict[str, Any]:
    facts = {"level": record.levelname.lower(), "event": "log", "message": record.getMessage(), "logger": record.name}
    if record.exc_info:
        kind, _, trace = record.exc_info
        if hides_words and kind is not None:
            facts["exception"] = "".join(traceback.format_tb(trace)) + kind.__name__
        else:
            facts["exception"] = logging.Formatter().formatException(record.exc_info)
    return facts


def _as_text(facts: dict[str, Any]) -> str:
    if facts["event"] != "request":
        level = "" if facts["level"] == "info" else f"{facts['level']}: "
        trace = f"\n{facts['exception']}" if "exception" in facts else ""
        return f"{level}{facts['message']}{trace}"
    rows = f"  {facts['rows']} row{'' if facts['rows'] == 1 else 's'}" if "rows" in facts else ""
    version = f"  version {facts['version']}" if "version" in facts else ""
    by = f"  by {facts['caller']}" if "caller" in facts else ""
    status = "gone" if facts["status"] is None else facts["status"]
    return f"{facts['method']} {facts['route']} {status}  {facts['ms']:.1f} ms{rows}{version}{by}  {facts['id']}"
