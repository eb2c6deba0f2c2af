"""PostgreSQL: its service in, its part of a Compose file out, with its roles, rights, and who may log in from where."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.heading import comment
from slipway.stack.kinds import health, ours

IMAGE = "postgres:17"
ROLES = "/docker-entrypoint-initdb.d/10-roles.sh"
_MEGABYTES = {"m": 1, "g": 1024}
_DEFAULT_MEMORY = "512m"

_HBA = """\
# type  database  user  address  method
# The superuser is whoever may `docker compose exec` here, and nobody that comes over a network.
local  all  postgres  peer
local  all  all  scram-sha-256
host  all  postgres  all  reject
"""

_SCRIPT = """\
# Makes each role, database and right that is missing; the first start of an empty volume does it. For one that is not
# empty, or after a password has changed: docker compose exec {service} sh {path}
for secret in {secrets}; do
    [ -s "/run/secrets/$secret" ] || {{ echo "secrets/$secret is empty: slipway stack secrets" >&2; exit 1; }}
done
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet -U postgres -d postgres <<'SQL'
-- A statement that fails would be logged with the password that it sets.
SET log_min_error_statement = panic;
{roles}
{databases}
\\connect {database}
CREATE SCHEMA IF NOT EXISTS slipway AUTHORIZATION slipway;
ALTER SCHEMA public OWNER TO slipway;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- Else a role called slipway finds the schema of its name first, and publishes tables among Slipway's own.
ALTER DATABASE {database} SET search_path = public;
SQL
"""

_ROLE = """\
\\set secret `cat /run/secrets/{role}_password`
SELECT 'CREATE ROLE {role} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} PASSWORD :'secret';"""

_DATABASE = """\
SELECT 'CREATE DATABASE {name}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
ALTER DATABASE {name} OWNER TO {owner};
REVOKE ALL ON DATABASE {name} FROM PUBLIC;"""


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """The image's own user by its name: images give it different numbers, and none of them is root's."""
    return {
        "image": service.image or IMAGE,
        "command": [
            "postgres",
            *(word for name, value in _settings(service).items() for word in ("-c", f"{name}={value}")),
        ],
        "user": "postgres",
        "group_add": ["${SLIPWAY_GID:-10001}"],
        "environment": {
            "POSTGRES_PASSWORD_FILE": f"{ours.SECRETS}/postgres_password",
            "POSTGRES_DB": service.database,
            "POSTGRES_INITDB_ARGS": "--auth-local=peer --auth-host=scram-sha-256",
            "PGDATA": "/var/lib/postgresql/data/pgdata",
            **service.environment,
        },
        "secrets": ["postgres_password", *(f"{role}_password" for role in _roles(stack))],
        "volumes": [
            f"{service.volume}:/var/lib/postgresql/data",
            ours.bind(f"./{_folder(service)}/initdb", "/docker-entrypoint-initdb.d", read_only=True),
            ours.bind(f"./{_folder(service)}/pg_hba.conf", "/etc/postgresql/pg_hba.conf", read_only=True),
            *service.mounts,
        ],
        "tmpfs": ["/var/run/postgresql"],
        **ours.published(service, service.listen),
        "stop_signal": "SIGINT",  # ends sessions; SIGTERM would wait for the last of them
        # By address: the server that only makes the roles, on a first start, answers on the socket.
        "healthcheck": health.until(f"pg_isready -q -h 127.0.0.1 -U slipway -d {service.database}", interval=2),
    }


def files(service: Service, stack: Stack, project: Project) -> dict[str, str]:
    """Roles and rights for the first start, and who may log in from where."""
    head = comment(f"[stack.services.{service.name}]")
    return {
        f"{_folder(service)}/initdb/10-roles.sh": head + _script(service, stack),
        f"{_folder(service)}/pg_hba.conf": head + _hba(service, stack),
    }


def _roles(stack: Stack) -> tuple[str, ...]:
    """A role for each that logs in: what runs stages, what serves, and each server with tables here."""
    kinds = {service.kind for service in stack.services.values() if not service.external}
    others = (("slipway_api", "api"), ("mlflow", "mlflow"), ("prefect", "prefect"))
    return ("slipway", *(role for role, kind in others if kind in kinds))


def _databases(service: Service, stack: Stack) -> dict[str, str]:
    """By name, who owns it."""
    return {str(service.database): "slipway", **{role: role for role in _roles(stack) if role in ("mlflow", "prefect")}}


def _script(service: Service, stack: Stack) -> str:
    roles, databases = _roles(stack), _databases(service, stack)
    rights = [f"GRANT CONNECT ON DATABASE {service.database} TO slipway_api;"] if "slipway_api" in roles else []
    return _SCRIPT.format(
        service=service.name,
        path=ROLES,
        secrets=" ".join(f"{role}_password" for role in roles),
        roles="\n".join(_ROLE.format(role=role) for role in roles),
        databases="\n".join([*(_DATABASE.format(name=n, owner=owner) for n, owner in databases.items()), *rights]),
        database=service.database,
    )


def _hba(service: Service, stack: Stack) -> str:
    logins = {(name, owner) for name, owner in _databases(service, stack).items()}
    logins |= {(str(service.database), role) for role in _roles(stack) if role == "slipway_api"}
    return _HBA + "".join(f"host  {name}  {role}  all  scram-sha-256\n" for name, role in sorted(logins))


def _settings(service: Service) -> dict[str, str]:
    """A small server's: a quarter of its memory for pages, the rest for the sessions and the kernel's own cache."""
    memory = service.memory or _DEFAULT_MEMORY
    megabytes = int(memory[:-1]) * _MEGABYTES[memory[-1]]
    return {
        "hba_file": "/etc/postgresql/pg_hba.conf",
        "password_encryption": "scram-sha-256",
        "shared_buffers": f"{max(16, megabytes // 4)}MB",
        "effective_cache_size": f"{max(32, megabytes // 2)}MB",
        "maintenance_work_mem": f"{max(16, megabytes // 8)}MB",
        "max_wal_size": "512MB",
        "jit": "off",
    }


def _folder(service: Service) -> str:
    return f"docker/{service.name}"
