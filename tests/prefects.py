"""A server that answers as Prefect's API does to the few requests that are made of it, and keeps what it was told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4


class Prefects:
    """What a server holds; it can be away, and come back at the same port with all of it."""

    def __init__(self) -> None:
        self.port = 0
        self.token: str | None = None
        """Where it is set, changes without it are refused."""
        self.tokens_given = 0
        self.status = 0
        """Where it is set, every request is answered with it."""
        self.flows: list[str] = []
        self.deployments: list[dict[str, Any]] = []
        self.due: list[str] = []
        self.taken: set[str] = set()
        """Runs that another has taken."""
        self.runs: dict[str, list[dict[str, Any]]] = {}
        """The states of each flow run."""
        self.events: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def tasks(self) -> dict[str, list[dict[str, Any]]]:
        """The changes of each task, by its name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for event in self.events:
            found.setdefault(event["payload"]["task_run"]["name"], []).append(event)
        return found

    def ended(self) -> dict[str, tuple[str, str]]:
        """By task, the name of its last state and what it says."""
        last = {name: events[-1]["payload"]["validated_state"] for name, events in self.tasks().items()}
        return {name: (state["name"], state["message"]) for name, state in last.items()}

    def said(self, task: str | None) -> list[str]:
        """The lines of a task, by its name, or of the run itself."""
        ids = {
            e["resource"]["prefect.resource.id"].split(".")[-1]: name for name, es in self.tasks().items() for e in es
        }
        return [line["message"] for line in self.lines if ids.get(line["task_run_id"]) == task]

    def start(self) -> None:
        """Answer, at the port that it had before."""
        held = self

        class Api(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._give(*held._got(self.path))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                token = self.headers["prefect-csrf-token"]
                self._give(*held._posted(self.path.removeprefix("/api"), body, token))

            def _give(self, status: int, answer: Any) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Api)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _got(self, path: str) -> tuple[int, Any]:
        self.asked.append(f"GET {path}")
        if self.status:
            return self.status, {"detail": "said so"}
        if "/csrf-token" in path:
            self.tokens_given += 1
            return (200, {"token": self.token}) if self.token else (422, {"detail": "CSRF protection is disabled."})
        return 200, {"state": self.runs[path.split("/")[-1]][-1]}

    def _posted(self, path: str, body: Any, token: str | None) -> tuple[int, Any]:
        self.asked.append(f"POST {path}")
        if self.status:
            return self.status, {"detail": "said so"}
        if self.token is not None and token != self.token:
            return 403, {"detail": "Invalid CSRF token or client identifier."}
        match path.strip("/").split("/"):
            case ["flows"]:
                self.flows.append(body["name"])
            case ["flow_runs"]:
                self.runs[made := str(uuid4())] = [body["state"]]
                return 201, {"id": made}
            case ["flow_runs", run, "set_state"]:
                if run in self.taken:
                    return 200, {"status": "REJECT"}
                self.runs.setdefault(run, []).append(body["state"])
                return 201, {"status": "ACCEPT"}
            case ["events"]:
                self.events.extend(body)
            case ["logs"]:
                self.lines.extend(body)
            case ["deployments"]:
                self.deployments.append(body)
            case ["deployments", "get_scheduled_flow_runs"]:
                return 200, [{"id": run} for run in self.due]
            case ["deployments", _, "create_flow_run"]:
                self.due.append(f"asked-{len(self.due)}")
            case _:
                return 404, {"detail": "Not Found"}
        return 201, {"id": "one"}


@contextmanager
def prefects() -> Iterator[Prefects]:
    """One that answers; it is gone at the end."""
    held = Prefects()
    held.start()
    try:
        yield held
    finally:
        held.stop()
