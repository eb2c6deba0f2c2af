"""A table and a folder that is in use in; the project in that folder out, beside what is there and never over it."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from slipway.errors import OutsideError, ProjectError
from slipway.files import Draft
from slipway.new import repository
from slipway.new.draft import MADE, README, data_path, draft, write_files
from slipway.new.name import project_name
from slipway.new.write import NewProject
from slipway.pipeline.lock import STAGES, is_ours
from slipway.pipeline.params import FILE as PARAMS
from slipway.pipeline.params import read_params
from slipway.project import read_project
from slipway.project.facts import FILE, METRICS

OWN_README = "SLIPWAY.md"
"""Where the words about the columns go in a folder with a README of its own."""


def init_project(
    folder: Path, source: Path, target: str | None, *, with_git: bool = True, with_dvc: bool = True
) -> NewProject:
    """Write a project that learns one column of a table, in a folder that is there, such as a repository's.

    A table that stands in the folder is read where it is; another one is copied to `data/raw/`. Nothing is written
    over: lines that `.gitignore` lacks are appended, a README is kept, git and DVC are used where they are set up.

    Raises:
        ProjectError: a file that would be written, by this or by a run, is there already; no target is named, or the
            table can't be learnt from.
        DataError: the table can't be read.
    """
    _refuse_if_project(folder)
    name = project_name(folder)
    inside = _inside(folder, source)
    data = inside or data_path(source)
    readme = OWN_README if _has_readme(folder) else README
    copied = [] if inside else [data]
    _refuse_if_there(folder, [FILE, "pipeline.py", readme, "tests/test_pipeline.py", *copied])
    files = (drafted := draft(name, source, target)).files(data, readme)
    try:
        with Draft(folder / name) as kept:
            aside = kept.path
            aside.mkdir()
            write_files(files, aside)
            # Settings that somebody else keeps in params.yaml may be none of these stages'.
            read_params(replace(read_project(aside), root=folder))
            if not inside:
                (aside / data).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, aside / data)
            _put(aside, folder, [*files, *copied])
        said = repository.set_up(folder, with_git=with_git, with_dvc=with_dvc)
    except OSError as error:
        raise OutsideError(
            f"{folder}: the project can't be written: {error}. Look at the disk and the rights."
        ) from error
    return NewProject(folder, name, (*drafted.notes(), *_notes(folder, inside, readme), said), drafted.judged)


def init_adopting(
    folder: Path, target: str | None, kind: str | None, *, with_git: bool = True, with_dvc: bool = True
) -> NewProject:
    """Write a project of the stages that a folder has: numbered scripts, or somebody's dvc.yaml.

    Raises:
        ProjectError: there are none, or what they learn can't be told.
    """
    from slipway.new.adopt import adopt_project, find_stages

    _refuse_if_project(folder)
    if kind is not None and kind not in METRICS:
        raise ProjectError(f"--kind {kind}: expected {' or '.join(METRICS)}.")
    found = find_stages(folder)
    if found is None:
        raise ProjectError(
            f"{folder}: no dvc.yaml and no numbered scripts (00-prepare_data.py) are here to make a project of. "
            "Say --from FILE --target COLUMN: the table to learn from, and what to predict of it."
        )
    return adopt_project(folder, found, target, kind, with_git=with_git, with_dvc=with_dvc)


def _refuse_if_project(folder: Path) -> None:
    if not folder.is_dir():
        raise ProjectError(f"{folder}: there is no such folder. `slipway new` makes one.")
    if (folder / FILE).is_file():
        raise ProjectError(f"{folder}: this is a project already: {FILE} is there. `slipway up` runs and serves it.")


def _notes(folder: Path, inside: str | None, readme: str) -> Iterator[str]:
    if inside:
        yield f"{inside} is read where it is."
    if readme != README:
        yield f"The README is kept; what became of each column stands in {readme}."
    if not is_ours(folder):
        yield f"{STAGES} is not Slipway's: a run leaves it as it is, and DVC knows nothing of these stages."


def _inside(folder: Path, source: Path) -> str | None:
    """The table's path in the folder, if it stands there under a name that `slipway.toml` can hold."""
    place = source.parent.resolve() / source.name
    if not place.is_relative_to(folder.resolve()):
        return None
    path = place.relative_to(folder.resolve()).as_posix()
    return path if re.fullmatch(r"[\w./ +-]+", path) else None


def _has_readme(folder: Path) -> bool:
    return any(entry.name.casefold().partition(".")[0] == "readme" for entry in folder.iterdir())


def _refuse_if_there(folder: Path, written: Iterable[str]) -> None:
    found = [path for path in written if os.path.lexists(folder / path)]
    found += [f"{path} (a run makes it)" for path in MADE if path != PARAMS and os.path.lexists(folder / path)]
    if (folder / "pipeline/__init__.py").is_file():
        found.append("pipeline/ (Python would import it instead of pipeline.py)")
    folders = {str(above) for path in (*written, *MADE) for above in Path(path).parents}
    found += [f"{path} (a file, where a folder has to be)" for path in sorted(folders) if (folder / path).is_file()]
    found += [f"{path} (no file)" for path in (".gitignore", ".dvcignore", PARAMS) if (folder / path).is_dir()]
    if found:
        listed = "\n".join(f"  {line}" for line in found)
        raise ProjectError(
            f"{folder}: these are there, and nothing is written over them:\n{listed}\n"
            "Move them away, or make the project in a folder of its own with `slipway new`."
        )


def _put(aside: Path, folder: Path, paths: Iterable[str]) -> None:
    done: list[Path] = []
    try:
        for path in paths:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(aside / path, target)  # data/ may be a link to another disk
            done.append(target)
    except OSError:
        for target in done:
            target.unlink(missing_ok=True)
        raise
