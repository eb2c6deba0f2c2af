"""A project in, the images of its stack out: which Dockerfile and target each has, and what lies in it on what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from slipway.project.facts import Project
from slipway.project.stack import Kind, Service, Stack
from slipway.stack.graph import stack_of
from slipway.stack.images.libraries import libraries, served_libraries
from slipway.stack.kinds.ours import moves_data

Content = Literal["api", "job", "test", "mlflow", "prefect", "proxy", "unified"]

_CONTENTS: dict[Kind, Content] = {
    "api": "api",
    "job": "job",
    "monitor": "job",
    "data": "job",
    "shell": "job",
    "test": "test",
    "mlflow": "mlflow",
    "prefect": "prefect",
}
PROXY = "proxy"
_STAGES = ("uv", "build", "base", "code", "code-api", PROXY)
"""Of every Dockerfile."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image that is built here."""

    target: str
    """The last stage of its Dockerfile that is its own, and its part of the image's name."""
    content: Content
    dockerfile: str
    """Relative to the project's folder, which is the build's context."""
    parts: tuple[str, ...]
    """The locks that are installed on one another, lowest first: images that begin alike share those layers."""
    packages: tuple[str, ...]
    """What the project asks for besides."""
    services: tuple[Service, ...]

    @property
    def extra(self) -> str:
        """The lock of its further packages."""
        return f"extra-{self.target}"


def images(project: Project) -> tuple[Image, ...]:
    """All images of the project's stack, in the order of its services, a proxy's last."""
    stack = stack_of(project)
    services: dict[str, list[Service]] = {}
    for service in _services(stack):
        if (target := _target(stack, service)) is not None:
            services.setdefault(target, []).append(service)
    for target in stack.also_build:
        services.setdefault(target, [])
    if any(service.has_proxy for service in _services(stack)):
        services.setdefault(PROXY, [])
    return tuple(_image(project, stack, target, tuple(users)) for target, users in services.items())


def _image(project: Project, stack: Stack, target: str, services: tuple[Service, ...]) -> Image:
    content = _CONTENTS[services[0].kind] if services and target != "unified" else _content(target)
    is_main = stack.dockerfiles == "one" or target == "unified"
    file = stack.dockerfile if is_main else f"{stack.dockerfile}.{target}"
    is_ours = content not in ("mlflow", "prefect", "proxy")
    packages = (*(stack.packages if is_ours else ()), *(name for service in services for name in service.packages))
    parts = tuple(_parts(project, stack, content, services))
    return Image(target, content, file, parts, tuple(dict.fromkeys(packages)), services)


def _parts(project: Project, stack: Stack, content: Content, services: tuple[Service, ...]) -> Iterator[str]:
    if content in ("mlflow", "prefect"):
        yield content
    if content in ("api", "job", "test", "unified"):
        yield "api"
    if content == "api":
        served = served_libraries(project)
        yield from (name for name in ("polars", "pandas") if {name, "pandas"} & served)
    if content in ("job", "test", "unified"):
        yield from ("polars", "job")
        if "matplotlib" in libraries(project):
            yield "figures"
        if content == "unified" or stack.remotes or any(moves_data(service) for service in services):
            yield from ("dvc", *stack.remotes)
    if content in ("test", "unified"):
        yield "test"
    if content == "unified" and stack.one("mlflow") is not None:
        yield "mlflow"


def _target(stack: Stack, service: Service) -> str | None:
    content = _CONTENTS.get(service.kind)
    if content is None or service.external or service.image is not None:
        return None
    if stack.images == "unified" and content != "prefect":
        return "unified"
    return content if stack.dockerfiles == "one" else _stage_name(service.name)


def _stage_name(service: str) -> str:
    """A service's name as a Dockerfile can have it of a stage beside those that build."""
    name = service.lower()
    is_free = name[0].isalpha() and name not in _STAGES and not name.startswith("build-")
    return name if is_free else f"service-{name}"


def _content(target: str) -> Content:
    found: Content = next(content for content in (*_CONTENTS.values(), "unified", "proxy") if content == target)
    return found


def _services(stack: Stack) -> list[Service]:
    """The stack's own and those that overlays add or change, each name once."""
    found = dict(stack.services)
    for overlay in stack.overlays.values():
        found |= {name: service for name, service in overlay.services.items() if name not in found}
    return list(found.values())
