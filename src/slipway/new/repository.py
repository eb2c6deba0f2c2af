"""A project's folder in; git and DVC set up in it, in their own formats, without DVC installed."""

import shutil
import subprocess
from pathlib import Path

from slipway.new.pages import GITIGNORE

DVC_FILES = {
    ".dvc/config": "[core]\n    analytics = false\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": "# What DVC passes over in the project; patterns as in .gitignore.\n/.slipway/\n/mlruns/\n",
}


def set_up(folder: Path) -> str:
    """Write .gitignore and DVC's configuration; make a git repository unless the folder is part of one.

    Returns:
        What was done, or why it was not, for the person who waits.
    """
    for name, text in {".gitignore": GITIGNORE, **DVC_FILES}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if shutil.which("git") is None:
        return "git is not installed: `git init` makes the repository that DVC's comparisons need."
    if _is_tracked(folder):
        return "DVC set up; the folder is part of a git repository already."
    made = _git(folder, "init", "--quiet", "--initial-branch=main")
    if made.returncode:
        return f"DVC set up; git init failed: {made.stderr.strip()}"
    return "git and DVC set up; nothing is committed yet."


def _is_tracked(folder: Path) -> bool:
    """Whether a repository around the folder would take its files."""
    return _git(folder, "rev-parse", "--is-inside-work-tree").returncode == 0 and bool(
        _git(folder, "check-ignore", "--quiet", ".").returncode
    )


def _git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
