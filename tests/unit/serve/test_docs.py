import base64
import hashlib
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def live(flats, service):
    flats.release(1)
    service.live.look()
    return service


def test_the_page_runs_its_own_script_and_fetches_nothing_from_elsewhere(client, live):
    reply = client.get("/docs")
    policy = reply.headers["content-security-policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", reply.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"https?://|src=|@import|url\(", reply.text)
    assert "innerHTML" not in script  # what the document says stays text


def test_the_page_is_no_route_of_the_document(client, live):
    assert "/docs" not in client.get("/openapi.json").json()["paths"]


@pytest.mark.service
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_browser_shows_the_routes_and_a_body_to_send(client, live, tmp_path):
    page, document = client.get("/docs"), client.get("/openapi.json")

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            found = {"/docs": page, "/openapi.json": document}.get(self.path)
            self.send_response(200 if found else 404)
            for name in ("content-type", "content-security-policy"):
                if found and name in found.headers:
                    self.send_header(name, found.headers[name])
            self.end_headers()
            self.wfile.write(found.content if found else b"")

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update")  # fmt: skip
        address = f"http://127.0.0.1:{server.server_address[1]}/docs"
        done = subprocess.run(
            [CHROMIUM, *flags, f"--user-data-dir={tmp_path}", "--virtual-time-budget=5000", "--dump-dom", address],
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        server.shutdown()
    routes = re.findall(r"<summary><b>(\w+)</b><code>([^<]+)</code>", done.stdout)
    paths = {(method.upper(), path) for path, methods in document.json()["paths"].items() for method in methods}
    assert set(routes) == paths
    assert routes[0] == ("POST", "/predict")
    assert "version 1 is live" in done.stdout
    assert "area: string" in done.stdout
