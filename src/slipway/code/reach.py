"""Names of functions in, everything of the project's own code that they reach out, with the libraries it imports."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slipway.code.libraries import is_installed
from slipway.code.shadowing import means_library
from slipway.code.source_text import ModuleSource, imports_within, read_module, references
from slipway.code.versions import library_versions
from slipway.errors import ProjectError, near_miss

_TOLD = 80
"""Characters of a constant that a person still wants to read."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The definitions that some functions reach, in the project's own modules."""

    parts: Mapping[str, str]
    """SHA-256 by definition, named as a person would: "helper `clean`"; "" for the functions themselves."""
    values: Mapping[str, str]
    """Constants among the parts that are short enough to be told, as they are written."""
    libraries: Mapping[str, str]
    """Versions by the names that are imported."""
    modules: tuple[PurePosixPath, ...]
    """The files they stand in, relative to the project's folder; the first one is where the functions are."""
    definitions: "Definitions"

    @property
    def digest(self) -> str:
        """SHA-256 of all parts: the same after an edit of comments or of the formatting alone."""
        from hashlib import sha256

        return sha256("\n".join(f"{name} {self.parts[name]}" for name in sorted(self.parts)).encode()).hexdigest()


def reach(root: Path, module: PurePosixPath, names: Iterable[str]) -> Reached:
    """What functions of a module reach: functions, classes, constants, imports, followed through the project's files.

    Raises:
        ProjectError: a file is not Python, or the module has no function of such a name.
    """
    names = tuple(names)
    definitions = Definitions(root, module)
    for name in names:
        if name not in definitions.main.owners:
            raise ProjectError(f"{module}: there is no `{name}`.{near_miss(name, definitions.main.owners)}")
        definitions.take(definitions.main, name)
    files = dict.fromkeys([module, *(definitions.modules[n].path for n, _ in sorted(definitions.taken))])
    libraries = library_versions(definitions.libraries)
    return Reached(_parts(definitions, names), _values(definitions), libraries, tuple(files), definitions)


