"""The HTTP service: its service in, its part of a Compose file out."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.kinds import health, ours, proxy


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """Code comes from the image, state from the volume or folder that jobs write to; nothing else is shared."""
    state = ours.bind("./.slipway", "/app/.slipway") if stack.volumes == "folders" else f"{stack.state}:/app/.slipway"
    environment = {
        "SLIPWAY_USER": service.name,
        "SLIPWAY_REPLICA": "hostname",
        "SLIPWAY_TOKEN_FILE": f"{ours.SECRETS}/api_token",
        **ours.backends(service, stack),
        **service.environment,
    }
    return {
        "command": ["slipway", "serve", "--host", "0.0.0.0", "--port", str(service.listen)],  # noqa: S104
        **ours.user(stack),
        "environment": environment,
        "secrets": ours.secrets(service, stack),
        "volumes": [state, *service.mounts],
        **({} if service.has_proxy else ours.published(service, service.listen)),
        **({"deploy": {"replicas": service.replicas}} if service.replicas > 1 else {}),
        **ours.NAMES,
        "healthcheck": health.answering(service.listen),
    }


def files(service: Service, stack: Stack, project: Project) -> dict[str, str]:
    return proxy.files(service) if service.has_proxy else {}
