"""What the services of our images share: user, folders, the servers that they reach, the secrets that they read."""

from typing import Any

from slipway.project.stack import LISTENS, Service, Stack

USER = "10001:10001"
SECRETS = "/run/secrets"
NAMES = {"dns_opt": ["timeout:2"]}
"""A server that is stopped has no name: the engine asks the machine's resolver, which may be out of reach."""


def user(stack: Stack) -> dict[str, Any]:
    """Who a container runs as: the owner of the project's folder where that is mounted; one who may read secrets."""
    if stack.volumes == "folders":
        return {"user": "${SLIPWAY_UID:-10001}:${SLIPWAY_GID:-10001}", "group_add": ["10001"]}
    return {"user": USER, "group_add": ["${SLIPWAY_GID:-10001}"]}


def folders(stack: Stack) -> dict[str, Any]:
    """The project's folder with its state, in what runs stages. `SLIPWAY_CODE` brings rebuilt code into a volume.

    The secrets in that folder are hidden; what hides them may be looked into, since DVC looks into every folder.
    """
    if stack.volumes == "folders":
        return {"volumes": [bind("./", "/app")], "tmpfs": ["/app/secrets:mode=0755"]}
    return {"volumes": [f"{stack.work}:/app", f"{stack.state}:/app/.slipway"]}


def bind(source: str, target: str, *, read_only: bool = False) -> dict[str, Any]:
    """A folder or file of the project's. One that is missing is an error: the engine would make a folder of root's."""
    found: dict[str, Any] = {"type": "bind", "source": source, "target": target}
    return {**found, **({"read_only": True} if read_only else {}), "bind": {"create_host_path": False}}


def backends(service: Service, stack: Stack) -> dict[str, str]:
    """Where the servers are that the stack has. No password stands in an address: each is in a file."""
    found: dict[str, str] = {}
    postgres, mlflow, prefect = stack.one("postgres"), stack.one("mlflow"), stack.one("prefect")
    if postgres is not None:
        role = "slipway_api" if service.kind == "api" else "slipway"
        found["SLIPWAY_STATE_URL"] = found["SLIPWAY_DATABASE_URL"] = postgres_url(postgres, role)
        found["SLIPWAY_DATABASE_PASSWORD_FILE"] = f"{SECRETS}/{role}_password"
    # Without PostgreSQL the server shows the project's own store, to which jobs write as they do without a stack.
    if mlflow is not None and service.kind != "api" and (postgres is not None or mlflow.external):
        found["MLFLOW_TRACKING_URI"] = server_url("MLFLOW_TRACKING_URI", mlflow)
    if prefect is not None and service.kind != "api":
        found["PREFECT_API_URL"] = server_url("PREFECT_API_URL", prefect, "/api")
    return found


def postgres_url(postgres: Service, role: str) -> str:
    return f"postgresql://{role}@{postgres_place(postgres)}/{postgres.database}"


def postgres_place(postgres: Service) -> str:
    """Host and port; of one that runs elsewhere, what the project or `.env` says."""
    if not postgres.external:
        return f"{postgres.name}:{postgres.listen}"
    host = postgres.host or f"${{{variable(postgres, 'HOST')}:?where {postgres.name} runs}}"
    return f"{host}:${{{variable(postgres, 'PORT')}:-{postgres.port or LISTENS['postgres']}}}"


def server_url(name: str, server: Service, path: str = "") -> str:
    """An address that `.env` may replace, and has to where nobody else knows it."""
    if server.external and server.host is None:
        return f"${{{name}:?the address of {server.name}}}"
    return f"${{{name}:-http://{server.host if server.external else server.name}:{server.listen}{path}}}"


def variable(service: Service, what: str) -> str:
    """The name in `.env` of something of a service's: MODEL_SERVE_PORT."""
    return "".join(letter if letter.isalnum() else "_" for letter in service.name).upper() + f"_{what}"


def published(service: Service, listen: int | None) -> dict[str, Any]:
    """The port on this machine alone, if the project publishes one; `.env` may choose another."""
    if service.port is None:
        return {}
    return {"ports": [f"127.0.0.1:${{{variable(service, 'PORT')}:-{service.port}}}:{listen}"]}


def secrets(service: Service, stack: Stack) -> list[str]:
    """Names of the secrets that a service of ours reads."""
    found = []
    if stack.one("postgres") is not None:
        found.append("slipway_api_password" if service.kind == "api" else "slipway_password")
    if service.kind == "api":
        found.append("api_token")
    if moves_data(service) and "s3" in stack.remotes:
        found.append("aws_credentials")
    return found


def moves_data(service: Service) -> bool:
    """Whether it calls DVC, or is where a person would."""
    return service.kind in ("data", "shell") or service.then is not None


def remote(service: Service, stack: Stack) -> dict[str, str]:
    """What DVC is told of its remote."""
    if not moves_data(service):
        return {}
    found = {
        "DVC_REMOTE_URL": "${DVC_REMOTE_URL:-}",
        "DVC_REMOTE_NAME": "${DVC_REMOTE_NAME:-}",
        "DVC_NO_ANALYTICS": "1",
    }
    if "s3" in stack.remotes:
        found["AWS_SHARED_CREDENTIALS_FILE"] = f"{SECRETS}/aws_credentials"
        found["AWS_DEFAULT_REGION"] = "${AWS_DEFAULT_REGION:-us-east-1}"
    return found


def working(service: Service, stack: Stack, command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """A service that runs stages, or stands beside them: all but its command is the same for all kinds."""
    code = {"SLIPWAY_CODE": "/code"} if stack.volumes == "named" else {}
    place = folders(stack)
    found = {
        "command": command,
        **user(stack),
        "environment": {"SLIPWAY_USER": service.name, **code, **environment, **service.environment},
        "secrets": secrets(service, stack),
        **place,
        "volumes": [*place["volumes"], *service.mounts],
        **NAMES,
    }
    return {key: value for key, value in found.items() if value}
