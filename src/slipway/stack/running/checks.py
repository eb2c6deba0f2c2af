"""The engine and what is about to start in; everything that stands in the way, each with its remedy, out at once."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import OutsideError, ProjectError, SlipwayError
from slipway.settings import look_up
from slipway.stack.running import ports
from slipway.stack.running.dotenv import read_dotenv
from slipway.stack.running.engine import ABSENT, Engine, Plan, Planned, last_words
from slipway.stack.running.status import secret_files

ENGINE_AT_LEAST = (20, 10)
COMPOSE_AT_LEAST = (2, 20)
FREE_TO_START = 1.0
FREE_TO_BUILD = 4.0
"""Gigabytes of the engine's disk."""

_INSTALL = "docs.docker.com/engine/install"
_REQUIRED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?\?([^}]*)\}")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_COPY_FROM = re.compile(r"^\s*COPY\s.*--from=(\S+)", re.IGNORECASE)
_ARG = re.compile(r"^\s*ARG\s+([A-Za-z_][A-Za-z0-9_]*)=(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands in the way: what, and what to do."""

    text: str
    is_outside: bool = True
    """Whether it is the machine's; else the project's own files are wrong."""


def refuse(problems: Sequence[Problem]) -> None:
    """Raise all of them as one error; pass where there is none.

    Raises:
        OutsideError: at least one is the machine's.
        ProjectError: all are the project's.
    """
    if not problems:
        return
    lines = [problem.text for problem in problems]
    text = (
        lines[0]
        if len(lines) == 1
        else "\n".join([f"{len(lines)} things stand in the way:", *(f"- {each}" for each in lines)])
    )
    raise (OutsideError if any(problem.is_outside for problem in problems) else ProjectError)(text)


def engine_problem(engine: Engine) -> Problem | None:
    """Why the engine can't be used: absent, away, not for us, too old; None if it can."""
    if shutil.which("docker") is None:
        return Problem(ABSENT)
    compose = engine.said(["docker", "compose", "version", "--short"])
    if compose.returncode:
        return Problem(
            "`docker` has no `compose`: install its plugin, docker-compose-plugin, 2.20 or later (the older program "
            f"`docker-compose` is another one): {_INSTALL}."
        )
    if _version(compose.stdout) < COMPOSE_AT_LEAST:
        return Problem(_too_old("Compose", compose.stdout.strip(), COMPOSE_AT_LEAST))
    found = engine.said(["docker", "version", "--format", "{{.Server.Version}}"], seconds=30)
    if found.returncode:
        return Problem(_unreachable(last_words(found.stderr)))
    if _version(found.stdout) < ENGINE_AT_LEAST:
        return Problem(_too_old("The Docker engine", found.stdout.strip(), ENGINE_AT_LEAST))
    return None


def disk_problems(engine: Engine, gigabytes: float) -> Iterator[Problem]:
    """Too little room where the engine keeps images and volumes, if that is a disk of this machine."""
    root = Path(engine.asked(["docker", "info", "--format", "{{.DockerRootDir}}"]).strip())
    try:
        found = os.statvfs(root)
    except OSError:  # the engine is on another machine, or in a virtual one
        return
    free = found.f_bavail * found.f_frsize / 1e9
    if free < gigabytes:
        yield Problem(
            f"{free:.1f} GB are free at {root}, where the engine keeps images and volumes; {gigabytes:g} GB are "
            "needed. `docker system df` says what is there, `docker image prune` and `docker builder prune` take away "
            "what nothing uses."
        )
    elif found.f_files and not found.f_favail:
        yield Problem(f"No more files can be made at {root}, where the engine keeps images: its inodes are used up.")


def port_problems(engine: Engine, plan: Plan, services: Sequence[Planned]) -> Iterator[Problem]:
    """Ports that are to be published and are somebody's, with whose."""
    for number, first, second in ports.twice({each.name: each.ports for each in services}):
        yield Problem(
            f"port {number}: `{first}` and `{second}` both publish it; give one another `port` in slipway.toml.",
            is_outside=False,
        )
    held = ports.published_by(engine)
    is_here = _is_here(engine)
    for service in services:
        for port in service.ports:
            holder = held.get(port.port)
            if holder is not None:
                if holder.project != plan.project:
                    yield Problem(f"port {port.port} of `{service.name}` is taken by {_container(holder)}")
            elif is_here and ports.is_taken(port):
                yield Problem(f"port {port.port} of `{service.name}` is taken by {_process(port.port)}")


def secret_problems(folder: Path, plan: Plan, services: Sequence[Planned]) -> Iterator[Problem]:
    """Files of secrets that a service reads and that are not there."""
    for name, path in sorted(secret_files(folder, plan, services).items()):
        readers = ", ".join(f"`{each.name}`" for each in services if name in each.secrets)
        if not (folder / path).is_file():
            yield Problem(
                f"{path} is missing, a secret that {readers} reads. `slipway stack secrets` makes those that can be "
                "made; one that only you know is to be written there.",
                is_outside=False,
            )


def variable_problems(folder: Path, files: Sequence[str]) -> Iterator[Problem]:
    """Variables that the Compose files ask for and that neither the environment nor `.env` has: all, not the first."""
    known = read_dotenv(folder)
    asked: dict[str, str] = {}
    for file in files:
        text = (folder / file).read_text(encoding="utf-8") if (folder / file).is_file() else ""
        lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        asked |= {found[1]: found[2] for found in _REQUIRED.finditer(lines)}
    for name, why in sorted(asked.items()):
        if look_up(name) is None and not known.get(name):
            told = f" ({why})" if why else ""
            yield Problem(
                f".env: {name} has no value{told}. `.env.example` lists what this stack takes.", is_outside=False
            )


def image_problems(engine: Engine, services: Sequence[Planned], *, builds: bool) -> Iterator[Problem]:
    """Images that are neither on this machine nor to be had from a registry, with the service that needs each."""
    needed: dict[str, list[str]] = {}
    for service in services:
        for image in _images(service, builds=builds):
            needed.setdefault(image, []).append(service.name)
    missing = [image for image in needed if engine.said(["docker", "image", "inspect", image]).returncode]
    built = {service.image: service.name for service in services if service.dockerfile is not None}

    def problem(image: str) -> Problem | None:
        if image in built:
            return Problem(
                f"{image}, the image of `{built[image]}`, has not been built yet: leave `--no-build` out.",
                is_outside=False,
            )
        try:
            asked = engine.said(["docker", "manifest", "inspect", image], seconds=30)
        except OutsideError:
            return Problem(_not_had(image, needed[image], "the registry gave no answer in 30 s"))
        return Problem(_not_had(image, needed[image], last_words(asked.stderr))) if asked.returncode else None

    with ThreadPoolExecutor(max_workers=4) as at_once:
        yield from (each for each in at_once.map(problem, missing) if each is not None)


def before_start(
    engine: Engine,
    plan_or_refusal: Plan | SlipwayError,
    services: Sequence[Planned],
    files: Sequence[str],
    *,
    builds: bool,
) -> list[Problem]:
    """Everything that stands in the way of starting these services.

    Args:
        plan_or_refusal: what Compose reads in the files, or why it does not take them.
        files: Compose files of the project, relative to its folder.
        builds: whether images are built first.
    """
    problems: list[Problem] = []
    is_usable = (unusable := engine_problem(engine)) is None
    if unusable is not None:
        problems.append(unusable)
    variables = list(variable_problems(engine.folder, files))
    problems += variables
    if isinstance(plan_or_refusal, SlipwayError):
        if not variables and shutil.which("docker") is not None:
            problems.append(Problem(str(plan_or_refusal), is_outside=False))
        return problems
    problems += secret_problems(engine.folder, plan_or_refusal, services)
    if is_usable:
        problems += disk_problems(engine, FREE_TO_BUILD if builds else FREE_TO_START)
        problems += port_problems(engine, plan_or_refusal, services)
        problems += image_problems(engine, services, builds=builds)
    return problems


def base_images(dockerfile: str) -> list[str]:
    """The images that a Dockerfile starts from or copies from, its own stages apart."""
    stages: set[str] = set()
    values: dict[str, str] = {}
    found: dict[str, None] = {}
    for line in dockerfile.splitlines():
        if (arg := _ARG.match(line)) is not None:
            values[arg[1]] = arg[2].strip("\"'")
        elif (start := _FROM.match(line)) is not None:
            found[_filled(start[1], values)] = None
            if start[2]:
                stages.add(start[2].lower())
        elif (copy := _COPY_FROM.match(line)) is not None:
            found[_filled(copy[1], values)] = None
    return [image for image in found if image.lower() not in stages | {"scratch"} and not image.isdecimal()]


def _images(service: Planned, *, builds: bool) -> list[str]:
    if service.dockerfile is None or not builds:
        return [service.image] if service.image is not None else []
    try:
        return base_images(service.dockerfile.read_text(encoding="utf-8"))
    except OSError:
        return []  # the build says so


def _filled(image: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), image)


