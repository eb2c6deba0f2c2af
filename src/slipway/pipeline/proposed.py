"""Which run was made a candidate last: a mark beside the state, so that an unchanged run need not look further."""

import json
from pathlib import Path

from slipway.files import read_state, write_text
from slipway.pipeline import state as run_state
from slipway.project.dvc_yaml import is_somebodys
from slipway.project.facts import Project
from slipway.settings import Settings

FILE = "proposed.json"


def is_proposed(project: Project, settings: Settings) -> bool:
    """Whether the artifacts that the last run left were made a candidate already, or found to be a known model."""
    kept = read_state(_mark(settings), {"dvc_lock": str})
    return kept is not None and bool(kept["dvc_lock"] == run_digest(project, settings))


def mark_proposed(settings: Settings, digest: str) -> None:
    """Note that the run with this digest needs no candidate any more."""
    write_text(_mark(settings), json.dumps({"dvc_lock": digest}))


def run_digest(project: Project, settings: Settings) -> str:
    """What tells one run's artifacts from another's, and what goes into a bundle beside them.

    dvc.lock describes a run, where it is brought up to date. Functions of routes stand in no stage's code where the
    stages are commands. What slipway.toml says of columns and routes stands in no lock.
    """
    import hashlib

    locked, told = lock_digest(settings), _settings_of_columns(project)
    is_locked = not project.is_adopted and project.scripts is None and not is_somebodys(project.root)
    if locked is not None and is_locked and not told:
        return locked
    digest = hashlib.sha256(told)
    if is_somebodys(project.root) and not project.is_adopted:
        records = run_state.read_state(settings.state / "pipeline.json").records
        digest.update(json.dumps(records, sort_keys=True).encode())
    else:
        digest.update((locked or "").encode())
    if project.scripts is not None or project.is_adopted:
        for path in project.read_from:
            digest.update((project.root / path).read_bytes() if (project.root / path).is_file() else b"")
    return digest.hexdigest()


def _settings_of_columns(project: Project) -> bytes:
    """Settings that name columns of a request, or its form; empty where the project has none."""
    api = project.api
    told = [sorted(api.types.items()), api.routes, api.personal, api.journal or (), project.model.slices or ()]
    return repr(told).encode() if any(told) else b""


def lock_digest(settings: Settings) -> str | None:
    """SHA-256 of dvc.lock; None where there is none."""
    import hashlib

    try:
        return hashlib.sha256((settings.root / "dvc.lock").read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _mark(settings: Settings) -> Path:
    return settings.state / FILE
