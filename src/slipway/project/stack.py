"""What a project's Compose stack is, as frozen facts. Nothing here reads a file; standard library alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["postgres", "mlflow", "prefect", "job", "api", "monitor", "data", "test", "shell"]

KINDS: tuple[Kind, ...] = ("postgres", "mlflow", "prefect", "job", "api", "monitor", "data", "test", "shell")

LISTENS: Mapping[Kind, int] = MappingProxyType({"postgres": 5432, "mlflow": 5000, "prefect": 4200, "api": 8000})
"""The port inside its container of each kind that listens, unless told otherwise."""

ONCE: frozenset[Kind] = frozenset({"job", "data", "test"})
"""Kinds that do their work and end."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service under the project's own name. Every default is the kind's unless it is said here."""

    name: str
    kind: Kind
    port: int | None = None
    """On 127.0.0.1 of the host; None where it is not published."""
    listen: int | None = None
    """Inside the container; None for a kind that does not listen."""
    database: str | None = None
    """Postgres: the project's own database."""
    stages: tuple[str, ...] = ()
    """Job: what it runs, in the order of the pipeline."""
    then: Literal["push"] | None = None
    """Job: what follows."""
    do: Literal["pull", "push"] | None = None
    """Data: which way."""
    every: str | None = None
    """Monitor: between two ticks, such as 15m."""
    environment: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    """Such as 512m; the kind's own if None."""
    cpus: float | None = None
    pids: int | None = None
    replicas: int = 1
    scale: bool = False
    """Whether it stands behind a proxy, however many there are."""
    profile: str | None = None
    image: str | None = None
    volume: str | None = None
    """Of a server: the volume that holds what it keeps."""
    mounts: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    external: bool = False
    """It runs elsewhere: nothing is rendered for it."""
    host: str | None = None
    """Where an external one runs; None for what .env says."""
    command: tuple[str, ...] | None = None
    """Test and shell: instead of the kind's own."""
    file: str | None = None
    """A further Compose file that brings it and all that it waits for, with others that name the same one."""
    after: tuple[str, ...] = ()
    """Services that it waits for besides."""
    outside: bool = False
    """Whether it reaches the internet, where nothing in the project says so: a stage's own code may fetch something."""

    @property
    def runs_once(self) -> bool:
        return self.kind in ONCE

    @property
    def has_proxy(self) -> bool:
        """Whether callers reach it through a rendered proxy, which holds its port."""
        return self.kind == "api" and (self.scale or self.replicas > 1)

    @property
    def proxy(self) -> str:
        """The name of that proxy's service."""
        return f"{self.name}-proxy"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A second Compose file that changes the first: `docker compose -f compose.yaml -f FILE`."""

    name: str
    file: str
    services: Mapping[str, Service]
    """All of the stack's services as they are with the overlay, new ones among them."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What `[stack]` says: names, images, services."""

    name: str
    """Compose's project."""
    file: str = "compose.yaml"
    network: str = "network"
    """The edge: what publishes a port is on it."""
    components: bool = True
    """Whether each service has an included file of its own, which works alone too."""
    volumes: Literal["named", "folders"] = "named"
    work: str = "work"
    """The volume of the project's folder, where volumes are named."""
    state: str = "state"
    """The volume of its `.slipway`, which the API has too."""
    images: Literal["separate", "unified"] = "separate"
    image: str = "{name}-{target}:local"
    """Of images that are built here; with {name} of the stack and {target} of the Dockerfile."""
    dockerfiles: Literal["one", "each"] = "one"
    dockerfile: str = "docker/Dockerfile"
    """Where it stands; each target's own is beside it as Dockerfile.TARGET."""
    order: Literal["graph", "manual"] = "graph"
    remotes: tuple[str, ...] = ()
    """DVC's remotes that images can reach besides folders: s3, gs, azure."""
    packages: tuple[str, ...] = ()
    also_build: tuple[str, ...] = ()
    """Targets whose images are rendered though no service uses them."""
    layout: str | None = None
    """The one of `[stack.layouts]` that all this was read with."""
    services: Mapping[str, Service] = field(default_factory=dict)
    overlays: Mapping[str, Overlay] = field(default_factory=dict)

    @property
    def internal_network(self) -> str:
        """Where databases and servers are: nothing on it alone reaches the outside, or is reached from there."""
        return f"{self.network}-internal"

    def of(self, kind: Kind) -> list[Service]:
        """The services of a kind, those that run elsewhere among them."""
        return [service for service in self.services.values() if service.kind == kind]

    def one(self, kind: Kind) -> Service | None:
        """The only service of a kind of which there is one at most: postgres, mlflow, prefect."""
        return next(iter(self.of(kind)), None)

    def image_of(self, target: str) -> str:
        """The name under which a target's image is built."""
        return self.image.format(name=self.name, target=target)
