"""The text of a Python module → its stages. The module is parsed, never run."""

import ast
from pathlib import PurePosixPath
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.project.facts import Input, Stage

_STAGE = "slipway.stage"
_OPTIONS = ("outputs", "online", "publish", "key")


def read_stages(text: str, path: PurePosixPath) -> dict[str, Stage]:
    """The stages of a module, by name, in the order they stand.

    Raises:
        ProjectError: the text is not Python, a stage is named twice, or a stage is written in a way that can't be
            read without running it.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ProjectError(f"{path}:{error.lineno}: {error.msg}. Slipway reads stages from this file.") from error
    names = imported_names(tree)
    stages: dict[str, Stage] = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        mark = next((d for d in node.decorator_list if dotted(_callee(d), names) == _STAGE), None)
        if mark is None:
            continue
        if node.name in stages:
            raise ProjectError(
                f"{path}:{node.lineno}: a second stage `{node.name}`; the first is in line {stages[node.name].line}."
            )
        stages[node.name] = _read_stage(node, mark, names, path)
    return stages


def read_functions(text: str) -> set[str]:
    """The names of all functions at the top level of a module."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for: {"pl": "polars", "stage": "slipway.stage"}."""
    names: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr | None, names: dict[str, str]) -> str | None:
    """The full name of a type or function as written, imports resolved; None for what is no name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # an annotation in quotes
        try:
            return dotted(ast.parse(node.value, mode="eval").body, names)
        except SyntaxError:
            return None
    if isinstance(node, ast.Subscript):
        return dotted(node.value, names)
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, names)
        return f"{base}.{node.attr}" if base else None
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    return None


def _callee(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _read_stage(node: ast.FunctionDef, mark: ast.expr, names: dict[str, str], path: PurePosixPath) -> Stage:
    where = f"{path}:{node.lineno}: stage `{node.name}`"
    options = _read_options(mark, where)
    arguments = node.args
    if arguments.vararg or arguments.kwarg:
        raise ProjectError(f"{where} takes *args or **kwargs: each artifact and each setting needs a name of its own.")
    if arguments.defaults:
        raise ProjectError(f"{where} gives a default to an artifact: put `*,` before what is a setting.")
    inputs = tuple(Input(a.arg, dotted(a.annotation, names)) for a in [*arguments.posonlyargs, *arguments.args])
    settings: dict[str, Any] = {}
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            raise ProjectError(f"{where}: setting `{argument.arg}` needs a default, which stands in params.yaml.")
        settings[argument.arg] = _literal(default, f"{where}: the default of `{argument.arg}`")
    outputs = tuple(options.get("outputs", ())) or (node.name,)
    return Stage(
        name=node.name,
        module=path,
        line=node.lineno,
        inputs=inputs,
        settings=settings,
        outputs=outputs,
        returns=dotted(node.returns, names) if node.returns is not None else None,
        online=bool(options.get("online", False)),
        publish=options.get("publish"),
        key=tuple(options.get("key") or ()),
        doc=ast.get_docstring(node) or "",
    )


def _read_options(mark: ast.expr, where: str) -> dict[str, Any]:
    if not isinstance(mark, ast.Call):
        return {}
    if mark.args:
        raise ProjectError(f"{where}: the options of @stage have names, such as @stage(online=True).")
    options: dict[str, Any] = {}
    for keyword in mark.keywords:
        if keyword.arg not in _OPTIONS:
            raise ProjectError(f"{where}: @stage has no option `{keyword.arg}`.{near_miss(str(keyword.arg), _OPTIONS)}")
        options[keyword.arg] = _literal(keyword.value, f"{where}: option `{keyword.arg}`")
    return options


def _literal(node: ast.expr, what: str) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise ProjectError(
            f"{what} is `{ast.unparse(node)}`: it is read without running the module, so it must be a literal."
        ) from None
    return list(value) if isinstance(value, set | frozenset) else value
