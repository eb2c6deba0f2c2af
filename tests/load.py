"""Callers that ask a stack's API all the time, and remember what was acknowledged and what was not."""

import http.client
import json
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit


class Load:
    """Threads that ask one route until they are told to stop; a body is made of a running number."""

    def __init__(self, url: str, token: str, path: str, body: Any, threads: int = 4, pause: float = 0.005) -> None:
        self.acknowledged: set[str] = set()
        """The identifiers of predictions that were answered."""
        self.failed: Counter[str] = Counter()
        """What else came: a status with the start of its text, or the fault of a connection."""
        self._address, self._path, self._body, self._pause = urlsplit(url).netloc, path, body, pause
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Until so many more were acknowledged."""
        wanted, end = len(self.acknowledged) + more, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < end, f"the API answers no more: {self.failed}"
            time.sleep(0.01)

    def _ask(self, number: int) -> None:
        connection, asked = http.client.HTTPConnection(self._address, timeout=30), 0
        while not self._stopping.is_set():
            asked += 1
            try:
                connection.request("POST", self._path, json.dumps(self._body(asked * 100 + number)), self._headers)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failed[type(error).__name__] += 1
                connection.close()
                time.sleep(0.05)
                continue
            if answer.status == 200:
                self.acknowledged |= set((answer.headers["x-prediction-id"] or "").split(","))
            else:
                self.failed[f"{answer.status} {said[:160].decode(errors='replace')}"] += 1
                time.sleep(0.05)
            time.sleep(self._pause)
        connection.close()
