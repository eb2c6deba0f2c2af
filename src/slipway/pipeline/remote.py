"""A project and the address of a DVC remote in; its data, models and sources brought from there, or sent, out."""

import configparser
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, Literal

from slipway import processes
from slipway.errors import DataError, OutsideError, ProjectError, SlipwayError
from slipway.pipeline.dvc_cache import Cache, find_cache
from slipway.pipeline.tracked import lacking_sources, missing, track_missing, track_present
from slipway.project.facts import Project
from slipway.settings import REMOTE, Settings, not_writable

_SECRETS = ("credential", "forbidden", "access denied", "403", "401", "accesskey", "signature", "expiredtoken")
_LISTED = 5
Section = dict[str, str]


@dataclass(frozen=True, slots=True)
class Carried:
    """What went from or to a remote."""

    way: Literal["pull", "push"]
    remote: str | None
    """Its address, without a password; None where none is named."""
    said: str
    """DVC's own summary."""
    absent: tuple[str, ...] = ()
    """What the remote does not have and is not here either; stages make it, or a later push brings it there."""

    def sentence(self) -> str:
        """For a person."""
        if self.remote is None:
            return "No remote is named (DVC_REMOTE_URL), so nothing was pulled; every source is here."
        told = f"{self.way} {'from' if self.way == 'pull' else 'to'} {self.remote}: {self.said}"
        if not self.absent:
            return told
        more = f" and {len(self.absent) - _LISTED} more" if len(self.absent) > _LISTED else ""
        names = ", ".join(self.absent[:_LISTED])
        return f"{told} It does not have {names}{more} yet: stages make these, and a push brings them there."

    def to_json(self) -> dict[str, Any]:
        return {"way": self.way, "remote": self.remote, "said": self.said, "absent": list(self.absent)}


def pull(project: Project, settings: Settings, say: Callable[[str], None] = lambda text: None) -> Carried:
    """Bring what the remote has of what `dvc.lock` and `.dvc` files name. Hold the run's lock.

    A remote that is empty, or lacks some of it, is none to stop at while the sources are here.

    Raises:
        DataError: a source is neither here nor in the remote.
        OutsideError: the remote does not answer, or does not let us in.
        ProjectError: DVC is not set up, or files of its are in the way.
    """
    _cache(project)
    remote = _remote(settings)
    if remote is None:
        _require_sources(project, "no remote is named: set DVC_REMOTE_URL, or `dvc remote add -d storage URL`")
        return Carried("pull", None, "nothing was pulled")
    track_missing(project)
    said = "nothing is there yet."
    if not missing(project):
        said = "everything is here already."
    elif not _is_absent_folder(remote):
        say(f"pulls from {remote.shown}")
        said = _dvc(settings, remote, "pull", "--allow-missing")
    absent = tuple(missing(project))
    _require_sources(project, f"{remote.shown} does not have it: push it from where it is, or put the file there")
    return Carried("pull", remote.shown, said, absent)


def push(project: Project, settings: Settings, say: Callable[[str], None] = lambda text: None) -> Carried:
    """Send what runs have made, and the sources that git does not keep. Hold the run's lock.

    Raises:
        OutsideError: the remote does not answer, or does not let us in.
        ProjectError: DVC is not set up, or no remote is named.
    """
    cache = _cache(project)
    remote = _remote(settings)
    if remote is None:
        raise ProjectError(
            "There is no remote to push to: set DVC_REMOTE_URL to a folder or an address such as s3://bucket/path, or "
            "`dvc remote add -d storage URL`."
        )
    track_present(project, cache)
    say(f"pushes to {remote.shown}")
    return Carried("push", remote.shown, _dvc(settings, remote, "push"))


@dataclass(frozen=True, slots=True)
class _Remote:
    name: str
    url: str
    options: Section
    is_configured: bool
    """Whether the project's own configuration has it as it is."""

    @property
    def shown(self) -> str:
        return re.sub(r"//[^/@\s]*@", "//", self.url)


def _remote(settings: Settings) -> _Remote | None:
    """The remote by its settings: what the environment says goes over what `.dvc/config` says."""
    default, known = _configured(settings.root)
    name = settings.remote_name or default or (next(iter(known), None) if settings.remote_url is None else REMOTE)
    if name is None:
        return None
    options = dict(known.get(name, {}))
    if settings.remote_url is None:
        if "url" not in options:
            raise ProjectError(
                f"DVC_REMOTE_NAME = '{name}': .dvc/config has no such remote. Set DVC_REMOTE_URL as well, or "
                f"`dvc remote add {name} URL`."
            )
        return _Remote(name, options["url"], options, is_configured=True)
    url = settings.remote_url
    if "://" not in url:  # DVC would take it relative to its configuration's own folder
        url = str(settings.root / url)
    # A name that the project's own configuration has would get its address from there.
    return _Remote(f"{name}-here" if name in known else name, url, {**options, "url": url}, is_configured=False)


