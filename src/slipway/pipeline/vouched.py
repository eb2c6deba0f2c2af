"""The files of estimators that a command has made in, the SHA-256 that each had then out: what vouches for a pickle."""

from pathlib import Path

from slipway.files import write_text
from slipway.pipeline.graph import made_by
from slipway.project.facts import Project
from slipway.settings import read_settings


def vouch(project: Project, stage: str) -> None:
    """Write down what a command's estimators are now: it has just made them, or dvc.lock says that it did."""
    for name in made_by(project, stage):
        if project.artifacts[name].kind == "estimator" and project.path(name).is_file():
            write_text(_place(project, name), sha256_of(project.path(name)) + "\n")


def vouched(project: Project, artifact: str) -> str | None:
    """The SHA-256 that was written down; None where nobody did."""
    try:
        return _place(project, artifact).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def sha256_of(path: Path) -> str:
    from hashlib import file_digest, sha256

    with path.open("rb") as file:
        return file_digest(file, sha256).hexdigest()


def _place(project: Project, artifact: str) -> Path:
    return read_settings(project.root).state / "estimators" / f"{artifact}.sha256"
