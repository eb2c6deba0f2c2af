"""A project's Python file in, its top-level statements out: what each binds, and what imported names stand for."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from slipway.errors import ProjectError
from slipway.files import read_text
from slipway.project.module import dotted, imported_names

_STAGE = "slipway.stage"


class ModuleSource:
    """One parsed file of the project's, its `@stage` marks taken off."""

    def __init__(self, path: PurePosixPath, dotted_name: str, text: str) -> None:
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            raise ProjectError(f"{path}:{error.lineno}: {error.msg}.") from error
        self.path = path
        self.name = dotted_name
        self.stars: list[str] = []
        """Modules that `from … import *` takes everything of."""
        self.imports: dict[str, str] = {}
        """What each imported name stands for, in full."""
        self.statements: list[ast.stmt] = []
        """Top-level statements in order; an import of several names is one statement each."""
        self.owners: dict[str, list[int]] = {}
        """By name: the statements that bind or alter it."""
        self.futures: list[str] = []
        names = imported_names(tree)
        for node in tree.body:
            self._take(node, names)

    @cached_property
    def package(self) -> str:
        """The dotted name that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def _take(self, node: ast.stmt, names: dict[str, str]) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._take_import(node)
        elif not _is_main_guard(node):
            if isinstance(node, ast.FunctionDef):
                node.decorator_list = [d for d in node.decorator_list if dotted(_callee(d), names) != _STAGE]
            for name in sorted(defined_names(node) | _altered_names(node)):
                self.owners.setdefault(name, []).append(len(self.statements))
            self.imports.update(imports_within(node, self.package))
            self.statements.append(node)

    def _take_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            self.futures += [alias.name for alias in node.names]
            return
        for alias in node.names:
            single = ast.Import([alias]) if isinstance(node, ast.Import) else _from(node, alias)
            if alias.name == "*":
                self.stars.append(absolute(single, self.package))
                name = "*"
            else:
                name, target = next(iter(_import_targets(single, self.package)))
                self.imports[name] = target
            self.owners.setdefault(name, []).append(len(self.statements))
            self.statements.append(single)


def references(node: ast.AST, local: frozenset[str] = frozenset()) -> Iterator[tuple[str, ...]]:
    """The names and attribute chains that a piece of code takes from the module: ("helpers", "clean").

    Args:
        local: names that mean something else here, such as parameters. A parameter is often named as a stage is.
    """
    chain = attribute_chain(node)
    if chain is not None:
        if chain[0] not in local:
            yield chain
        return
    inner = local | local_names(node)
    for child, is_inside in scoped_children(node):
        yield from references(child, inner if is_inside else local)


def scoped_children(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """The parts of a piece of code, and whether each sees the names that are local to it."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            inside: list[ast.AST] = [*node.body]
        case ast.Lambda():
            inside = [node.body]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            inside = list(ast.iter_child_nodes(node))
        case _:
            inside = []
    for child in ast.iter_child_nodes(node):
        yield child, child in inside


def local_names(node: ast.AST) -> frozenset[str]:
    """The names that a function, a lambda or a comprehension binds for itself; imports are not among them."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            given = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
            body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
            stored = {name for part in body for name in _stored(part)}
            outer = {n for part in body for d in ast.walk(part) if isinstance(d, ast.Global) for n in d.names}
            return frozenset((given | stored) - outer)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return frozenset(name for generator in node.generators for name in _stored(generator.target))
    return frozenset()


def _stored(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
            return
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return
        case ast.Name(ctx=ast.Store()):
            yield node.id
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from _stored(child)


def attribute_chain(node: ast.AST) -> tuple[str, ...] | None:
    """("a", "b") of `a.b`; None for what is no chain of names."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        base = attribute_chain(node.value)
        return (*base, node.attr) if base else None
    return None


def imports_within(node: ast.AST, package: str) -> dict[str, str]:
    """What the names stand for that are imported somewhere inside a statement."""
    found: dict[str, str] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            found.update(_import_targets(inner, package))
    return found


def absolute(node: ast.stmt, package: str) -> str:
    """The full name of the module that a `from … import` takes from."""
    assert isinstance(node, ast.ImportFrom)
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _import_targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            first = alias.name.split(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif alias.name != "*":
            yield alias.asname or alias.name, f"{absolute(node, package)}.{alias.name}".lstrip(".")


def _from(node: ast.ImportFrom, alias: ast.alias) -> ast.ImportFrom:
    return ast.ImportFrom(node.module, [alias], node.level)


def _callee(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in {chain[0] for chain in references(node.test)}


def defined_names(node: ast.AST) -> set[str]:
    """The names that a statement binds."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {alias.asname or alias.name.split(".")[0] for alias in node.names}
        case ast.Name(ctx=ast.Store()):
            return {node.id}
        case ast.Lambda():
            return set()
    return {name for child in ast.iter_child_nodes(node) for name in defined_names(child)}


def _altered_names(node: ast.AST) -> set[str]:
    """The names whose values a statement changes: `LIMITS["a"] = 1`, `pl.Config.set_x(1)`."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
            return set()
        case ast.Expr(value=ast.Call(func=function)):
            chain = attribute_chain(function)
            return {chain[0]} if chain else set()
        case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
            base: ast.expr = node
            while isinstance(base, ast.Attribute | ast.Subscript):
                base = base.value
            return {base.id} if isinstance(base, ast.Name) else set()
    return {name for child in ast.iter_child_nodes(node) for name in _altered_names(child)}


def read_module(root: Path, path: PurePosixPath, dotted_name: str) -> ModuleSource:
    """Parse one file of the project's."""
    try:
        text = read_text(root / path)
    except FileNotFoundError as error:
        raise ProjectError(f"{path}: can't be read: {error}") from error
    return ModuleSource(path, dotted_name, text)
