"""Secrets that are newer than what was made with them in; containers taken away, and roles of the database renewed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from slipway.project.stack import Stack
from slipway.stack.kinds.postgres import ROLES
from slipway.stack.running.build import Say
from slipway.stack.running.engine import Engine, Plan, Planned
from slipway.stack.running.up import start

_GRAIN = timedelta(seconds=1)
"""The engine tells a volume's time in whole seconds."""


def renew(engine: Engine, plan: Plan, stack: Stack, services: Sequence[Planned], say: Say) -> None:
    """Make good what was started with older secrets than there are now, or before there was one.

    A container has the file that was there when it was made, whatever is put in its place since: it is taken away, for
    `up` to make anew. A database has the passwords, roles and databases of its first start: it is given those of now.

    Raises:
        SlipwayError: the engine, or the database, is against it.
    """
    newest = {service.name: _newest(plan, service) for service in services}
    old = {c.service for c in engine.containers(plan.project) if c.created < newest.get(c.service, c.created)}
    if old:
        for name in sorted(old):
            say(name, "is made anew, with the secrets of now")
        engine.asked(engine.compose("rm", "--stop", "--force", *sorted(old)))
    postgres = stack.one("postgres")
    if postgres is None or postgres.name not in newest:
        return
    made = _volume_made(engine, f"{plan.project}_{postgres.volume}")
    if made is not None and made + _GRAIN < newest[postgres.name]:
        start(engine, plan, stack, [postgres.name], say)
        engine.asked(engine.compose("exec", "-T", postgres.name, "sh", ROLES))
        if postgres.name in old:  # else it was told the same before, and takes it again
            say(postgres.name, "has the roles, databases and passwords of now")


def _newest(plan: Plan, service: Planned) -> datetime:
    files = [plan.secrets[name] for name in service.secrets if name in plan.secrets]
    return max((_written(file) for file in files if file.is_file()), default=datetime.min.replace(tzinfo=UTC))


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _volume_made(engine: Engine, volume: str) -> datetime | None:
    found = engine.said(["docker", "volume", "inspect", "--format", "{{.CreatedAt}}", volume])
    return None if found.returncode else datetime.fromisoformat(found.stdout.strip().replace("Z", "+00:00"))
