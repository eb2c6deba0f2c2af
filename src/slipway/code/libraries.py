"""Which files on this machine belong to installed libraries, wherever those lie, and not to a project."""

import sys
import sysconfig
from functools import cache
from pathlib import Path

from slipway.code.versions import distributions_by_name

_FOLDERS = frozenset({"site-packages", "dist-packages"})


def is_library(name: str, file: str) -> bool:
    """Return whether a module is a part of Python or of an installed library.

    Args:
        name: of the module; its first part is what a library is known by.
        file: from which it was loaded.
    """
    top = name.partition(".")[0]
    return top in sys.stdlib_module_names or is_installed(file) or top in distributions_by_name()


def is_installed(file: str, root: Path | None = None) -> bool:
    """Return whether a file or folder was put where it is by an installer, by its place alone.

    That is so in the folders of this Python, in `site-packages` of any environment, and in any folder whose installed
    distributions list it, as `pip install --target` makes them.

    Args:
        root: a project's folder, which may itself stand anywhere: of a file in it, only what is below counts.
    """
    path = Path(file).absolute()
    return _is_placed(path, root) or ((real := path.resolve()) != path and _is_placed(real, root))


def _is_placed(path: Path, root: Path | None) -> bool:
    is_inside = root is not None and path.is_relative_to(root)
    below = path.relative_to(root) if is_inside and root is not None else path
    if _FOLDERS & {*below.parts}:
        return True
    if not is_inside and any(path.is_relative_to(place) for place in _python_folders()):
        return True
    name = path.name
    for folder in path.parents:
        if name in _listed(str(folder)):
            return True
        if folder == root:
            return False
        name = folder.name
    return False


@cache
def _python_folders() -> tuple[str, ...]:
    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@cache
def _listed(folder: str) -> frozenset[str]:
    """The files and folders in a folder that installed distributions there list as theirs."""
    found: set[str] = set()
    for record in Path(folder).glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        found |= {line.split(",")[0].split("/")[0] for line in lines}
    return frozenset(found)
