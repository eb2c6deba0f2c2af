"""A rendered service in, the same with its limits and without rights that it has no use for, out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from slipway.project.stack import Kind, Service

Role = Kind | Literal["proxy"]

CPUS = "${SLIPWAY_CPUS:-2}"
"""Of what computes; a machine with one processor says so, since an engine refuses more than there are."""

MEMORY: Mapping[Role, str] = MappingProxyType(
    {
        "postgres": "512m", "mlflow": "1g", "prefect": "768m", "job": "4g", "api": "1g", "monitor": "4g",
        "data": "1g", "test": "2g", "shell": "2g", "proxy": "128m",
    }
)  # fmt: skip
PIDS: Mapping[Role, int] = MappingProxyType(
    {
        "postgres": 128, "mlflow": 256, "prefect": 128, "job": 512, "api": 256, "monitor": 512,
        "data": 256, "test": 512, "shell": 512, "proxy": 64,
    }
)  # fmt: skip
GRACE: Mapping[Role, str] = MappingProxyType(
    {
        # A database writes what it holds, a service answers and ships what it took.
        "postgres": "1m", "mlflow": "15s", "prefect": "15s", "job": "30s", "api": "30s", "monitor": "30s",
        "data": "30s", "test": "10s", "shell": "5s", "proxy": "35s",
    }
)  # fmt: skip
_ONE_CPU = frozenset({"postgres", "mlflow", "prefect", "data", "proxy"})
RESTARTS = 5


def hardened(body: Mapping[str, Any], role: Role, service: Service) -> dict[str, Any]:
    """The service as it is rendered: what the project says of its resources goes before what its role has.

    Args:
        role: the service's kind, or that of its proxy, which shares none of its resources.
    """
    own = service if role == service.kind else Service(service.name, service.kind)
    fixed = {
        "mem_limit": own.memory or MEMORY[role],
        "cpus": own.cpus or (1.0 if role in _ONE_CPU else CPUS),
        "pids_limit": own.pids or PIDS[role],
        "read_only": True,
        "tmpfs": ["/tmp", *body.get("tmpfs", ())],  # noqa: S108
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "restart": "no" if own.runs_once or role == "shell" else f"on-failure:{RESTARTS}",
        "stop_grace_period": GRACE[role],
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }
    return {**body, **fixed}
