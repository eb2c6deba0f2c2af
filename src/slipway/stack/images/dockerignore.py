"""A project in, `.dockerignore` out: what must not reach a build, for being secret, large, or made again there."""

from collections.abc import Iterator

from slipway.project.facts import Project
from slipway.stack.heading import comment
from slipway.stack.images.dockerfile import SLIM
from slipway.stack.images.locks import FOLDER

_NEVER = (
    ("What is secret", ("secrets", ".env", ".env.*", "**/*.pem", "**/*.key", ".dvc/config.local", ".aws", ".netrc")),
    (
        "History and caches",
        (".git", ".github", ".dvc/cache", ".dvc/tmp", "**/__pycache__", "**/.*_cache", ".venv", "venv"),
    ),
    (
        "What a project keeps about itself",
        (".slipway", "mlruns", "mlartifacts", "mlflow.db", "**/*.db", "data/labelled"),
    ),
    (
        "The stack's own files; a build needs its locks and the wheel",
        ("docker/*", f"!{FOLDER}", f"!{SLIM}", "!docker/*.whl"),
    ),
    (
        "No change of these makes an image anew",
        ("*compose*.y*ml", "Dockerfile*", "docker/Dockerfile*", ".dockerignore"),
    ),
)


def dockerignore(project: Project) -> str:
    """The text of `.dockerignore`."""
    lines = comment("[stack]").splitlines()
    for why, patterns in (*_NEVER, ("What stages make", tuple(_made(project)))):
        lines += ["", f"# {why}.", *patterns]
    if project.stack.volumes == "folders":
        given = [f"{source.path}" for source in project.sources.values() if not source.is_snapshot]
        lines += ["", "# Sources: the project's folder is mounted with them.", *given]
    return "\n".join(lines) + "\n"


def _made(project: Project) -> Iterator[str]:
    """Files that a run makes again: outputs, and the rows that queries and fetchers gave."""
    snapshots = {source.name for source in project.sources.values() if source.is_snapshot}
    for name, artifact in project.artifacts.items():
        if artifact.maker is not None or name in snapshots:
            yield str(artifact.path)
