"""A project's folder and its Compose files in; `docker` and `docker compose` called, what they say as facts, out."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from slipway.errors import OutsideError, ProjectError, near_miss
from slipway.settings import look_up
from slipway.stack.running.dotenv import read_dotenv

OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""The user's own additions, in the order in which Compose looks for them; it takes the first."""

_LABEL = "com.docker.compose."
_NEVER = "0001-01-01"
"""How the engine writes a time that has not come."""


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the host's that leads to a service."""

    host: str
    port: int
    target: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A service as Compose reads it in the files, whatever wrote them."""

    name: str
    image: str | None
    dockerfile: Path | None
    """Where it is built; None for an image that is pulled."""
    target: str | None
    ports: tuple[Published, ...]
    waits_for: Mapping[str, str]
    """Services, each with the condition: started, healthy, completed_successfully."""
    profiles: tuple[str, ...]
    secrets: tuple[str, ...]
    ends: bool
    """Whether another one waits for its end."""
    may_end: bool
    """Whether nothing starts it again, or asks how it is: once it has ended with 0, that is well."""
    has_health: bool
    """Whether a check says when it is ready."""
    folders: tuple[Path, ...] = ()
    """Of this machine, that are mounted."""
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole of what Compose reads in the files."""

    project: str
    services: Mapping[str, Planned]
    secrets: Mapping[str, Path]
    """Files, by the secret's name."""
    volumes: tuple[str, ...]
    """Named ones, as the engine knows them."""

    def wanted(self, names: Sequence[str]) -> list[Planned]:
        """These services and all that they wait for; those without a profile if none is named.

        Raises:
            ProjectError: there is no such service.
        """
        for name in names:
            if name not in self.services:
                raise ProjectError(f"The stack has no service `{name}`.{near_miss(name, self.services)}")
        left = list(names) or [name for name, service in self.services.items() if not service.profiles]
        found: set[str] = set()
        while left:
            name = left.pop()
            if name not in found and name in self.services:
                found.add(name)
                left += self.services[name].waits_for
        return [service for name, service in self.services.items() if name in found]


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a service, running or not."""

    id: str
    name: str
    service: str
    state: str
    """created, running, restarting, exited, paused, dead"""
    health: str | None
    """starting, healthy, unhealthy; None without a health check."""
    exit_code: int
    image: str
    created: datetime
    since: datetime | None
    """When it started, or ended."""
    lacked_memory: bool
    health_said: str = ""
    """What its last health check said."""


class Engine:
    """The Docker engine that this machine's `docker` leads to, on one project's files. Nothing goes through a shell."""

    def __init__(self, folder: Path, file: str) -> None:
        """
        Args:
            file: the stack's Compose file, relative to the folder. `COMPOSE_FILE`, in the environment or in `.env`,
                names others, as it does for `docker compose`: the stack's own and an overlay, say.
        """
        self.folder = folder
        self.files = _files(folder, file)

    def compose(self, *words: str) -> list[str]:
        """The command line of `docker compose` on this project's files."""
        return ["docker", "compose", *(part for file in self.files for part in ("-f", file)), *words]

    def said(self, command: Sequence[str], *, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        """A command's end and what it said, whatever that was.

        Raises:
            OutsideError: there is no `docker`, or it gave no answer in time.
        """
        try:
            return subprocess.run(
                command, cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=seconds,
                stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise OutsideError(ABSENT) from error
        except subprocess.TimeoutExpired as error:
            raise OutsideError(f"`{' '.join(command)}` gave no answer in {seconds:g} s.") from error

    def asked(self, command: Sequence[str], *, seconds: float = 120) -> str:
        """A command's standard output.

        Raises:
            OutsideError: it failed; its own last words are in the message.
        """
        done = self.said(command, seconds=seconds)
        if done.returncode:
            raise OutsideError(f"`{shown(command)}` failed: {last_words(done.stderr)}")
        return done.stdout

    def plan(self) -> Plan:
        """What Compose makes of the files, the services of every profile among them.

        Raises:
            ProjectError: Compose refuses the files; its message is in ours.
        """
        done = self.said(self.compose("--profile", "*", "config", "--format", "json"))
        if done.returncode:
            raise ProjectError(refusal(self.files, done.stderr))
        return plan_of(json.loads(done.stdout))

    def containers(self, project: str) -> list[Container]:
        """Every container of the project's services; those of `docker compose run` are not among them."""
        of_project = [f"label={_LABEL}project={project}", f"label={_LABEL}oneoff=False"]
        filters = [word for each in of_project for word in ("--filter", each)]
        ids = self.asked(["docker", "ps", "--all", "--quiet", "--no-trunc", *filters]).split()
        if not ids:
            return []
        done = self.said(["docker", "inspect", "--type", "container", *ids])
        # One that went between the two questions is not in the answer, which is there nonetheless.
        return sorted(map(_container, json.loads(done.stdout or "[]")), key=lambda each: each.service)

    def last_lines(self, container: str, count: int = 60) -> list[str]:
        """What a container said last, on either of its outputs."""
        done = self.said(["docker", "logs", "--tail", str(count), container])
        return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]

    def become(self, *words: str) -> NoReturn:
        """Turn this process into `docker compose …`: terminal, signals and exit code are its own.

        Raises:
            OutsideError: there is no `docker`.
        """
        os.chdir(self.folder)
        sys.stdout.flush()
        sys.stderr.flush()
        command = self.compose(*words)
        try:
            os.execvp(command[0], command)  # noqa: S606
        except FileNotFoundError as error:
            raise OutsideError(ABSENT) from error


ABSENT = (
    "There is no `docker` on the PATH. Install Docker Engine 20.10 or later with Compose 2.20 or later "
    "(docs.docker.com/engine/install); everything but `slipway stack` works without."
)


def plan_of(config: Mapping[str, Any]) -> Plan:
    """The plan in what `docker compose config --format json` gives."""
    services = config.get("services") or {}
    # A job in a chain says so by who waits for its end; without a chain nothing restarts it.
    awaited = {
        name
        for each in services.values()
        for name, how in (each.get("depends_on") or {}).items()
        if how.get("condition") == "service_completed_successfully"
    }
    return Plan(
        project=str(config["name"]),
        services={name: _planned(name, each, ends=name in awaited) for name, each in sorted(services.items())},
        secrets={name: Path(each["file"]) for name, each in (config.get("secrets") or {}).items() if each.get("file")},
        volumes=tuple(str(each["name"]) for each in (config.get("volumes") or {}).values()),
    )


def shown(command: Sequence[str]) -> str:
    """A command as a person would type it, without the files that ours names."""
    words = list(command)
    while "-f" in words and words[:2] == ["docker", "compose"]:
        at = words.index("-f")
        del words[at : at + 2]
    return " ".join(words)


def last_words(said: str) -> str:
    """The last line of what a program said, which is where it says why it ends."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing."


def refusal(files: Iterable[str], said: str) -> str:
    """Compose's own message on files that it does not take, with whose they are."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("time=")]
    words = " ".join(lines) or "it said nothing"
    required = re.search(r"required variable (\S+) is missing a value(?:: (.*))?", words)
    if required is not None:
        why = f" ({required[2]})" if required[2] else ""
        return f".env: {required[1]} has no value{why}. `.env.example` lists what this stack takes."
    theirs = [file for file in files if Path(file).name in OVERRIDES]
    if theirs:
        return (
            f"Compose refuses the files: {words}. `{theirs[0]}` is yours and merged over what Slipway renders: without "
            "it `slipway stack render --check` tells whether the rest is as it was rendered."
        )
    return f"Compose refuses the files: {words}. `slipway stack render` writes them anew."


def _files(folder: Path, file: str) -> tuple[str, ...]:
    named = look_up("COMPOSE_FILE") or read_dotenv(folder).get("COMPOSE_FILE")
    if named:
        return tuple(each for each in named.split(look_up("COMPOSE_PATH_SEPARATOR") or os.pathsep) if each)
    override = next((name for name in OVERRIDES if (folder / name).is_file()), None)
    return (file, override) if override is not None else (file,)


def _planned(name: str, each: Mapping[str, Any], *, ends: bool) -> Planned:
    build = each.get("build")
    dockerfile = None
    if build is not None:
        dockerfile = Path(build.get("context") or ".") / (build.get("dockerfile") or "Dockerfile")
    ports = [
        Published(each_port.get("host_ip") or "0.0.0.0", int(each_port["published"]), int(each_port["target"]))  # noqa: S104
        for each_port in each.get("ports") or ()
        if str(each_port.get("published") or "").isdecimal()
    ]
    depends = (each.get("depends_on") or {}).items()
    deploy, health = each.get("deploy") or {}, each.get("healthcheck") or {}
    has_health = bool(health) and not health.get("disable")
    return Planned(
        name=name,
        image=each.get("image"),
        dockerfile=dockerfile,
        target=(build or {}).get("target"),
        ports=tuple(ports),
        waits_for={other: str(how.get("condition", "")).removeprefix("service_") for other, how in depends},
        profiles=tuple(each.get("profiles") or ()),
        secrets=tuple(str(secret["source"]) for secret in each.get("secrets") or ()),
        ends=ends,
        may_end=ends or (not has_health and (each.get("restart") or "no") == "no"),
        has_health=has_health,
        folders=tuple(Path(v["source"]) for v in each.get("volumes") or () if v.get("type") == "bind"),
        replicas=int(deploy.get("replicas") or each.get("scale") or 1),
    )


def _container(inspected: Mapping[str, Any]) -> Container:
    state, config = inspected["State"], inspected["Config"]
    labels, health = config.get("Labels") or {}, state.get("Health") or {}
    at = state["FinishedAt"] if state["Status"] in ("exited", "dead") else state["StartedAt"]
    return Container(
        id=str(inspected["Id"]),
        name=str(inspected["Name"]).removeprefix("/"),
        service=str(labels.get(f"{_LABEL}service", "")),
        state=str(state["Status"]),
        health=health.get("Status"),
        exit_code=int(state["ExitCode"]),
        image=str(config.get("Image", "")),
        created=_time(inspected["Created"]),
        since=None if at.startswith(_NEVER) else _time(at),
        lacked_memory=bool(state.get("OOMKilled")),
        health_said=str(next((each["Output"] for each in (health.get("Log") or [])[-1:]), "")).strip(),
    )


def _time(text: str) -> datetime:
    # The engine counts nanoseconds, of which a datetime takes the first six digits.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00")).astimezone(UTC)
