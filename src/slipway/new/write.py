"""A table, or the name of an example, in; a whole working project in a folder out, and what there is to say of it."""

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path

from slipway.errors import OutsideError, ProjectError, near_miss
from slipway.files import Draft
from slipway.new import repository
from slipway.new.columns import Judged
from slipway.new.draft import data_path, draft, write_files
from slipway.new.name import project_name
from slipway.project import read_project

EXAMPLES = ("linear", "housing", "obesity")
DRAWN = ("obesity",)
"""Those that draw figures, with a library that is an extra."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that was just written, and what its maker should know."""

    root: Path
    name: str
    notes: tuple[str, ...]
    judged: Judged | None = None
    """What was made of the table; None for an example."""

    def lines(self) -> list[str]:
        """What to say, a line each."""
        where = "" if self.root == Path() else f"-C {shlex.quote(str(self.root))} "
        return [*self.notes, f"Next: slipway {where}up"]


def new_project(
    folder: Path, source: Path, target: str | None, *, with_git: bool = True, with_dvc: bool = True
) -> NewProject:
    """Write a project that learns one column of a table, in `folder`, which is made.

    The stages are run once on a sample before anything is written in place: what is given works.

    Raises:
        ProjectError: the folder is in use, no target is named, or the table can't be learnt from.
        DataError: the table can't be read.
    """
    _refuse_if_used(folder, may_hold=())
    name, data = project_name(folder), data_path(source)
    drafted = draft(name, source, target)
    with _built_aside(folder) as aside:
        write_files(drafted.files(data), aside)
        (aside / data).parent.mkdir(parents=True)
        shutil.copyfile(source, aside / data)
        read_project(aside)
    said = repository.set_up(folder, with_git=with_git, with_dvc=with_dvc)
    return NewProject(folder, name, (*drafted.notes(), said), drafted.judged)


def new_example(folder: Path, example: str, *, with_git: bool = True, with_dvc: bool = True) -> NewProject:
    """Write an example of the package's own in `folder`, with its data; nothing is downloaded.

    A folder that holds nothing but `data/` may be there already: data in it is taken as it is.

    Raises:
        ProjectError: there is no such example, or the folder is in use.
    """
    if example not in EXAMPLES:
        raise ProjectError(f"--example {example}: there is no such example.{near_miss(example, EXAMPLES)}")
    _refuse_if_used(folder, may_hold=("data",))
    name = folder.resolve().name
    said_of_data = "its stage `readings` makes its data, in the project's own database."
    with _built_aside(folder) as aside:
        with resources.as_file(resources.files("slipway.examples") / example) as origin:
            shutil.copytree(origin, aside, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        project = read_project(aside)
        for place in (source.path for source in project.sources.values() if not source.is_snapshot):
            if (folder / place).is_file():
                said_of_data = f"{place} was there and is taken as it is."
                continue
            import_module(f"slipway.examples.{example}.generate").write(aside)
            said_of_data = (
                f"{place} is generated: its rows follow public figures and are nobody's. A real one may replace it."
            )
    said = repository.set_up(folder, with_git=with_git, with_dvc=with_dvc)
    notes = [f"{name}: the example {example}: {said_of_data}", said]
    if example in DRAWN and find_spec("matplotlib") is None:
        notes.append("Its figures need matplotlib, which is not installed here: pip install 'slipway[figures]' first.")
    return NewProject(folder, name, tuple(notes))


def _refuse_if_used(folder: Path, may_hold: tuple[str, ...]) -> None:
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder}: a file has this name. Give the project another one.")
    if folder.is_dir() and {entry.name for entry in folder.iterdir()} - set(may_hold):
        raise ProjectError(f"{folder}: the folder is there and is not empty. Give the project another name.")


@contextmanager
def _built_aside(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one, whose content is moved there when all of it is written."""
    try:
        with Draft(folder) as draft:
            draft.path.mkdir()
            yield draft.path
            folder.mkdir(exist_ok=True)
            for entry in draft.path.iterdir():
                _move(entry, folder / entry.name)
    except OSError as error:
        raise OutsideError(
            f"{folder}: the project can't be written: {error}. Look at the disk and the rights."
        ) from error


def _move(entry: Path, place: Path) -> None:
    if entry.is_dir() and place.is_dir():  # data/ that was there before
        for inner in entry.iterdir():
            _move(inner, place / inner.name)
    else:
        entry.rename(place)
