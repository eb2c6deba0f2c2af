"""Where things run. The only reader of the environment: project folder in, frozen places and addresses out."""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Places and addresses of one opened project; everything embedded unless the environment says otherwise."""

    root: Path
    state: Path
    """Slipway's own folder: state.db, spool/, bundles/, locks."""
    tracking_uri: str
    """MLflow's; by default its own default, `mlflow.db` in the project's folder."""
    database_url: str
    """The project's database, to which stages publish and from which SQL sources read."""
    user: str
    """Who acts, for the ledger."""
    webhook: str | None = None
    """The address that is told of alarms, promotions and rollbacks; it may hold a secret, so it is kept nowhere."""

    @property
    def state_db(self) -> Path:
        return self.state / "state.db"

    @property
    def spool(self) -> Path:
        return self.state / "spool"

    @property
    def bundles(self) -> Path:
        return self.state / "bundles"

    @property
    def gates(self) -> Path:
        """The gate's tables, each under its digest."""
        return self.state / "gates"

    @property
    def locks(self) -> Path:
        return self.state / "locks"


def read_settings(root: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read where things run for the project in `root`.

    Honours `MLFLOW_TRACKING_URI`, `SLIPWAY_DATABASE_URL`, `SLIPWAY_USER` and `SLIPWAY_WEBHOOK`.
    """
    env = os.environ if environment is None else environment
    root = root.resolve()
    return Settings(
        root=root,
        state=root / ".slipway",
        tracking_uri=env.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}",
        database_url=env.get("SLIPWAY_DATABASE_URL") or f"sqlite:///{root / 'data' / 'project.db'}",
        user=env.get("SLIPWAY_USER") or _login_name(),
        webhook=env.get("SLIPWAY_WEBHOOK") or None,
    )


def look_up(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """What an environment variable that the project names holds; None where it is not set, or empty."""
    return (os.environ if environment is None else environment).get(name) or None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a numeric user without an entry in the password file
        return str(os.getuid())
