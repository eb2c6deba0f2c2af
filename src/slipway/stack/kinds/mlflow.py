"""MLflow's server: its service in, its part of a Compose file and what is rendered beside it out."""

from importlib.resources import files as package_files
from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.heading import comment
from slipway.stack.kinds import health, ours

LAUNCHER = "serve_mlflow.py"


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """Tables in the stack's PostgreSQL and artifacts in a volume; without one, the project's own `mlflow.db`.

    One process, without the nine that would run its jobs, and reached by its own names alone.
    """
    postgres = stack.one("postgres")
    kept = _project_own(stack) if postgres is None else _in_database(service, postgres)
    launcher = ours.bind(f"./{_folder(service)}/{LAUNCHER}", f"/launch/{LAUNCHER}", read_only=True)
    return {
        "command": ["python", f"/launch/{LAUNCHER}"],
        **kept,
        "environment": {
            "MLFLOW_PORT": str(service.listen),
            "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(_hosts(service)),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **kept["environment"],
            **service.environment,
        },
        "volumes": [*kept["volumes"], launcher, *service.mounts],
        **ours.published(service, service.listen),
        "healthcheck": health.answering(service.listen),
    }


def files(service: Service, stack: Stack, project: Project) -> dict[str, str]:
    """What starts the server: it reads the password's file itself, so that no setting holds one."""
    text = package_files("slipway.stack").joinpath("files", "mlflow", LAUNCHER).read_text(encoding="utf-8")
    return {f"{_folder(service)}/{LAUNCHER}": comment(f"[stack.services.{service.name}]") + text}


def _in_database(service: Service, postgres: Service) -> dict[str, Any]:
    return {
        "user": ours.USER,
        "group_add": ["${SLIPWAY_GID:-10001}"],
        "environment": {
            "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg://mlflow@{ours.postgres_place(postgres)}/mlflow",
            "MLFLOW_ARTIFACTS_DESTINATION": "/data/artifacts",
            "DATABASE_PASSWORD_FILE": f"{ours.SECRETS}/mlflow_password",
        },
        "secrets": ["mlflow_password"],
        "volumes": [f"{service.volume}:/data"],
    }


def _project_own(stack: Stack) -> dict[str, Any]:
    """The store that jobs write to as they do without a stack: what it shows is there when it is not."""
    return {
        **ours.user(stack),
        "environment": {
            "MLFLOW_BACKEND_STORE_URI": "sqlite:////app/mlflow.db",
            "MLFLOW_DEFAULT_ARTIFACT_ROOT": "file:///app/mlruns",
        },
        **ours.folders(stack),
    }


def _hosts(service: Service) -> list[str]:
    """It answers to no other names, so that no page elsewhere can reach it through a reader's browser."""
    return [f"{service.name}:{service.listen}", "localhost:*", "127.0.0.1:*"]


def _folder(service: Service) -> str:
    return f"docker/{service.name}"
