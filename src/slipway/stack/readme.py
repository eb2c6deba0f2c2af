"""A stack and its rendered services in, a page for each and one for all out: commands, ports, what it waits for."""

from collections.abc import Iterator, Mapping

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.compose import Body, component_file
from slipway.stack.heading import page_comment
from slipway.stack.kinds.ours import variable
from slipway.stack.picture import picture

_FOUND_BY_ITSELF = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_WHAT = {
    "postgres": "PostgreSQL: the journal, the ledger, decisions, and the tables that stages publish",
    "mlflow": "MLflow's server: runs, versions and their artifacts",
    "prefect": "Prefect's server: flows, their states and logs",
    "api": "the HTTP service",
    "monitor": "the loop: check, decide, retrain, gate, promote, watch, roll back",
    "test": "the project's tests, on embedded defaults",
    "shell": "a shell with all that a job has",
}
_HOW = {
    "service_healthy": "healthy",
    "service_completed_successfully": "done",
    "service_started": "started",
}


def readmes(stack: Stack, project: Project, bodies: Mapping[str, Body]) -> dict[str, str]:
    """Each service's page beside its other files, a proxy's part in its API's, and the stack's own in docker/."""
    pages = {
        f"docker/{name}/README.md": "\n".join(_page(service, stack, bodies)) + "\n"
        for name, service in stack.services.items()
        if name in bodies
    }
    return {"docker/README.md": "\n".join(_whole(stack, project, bodies)) + "\n", **pages}


def _whole(stack: Stack, project: Project, bodies: Mapping[str, Body]) -> Iterator[str]:
    yield page_comment("[stack]")
    yield f"# The stack `{stack.name}`\n"
    yield f"```mermaid\n{picture(stack, project)}\n```\n"
    yield "| service | what it is | published | waits for |\n|---|---|---|---|"
    for name, body in bodies.items():
        waits = ", ".join(f"`{other}`" for other in body.get("depends_on", ())) or "–"
        service = stack.services.get(name)
        about = _what(service) if service is not None else "spreads requests over the containers behind it"
        page = f"[`{name}`]({name}/README.md)" if service is not None else f"`{name}`"
        yield f"| {page} | {about} | {_ports(body) or '–'} | {waits} |"
    yield f"\n```sh\nslipway stack up\n{_compose(stack)} ps\n{_compose(stack)} down\n```"
    for overlay in stack.overlays.values():
        yield f"\nWith `{overlay.file}` on top (Compose 2.24.4 or later):\n"
        yield f"```sh\ndocker compose -f {stack.file} -f {overlay.file} up -d\n```"


def _page(service: Service, stack: Stack, bodies: Mapping[str, Body]) -> Iterator[str]:
    name, body = service.name, bodies[service.name]
    yield page_comment(f"[stack.services.{name}]")
    yield f"# {name}\n\nOf the stack `{stack.name}`: {_what(service)}.\n\n## Commands\n\n```sh"
    yield from _commands(service, stack)
    yield "```\n"
    if stack.components:
        yield "It works alone, with all that it waits for:\n\n```sh"
        if service.file is not None:
            yield f"docker compose -f {service.file} up -d"
        # Compose looks for .env beside the first file that it is given.
        yield f"docker compose --env-file .env -f {component_file(name)} up -d\n```\n"
    yield f"## Ports\n\n{_published(service, bodies)}\n\n## Waits for\n"
    for other, how in body.get("depends_on", {}).items():
        optional = "" if how.get("required", True) else ", where its profile is on"
        yield f"- [`{other}`](../{other}/README.md): {_HOW[how['condition']]}{optional}"
    yield "" if body.get("depends_on") else "Nothing.\n"
    yield "## What it may\n"
    yield f"- Networks: {_names(body['networks'])}"
    yield f"- Secrets: {_names(body.get('secrets', ()))}"
    yield f"- Writes to: {_names(_places(body))}"
    yield f"- At most {body['mem_limit']} of memory, {body['cpus']} processors, {body['pids_limit']} processes"


def _commands(service: Service, stack: Stack) -> Iterator[str]:
    compose, name = _compose(stack), service.name
    profile = f" --profile {service.profile}" if service.profile is not None else ""
    if service.runs_once:
        yield f"{compose} run --rm {name}"
        yield f"{compose} run --rm {name} bash"
    elif service.kind == "shell":
        yield f"{compose} run --rm {name}"
    else:
        yield f"{compose}{profile} up -d {name}"
        yield f"{compose} stop {name}"
    if service.kind == "postgres":
        yield f"{compose} exec {name} psql -U postgres -d {service.database}"
    if service.has_proxy:
        yield f"{compose} up -d --scale {name}=3"
    yield f"{compose} logs -f {name}"


def _published(service: Service, bodies: Mapping[str, Body]) -> str:
    holder = service.proxy if service.has_proxy else service.name
    if service.listen is None:
        return "It listens on none."
    inside = f"{service.listen} inside the stack, as `{service.name}:{service.listen}`"
    if not bodies[holder].get("ports"):
        return f"{inside}; none is published."
    by = f", held by `{holder}`" if holder != service.name else ""
    return f"127.0.0.1:{service.port}{by} (`{variable(service, 'PORT')}` in .env changes it); {inside}."


def _what(service: Service) -> str:
    if service.kind == "job":
        then = ", then `dvc push`" if service.then is not None else ""
        return f"runs {_names(service.stages)}{then}"
    if service.kind == "data":
        return f"`dvc {service.do}`"
    return _WHAT[service.kind]


def _ports(body: Body) -> str:
    found = (port.rpartition(":")[0].removeprefix("127.0.0.1:") for port in body.get("ports", ()))
    return ", ".join(f"127.0.0.1:{port.rpartition(':-')[2].rstrip('}')}" for port in found)


def _places(body: Body) -> list[str]:
    mounts = [
        v if isinstance(v, str) else f"{v['source']}:{v['target']}" for v in body.get("volumes", ()) if _is_open(v)
    ]
    return [*mounts, *body["tmpfs"]]


def _is_open(volume: object) -> bool:
    return not volume.get("read_only") if isinstance(volume, dict) else not str(volume).endswith(":ro")


def _names(names: object) -> str:
    listed = list(names) if isinstance(names, list | tuple) else []
    return ", ".join(f"`{name}`" for name in listed) or "none"


def _compose(stack: Stack) -> str:
    """`docker compose`, with the stack's file where it would not be looked for."""
    return "docker compose" + ("" if stack.file in _FOUND_BY_ITSELF else f" -f {stack.file}")
