"""Services in, their containers ready out, in the order that Compose gives them; what happens on the way is told."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slipway.errors import BusyError, CheckRefused, OutsideError, ProjectError, SlipwayError
from slipway.project.stack import Stack
from slipway.stack.running.build import Say
from slipway.stack.running.engine import Container, Engine, Plan, Planned, last_words
from slipway.stack.running.status import State, state_of

_EVENTS = ("create", "start", "die", "health_status")
_LOOK_SECONDS = 0.4
_RECOVERY_SECONDS = 30.0
"""One that was well before, and missed what has just been started anew, is well again by then."""
_TOLD = 200
_LAST_LINES = 10
_OURS = frozenset({"job", "data", "monitor", "api", "test"})
"""Kinds whose process is `slipway`, so that its exit code says what kind of failure it was."""
_ERRORS: Mapping[int, type[SlipwayError]] = {1: CheckRefused, 2: ProjectError, 4: BusyError}


@dataclass(frozen=True, slots=True)
class _Until:
    """How long starting may take, and since when it has."""

    seconds: float | None
    began: float

    @property
    def end(self) -> float | None:
        return None if self.seconds is None else self.began + self.seconds


def start(
    engine: Engine, plan: Plan, stack: Stack, names: Sequence[str], say: Say, *, timeout: float | None = None
) -> list[str]:
    """Start services and all that they wait for, and come back once each is healthy, runs, or has done its work.

    `docker compose up --wait` calls a job that ends well a failure where nobody waits for its end, so the order is
    Compose's and the waiting ours.

    Args:
        names: all that have no profile, if empty.
        timeout: seconds for the whole; without one a job may take as long as it takes.

    Returns:
        What Compose warned of.

    Raises:
        SlipwayError: a service failed, or time is up; what is running goes on.
    """
    services = plan.wanted(names)
    until = _Until(timeout, time.monotonic())
    running = {each.service for each in engine.containers(plan.project) if each.state == "running"}
    kept = serving(services, running.intersection(each.name for each in stack.of("api")))
    if not kept:
        return _started(engine, plan, stack, services, names, say, until)
    # Compose stops what it will replace before the jobs run, so these would be away for as long as training takes.
    first = [each for each in services if each not in kept]
    try:
        warned = _started(engine, plan, stack, first, [each.name for each in first], say, until)
    except SlipwayError as error:
        goes_on = ", ".join(f"`{each.name}`" for each in kept if each.name in running)
        raise type(error)(f"{error}\nWhat ran before goes on as it was: {goes_on}.") from error
    last = ["--no-deps", *(each.name for each in kept)]
    return [*warned, *_started(engine, plan, stack, kept, last, say, until)]


def serving(services: Sequence[Planned], running: Collection[str]) -> list[Planned]:
    """Of these, the ones that are to go on while a job is done once more.

    Args:
        running: APIs that run now. A monitor is none of them: it would work on the code that the job has just replaced.

    Returns:
        Those that wait for a job, at whatever distance, and all that wait for them.
    """
    ends = {each.name for each in services if each.ends}
    before = {each.name: set(each.waits_for) for each in services}
    for _ in services:
        for names in before.values():
            names |= {far for near in tuple(names) for far in before.get(near, ())}
    kept = {name for name in running if before.get(name, set()) & ends}
    return [each for each in services if each.name in kept or before[each.name] & kept]


def _started(
    engine: Engine,
    plan: Plan,
    stack: Stack,
    services: Sequence[Planned],
    words: Sequence[str],
    say: Say,
    until: "_Until",
) -> list[str]:
    """Have Compose start what the words say, and wait for these services; what it warned of."""
    with _told(engine, plan, services, say) as ended:
        code, said = _composed_up(engine, words, until.end)
        last_well = time.monotonic()
        while True:
            containers = engine.containers(plan.project)
            states = _states(services, stack, containers)
            if not any(state.word == "unhealthy" for state in states.values()):
                last_well = time.monotonic()
            gives_up = bool(code) or time.monotonic() - last_well > _RECOVERY_SECONDS
            lost = _lost(containers, states, gives_up) or (_named(said, containers, states, ended) if code else None)
            if lost is not None:
                raise _failure(engine, stack, services, states, *lost)
            if code:
                raise OutsideError(f"`docker compose up` failed: {last_words(said)}")
            if code == 0 and all(state.is_ready for state in states.values()):
                return [line.strip() for line in said.splitlines() if "level=warning" in line or "orphan" in line]
            if until.end is not None and time.monotonic() > until.end:
                left = ", ".join(f"`{name}` ({state})" for name, state in states.items() if not state.is_ready)
                raise OutsideError(
                    f"Not ready after {until.seconds:g} s: {left}. What has started goes on: `slipway stack status` "
                    "shows it, `slipway stack logs` what it says, `slipway stack down` ends it."
                )
            time.sleep(_LOOK_SECONDS)


def failure(name: str, kind: str | None, state: State, said: Sequence[str], waiting: Sequence[str]) -> SlipwayError:
    """What became of a service, as the error that a command ends with: its own last message first.

    Args:
        kind: the project's; None for what is not of `[stack.services]`.
        said: its last lines.
        waiting: services that were not started, since they wait for it.
    """
    told = f"`{name}` {_became(state)}.{_left(waiting)} All that it said: `slipway stack logs {name}`."
    if state.lacked_memory:
        told += f' The engine ended it at its limit of memory: more is `memory = "2g"` of `{name}` in slipway.toml.'
    return error_of(state.exit_code if kind in _OURS else None, said, told)


def error_of(exit_code: int | None, said: Sequence[str], told: str) -> SlipwayError:
    """The error of a process that ended badly: its own last message first, then what is told of it.

    Args:
        exit_code: of a process of Slipway's, whose code says what kind of error it was.
    """
    return _ERRORS.get(exit_code or 0, OutsideError)("\n".join([*last_message(said), told]))


def last_message(said: Sequence[str]) -> list[str]:
    """The last thing that a process had to say: Slipway's own error where there is one, else its last lines."""
    starts = [at for at, line in enumerate(said) if line.startswith("slipway: ")]
    if starts:
        first, *more = said[starts[-1] :]
        return [first.removeprefix("slipway: "), *more[:_LAST_LINES]]
    return list(said[-_LAST_LINES:])


