"""`[stack]` of slipway.toml → the frozen Stack: its layout merged in, each service held to what its kind takes."""

import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.project.keys import TEXT_OR_TEXTS, Keys, Record
from slipway.project.stack import KINDS, LISTENS, Overlay, Service, Stack

FILE = "slipway.toml"
REMOTES = ("s3", "gs", "azure")
TARGETS = ("api", "job", "test", "mlflow", "prefect", "proxy", "unified")

_USUAL: Mapping[str, Any] = {
    "volumes": "folders",  # its sources are files of the folder, as often as not
    "services": {
        "database": {"kind": "postgres"},
        "mlflow": {"kind": "mlflow", "port": 5000},
        "train": {"kind": "job"},
        "api": {"kind": "api", "port": 8000},
        "monitor": {"kind": "monitor"},
    },
}
"""The stack of a project that asks for no services."""

_STACK_NAME = r"[a-z0-9][a-z0-9_-]*"
_SERVICE_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]*"
_DATABASE = r"[a-z_][a-z0-9_]{0,62}"
_SINGLE = ("postgres", "mlflow", "prefect")
"""Kinds of which a stack has one at most, and which may run elsewhere."""
_OWN = {
    "stages": ("job",),
    "then": ("job",),
    "do": ("data",),
    "every": ("monitor",),
    "listen": tuple(LISTENS),
    "port": tuple(LISTENS),
    "database": ("postgres",),
    "replicas": ("api",),
    "scale": ("api",),
    "external": _SINGLE,
    "host": _SINGLE,
    "volume": _SINGLE,
    "outside": ("job", "monitor"),
    "command": ("test", "shell"),
    "packages": tuple(kind for kind in KINDS if kind != "postgres"),
}
"""Keys that only some kinds take."""


def read_stack(
    values: Mapping[str, Any] | None, project: str, stages: Mapping[str, Any], *, record: Record | None = None
) -> Stack:
    """Read the table `[stack]`; what it doesn't say, and all of it where there is none, is as usual.

    Args:
        values: the table as TOML gives it.
        project: the project's name, after which the stack and its database are named by default.
        stages: the pipeline's, by name, in its order.
        record: collects the form of each key that is asked for.

    Raises:
        ProjectError: a key or a value is wrong, or services contradict each other.
    """
    chosen, table = _with_layout(values or {})
    if "services" not in table:
        table = {**_USUAL, **table}
    keys = Keys(table, FILE, "stack", record=record)
    d = Stack(name="", dockerfiles=keys.text("dockerfiles", "one", among=("one", "each")))
    name = keys.text(
        "name",
        re.sub(r"[^a-z0-9_-]+", "-", project.lower()).strip("-_") or "project",
        pattern=_STACK_NAME,
        expectation="lower-case letters, digits, `-` and `_`, a letter or digit first, as Compose takes it",
    )
    keys.text("layout", None)
    components = keys.flag("components", d.components)
    network = _matching(keys, "network", _SERVICE_NAME) or f"{name}-network"
    services, overlays = keys.table("services"), keys.table("overlays")
    raw = table.get("services", {})
    found = _read_services(services, project, stages)
    stack = Stack(
        name=name,
        file=_file(keys, "file", d.file),
        network=network,
        components=components,
        volumes=keys.text("volumes", d.volumes, among=("named", "folders")),
        work=_matching(keys, "work", _SERVICE_NAME) or d.work,
        state=_matching(keys, "state", _SERVICE_NAME) or d.state,
        images=keys.text("images", d.images, among=("separate", "unified")),
        image=_image(keys, name, d.image),
        dockerfiles=d.dockerfiles,
        dockerfile=_file(keys, "dockerfile", d.dockerfile if d.dockerfiles == "one" else "Dockerfile"),
        order=keys.text("order", d.order, among=("graph", "manual")),
        remotes=_in_order(keys, "remotes", REMOTES),
        packages=keys.texts("packages"),
        also_build=_in_order(keys, "also_build", TARGETS),
        layout=chosen,
        services=found,
        overlays={o: _read_overlay(overlays.table(o), o, raw, project, stages) for o in overlays.names()},
    )
    keys.finish()
    _check_files(stack)
    return stack


