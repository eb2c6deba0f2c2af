"""The command line and a served API, driven from outside as a user does."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Slipway:
    """The command line as a user has it: another process, its output, its exit code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SLIPWAY_USER": "ada"}
        self.command = [sys.executable, "-m", "slipway"]

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        self.said = done.stderr
        return done.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))

    @contextmanager
    def serving(self, *arguments: str) -> Iterator["Server"]:
        """A server in the background; `up` or `serve` with its arguments. Ended by SIGTERM, which has to give 0."""
        process = subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server = Server(process)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said


class Server:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.url = ""

    def line(self) -> str:
        """The next line of standard output that is not empty."""
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            if not line:
                assert self.process.stderr is not None
                raise AssertionError(f"the server ended: {self.process.stderr.read()}")
            if line.strip():
                return line.strip()

    def ask(self, path: str, body: Any = None, *, code: int = 200) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, said = error.code, error.read()
        assert status == code, f"{path} gave {status}: {said.decode()}"
        return json.loads(said)
