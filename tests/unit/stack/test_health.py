import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slipway.stack.kinds import health


@pytest.fixture
def server():
    """Answers with the status that it has at the time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, self.headers["Host"]))
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(b"not 200 yet")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as held:
        held.status, held.asked = 200, []
        thread = threading.Thread(target=held.serve_forever)
        thread.start()
        yield held
        held.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def marker(tmp_path, monkeypatch):
    """Where a check notes that all was well."""
    monkeypatch.setattr(health, "_WAS_WELL", str(tmp_path / "was-well"))
    monkeypatch.setattr(health, "_RESTS_SECONDS", 1)
    return tmp_path / "was-well"


def looked(port, seconds):
    """The exit code of the check's command, given up after so many seconds, and how long it took."""
    words = health.answering(port, "/api/health")["test"]
    assert words[:2] == ["CMD", "timeout"]
    began = time.monotonic()
    done = subprocess.run(["timeout", str(seconds), *words[3:]], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    return done.returncode, time.monotonic() - began


def test_what_answers_200_is_well(server):
    port = server.server_address[1]
    assert looked(port, 5)[0] == 0
    assert server.asked == [("/api/health", f"127.0.0.1:{port}")]


def test_it_rests_before_it_looks_again(server, marker):
    port = server.server_address[1]
    assert looked(port, 5)[1] < 0.9
    assert marker.exists()
    code, seconds = looked(port, 5)
    assert (code, len(server.asked)) == (0, 2)
    assert seconds >= 1


def test_what_is_not_ready_is_looked_at_until_it_is(server):
    server.status = 503
    threading.Timer(0.7, lambda: setattr(server, "status", 200)).start()
    code, seconds = looked(server.server_address[1], 9)
    assert code == 0
    assert seconds >= 0.6
    assert len(server.asked) > 1


@pytest.mark.parametrize("is_there", [True, False])
def test_what_answers_otherwise_or_is_not_there_is_not_well(server, is_there):
    server.status = 503
    assert looked(server.server_address[1] if is_there else 9, 1)[0] != 0


def test_the_engine_gives_up_after_the_check_has():
    check = health.answering(80)
    assert int(check["test"][2]) < int(check["timeout"].removesuffix("s"))
