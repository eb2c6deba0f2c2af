"""Where things run. The only reader of the environment: project folder in, frozen places and addresses out."""

import getpass
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from errno import EACCES, EPERM, EROFS
from pathlib import Path

from slipway.errors import OutsideError

REMOTE = "storage"
"""What a DVC remote is called that only the environment knows of."""
HOSTNAME = "hostname"
"""As SLIPWAY_REPLICA: the name of the machine, or the container."""
_SERVERS = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class Settings:
    """Places and addresses of one opened project; everything embedded unless the environment says otherwise."""

    root: Path
    state: Path
    """Slipway's own folder: state.db, spool/, bundles/, locks."""
    tracking_uri: str
    """MLflow's; by default its own default, `mlflow.db` in the project's folder."""
    database_url: str = field(repr=False)
    """The project's database, to which stages publish and from which SQL sources read; it may hold a password."""
    state_url: str = field(repr=False)
    """Where journal, ledger, pending, decisions, lease and tokens are kept: `state_db`, or a server."""
    user: str
    """Who acts, for the ledger."""
    webhook: str | None = field(default=None, repr=False)
    """The address that is told of alarms, promotions and rollbacks; it may hold a secret, so it is kept nowhere."""
    replica: str | None = None
    """Which one of several services on one folder this is, so that each has a spool of its own."""
    token_file: Path | None = None
    """A file with one token that the service takes too, to predict, to give feedback and to read."""
    commit: str | None = None
    """The commit that the code is of, where there is no git to ask."""
    orchestrator: str | None = None
    """Prefect's address, under which jobs and ticks of the loop are recorded."""
    remote_url: str | None = None
    """The DVC remote's; what the project's own `.dvc/config` says, if not given."""
    remote_name: str | None = None

    @property
    def state_db(self) -> Path:
        return self.state / "state.db"

    @property
    def spool(self) -> Path:
        return self.state / "spool"

    @property
    def own_spool(self) -> Path:
        """Where this process writes; others ship it, too, and look into it."""
        return self.spool if self.replica is None else self.spool / self.replica

    @property
    def bundles(self) -> Path:
        return self.state / "bundles"

    @property
    def gates(self) -> Path:
        """The gate's tables, each under its digest."""
        return self.state / "gates"

    @property
    def live_file(self) -> Path:
        """The entry of the ledger that a service here last followed."""
        return self.state / "live.json"

    @property
    def locks(self) -> Path:
        return self.state / "locks"


def read_settings(root: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read where things run for the project in `root`.

    Honours `MLFLOW_TRACKING_URI`, `SLIPWAY_DATABASE_URL`, `SLIPWAY_STATE_URL`, `SLIPWAY_DATABASE_PASSWORD_FILE` (the
    password of both addresses, so that none stands in the environment), `SLIPWAY_TOKEN_FILE`, `SLIPWAY_REPLICA`,
    `SLIPWAY_COMMIT`, `SLIPWAY_USER`, `SLIPWAY_WEBHOOK`, `PREFECT_API_URL`, `DVC_REMOTE_URL` and `DVC_REMOTE_NAME`.

    Raises:
        OutsideError: the password's file can't be read.
    """
    env = os.environ if environment is None else environment
    root = root.resolve()
    passwords = env.get("SLIPWAY_DATABASE_PASSWORD_FILE") or None
    return Settings(
        root=root,
        state=root / ".slipway",
        tracking_uri=env.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}",
        database_url=_address(env.get("SLIPWAY_DATABASE_URL"), passwords)
        or f"sqlite:///{root / 'data' / 'project.db'}",
        state_url=_address(env.get("SLIPWAY_STATE_URL"), passwords) or f"sqlite:///{root / '.slipway' / 'state.db'}",
        user=env.get("SLIPWAY_USER") or _login_name(),
        webhook=env.get("SLIPWAY_WEBHOOK") or None,
        replica=_replica(env.get("SLIPWAY_REPLICA")),
        token_file=_place(env.get("SLIPWAY_TOKEN_FILE")),
        commit=env.get("SLIPWAY_COMMIT") or None,
        orchestrator=env.get("PREFECT_API_URL") or None,
        remote_url=env.get("DVC_REMOTE_URL") or None,
        remote_name=env.get("DVC_REMOTE_NAME") or None,
    )


def look_up(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """What an environment variable that the project names, or that is needed before there is one, holds.

    None where it is not set, or empty.
    """
    return (os.environ if environment is None else environment).get(name) or None


def _replica(name: str | None) -> str | None:
    """A name for a folder; the machine's, of which each container has its own, where replicas share an environment."""
    if not name:
        return None
    name = socket.gethostname() if name == HOSTNAME else name
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".") or None


def _place(path: str | None) -> Path | None:
    return Path(path) if path else None


def _address(url: str | None, password_file: str | None) -> str:
    """An address with the password that a file holds, where it is a server's and has none; empty without one."""
    if not url or not password_file or not url.startswith(_SERVERS):
        return url or ""
    from urllib.parse import quote, urlsplit

    parts = urlsplit(url)
    if parts.password is not None or "password=" in parts.query:
        return url
    user, at, host = parts.netloc.rpartition("@")
    secret = quote(read_secret(Path(password_file)), safe="")
    return parts._replace(netloc=f"{user if at else ''}:{secret}@{host}").geturl()


def read_secret(path: Path) -> str:
    """What a file of one secret holds, without the end of its line.

    Raises:
        OutsideError: it can't be read, or is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise OutsideError(
            f"{path}: this secret can't be read ({reason}). `slipway stack secrets` makes what is missing; user "
            f"{os.getuid()} of groups {', '.join(str(each) for each in sorted({os.getgid(), *os.getgroups()}))} has to "
            "be let read it."
        ) from error
    if not secret:
        raise OutsideError(f"{path}: this secret is empty. Remove the file, then call `slipway stack secrets`.")
    return secret


def not_writable(place: Path, error: OSError) -> OutsideError:
    """The error for a folder of ours that can't be written to: which one, who we are, and what to do."""
    if error.errno not in (EACCES, EPERM, EROFS):
        return OutsideError(f"{error.filename or place}: can't be written to: {error.strerror}.")
    folder = next(each for each in (place, *place.parents) if each.is_dir())
    owner = folder.stat()
    mounted = "its disk is mounted read-only" if error.errno == EROFS else f"it is user {owner.st_uid}'s"
    return OutsideError(
        f"{folder}: user {os.getuid()} (group {os.getgid()}) may not write here: {mounted}. In a stack `slipway stack "
        f"secrets` notes the owner of the project's folder in .env, as SLIPWAY_UID, for the containers to run as; "
        f"elsewhere `chown -R {os.getuid()} {folder}` helps."
    )


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a numeric user without an entry in the password file
        return str(os.getuid())
