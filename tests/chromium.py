"""A real browser for tests: the system's Chromium, driven by Playwright; nothing is downloaded."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
SECONDS = 60
PHONE = 500
"""Pixels below which a window is a phone's."""

T = TypeVar("T")


class Chromium:
    """One browser; every `open` is a page with a window of its own.

    Playwright keeps an event loop running in its thread, in which no test could start one of its own: it has one apart.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="playwright")
        self._opened: list[Any] = []
        self.do(self._start)

    def do(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()

    def open(self, address: str, *, width: int = 1280, height: int = 900, scheme: str = "light") -> "Page":
        return self.do(lambda: Page(self, self._context(width, height, scheme).new_page(), address))

    def close(self) -> None:
        self.do(self._stop)
        self._thread.shutdown()

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])

    def _stop(self) -> None:
        self._browser.close()
        self._playwright.stop()

    def _context(self, width: int, height: int, scheme: str) -> Any:
        for context in self._opened:  # one test looks at one page
            context.close()
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, is_mobile=width < PHONE
        )
        context.set_default_timeout(SECONDS * 1000)
        self._opened = [context]
        return context


class Page:
    """An open page."""

    def __init__(self, browser: Chromium, page: Any, address: str) -> None:
        self._browser = browser
        self._page = page
        self.requests: list[str] = []
        """Every address that the page asked for, its own among them."""
        self.complaints: list[str] = []
        """Errors and warnings: what a person sees in red or yellow in the console."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.goto(address)

    def evaluate(self, script: str) -> Any:
        """A JavaScript expression's value; a promise's once it is kept."""
        return self._browser.do(lambda: self._page.evaluate(script))

    def wait(self, script: str) -> None:
        """Until a JavaScript expression is true; a page's policy may forbid what Playwright waits by."""
        until = time.monotonic() + SECONDS
        while not self.evaluate(script):
            assert time.monotonic() < until, f"{script} was not true within {SECONDS} s"
            time.sleep(0.02)

    def screenshot(self, path: Path) -> None:
        """The whole page, as high as it is."""
        self._browser.do(lambda: self._page.screenshot(path=path, full_page=True))
