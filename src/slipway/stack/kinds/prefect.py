"""Prefect's server: its service in, its part of a Compose file and what is rendered beside it out."""

from importlib.resources import files as package_files
from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.heading import comment
from slipway.stack.kinds import health, ours

LAUNCHER = "serve_prefect.py"


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """Tables in the stack's PostgreSQL where it has one: on SQLite it locks under load."""
    postgres = stack.one("postgres")
    kept = _in_volume(service) if postgres is None else _in_database(postgres)
    launcher = ours.bind(f"./{_folder(service)}/{LAUNCHER}", f"/launch/{LAUNCHER}", read_only=True)
    return {
        "command": ["python", f"/launch/{LAUNCHER}"],
        "user": ours.USER,
        "group_add": ["${SLIPWAY_GID:-10001}"],
        **kept,
        "environment": {
            "PREFECT_HOME": "/tmp/prefect",  # noqa: S108
            "PREFECT_SERVER_API_HOST": "0.0.0.0",  # noqa: S104
            "PREFECT_SERVER_API_PORT": str(service.listen),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # Pages of other sites get no answer through a reader's browser.
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(_origins(service)),
            # The pages ask where they came from, whatever name and port that has outside.
            "PREFECT_SERVER_UI_API_URL": "/api",
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": "/tmp/prefect-pages",  # noqa: S108
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            **kept["environment"],
            **service.environment,
        },
        "volumes": [*kept["volumes"], launcher, *service.mounts],
        **ours.published(service, service.listen),
        "healthcheck": health.answering(service.listen, "/api/health"),
    }


def files(service: Service, stack: Stack, project: Project) -> dict[str, str]:
    """What starts the server: it reads the password's file itself, so that no setting holds one."""
    text = package_files("slipway.stack").joinpath("files", "prefect", LAUNCHER).read_text(encoding="utf-8")
    return {f"{_folder(service)}/{LAUNCHER}": comment(f"[stack.services.{service.name}]") + text}


def _in_database(postgres: Service) -> dict[str, Any]:
    place = ours.postgres_place(postgres)
    return {
        "environment": {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@{place}/prefect",
            "DATABASE_PASSWORD_FILE": f"{ours.SECRETS}/prefect_password",
        },
        "secrets": ["prefect_password"],
        "volumes": [],
    }


def _in_volume(service: Service) -> dict[str, Any]:
    return {
        "environment": {"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////data/prefect.db"},
        "volumes": [f"{service.volume}:/data"],
    }


def _origins(service: Service) -> list[str]:
    return [f"http://{host}:{service.port or service.listen}" for host in ("127.0.0.1", "localhost")]


def _folder(service: Service) -> str:
    return f"docker/{service.name}"