def _not_had(image: str, services: Sequence[str], why: str) -> str:
    who = ", ".join(f"`{each}`" for each in services)
    return (
        f"{image}, which {who} needs, is not on this machine and can't be had: {why.rstrip('.')}. Check the name and "
        f"the way to its registry (`docker pull {image}`), or bring it by `docker load`."
    )


def _container(holder: ports.Holder) -> str:
    if not holder.project:
        return (
            f"container {holder.container}: `docker stop {holder.container}`, or give another `port` in slipway.toml."
        )
    return (
        f"container {holder.container} of Compose project {holder.project}: `docker compose -p {holder.project} stop "
        f"{holder.service}`, or give another `port` in slipway.toml."
    )


def _process(port: int) -> str:
    who = ports.listener(port)
    if who is None:
        return (
            f"a process that another user started: `sudo ss -ltnp sport = :{port}` says which. End it, or give another "
            "`port` in slipway.toml."
        )
    return f"{who}: end it, or give another `port` in slipway.toml."


def _is_here(engine: Engine) -> bool:
    """Whether the engine publishes ports on this machine."""
    host = look_up("DOCKER_HOST")
    if host is None:
        found = engine.said(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
        host = found.stdout.strip()
    return host.startswith(("unix:", "npipe:")) or not host


def _unreachable(said: str) -> str:
    if "permission denied" in said.lower():
        return (
            f"You may not use the Docker engine: {said} `sudo usermod -aG docker $USER`, then log in again (who is in "
            "that group is as good as root)."
        )
    return (
        f"The Docker engine does not answer: {said} Start it (`sudo systemctl start docker`, or Docker Desktop), or "
        "name another one by DOCKER_HOST or `docker context use`."
    )


def _too_old(what: str, found: str, at_least: tuple[int, int]) -> str:
    return f"{what} is {found}; {'.'.join(map(str, at_least))} or later is needed: {_INSTALL}."


def _version(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found is not None else (0, 0)