class Definitions:
    """The growing set of statements that are reached, by module."""

    def __init__(self, root: Path, module: PurePosixPath) -> None:
        self._root = root
        # A module's own folder comes first, as for a script; the project's folder after it.
        self._folders = tuple(dict.fromkeys([module.parent, PurePosixPath()]))
        self.main = read_module(root, module, module.stem)
        self.modules: dict[str, ModuleSource] = {self.main.name: self.main}
        self.taken: dict[tuple[str, int], None] = {}
        """Reached statements: module and position."""
        self.libraries: set[str] = set()
        self.uses: dict[str, dict[str, None]] = {}
        """By module: those whose definitions it uses."""

    def take(self, module: ModuleSource, name: str) -> None:
        """Add a name of a module, and what it reaches in turn."""
        for position in module.owners.get(name, ()):
            self._take_statement(module, position)
        if name not in module.owners:
            for star in module.stars:
                target = self.find(star)
                if target is None:
                    self._take_library(star)
                    self._take_stars(module)
                elif name in target.owners:
                    self._take_meant(module, target.name, name)

    def resolve(self, module: ModuleSource, parts: tuple[str, ...], local: Mapping[str, str]) -> tuple[str, str] | None:
        """The project's module and the name in it that a chain such as `helpers.clean` means.

        The name is "" for a module as a whole; None when the chain does not lead into another of the project's modules.
        """
        if parts[0] in local:
            target = local[parts[0]]
        elif parts[0] in module.imports:
            target = module.imports[parts[0]]
        else:
            star = next((s for s in module.stars if (m := self.find(s)) and parts[0] in m.owners), None)
            if star is None or parts[0] in module.owners:
                return None
            target = f"{star}.{parts[0]}"
        full = [*target.split("."), *parts[1:]]
        for length in range(len(full), 0, -1):
            found = self.find(".".join(full[:length]))
            if found is not None:
                rest = full[length:]
                if rest and rest[0] in found.imports:  # passed on from a third module
                    return self.resolve(found, tuple(rest), {}) or (found.name, rest[0])
                return found.name, rest[0] if rest else ""
        return None

    def find(self, dotted_name: str) -> ModuleSource | None:
        """The project's module of this name; None when the name is a library's."""
        if dotted_name in self.modules:
            return self.modules[dotted_name]
        if not dotted_name:
            return None
        relative = PurePosixPath(*dotted_name.split("."))
        for folder in self._folders:
            for path in (folder / relative.with_suffix(".py"), folder / relative / "__init__.py"):
                if (self._root / path).is_file() and self._is_own(path, relative.parts[0]):
                    self.modules[dotted_name] = read_module(self._root, path, dotted_name)
                    return self.modules[dotted_name]
        return None

    def _is_own(self, path: PurePosixPath, top: str) -> bool:
        if is_installed(str(self._root / path), self._root):
            return False
        return not means_library(top, [(self._root / folder).absolute() for folder in self._folders])

    def _take_statement(self, module: ModuleSource, position: int) -> None:
        if (module.name, position) in self.taken:
            return
        node = module.statements[position]
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._take_import(module, position, node)
            return
        self.taken[module.name, position] = None
        local = imports_within(node, module.package)
        for target in local.values():
            if self.resolve(module, tuple(target.split(".")), {target.split(".")[0]: target.split(".")[0]}) is None:
                self._take_library(target)
        for chain in references(node):
            meant = self.resolve(module, chain, local)
            if meant is None:
                self.take(module, chain[0])
            else:
                self._take_meant(module, *meant)

    def _take_import(self, module: ModuleSource, position: int, node: ast.Import | ast.ImportFrom) -> None:
        name = node.names[0].asname or node.names[0].name.split(".")[0]
        meant = self.resolve(module, (name,), {})
        if meant is not None:
            self._take_meant(module, *meant)
        elif isinstance(node, ast.Import) and self.find(node.names[0].name) is not None:
            return  # `import package.module`: what is used of it is followed where it is used
        else:
            self.taken[module.name, position] = None
            self._take_library(module.imports[name])

    def _take_meant(self, user: ModuleSource, module_name: str, name: str) -> None:
        module = self.modules[module_name]
        self.uses.setdefault(user.name, {})[module_name] = None
        for each in [name] if name else list(module.owners):
            self.take(module, each)

    def _take_stars(self, module: ModuleSource) -> None:
        for position in module.owners.get("*", ()):
            node = module.statements[position]
            if isinstance(node, ast.ImportFrom) and not node.level and self.find(node.module or "") is None:
                self.taken[module.name, position] = None

    def _take_library(self, dotted_name: str) -> None:
        library = dotted_name.split(".")[0]
        if library and library not in sys.stdlib_module_names:
            self.libraries.add(library)


def _parts(definitions: Definitions, names: tuple[str, ...]) -> dict[str, str]:
    from hashlib import sha256

    texts: dict[str, list[str]] = {}
    for module_name, position in sorted(definitions.taken):
        module = definitions.modules[module_name]
        is_main = module is definitions.main
        for key in _keys(module, position, "" if is_main else f"{module.name}.", names if is_main else ()):
            texts.setdefault(key, []).append(ast.unparse(module.statements[position]))
    return {key: sha256("\n".join(found).encode()).hexdigest() for key, found in texts.items()}


def _values(definitions: Definitions) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for module_name, position in sorted(definitions.taken):
        module = definitions.modules[module_name]
        node = module.statements[position]
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for key in _keys(module, position, "" if module is definitions.main else f"{module.name}.", ()):
                found.setdefault(key, []).append(ast.unparse(node.value))
    return {key: texts[0] for key, texts in found.items() if len(texts) == 1 and len(texts[0]) <= _TOLD}


def _keys(module: ModuleSource, position: int, prefix: str, roots: tuple[str, ...]) -> Iterator[str]:
    node = module.statements[position]
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            kind = "helper"
        case ast.ClassDef():
            kind = "class"
        case ast.Import() | ast.ImportFrom():
            kind = "import"
        case _:
            kind = "constant"
    for name in (name for name, positions in module.owners.items() if position in positions):
        yield "" if name in roots else f"{kind} `{prefix}{name}`"
