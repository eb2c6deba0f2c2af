"""Files of a project that are named as a module of Python's or of a library's, and which of the two its code means."""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path


def means_library(name: str, folders: Sequence[Path]) -> bool:
    """Return whether a project's code that imports a module of this name means Python's or a library's.

    It does where there is such a module, and nothing that the code takes from it by name is defined in the project's
    own file: who writes `from typing import TypedDict` beside an own `typing.py` without one does not mean that. Where
    the code does not say what it takes, the own file is meant.

    Args:
        name: of a top-level module.
        folders: absolute; where the project's modules are looked for, in this order.
    """
    files = (file for folder in folders for file in (folder / f"{name}.py", folder / name / "__init__.py"))
    own = next((file for file in files if file.is_file()), None)
    if own is None or not _is_elsewhere(name, folders):
        return False
    sources = [file for folder in folders for file in sorted(folder.glob("*.py")) if file != own]
    taken = {each for file in sources for each in _taken(_parsed(file), name)}
    return bool(taken) and "*" not in taken and not _defines_any(own, taken)


def _is_elsewhere(name: str, folders: Iterable[Path]) -> bool:
    if name in sys.stdlib_module_names:
        return True
    places = [place for place in sys.path if Path(place).absolute() not in folders]
    return PathFinder.find_spec(name, places) is not None


def _taken(tree: ast.Module, name: str) -> Iterator[str]:
    """What is taken of a module: what is imported from it, its submodules, and attributes of the names it has here."""
    local: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            top, _, rest = node.module.partition(".")
            if top == name:
                yield from [rest.partition(".")[0]] if rest else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top, _, rest = alias.name.partition(".")
                if top == name and rest:
                    yield rest.partition(".")[0]
                if top == name and not (rest and alias.asname):
                    local.add(alias.asname or top)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in local:
            yield node.attr


def _defines_any(own: Path, names: set[str]) -> bool:
    """Whether a module's file binds one of the names; for a package, whether a module of it has one, too."""
    bound = {file.stem for file in own.parent.iterdir()} if own.name == "__init__.py" else set[str]()
    for node in ast.walk(_parsed(own)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    # What `import *` or `__getattr__` gives is known to nobody.
    return bool(bound & (names | {"*", "__getattr__"}))


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # whoever imports it is told
        return ast.Module([], [])