def _with_layout(values: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The table with the layout that it selects merged over it."""
    table = dict(values)
    layouts = table.pop("layouts", {})
    chosen = table.get("layout")
    if not isinstance(layouts, dict) or not all(isinstance(layout, dict) for layout in layouts.values()):
        raise ProjectError(f"{FILE}: [stack] layouts: expected tables, such as [stack.layouts.small].")
    if chosen is None:
        if layouts:
            raise ProjectError(
                f"{FILE}: [stack] layout is missing: expected the name of one of [stack.layouts]: {', '.join(layouts)}."
            )
        return None, table
    if not isinstance(chosen, str) or chosen not in layouts:
        raise ProjectError(
            f"{FILE}: [stack] layout = {chosen!r}: there is no such table among [stack.layouts]."
            f"{near_miss(str(chosen), layouts)}"
        )
    return str(chosen), _merged(table, layouts[chosen])


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables key by key, anything else as the upper one has it."""
    found = dict(below)
    for key, value in above.items():
        both_tables = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if both_tables else value
    return found


def _read_services(keys: Keys, project: str, stages: Mapping[str, Any]) -> dict[str, Service]:
    names = keys.names()
    claimed = {stage for name in names for stage in _stages_said(keys.table(name))}
    found: dict[str, Service] = {}
    for name in names:
        if not re.fullmatch(_SERVICE_NAME, name):
            keys.refuse(name, "a service's name of letters, digits, `.`, `-` and `_`, a letter or digit first")
        found[name] = _read_service(keys.table(name), name, project, stages, claimed)
    _check_services(found)
    return found


def _stages_said(keys: Keys) -> tuple[str, ...]:
    found: tuple[str, ...] = keys.texts("stages")
    return found


def _read_service(keys: Keys, name: str, project: str, stages: Mapping[str, Any], claimed: set[str]) -> Service:
    at = f"{FILE}: [stack.services.{name}]"
    kind = keys.text("kind", among=KINDS)
    for key, kinds in _OWN.items():
        if kind not in kinds and keys.has(key):
            meant = "" if key != "command" else " A job runs its stages: give another command to `docker compose run`."
            raise ProjectError(f"{at} {key}: only services of kind {' or '.join(kinds)} have it, not {kind}.{meant}")
    service = Service(
        name=name,
        kind=kind,
        port=keys.integer("port", None, at_least=1, at_most=65535),
        listen=keys.integer("listen", LISTENS.get(kind), at_least=1024, at_most=65535),
        database=_database(keys, project) if kind == "postgres" else None,
        stages=_stages(keys, at, stages, claimed) if kind == "job" else (),
        then=keys.text("then", None, among=("push",)),
        do=keys.text("do", among=("pull", "push")) if kind == "data" else None,
        every=_every(keys) if kind == "monitor" else None,
        environment=_environment(keys),
        memory=_memory(keys),
        cpus=_positive(keys, "cpus"),
        pids=keys.integer("pids", None, at_least=16),
        replicas=keys.integer("replicas", 1, at_least=1, at_most=100),
        scale=keys.flag("scale", False),
        profile=_matching(keys, "profile", _SERVICE_NAME),
        image=_matching(keys, "image", r"\S+"),
        volume=_matching(keys, "volume", _SERVICE_NAME) or f"{name}-data" if kind in _SINGLE else None,
        mounts=_mounts(keys),
        packages=keys.texts("packages"),
        external=keys.flag("external", False),
        host=_matching(keys, "host", r"[A-Za-z0-9_.-]+"),
        command=_command(keys),
        file=_file(keys, "file", None),
        after=keys.texts("after"),
        outside=keys.flag("outside", False),
    )
    keys.finish(key for key, kinds in _OWN.items() if kind not in kinds)
    return service


def _read_overlay(keys: Keys, name: str, base: Mapping[str, Any], project: str, stages: Mapping[str, Any]) -> Overlay:
    file = _file(keys, "file", f"docker-compose.{name}.yaml")
    changed = keys.table("services")
    told = {service: changed.value(service) for service in changed.names()}
    keys.finish()
    if not told:
        raise ProjectError(f"{FILE}: [stack.overlays.{name}] changes nothing: expected services.")
    services = _read_services(Keys(_merged(base, told), FILE, f"stack.overlays.{name}.services"), project, stages)
    return Overlay(name, file, services)


def _stages(keys: Keys, at: str, stages: Mapping[str, Any], claimed: set[str]) -> tuple[str, ...]:
    said: tuple[str, ...] = keys.texts("stages")
    if keys.has("stages"):
        for stage in said:
            if stage not in stages:
                raise ProjectError(f"{at} stages names `{stage}`, which is no stage.{near_miss(stage, stages)}")
        if not said:
            keys.refuse("stages", "at least one stage")
        return tuple(stage for stage in stages if stage in said)
    left = tuple(stage for stage in stages if stage not in claimed)
    if not left:
        raise ProjectError(f"{at} has no stages, and other jobs run them all: say which ones it runs.")
    return left


def _database(keys: Keys, project: str) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", project.lower()).strip("_")[:60]
    name: str = keys.text("database", f"_{plain}" if plain[:1].isdigit() else plain or "project")
    if not re.fullmatch(_DATABASE, name) or name in ("postgres", "mlflow", "prefect", "template0", "template1"):
        keys.refuse("database", "a name of its own, of lower-case letters, digits and `_`")
    return name


def _every(keys: Keys) -> str:
    every: str = keys.text(
        "every", "15m", pattern=r"[1-9][0-9]*[smhd]", expectation="a time such as 30s, 15m, 2h or 1d"
    )
    return every


def _environment(keys: Keys) -> dict[str, str]:
    given = keys.table("environment")
    found: dict[str, str] = {}
    for name in given.names():
        value = given.value(name, schema={"type": ["string", "number", "boolean"]})
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or not isinstance(value, str | int | float):
            given.refuse(name, "a name of letters, digits and `_`, and a text or a number")
        found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _memory(keys: Keys) -> str | None:
    memory: str | None = keys.text("memory", None, pattern=r"[1-9][0-9]*[mg]", expectation="a size such as 512m or 2g")
    return memory


def _positive(keys: Keys, key: str) -> float | None:
    value: float | None = keys.number(key, None, at_least=0)
    if value == 0:
        keys.refuse(key, "a number above 0")
    return value


def _matching(keys: Keys, key: str, form: str) -> str | None:
    expectation = "a text without spaces" if form == r"\S+" else "letters, digits, `.`, `-` and `_`"
    value: str | None = keys.text(key, None, pattern=form, expectation=expectation)
    return value


def _mounts(keys: Keys) -> tuple[str, ...]:
    found: tuple[str, ...] = keys.texts("mounts")
    for mount in found:
        parts = mount.split(":")
        if len(parts) not in (2, 3) or not parts[1].startswith("/") or parts[2:] not in ([], ["ro"], ["rw"]):
            keys.refuse("mounts", 'texts such as "./plots:/app/plots" or "./notes:/app/notes:ro"')
    return found


def _command(keys: Keys) -> tuple[str, ...] | None:
    value = keys.value("command", None, schema=TEXT_OR_TEXTS)
    if value is None:
        return None
    if isinstance(value, str) and value.strip():
        return tuple(shlex.split(value))
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    return keys.refuse("command", 'a text or a list of texts, such as ["pytest", "-q"]')


def _file(keys: Keys, key: str, default: Any) -> Any:
    """A file in the project's folder, as text."""
    value = keys.text(key, default)
    if value is not default:
        path = PurePosixPath(value)
        is_inside = not path.is_absolute() and ".." not in path.parts and path.name
        if not is_inside or path.name.startswith("compose.override."):
            keys.refuse(key, "a file in the project's folder, and not the one that is yours to override with")
        return str(path)
    return default


def _image(keys: Keys, name: str, default: str) -> str:
    pattern: str = keys.text("image", default)
    try:
        shown = pattern.format(name=name, target="job")
    except (KeyError, IndexError, ValueError):
        shown = ""
    if "{target}" not in pattern or not re.fullmatch(r"[a-z0-9][a-z0-9._/:-]*", shown):
        keys.refuse("image", 'a pattern with {target}, such as "{name}-{target}:1.0"')
    return pattern if ":" in pattern.rsplit("/", 1)[-1] else f"{pattern}:local"


def _in_order(keys: Keys, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    found = keys.texts(key, among=known)
    return tuple(name for name in known if name in found)


def _check_services(services: Mapping[str, Service]) -> None:
    ports: dict[int, str] = {}
    for name, service in services.items():
        at = f"{FILE}: [stack.services.{name}]"
        twin = next((other for other in services.values() if other.kind == service.kind), service)
        if service.kind in _SINGLE and twin.name != name:
            raise ProjectError(f"{at}: `{twin.name}` is of kind {service.kind} already, and a stack has one of those.")
        if service.has_proxy and service.proxy in services:
            raise ProjectError(f"{at}: its proxy is named `{service.proxy}`, as another service is: rename that one.")
        if service.host is not None and not service.external:
            raise ProjectError(f"{at} host: it is for a service that runs elsewhere: add external = true.")
        if service.port is not None and service.port in ports:
            raise ProjectError(f"{at} port = {service.port}: `{ports[service.port]}` is published there already.")
        if service.port is not None:
            ports[service.port] = name
        for other_name in service.after:
            if other_name not in services or other_name == name:
                known = [other for other in services if other != name]
                raise ProjectError(
                    f"{at} after names `{other_name}`, which is no other service.{near_miss(other_name, known)}"
                )


def _check_files(stack: Stack) -> None:
    mains = {stack.file: "the stack's own file"}
    for overlay in stack.overlays.values():
        if overlay.file in mains:
            raise ProjectError(
                f"{FILE}: [stack.overlays.{overlay.name}] file = '{overlay.file}': expected another one."
            )
        mains[overlay.file] = "an overlay's file"
    for service in stack.services.values():
        if service.file is None:
            continue
        at = f"{FILE}: [stack.services.{service.name}] file = '{service.file}'"
        if not stack.components:
            raise ProjectError(f"{at}: with [stack] components = false all services stand in {stack.file}.")
        if PurePosixPath(service.file).parts[0] == "docker":
            raise ProjectError(f"{at}: docker/ is where each service has a file of its own: expected another place.")
        if service.file in mains:
            raise ProjectError(f"{at}: expected a file of its own; this one is {mains[service.file]}.")
