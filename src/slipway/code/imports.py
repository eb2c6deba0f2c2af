"""A stage in, the libraries that its code imports out, with the versions that are installed."""

import ast
import sys
from collections.abc import Iterable
from pathlib import PurePosixPath

from slipway.code.reach import reach
from slipway.code.versions import library_versions
from slipway.project.facts import Project, Stage
from slipway.project.module import imported_names


def libraries_of(project: Project, stage: Stage, functions: Iterable[str] = ()) -> dict[str, str]:
    """Versions by the names that are imported.

    Args:
        functions: further ones of the project's module, such as those of routes.
    """
    names = [*functions, *([stage.name] if stage.command is None else [])]
    found = dict(reach(project.root, project.module, names).libraries) if names else {}
    if stage.command is not None:
        found |= library_versions(imported_by_scripts(project, stage.command.files))
    return found


def imported_by_scripts(project: Project, files: Iterable[PurePosixPath]) -> set[str]:
    """The names of the libraries that scripts import, wherever in them."""
    scripts = [file for file in files if file.suffix == ".py"]
    own = {part for file in scripts for part in (file.stem, file.parent.name)}
    found: set[str] = set()
    for file in scripts:
        try:
            tree = ast.parse((project.root / file).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, SyntaxError):  # it ran; what it imports is not to be found out here
            continue
        found |= {name.split(".")[0] for name in imported_names(tree).values()}
    return found - own - sys.stdlib_module_names
