"""The definitions that functions reach in, the source of one module that holds them all out."""

import ast

from slipway.code.reach import Definitions
from slipway.code.source_text import (
    ModuleSource,
    attribute_chain,
    defined_names,
    imports_within,
    local_names,
    scoped_children,
)
from slipway.errors import ProjectError


def module_text(definitions: Definitions) -> str:
    """One module's source; it imports none of the project's own files.

    Raises:
        ProjectError: two modules define the same name, or a module of the project's is used as a value.
    """
    futures = sorted({future for name, _ in definitions.taken for future in definitions.modules[name].futures})
    lines = [f"from __future__ import {', '.join(futures)}"] if futures else []
    owner: dict[str, tuple[str, str]] = {}
    for module in _in_order(definitions):
        for position in sorted(p for name, p in definitions.taken if name == module.name):
            node = module.statements[position]
            if isinstance(node, ast.Import | ast.ImportFrom):
                text = ast.unparse(node)
            else:
                local = imports_within(node, module.package)
                # Parsed anew, since rewriting alters the tree.
                text = ast.unparse(_Inline(definitions, module, local).visit(ast.parse(ast.unparse(node))))
            if _claim(owner, module, position, text):
                lines.append(text)
    return "\n\n".join(lines) + "\n"


def _claim(owner: dict[str, tuple[str, str]], module: ModuleSource, position: int, text: str) -> bool:
    """Whether the statement is still to be written: the same import in two modules is written once."""
    is_import = isinstance(module.statements[position], ast.Import | ast.ImportFrom)
    for name in sorted(defined_names(module.statements[position]) - {"*"}):
        other, other_text = owner.get(name, (module.name, text))
        if other != module.name and (not is_import or other_text != text):
            raise ProjectError(
                f"{module.path}: `{name}` is defined here and in `{other}`, and online stages reach both: rename one. "
                f"They become one module in the bundle."
            )
        if name in owner and is_import and other_text == text:
            return False
        owner.setdefault(name, (module.name, text))
    return True


def _in_order(definitions: Definitions) -> list[ModuleSource]:
    """The modules, each after those that it imports; of a cycle, as it comes."""
    done: dict[str, ModuleSource] = {}

    def visit(module: ModuleSource, above: tuple[str, ...]) -> None:
        if module.name in done or module.name in above:
            return
        for used in definitions.uses.get(module.name, ()):
            visit(definitions.modules[used], (*above, module.name))
        done[module.name] = module

    visit(definitions.main, ())
    return list(done.values())


class _Inline(ast.NodeTransformer):
    """Rewrites `helpers.clean` to `clean` and drops imports of the project's own modules."""

    def __init__(self, definitions: Definitions, module: ModuleSource, local: dict[str, str]) -> None:
        self._definitions = definitions
        self._module = module
        self._local = local
        self._names: frozenset[str] = frozenset()
        """Those that mean something else in the function at hand."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._inlined(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._inlined(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        bound = local_names(node)
        if not bound:
            return super().generic_visit(node)
        inside = [child for child, is_inside in scoped_children(node) if is_inside]
        outer = self._names
        for field, value in ast.iter_fields(node):
            parts = value if isinstance(value, list) else [value]
            made = []
            for part in parts:
                self._names = outer | bound if part in inside else outer
                made.append(self.visit(part) if isinstance(part, ast.AST) else part)
            setattr(node, field, made if isinstance(value, list) else made[0])
        self._names = outer
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        kept = [alias for alias in node.names if not self._is_ours(alias.name)]
        return ast.Import(kept) if kept else ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        base = imports_within(node, self._module.package)
        return ast.Pass() if any(self._is_ours(target) for target in base.values()) else node

    def _is_ours(self, target: str) -> bool:
        parts = target.split(".")
        return any(self._definitions.find(".".join(parts[: n + 1])) is not None for n in range(len(parts)))

    def _inlined(self, node: ast.Name | ast.Attribute) -> ast.AST:
        chain = attribute_chain(node)
        if chain is None or chain[0] in self._names:
            return super().generic_visit(node)
        meant = self._definitions.resolve(self._module, chain, self._local)
        if meant is None:
            return node
        if not meant[1]:
            raise ProjectError(
                f"{self._module.path}: `{'.'.join(chain)}` is used as a whole: an online stage may use functions "
                f"of the project's other modules (`{chain[-1]}.function`), not hand the module on."
            )
        return self._with_attributes(meant, chain, node)

    def _with_attributes(self, meant: tuple[str, str], chain: tuple[str, ...], node: ast.expr) -> ast.AST:
        # What follows the definition's own name in the chain stays: `helpers.LIMITS.items` → `LIMITS.items`.
        extra = 0
        while (
            extra < len(chain) - 1
            and self._definitions.resolve(self._module, chain[: len(chain) - extra - 1], self._local) == meant
        ):
            extra += 1
        found: ast.expr = ast.Name(meant[1], getattr(node, "ctx", ast.Load()))
        for attribute in chain[len(chain) - extra :]:
            found = ast.Attribute(found, attribute, ast.Load())
        return found
