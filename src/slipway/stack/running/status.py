"""The plan, the engine's containers and the project's stack in; each service's state, address and login out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.project.stack import Service, Stack
from slipway.stack.running.engine import Container, Plan, Planned
from slipway.stack.running.secrets import API_TOKEN, FOLDER

ELSEWHERE = "elsewhere"
NOT_STARTED = "not started"
_HOST = "127.0.0.1"
_WORST = (
    "failed", "unhealthy", "restarting", "stopped", "paused", "created", "starting", "at work", "running", "healthy",
    "done",
)  # fmt: skip
"""A service of several containers stands as the first of these that one of them has."""
_READY = frozenset({"running", "healthy", "done", ELSEWHERE})


@dataclass(frozen=True, slots=True)
class State:
    """How the containers of one service stand."""

    word: str
    exit_code: int | None = None
    """Of one that failed."""
    lacked_memory: bool = False
    ready: int = 0
    """How many of its containers are as they should be."""
    wanted: int = 1

    @property
    def is_ready(self) -> bool:
        return self.word in _READY and self.ready >= self.wanted

    def __str__(self) -> str:
        told = self.word if self.exit_code is None else f"{self.word} with exit code {self.exit_code}"
        told += ", out of memory" if self.lacked_memory else ""
        return told if self.wanted == 1 else f"{told} ({self.ready} of {self.wanted})"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service, as `slipway stack status` tells of it."""

    service: str
    kind: str | None
    """Of the project's; None for what is not of `[stack.services]`: a proxy, a user's own addition."""
    state: str
    health: str | None
    is_right: bool
    """Whether it is as it should be; one of a profile may be absent."""
    url: str | None
    user: str | None
    """To log in as."""
    secret: str | None
    """The file that holds the password, or the token; relative to the project's folder."""
    image: str | None
    since: str | None
    """ISO 8601 in UTC."""

    def to_json(self) -> dict[str, Any]:
        """One of what `stack status --json` prints."""
        return asdict(self)


def state_of(planned: Planned, service: Service | None, containers: Sequence[Container]) -> State:
    """How a service stands.

    Args:
        service: what the project says of it, if it is the project's.
        containers: those of this service.
    """
    if not containers:
        return State(NOT_STARTED, wanted=planned.replicas)
    ends = planned.ends if service is None else service.runs_once
    words = [_word(each, ends, may_end=ends or (service is None and planned.may_end)) for each in containers]
    worst = min(range(len(words)), key=lambda at: _WORST.index(words[at]))
    is_failed = words[worst] == "failed"
    return State(
        words[worst],
        exit_code=containers[worst].exit_code if is_failed else None,
        lacked_memory=is_failed and containers[worst].lacked_memory,
        ready=sum(word in _READY for word in words),
        wanted=planned.replicas,
    )


def statuses(plan: Plan, stack: Stack, containers: Sequence[Container]) -> list[ServiceStatus]:
    """Every service of the plan and every one that runs elsewhere, by name."""
    of_service: dict[str, list[Container]] = {}
    for each in containers:
        of_service.setdefault(each.service, []).append(each)
    found = [
        _status(planned, stack, plan.services, of_service.get(name, [])) for name, planned in plan.services.items()
    ]
    found += [_external(service) for service in stack.services.values() if service.external]
    return sorted(found, key=lambda each: each.service)


def _word(container: Container, ends: bool, *, may_end: bool) -> str:
    match container.state:
        case "running":
            return container.health or ("at work" if ends else "running")
        case "exited" | "dead":
            if container.exit_code == 0:
                return "done" if may_end else "stopped"
            return "failed"
        case "created" | "paused" | "restarting":
            return container.state
        case _:  # such as "removing"
            return "stopped"


def _status(
    planned: Planned, stack: Stack, services: Mapping[str, Planned], containers: Sequence[Container]
) -> ServiceStatus:
    service = stack.services.get(planned.name)
    state = state_of(planned, service, containers)
    is_absent_by_choice = bool(planned.profiles) and not containers
    user, secret = _login(service)
    newest = max((each.since for each in containers if each.since is not None), default=None)
    return ServiceStatus(
        service=planned.name,
        kind=None if service is None else service.kind,
        state=f"profile {', '.join(planned.profiles)}" if is_absent_by_choice else str(state),
        health=next((each.health for each in containers if each.health is not None), None),
        is_right=state.is_ready or is_absent_by_choice,
        url=_url(planned, service, services),
        user=user,
        secret=secret,
        image=planned.image,
        since=_text(newest),
    )


def _external(service: Service) -> ServiceStatus:
    user, secret = _login(service)
    return ServiceStatus(
        service=service.name,
        kind=service.kind,
        state=ELSEWHERE,
        health=None,
        is_right=True,
        url=service.host,
        user=user,
        secret=secret,
        image=None,
        since=None,
    )


def _login(service: Service | None) -> tuple[str | None, str | None]:
    match None if service is None else service.kind:
        case "postgres":
            return "slipway", f"{FOLDER}/slipway_password"
        case "api":
            return "Authorization: Bearer", f"{FOLDER}/{API_TOKEN}"
        case _:
            return None, None


def _url(planned: Planned, service: Service | None, services: Mapping[str, Planned]) -> str | None:
    ports = planned.ports
    if service is not None and service.has_proxy and service.proxy in services:
        ports = services[service.proxy].ports
    if not ports:
        return None
    host = _HOST if ports[0].host in ("0.0.0.0", "::") else ports[0].host  # noqa: S104
    if service is not None and service.kind == "postgres":
        return f"postgresql://slipway@{host}:{ports[0].port}/{service.database}"
    return f"http://{host}:{ports[0].port}"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def secret_files(folder: Path, plan: Plan, services: Sequence[Planned]) -> dict[str, Path]:
    """The files of secrets that these services read, by name; those within the folder relative to it."""
    names = {name for service in services for name in service.secrets}
    found = {name: path for name, path in plan.secrets.items() if name in names}
    return {name: path.relative_to(folder) if path.is_relative_to(folder) else path for name, path in found.items()}
