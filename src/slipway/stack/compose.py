"""A stack in, what stands in each of its Compose files out: as data, with paths as seen from where the file is."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack import kinds
from slipway.stack.dump import Override
from slipway.stack.graph import Wait, waits
from slipway.stack.harden import hardened
from slipway.stack.images.parts import PROXY, Image
from slipway.stack.kinds import proxy
from slipway.stack.networks import networks

Body = dict[str, Any]

_ORDER = (
    "image", "build", "profiles", "command", "user", "group_add", "environment", "secrets", "volumes", "tmpfs", "ports",
    "networks", "dns_opt", "depends_on", "healthcheck", "deploy", "stdin_open", "tty",
)  # fmt: skip


def bodies(stack: Stack, project: Project, built: Sequence[Image]) -> dict[str, Body]:
    """Every service that is rendered, proxies among them, with paths at the project's folder.

    Args:
        built: the images of the project's stack.

    Raises:
        ProjectError: services wait for each other.
    """
    order = waits(stack, project)
    found: dict[str, Body] = {}
    for service in stack.services.values():
        if service.external:
            continue
        made = {**_image(service, stack, built), **kinds.compose(service, stack, project)}
        profile = {"profiles": [service.profile]} if service.profile is not None else {}
        on = {"networks": networks(service, stack, project), **profile, **_depends(order[service.name])}
        found[service.name] = _ordered(hardened({**made, **on}, service.kind, service))
        if service.has_proxy:
            of_proxy = next(image for image in built if image.content == PROXY)
            before = {**_built(stack, of_proxy), **proxy.compose(service, stack, project)}
            on = {"networks": [stack.internal_network, stack.network], **profile, **_depends(order[service.proxy])}
            found[service.proxy] = _ordered(hardened({**before, **on}, "proxy", service))
    return found


def whole(stack: Stack, project: Project, built: Sequence[Image]) -> dict[str, Body]:
    """What stands in each Compose file of the stack, by its path: the stack's own first, then those of its components.

    A service's own `file` includes those that name it, with all that they wait for. The services themselves stand in
    folders side by side, however many files name them: Compose takes a file that it reaches by paths of different
    lengths for two files that contradict each other.
    """
    found = bodies(stack, project, built)
    if not stack.components:
        main = {"name": stack.name, **_file_of(found, stack)}
        return {stack.file: rebased(main, PurePosixPath(stack.file).parent)}
    own = {name: component_file(name) for name in found if name in stack.services}
    groups: dict[str, list[str]] = {stack.file: list(own.values())}
    for service in stack.services.values():
        if service.file is not None and not service.external:
            groups.setdefault(service.file, []).append(own[service.name])
    files = {file: _including(file, [f"./{each}" for each in included], stack) for file, included in groups.items()}
    return files | {own[name]: _component(stack.services[name], found, stack) for name in own}


def component_file(service: str) -> str:
    """Where a service stands, with its proxy if it has one; with what it waits for it works alone."""
    return f"docker/{service}/compose.yaml"


def rebased(body: Any, folder: PurePosixPath) -> Any:
    """The same with each `./path` of the project's folder as seen from one in it."""
    if isinstance(body, dict):
        return {key: rebased(value, folder) for key, value in body.items()}
    if isinstance(body, list):
        return [rebased(value, folder) for value in body]
    if isinstance(body, Override):
        return Override(rebased(body.value, folder))
    if not isinstance(body, str) or not body.startswith("./"):
        return body
    path, colon, rest = body.partition(":")
    seen = os.path.relpath(path, folder)
    # A mount has to begin like a path; a path alone has to be written as Compose writes it when it compares two files.
    return f"./{seen}:{rest}" if colon and not seen.startswith("..") else seen + colon + rest


def top_level(services: Mapping[str, Body], stack: Stack) -> Body:
    """The networks, volumes and secrets that services name."""
    inner = stack.internal_network
    on = _named(name for body in services.values() for name in body["networks"])
    kept = _named(v.split(":")[0] for body in services.values() for v in body.get("volumes", ()) if _is_named(v))
    read = _named(name for body in services.values() for name in body.get("secrets", ()))
    return {
        "networks": {name: {"internal": True} if name == inner else {} for name in on},
        **({"volumes": {name: {} for name in kept}} if kept else {}),
        **({"secrets": {name: {"file": f"./secrets/{name}"} for name in read}} if read else {}),
    }


def _component(service: Service, found: Mapping[str, Body], stack: Stack) -> Body:
    names = [service.name, *([service.proxy] if service.has_proxy else [])]
    waited = dict.fromkeys(other for name in names for other in found[name].get("depends_on", ()) if other not in names)
    file = component_file(service.name)
    include = _including(file, [f"./{component_file(other)}" for other in waited], stack)
    services: Body = rebased(_file_of({name: found[name] for name in names}, stack), PurePosixPath(file).parent)
    return {**include, **services}


def _including(file: str, files: Sequence[str], stack: Stack) -> Body:
    include = {"include": rebased(list(files), PurePosixPath(file).parent)} if files else {}
    return {"name": stack.name, **include}


def _file_of(services: Mapping[str, Body], stack: Stack) -> Body:
    return {"services": dict(services), **top_level(services, stack)}


def _image(service: Service, stack: Stack, built: Sequence[Image]) -> Body:
    """What is built for a service, or pulled where the project names an image."""
    if service.image is not None:
        return {"image": service.image}
    # By name: an overlay's service may differ from the stack's own, and is of the same image.
    found = [image for image in built if any(other.name == service.name for other in image.services)]
    return _built(stack, found[0]) if found else {}


def _built(stack: Stack, image: Image) -> Body:
    build = {"context": "./", "dockerfile": image.dockerfile, "target": image.target}
    return {"image": stack.image_of(image.target), "build": build}


def _named(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _is_named(volume: object) -> bool:
    return isinstance(volume, str) and not volume.startswith((".", "/", "~", "$"))


def _depends(needed: Mapping[str, Wait]) -> Body:
    if not needed:
        return {}
    optional = {"required": False}
    return {
        "depends_on": {
            name: {"condition": wait.condition, **({} if wait.required else optional)} for name, wait in needed.items()
        }
    }


def _ordered(body: Body) -> Body:
    """Its keys in the order in which a person asks for them, limits last."""
    return {key: body[key] for key in (*(k for k in _ORDER if k in body), *(k for k in body if k not in _ORDER))}
