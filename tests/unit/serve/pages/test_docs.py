import base64
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


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
def test_a_browser_shows_the_routes_and_a_body_to_send(client, live, browser):
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
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        shown = browser.open(f"{address}/docs")
        shown.wait("document.querySelector('summary')")
        html = shown.evaluate("document.documentElement.outerHTML").replace("<wbr>", "")
        assert set(shown.requests) == {f"{address}/docs", f"{address}/openapi.json"}
        server.shutdown()
    routes = re.findall(r"<summary><b>(\w+)</b><code>([^<]+)</code>", html)
    paths = {(method.upper(), path) for path, methods in document.json()["paths"].items() for method in methods}
    assert set(routes) == paths
    assert routes[0] == ("POST", "/predict")
    assert "version 1 is live" in html
    assert "area: string" in html