def _became(state: State) -> str:
    if state.word == "failed":
        return f"ended with exit code {state.exit_code}"
    return f"is {state.word}"


def _left(waiting: Sequence[str]) -> str:
    if not waiting:
        return ""
    verb = "wait for it and were" if len(waiting) > 1 else "waits for it and was"
    return f" {', '.join(f'`{each}`' for each in waiting)} {verb} not started."


def _states(services: Sequence[Planned], stack: Stack, containers: Sequence[Container]) -> dict[str, State]:
    return {
        each.name: state_of(each, stack.services.get(each.name), [c for c in containers if c.service == each.name])
        for each in services
    }


def _lost(
    containers: Sequence[Container], states: Mapping[str, State], gives_up: bool
) -> tuple[Container, State] | None:
    """The container that it is in vain to wait for: of several the one that ended first, the likelier cause.

    Args:
        gives_up: whether one that runs and is not well counts, too.
    """
    found = [
        each
        for each in containers
        if (state := states.get(each.service)) is not None
        and (
            (state.word == "failed" and each.exit_code != 0) or (gives_up and state.word == each.health == "unhealthy")
        )
    ]
    first = min(found, key=lambda each: each.since.timestamp() if each.since is not None else 0.0, default=None)
    return None if first is None else (first, states[first.service])


def _named(
    said: str, containers: Sequence[Container], states: Mapping[str, State], ended: Mapping[str, int]
) -> tuple[Container, State] | None:
    """The container that Compose gave up on: it may be starting again by now, so what it last ended with is told."""
    for each in containers:
        if each.service in states and re.search(rf"container {re.escape(each.name)} (is unhealthy|exited)", said):
            code = ended.get(each.service)
            return each, State("unhealthy") if code is None else State("failed", exit_code=code)
    return None


