"""A Docker engine, and an example's stack on it, driven from outside as a user does."""

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

MISSING = "there is no Docker engine with Compose 2 that answers `docker info`"
ROOT = Path(__file__).resolve().parents[1]
PREFIX = "slipway-test-"
"""Of every project's name, so that what a test leaves behind can be told from what is somebody's."""


def has_engine() -> bool:
    """Whether an engine answers, and its Compose is there."""
    if shutil.which("docker") is None:
        return False
    asked = (["docker", "info", "--format", "{{.ServerVersion}}"], ["docker", "compose", "version"])
    return all(subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0 for words in asked)


def require_engine() -> None:
    """Skip where there is no engine; fail where services are required."""
    if has_engine():
        return
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


class Stack:
    """A project made from an example, with a Compose project's name and published ports of its own."""

    def __init__(self, folder: Path, example: str, name: str | None = None, settings: Sequence[tuple[str, str]] = ()):
        """Make the project `folder`/`example`, unless it is there; each of `settings` replaces a text of its
        `slipway.toml` once.
        """
        self.example, self.name = example, PREFIX + (name or example)
        self.environment = _environment()
        self.verbs: list[tuple[str, ...]] = []
        """Of the command line, as they were called."""
        self.folder = folder
        if not (folder / example).exists():
            self.slipway("new", example, "--example", example)
        self.folder = folder / example
        place = self.folder / "slipway.toml"
        text = place.read_text(encoding="utf-8")
        for old, new in settings:
            assert old in text, f"{place} has no {old!r}"
            text = text.replace(old, new, 1)
        place.write_text(_with_own_name_and_ports(text, self.name), encoding="utf-8")

    def slipway(
        self, *arguments: str, code: int = 0, seconds: float = 900, environment: Mapping[str, str] | None = None
    ) -> str:
        """A verb of the command line in the project's folder: its standard output, then its standard error."""
        self.verbs.append(arguments)
        command = [sys.executable, "-m", "slipway", *arguments]
        return self.run(command, code=code, seconds=seconds, environment=environment)

    def compose(self, *arguments: str, code: int = 0, seconds: float = 600) -> str:
        """`docker compose …` in the project's folder, as the documents have it."""
        return self.run(["docker", "compose", *arguments], code=code, seconds=seconds)

    def run(
        self,
        command: Sequence[str],
        *,
        code: int | None = 0,
        seconds: float = 600,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Any command in the project's folder; what it said is in the failure where it ends with another code."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment | dict(environment or {}), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        if code is not None:
            assert done.returncode == code, f"{' '.join(command)} ended with {done.returncode}:\n{said[-8000:]}"
        return said

    def up(self, *arguments: str) -> str:
        """`slipway stack up`; the containers' logs are in the failure where it does not end well."""
        try:
            with self.building():
                return self.slipway("stack", "up", *arguments, seconds=1800)
        except (AssertionError, subprocess.TimeoutExpired):
            sys.stderr.write(self.told())
            raise

    @contextmanager
    def building(self) -> Iterator[None]:
        """Alone where none of its images is there yet: builds that share steps can end Docker 20.10 in a panic."""
        if docker("image", "ls", "--quiet", "--filter", f"reference={self.name}-*"):
            yield
            return
        with (Path(tempfile.gettempdir()) / f"{PREFIX}build.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def down(self) -> None:
        """Containers, networks and volumes are gone; images stay for the next time."""
        # By its name, which needs no file: an interrupted run may have left nothing else.
        command = ["docker", "compose", "-p", self.name, "--profile", "*", "down", "-v", "--remove-orphans", "-t", "3"]
        self.run(command, code=None)

    def told(self) -> str:
        """States and last lines of every container, for who reads a failure."""
        asked = (["ps", "--all"], ["logs", "--no-color", "--tail", "60"])
        return "\n".join(self.run(["docker", "compose", *words], code=None) for words in asked)

    def table(self) -> dict[str, Any]:
        """`[stack]` of the project, the chosen layout's keys over the others."""
        stack = tomllib.loads((self.folder / "slipway.toml").read_text(encoding="utf-8"))["stack"]
        return stack | stack.get("layouts", {}).get(stack.get("layout", ""), {})

    def kinds(self) -> dict[str, str]:
        """The kind of each service that the project names."""
        return {name: service["kind"] for name, service in self.table()["services"].items()}

    def services(self) -> dict[str, Any]:
        """What Compose makes of the rendered files, by service, whatever its profile."""
        return dict(json.loads(self.stdout("--profile", "*", "config", "--format", "json"))["services"])

    def stdout(self, *arguments: str) -> str:
        """Standard output alone of `docker compose …`."""
        command = ["docker", "compose", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-8000:]}"
        return done.stdout

    def containers(self, service: str = "") -> list[str]:
        """Identifiers of the containers, running or ended; of one service or of all."""
        return self.stdout("--profile", "*", "ps", "--all", "--quiet", *([service] if service else [])).split()

    def inspected(self, service: str) -> Any:
        """What the engine knows of a service's first container."""
        return json.loads(docker("inspect", self.containers(service)[0]))[0]

    def python(self, service: str, code: str) -> str:
        """What a line of Python says inside a service's running container."""
        return self.stdout("exec", "-T", service, "python", "-c", code).strip()

    def sql(self, query: str, database: str, service: str = "database") -> str:
        """A query as the superuser on the server's own socket."""
        words = ["psql", "-U", "postgres", "-d", database, "-At", "-v", "ON_ERROR_STOP=1", "-c", query]
        return self.stdout("exec", "-T", service, *words).strip()

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text(encoding="utf-8").strip()

    def url(self, service: str) -> str:
        """Where a service is published, or what publishes it where it has replicas; on 127.0.0.1 alone."""
        return f"http://127.0.0.1:{self.table()['services'][service]['port']}"

    def ask(self, service: str, path: str, body: Any = None, *, code: int = 200, token: str | None = None) -> Any:
        """An API's answer, with the stack's token unless another one is given; "" is none."""
        held = self.secret("api_token") if token is None else token
        status, said = asked(self.url(service) + path, body, held)
        assert status == code, f"{path} gave {status}: {said!r}"
        return json.loads(said)

    def predict(self, service: str, path: str, body: Any) -> str:
        """The identifiers of what an API predicts, as the journal has them."""
        status, said, headers = answered(self.url(service) + path, body, self.secret("api_token"))
        assert status == 200, said
        return str(headers["x-prediction-id"])

    def wait_for(self, service: str, path: str, holds: Any, seconds: float = 60) -> Any:
        """Ask until an answer is as `holds` wants it; the last one."""
        end, said = time.monotonic() + seconds, b""
        while time.monotonic() < end:
            try:
                _, said = asked(self.url(service) + path, None, self.secret("api_token"))
                if holds(answer := json.loads(said)):
                    return answer
            except (OSError, ValueError):
                pass
            time.sleep(0.3)
        raise AssertionError(f"{path} did not become what it should in {seconds} s; last: {said!r}\n{self.told()}")


def asked(url: str, body: Any = None, token: str = "") -> tuple[int, bytes]:
    """Status and body of an answer. Raises OSError where nobody answers."""
    return answered(url, body, token)[:2]


def answered(url: str, body: Any = None, token: str = "") -> tuple[int, bytes, Message]:
    """The same, and what stands above the body."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def docker(*arguments: str, seconds: float = 300) -> str:
    """`docker …`: its standard output."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


@contextmanager
def standing(folder: Path, example: str, *services: str, **options: Any) -> Iterator[Stack]:
    """An example's stack that is up; taken down at the end, with its volumes."""
    require_engine()
    stack = Stack(folder, example, **options)
    try:
        stack.down()  # what an interrupted run left behind
        stack.up(*services)
        yield stack
    finally:
        stack.down()


def document_rows(example: str, layout: str | None = None) -> list[Any]:
    """The rows of a document's table that need an engine, each as a parameter of a test; those that end it last."""
    rows = tomllib.loads((ROOT / f"docs/documents/{example}.toml").read_text(encoding="utf-8"))["command"]
    found = []
    for row in rows:
        command = re.sub(r"\bdocker-compose(?=\s)", "docker compose", row.get("ours", row["text"]).strip())
        first = command.split()[0]
        of_engine = first in ("docker", "cp") or " slipway stack " in f" {command} "
        if row["status"] in ("works", "works with") and of_engine and row.get("layout") == layout:
            found.append(pytest.param(command, id=row["text"][:70]))
    return sorted(found, key=lambda row: " down" in row.values[0])


def eventually(look: Callable[[], Any], wanted: Any, seconds: float = 20) -> Any:
    """What `look` gives when it is as wanted, or when time is up."""
    end = time.monotonic() + seconds
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.5)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "SLIPWAY_"))}
    return kept | {"COMPOSE_ANSI": "never", "COMPOSE_PROGRESS": "plain"}


def _with_own_name_and_ports(text: str, name: str) -> str:
    """A `slipway.toml` whose stack has this name, and free ports where it publishes any."""
    before, stack = text.split("\n[stack]\n", 1)
    stack, named = re.subn(r'^name = "[^"]*"', f'name = "{name}"', stack, count=1, flags=re.M)
    if not named:
        stack = f'name = "{name}"\n{stack}'
    taken: dict[str, int] = {}

    def published(found: re.Match[str]) -> str:
        return f"port = {taken.setdefault(found[1], free_port())}"

    return f"{before}\n[stack]\n" + re.sub(r"\bport = (\d+)", published, stack)
