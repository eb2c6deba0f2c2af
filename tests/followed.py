"""A command of a document in, what it said out: run as it stands, but for what would never end or would take days."""

import os
import re
import shlex
import signal
import subprocess
import time

from engine import Stack, docker

ONCE = ("job", "data", "test")
DESTROYS = ("--rmi", "--no-cache")
"""Options that take away images that others need, or make them anew for minutes: Compose says what it would do."""


def follow(stack: Stack, command: str) -> str:
    """Run it in the stack's folder. Fails where it does, or where a service that it starts does not do well.

    What goes on for good is watched until it does what it is for, and then ended: a server that is run, a log that is
    followed. `up` goes to the background, since there are more commands to come.
    """
    words = [_filled(stack, word) for word in shlex.split(command)]
    environment = {}
    while re.match(r"[A-Z_]+=", words[0]):  # the value is hidden in the table; the one that is in use changes nothing
        environment[words.pop(0).split("=")[0]] = stack.secret("postgres_password")
    if words[0] == "slipway":
        return stack.slipway(*words[1:], environment=environment)
    if words[:2] != ["docker", "compose"]:
        said = stack.run(words)
        if words[:2] == ["docker", "build"] and "-t" in words:
            docker("rmi", words[words.index("-t") + 1])
        return said or "done"
    return _compose(stack, words[2:])


def _compose(stack: Stack, words: list[str]) -> str:
    verb = next(word for word in words if word in VERBS)
    place = words.index(verb)
    leading, rest = words[:place], words[place + 1 :]
    if set(DESTROYS) & set(words):
        return stack.compose("--dry-run", *words)
    if verb == "up":
        return _up(stack, leading, rest)
    if verb == "run" and (service := _service(stack, rest)) is not None and _goes_on(stack, service, rest):
        return _run_until_it_serves(stack, leading, rest, service)
    if verb in ("run", "exec"):
        return stack.compose(*leading, verb, "-T", *rest) or "done"
    if "-f" in rest and verb == "logs":
        return _while(stack, ["docker", "compose", *words])
    return stack.compose(*words, *(["-t", "3"] if verb == "down" else [])) or "done"


VERBS = ("up", "run", "exec", "logs", "ps", "down", "build", "pull", "config")


def _up(stack: Stack, leading: list[str], rest: list[str]) -> str:
    """In the background; then each service that ends has ended well, and the others are.

    With a database that runs elsewhere, which no test has, it is what Compose makes of the files.
    """
    if any(".prod." in word for word in leading):
        return stack.run(["docker", "compose", *leading, "config"], environment={"DATABASE_HOST": "db.example.org"})
    said = stack.compose(*leading, "up", "-d", *[word for word in rest if word != "-d"], seconds=900)
    states = _states(stack, leading)
    end = time.monotonic() + 300
    while any(_is_under_way(stack, *state) for state in states) and time.monotonic() < end:
        time.sleep(1.0)
        states = _states(stack, leading)
    bad = [state for state in states if state[1] not in ("running", "exited") or state[2] or state[3] == "unhealthy"]
    assert not bad, f"{bad}\n{stack.told()}"
    return said


def _states(stack: Stack, leading: list[str]) -> list[tuple[str, str, int, str]]:
    shown = stack.stdout(*leading, "ps", "--all", "--format", "{{.Service}}\t{{.State}}\t{{.ExitCode}}\t{{.Health}}")
    rows = [line.split("\t") for line in shown.splitlines()]
    return [(service, state, int(code), health) for service, state, code, health in rows]


def _is_under_way(stack: Stack, service: str, now: str, code: int, health: str) -> bool:
    del code
    works = now == "running" and stack.kinds().get(service) in ONCE
    return works or now in ("created", "restarting") or health == "starting"


def _service(stack: Stack, rest: list[str]) -> str | None:
    return next((word for word in rest if word in stack.kinds()), None)


def _goes_on(stack: Stack, service: str, rest: list[str]) -> bool:
    return stack.kinds()[service] not in (*ONCE, "shell") and rest[-1] == service


def _run_until_it_serves(stack: Stack, leading: list[str], rest: list[str], service: str) -> str:
    if "--service-ports" in rest:
        stack.compose("stop", "-t", "5", service)
    command = ["docker", "compose", *leading, "run", "-T", *rest]
    process = subprocess.Popen(
        command, cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    labels = [f"label=com.docker.compose.project={stack.name}", "label=com.docker.compose.oneoff=True"]
    asked = ["ps", "--quiet", *(part for label in labels for part in ("--filter", label))]
    end = time.monotonic() + 90
    found = ""
    while time.monotonic() < end and process.poll() is None:
        found = docker(*asked).strip()
        if found and _is_well(found):
            break
        time.sleep(1.0)
    is_well = bool(found) and _is_well(found)
    if found:
        docker("stop", "-t", "10", found)
    said = process.communicate(timeout=60)[0]
    if "--service-ports" in rest:
        stack.compose("up", "-d", "--wait", service)
    assert is_well, said
    return said or "done"


def _is_well(container: str) -> bool:
    health = docker("inspect", "--format", "{{if .State.Health}}{{.State.Health.Status}}{{end}}", container).strip()
    return health == "healthy"


def _while(stack: Stack, command: list[str], seconds: float = 3) -> str:
    """What a command says within some seconds, after which it is interrupted as by a person."""
    process = subprocess.Popen(
        command, cwd=stack.folder, env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)[0]


def _filled(stack: Stack, word: str) -> str:
    named = {
        "[service-name]": next(iter(stack.kinds())),
        "[volume-name]": f"{stack.name}_state",
        "[network-name]": f"{stack.name}_{stack.table()['network']}",
    }
    return named.get(word, word).replace("$(pwd)", os.fspath(stack.folder))
