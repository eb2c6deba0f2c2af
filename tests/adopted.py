"""A project of commands in somebody's dvc.yaml, done by a shell in milliseconds, and what the real DVC says of it."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.pipeline.run import run, run_lock
from slipway.project import Project, read_project
from slipway.settings import read_settings

TOML = 'name = "adopted"\npipeline = "dvc.yaml"\n[model]\nkind = "regression"\ntarget = "y"\npickle = true\n'
MODEL = """\
  model:
    cmd: cp train.csv model.pkl && cp train.csv test.csv
    deps: [train.csv]
    outs: [model.pkl, test.csv]
"""
"""A stage that a project of ours has to have; nobody loads what it makes."""


class Adopted:
    """A repository of DVC with a dvc.yaml, adopted."""

    def __init__(self, root: Path, stages: str = "", files: dict[str, str] | None = None) -> None:
        self.root = root
        self.write({"slipway.toml": TOML, "dvc.yaml": f"stages:\n{MODEL}{stages}", "train.csv": "x,y\n1,2\n"})
        self.write(files or {})
        with _quiet(root):
            from dvc.repo import Repo

            Repo.init(str(root), no_scm=True).close()

    @classmethod
    def existing(cls, root: Path) -> "Adopted":
        """A project that is there already, DVC and all."""
        made = cls.__new__(cls)
        made.root = root
        return made

    def write(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    @property
    def project(self) -> Project:
        return read_project(self.root)

    def run(self, *sets: str) -> dict[str, str]:
        """Run the project as `slipway run` does, and give what became of each stage; raise what stopped it."""
        settings = read_settings(self.root, {})
        with run_lock(settings):
            report = run(self.project, settings, None, sets=sets)
        if report.error is not None:
            raise report.error
        return {stage.name: stage.outcome for stage in report.stages}

    @contextlib.contextmanager
    def repo(self) -> Iterator[Any]:
        """The real DVC, in this process: starting it takes longer than all that it is asked."""
        with _quiet(self.root):
            from dvc.repo import Repo

            with Repo(str(self.root)) as repo:
                yield repo

    def status(self) -> dict[str, Any]:
        """What `dvc status` says; nothing where all is up to date."""
        with self.repo() as repo:
            return repo.status()

    def push(self, remote: Path) -> int:
        """Push to a folder, and give the number of objects that are there then."""
        with self.repo() as repo:
            with repo.config.edit() as config:
                config["remote"]["shelf"] = {"url": str(remote)}
            repo.push(remote="shelf")
        return sum(path.is_file() for path in remote.rglob("*"))


@contextlib.contextmanager
def _quiet(root: Path) -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.chdir(root), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("DVC_SITE_CACHE_DIR", str(root.parent / f"{root.name}-dvc"))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        yield
