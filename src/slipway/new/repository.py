"""A project's folder in; git and DVC set up in it, in their own formats, without DVC installed."""

import shutil
import subprocess
from pathlib import Path

from slipway.files import rewrite_bytes, write_text
from slipway.new.pages import GITIGNORE
from slipway.pipeline.dvc_cache import find_cache
from slipway.project.editor_schema import keep_schema

DVC_FILES = {
    ".dvc/config": "[core]\n    analytics = false\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": "# What DVC passes over in the project; patterns as in .gitignore.\n"
    "/.slipway/\n/mlruns/\n.slipway-*.draft/\n",
}

_NO_GIT = "    no_scm = true\n"
"""Without it DVC refuses to work where there is no repository."""


def set_up(folder: Path, *, with_git: bool = True, with_dvc: bool = True, ignored: str = GITIGNORE) -> str:
    """Complete .gitignore; write DVC's configuration and make a git repository, unless the folder is part of one.

    Returns:
        What was done, or why it was not, for the person who waits.
    """
    _complete(folder / ".gitignore", ignored)
    keep_schema(folder)
    # First, since DVC looks no further up than the repository's root.
    git = _set_up_git(folder) if with_git else "no git repository made, as asked"
    if not with_dvc:
        return f"{git}; DVC not set up, as asked; `pip install 'slipway[dvc]'` and `dvc init` do it later."
    if find_cache(folder.resolve()) is not None:
        return f"{git}; DVC is set up already and stays as it is."
    for name, text in DVC_FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        _complete(folder / name, text)
    if not any((above / ".git").exists() for above in (folder.resolve(), *folder.resolve().parents)):
        _complete(folder / ".dvc/config", _NO_GIT)
    return f"{git}; DVC set up; nothing is committed yet."


def _set_up_git(folder: Path) -> str:
    if shutil.which("git") is None:
        return "git is not installed: `git init` makes the repository that DVC's comparisons need"
    if _is_tracked(folder):
        return "the folder is part of a git repository already"
    made = _git(folder, "init", "--quiet", "--initial-branch=main")
    return f"git init failed: {made.stderr.strip()}" if made.returncode else "git set up"


def _complete(path: Path, text: str) -> None:
    """Append the lines that a file lacks; what it has stays as it is, byte for byte."""
    if not path.exists():
        write_text(path, text)
        return
    there = path.read_bytes()
    known = {line.strip() for line in there.splitlines()}
    lacking = [line for line in text.splitlines() if line.encode() not in known]
    if all(line.startswith("#") for line in lacking):
        return
    start = "\n" if there and not there.endswith(b"\n") else ""
    rewrite_bytes(path, there + (start + "\n".join(lacking) + "\n").encode())


def _is_tracked(folder: Path) -> bool:
    """Whether a repository around the folder would take its files."""
    return _git(folder, "rev-parse", "--is-inside-work-tree").returncode == 0 and bool(
        _git(folder, "check-ignore", "--quiet", ".").returncode
    )


def _git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
