import asyncio

import httpx
import pytest

from slipway.serve.app import App
from slipway.serve.service import open_service


class Client:
    """Asks the application without a socket between."""

    def __init__(self, app):
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def ask(self, method, path, **options):
        return self.run(self.asked(method, path, **options))

    async def asked(self, method, path, **options):
        return await self._client.request(method, path, **options)

    def run(self, coroutine):
        """Run what asks several times at once."""
        return self._runner.run(coroutine)

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, **options):
        return self.ask("POST", path, **options)

    def close(self):
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture
def service(flats):
    """The parts of a server over the tiny project; nothing is released yet, and nothing looks by itself."""
    opened = open_service(flats.project, flats.settings, flats.storage)
    opened.access.look()
    yield opened
    opened.stop()


@pytest.fixture
def client(service):
    """What a caller sees; `service.live.look()` picks a release up."""
    app = App(service)
    opened = Client(app)
    yield opened
    opened.close()
    app.close()
