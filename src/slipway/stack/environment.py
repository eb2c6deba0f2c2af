"""The text of a stack's Compose files in, `.env.example` out: every variable that they read, with what it is for."""

import re
from collections.abc import Iterable, Mapping

from slipway.project.stack import Stack
from slipway.stack.kinds.ours import variable

_READ = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?])([^}]*))?\}")

_ABOUT = {
    "SLIPWAY_UID": "Who containers run as, where the project's folder is mounted; `slipway stack secrets` notes it",
    "SLIPWAY_GID": "The group that may read secrets/; `slipway stack secrets` notes it",
    "SLIPWAY_CPUS": "Processors for what computes; an engine refuses more than the machine has",
    "SLIPWAY_WEBHOOK": "The address that is told of alarms, promotions and rollbacks",
    "MLFLOW_TRACKING_URI": "Another MLflow than the stack's",
    "PREFECT_API_URL": "Another Prefect than the stack's",
    "DVC_REMOTE_URL": "Where `dvc push` and `dvc pull` go, such as s3://bucket/project; if empty, as .dvc/config says",
    "DVC_REMOTE_NAME": "What that remote is called",
    "AWS_DEFAULT_REGION": "Of the remote's bucket; keys are in secrets/aws_credentials",
}


def env_example(stack: Stack, texts: Iterable[str]) -> str:
    """Copied to `.env` it changes nothing: what has a default is a comment, what has to be said is empty."""
    read: dict[str, tuple[str, str]] = {}
    for text in texts:
        for name, sign, rest in _READ.findall(text):
            read.setdefault(name, (sign, rest))
    about = {**_of_services(stack), **_ABOUT}
    lines = ["# Rendered by `slipway stack render`: every variable that the stack's files read. Copy it to .env."]
    for name in sorted(read, key=lambda name: (read[name][0].endswith("?"), name)):
        sign, rest = read[name]
        is_needed = sign.endswith("?")
        told = about.get(name, "Named in slipway.toml")
        lines += ["", f"# {told}.{' A file that needs it refuses to go without.' if is_needed else ''}"]
        lines.append(f"{name}=" if is_needed else f"# {name}={rest if sign.endswith('-') else ''}")
    return "\n".join(lines) + "\n"


def _of_services(stack: Stack) -> Mapping[str, str]:
    variants = [stack.services, *(overlay.services for overlay in stack.overlays.values())]
    found: dict[str, str] = {}
    for service in (service for services in variants for service in services.values()):
        port = variable(service, "PORT")
        if service.external:
            found[variable(service, "HOST")] = f"The host that `{service.name}` runs on, where it runs elsewhere"
            found.setdefault(port, f"The port of `{service.name}`, where it runs elsewhere")
        else:
            found[port] = f"The port of `{service.name}` on 127.0.0.1"
    return found