def _failure(
    engine: Engine,
    stack: Stack,
    services: Sequence[Planned],
    states: Mapping[str, State],
    container: Container,
    state: State,
) -> SlipwayError:
    service = stack.services.get(container.service)
    said = engine.last_lines(container.id)
    if container.health_said and state.word == "unhealthy":
        said = [*said[-_LAST_LINES:], f"health check: {' '.join(container.health_said.split())[:_TOLD]}"]
    waiting = _behind(container.service, services, states)
    return failure(container.service, None if service is None else service.kind, state, said, waiting)


def _behind(name: str, services: Sequence[Planned], states: Mapping[str, State]) -> list[str]:
    """The services that wait for one, at whatever distance, and that have not been started."""
    found: set[str] = {name}
    for _ in services:
        found |= {each.name for each in services if found & set(each.waits_for)}
    return sorted(each for each in found - {name} if states[each].word in ("not started", "created"))


def _composed_up(engine: Engine, words: Sequence[str], end: float | None) -> tuple[int | None, str]:
    """`docker compose up`, which comes back once everything is started: its exit code and what it said.

    None for the code where time was up before.
    """
    command = engine.compose("up", "--detach", "--no-build", *words)
    with subprocess.Popen(
        command, cwd=engine.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=None if end is None else max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.terminate()
            said, _ = process.communicate()
            return None, said
        except BaseException:
            process.terminate()
            raise
    return process.returncode, said


@contextmanager
def _told(engine: Engine, plan: Plan, services: Sequence[Planned], say: Say) -> Iterator[Mapping[str, int]]:
    """While this is open, what the engine does with the services' containers is told; the codes that they end with."""
    ended: dict[str, int] = {}
    words = [f"event={each}" for each in _EVENTS]
    words += ["type=container", f"label=com.docker.compose.project={plan.project}"]
    filters = [word for each in words for word in ("--filter", each)]
    command = ["docker", "events", "--since", f"{time.time():.3f}", "--format", "{{json .}}", *filters]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        teller = threading.Thread(target=_tell, args=(process, {each.name: each for each in services}, say, ended))
        teller.start()
        try:
            yield ended
        finally:
            time.sleep(0.1)  # what has just happened may still be on its way here
            process.terminate()
            teller.join()


def _tell(process: "subprocess.Popen[str]", services: Mapping[str, Planned], say: Say, ended: dict[str, int]) -> None:
    assert process.stdout is not None
    started: dict[str, float] = {}
    for line in process.stdout:
        try:
            told = json.loads(line)
            labels = told["Actor"]["Attributes"]
            service = services.get(labels.get("com.docker.compose.service", ""))
        except (ValueError, LookupError):
            continue
        if service is None or labels.get("com.docker.compose.oneoff") == "True":
            continue
        event = _event(told, labels, service, started)
        if event is not None and told["Action"] == "die":
            ended[service.name] = int(labels.get("exitCode", 0))
        if event is not None:
            number = labels.get("com.docker.compose.container-number", "1")
            say(service.name if service.replicas == 1 else f"{service.name} {number}", event)


def _event(
    told: Mapping[str, Any], labels: Mapping[str, str], service: Planned, started: dict[str, float]
) -> str | None:
    """What an event of a container means to who waits; None where it means nothing."""
    action, container, now = str(told["Action"]), str(told["Actor"]["ID"]), told["timeNano"] / 1e9
    if action == "create":
        return f"waits for {', '.join(service.waits_for)}" if service.waits_for else None
    if action == "start":
        started[container] = now
        return "starts" if service.has_health else "runs"
    if container not in started:  # the one that is replaced
        return None
    seconds = now - started[container]
    if action == "die":
        code = labels.get("exitCode", "?")
        return f"done, {seconds:.0f} s" if code == "0" else f"ended with exit code {code}, {seconds:.0f} s"
    return f"{action.removeprefix('health_status: ')}, {seconds:.0f} s"
