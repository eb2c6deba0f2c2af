"""A real browser, driven over its own protocol through a pipe: an address in, what it shows and complains of out."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--remote-debugging-pipe")  # fmt: skip

# The browser reads commands at 3 and answers at 4.
LAUNCH = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3); os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """One browser; every `open` is a page with a window of its own."""

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        commands, self._send = os.pipe()
        self._receive, answers = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(commands), str(answers), CHROMIUM, *FLAGS, f"--user-data-dir={folder}"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._unread = b""
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    def open(self, address: str, *, width: int = 1280, height: int = 900, scheme: str = "light") -> "Page":
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        is_phone = width < 500
        page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.call("Page.navigate", url=address)
        self.wait(lambda: page.saw("Page.loadEventFired"))
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        self._calls += 1
        asked = {"id": self._calls, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._send, json.dumps(asked).encode() + b"\0")
        answer: dict[str, Any] = {}

        def is_answered() -> bool:
            found = next((e for e in self.events if e.get("id") == asked["id"]), None)
            answer.update(found or {})
            return found is not None

        self.wait(is_answered)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def wait(self, is_done: Any, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not is_done():
            ready, _, _ = select.select([self._receive], [], [], max(until - time.monotonic(), 0))
            assert ready, f"the browser said nothing for {seconds:g} s"
            said = os.read(self._receive, 1 << 20)
            assert said, f"the browser ended with {self._process.poll()}"
            *whole, self._unread = (self._unread + said).split(b"\0")
            self.events += [json.loads(message) for message in whole]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._send)
        os.close(self._receive)


class Page:
    """An open page."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **params: Any) -> Any:
        return self._browser.call(method, self._session, **params)

    def evaluate(self, script: str) -> Any:
        """A JavaScript expression's value; a promise's once it is kept."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str) -> None:
        """Until a JavaScript expression is true."""
        self.evaluate(
            f"new Promise(kept => {{ const look = () => ({script}) ? kept() : setTimeout(look, 20); look(); }})"
        )

    def saw(self, method: str) -> list[dict[str, Any]]:
        return [e["params"] for e in self._browser.events if e.get("method") == method and self._is_ours(e)]

    @property
    def requests(self) -> list[str]:
        """Every address that the page asked for, its own among them."""
        return [e["request"]["url"] for e in self.saw("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings: what a person sees in red or yellow in the console."""
        thrown = [str(e["exceptionDetails"]) for e in self.saw("Runtime.exceptionThrown")]
        logged = [e["entry"]["text"] for e in self.saw("Log.entryAdded") if e["entry"]["level"] in ("error", "warning")]
        called = [str(e["args"]) for e in self.saw("Runtime.consoleAPICalled") if e["type"] in ("error", "warning")]
        return thrown + logged + called

    def screenshot(self, path: Path) -> None:
        """The whole page, as high as it is."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(found["data"]))

    def _is_ours(self, event: dict[str, Any]) -> bool:
        return event.get("sessionId") == self._session