def _configured(root: Path) -> tuple[str | None, dict[str, Section]]:
    """The default remote, and the options of each, as the project's own configuration has them."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read([root / ".dvc" / name for name in ("config", "config.local")], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise ProjectError(f".dvc/config: can't be read: {error}") from error
    remotes = {
        found[1]: dict(parser.items(section))
        for section in parser.sections()
        if (found := re.fullmatch(r"'?remote \"(.+)\"'?", section))
    }
    return parser.get("core", "remote", fallback=None), remotes


def _cache(project: Project) -> Cache:
    if find_spec("dvc") is None:
        raise OutsideError("DVC is not installed here, and it is what pulls and pushes: `pip install dvc`.")
    cache = find_cache(project.root)
    if cache is None:
        raise ProjectError(f"{project.root}: DVC is not set up here. `dvc init` does it; then build the images again.")
    return cache


def _is_absent_folder(remote: _Remote) -> bool:
    return "://" not in remote.url and Path(remote.url).is_absolute() and not Path(remote.url).is_dir()


def _require_sources(project: Project, why: str) -> None:
    for source in lacking_sources(project):
        raise DataError(f"{source.path}: the file of source `{source.name}` is not here, and {why}.")


def _dvc(settings: Settings, remote: _Remote, way: str, *options: str) -> str:
    """What DVC says at the end; its error as ours."""
    with _environment(settings, remote) as environment:
        done = subprocess.run(
            processes.command("dvc", way, "--remote", remote.name, *options),
            cwd=settings.root,
            env=processes.environment(settings.root, environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise _error(settings, remote, way, done.stderr)
    lines = [line for line in done.stdout.splitlines() if line.strip() and "\t" not in line]
    return f"{lines[-1].strip() if lines else 'done'}."


@contextmanager
def _environment(settings: Settings, remote: _Remote) -> Iterator[dict[str, str]]:
    """Variables that leave the project's own configuration alone, and let DVC write below it only."""
    kept = settings.state / "dvc"
    try:
        kept.mkdir(parents=True, exist_ok=True)  # DVC would let everybody write to it
    except OSError as error:
        raise not_writable(kept, error) from error
    with tempfile.TemporaryDirectory(prefix="slipway-dvc-") as folder:
        parser = configparser.ConfigParser(interpolation=None)
        parser["core"] = {"analytics": "false", "check_update": "false"}
        if which("git") is None:  # as in an image: DVC refuses to work in what may be a repository otherwise
            parser["core"]["no_scm"] = "true"
        if not remote.is_configured:
            parser[f"'remote \"{remote.name}\"'"] = remote.options
        path = Path(folder) / "config"
        with path.open("w", encoding="utf-8") as file:
            parser.write(file)
        path.chmod(0o600)
        yield {
            # Its own default is below /var, which a container can't write to.
            "DVC_SITE_CACHE_DIR": str(kept),
            "GIT_PYTHON_REFRESH": "quiet",
            **os.environ,
            "DVC_SYSTEM_CONFIG_DIR": folder,
            "DVC_NO_ANALYTICS": "1",
        }


def _error(settings: Settings, remote: _Remote, way: str, said: str) -> SlipwayError:
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    reason = re.sub(r"//[^/@\s]*@", "//", errors[0] if errors else said.strip().split("\n")[-1])
    reason = reason.removeprefix("unexpected error - ").rstrip(".")
    if "without confirmation" in said:
        files = ", ".join(line.strip() for line in said.splitlines() if line.startswith(f"{settings.root}/"))
        return ProjectError(
            f"{files}: here, in no cache, and not what dvc.lock or its .dvc file names, so nothing was written over "
            "it. Move it away and pull again; or keep it, and `slipway run`."
        )
    where = f"{remote.shown}: DVC could not {way}: {reason}."
    if "Permission denied" in said or "Read-only file system" in said:
        if "://" not in remote.url:
            return not_writable(Path(remote.url), PermissionError(13, "Permission denied"))
        return OutsideError(f"{where} See to the rights of user {os.getuid()} there.")
    lower = said.lower()
    if any(sign in lower for sign in _SECRETS):
        return OutsideError(
            f"{where} The credentials are missing or wrong: put valid ones into secrets/aws_credentials (or the file "
            "that AWS_SHARED_CREDENTIALS_FILE names), and start this again."
        )
    if "requires 'dvc" in said:
        return OutsideError(f"{where} Name its kind in [stack] remotes, then build the images again.")
    return OutsideError(f"{where} See that it is there and can be reached, then start this again.")
