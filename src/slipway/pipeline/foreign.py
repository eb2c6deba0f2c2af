"""A model's file in, as people write them in a command; the estimator out, once it is known whose file it is."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.code.user_module import user_module
from slipway.errors import BundleError, ProjectError, StageError
from slipway.pipeline.estimators import read_estimator, write_estimator
from slipway.pipeline.vouched import sha256_of, vouched
from slipway.project.facts import Project

_ZIP = b"PK\x03\x04"
_PICKLES = (b"\x80", b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"\x04\x22\x4d\x18")
"""What pickles begin with: plain ones, and compressed as joblib does."""


def read_foreign(project: Project, name: str, rewritten: Path | None = None) -> Any:
    """The estimator that a command has written: a skops file, or a pickle where the project allows those.

    A pickle is loaded only when its SHA-256 is the one that was written down when its stage ran.

    Args:
        rewritten: where the estimator is written again, as Slipway itself keeps them.

    Raises:
        ProjectError: it is a pickle, and the project does not allow one; or it is no file of a model that is known.
        StageError: what is in it is no model.
        BundleError: it is not what the stage made, or can't be loaded here.
    """
    with _its_modules(project, name):
        estimator = _read(project, name)
        if name == project.model.artifact and not hasattr(estimator, "predict"):
            raise StageError(
                f"{_where(project, name)}: a {type(estimator).__name__} is in it, which has no `predict`: write the "
                f"model itself there, preparing steps and all as one pipeline."
            )
        if rewritten is not None:
            write_estimator(estimator, rewritten, allow_pickle=project.model.pickle)
        return estimator


@contextlib.contextmanager
def _its_modules(project: Project, name: str) -> Iterator[None]:
    """Within this the project's modules can be imported: a pickle names the classes in them."""
    maker = project.artifacts[name].maker
    command = project.stages[maker].command if maker is not None else None
    files = command.files if command is not None else ()
    first = next((file for file in files if file.suffix == ".py"), project.module)
    with user_module(project.root, first):
        yield


def _read(project: Project, name: str) -> Any:
    path, where = project.path(name), _where(project, name)
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_ZIP):
        return read_estimator(path)
    if not start.startswith(_PICKLES):
        raise ProjectError(f"{where}: no file of a model that Slipway reads: write it with skops, joblib or pickle.")
    if not project.model.pickle:
        raise ProjectError(
            f"{where}: the model is a pickle, which executes code when it is loaded. Write it with skops, "
            f'`skops.io.dump(model, "{project.artifacts[name].path.with_suffix(".skops")}")`, or allow what this '
            f"project's own stages have pickled with `pickle = true` under [model] in slipway.toml."
        )
    known = vouched(project, name)
    if known is None or known != sha256_of(path):
        made = "nobody wrote down what its stage made" if known is None else "it is not the file that its stage made"
        raise BundleError(
            f"{where}: {made}, so nothing of this pickle was loaded. "
            f"`slipway run --force {project.artifacts[name].maker}` makes it anew."
        )
    return _unpickled(path, where)


def _unpickled(path: Path, where: str) -> Any:
    import joblib

    try:
        return joblib.load(path)  # reads plain pickles, too
    except Exception as error:  # a library that is missing, a class that stands nowhere: each raises its own
        said = (str(error) or type(error).__name__).strip().split("\n")[0]
        hint = ""
        if "__main__" in said:
            hint = " A class that a script defines is known nowhere else: let it stand in a module that both import."
        raise BundleError(f"{where}: the model can't be unpickled here: {said}.{hint}") from error


def _where(project: Project, name: str) -> str:
    return f"[model] artifact = '{name}': {project.artifacts[name].path}" if name == project.model.artifact else name
