"""Which run was made a candidate last: a mark beside the state, so that an unchanged run need not look further."""

import json
from pathlib import Path

from slipway.settings import Settings

FILE = "proposed.json"


def is_proposed(settings: Settings) -> bool:
    """Whether the artifacts that `dvc.lock` describes were made a candidate already, or found to be a known model."""
    try:
        kept = json.loads(_mark(settings).read_text())
        return bool(kept["dvc_lock"] == lock_digest(settings))
    except (FileNotFoundError, ValueError, KeyError):
        return False


def mark_proposed(settings: Settings, digest: str) -> None:
    """Note that the run with this `dvc.lock` needs no candidate any more."""
    path = _mark(settings)
    aside = path.with_suffix(".aside")
    aside.write_text(json.dumps({"dvc_lock": digest}))
    aside.replace(path)


def lock_digest(settings: Settings) -> str:
    """SHA-256 of dvc.lock, which describes a run: code, settings, inputs and outputs."""
    import hashlib

    return hashlib.sha256((settings.root / "dvc.lock").read_bytes()).hexdigest()


def _mark(settings: Settings) -> Path:
    return settings.state / FILE
