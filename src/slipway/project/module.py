"""The text of a Python module → its stages. The module is parsed, never run."""

import ast
import contextlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.project.facts import PATH_TYPE, Fetch, Input, Stage

_STAGE = ("slipway.stage", "slipway.stages.stage")
_TUPLES = ("tuple", "typing.Tuple")
_WRAPPERS = ("typing.Annotated", "typing.Optional", "typing_extensions.Annotated")
"""What stands around the type that is meant."""
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
    except ValueError as error:  # a null byte
        raise ProjectError(f"{path}: {error}. Slipway reads stages from this file.") from error
    names = imported_names(tree)
    names |= _type_aliases(tree, names)
    stages: dict[str, Stage] = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        mark = next((d for d in node.decorator_list if dotted(_callee(d), names) in _STAGE), None)
        if mark is None:
            continue
        if isinstance(node, ast.AsyncFunctionDef):
            raise ProjectError(f"{path}:{node.lineno}: stage `{node.name}` is async: write it as a plain `def`.")
        if node.name in stages:
            raise ProjectError(
                f"{path}:{node.lineno}: a second stage `{node.name}`; the first is in line {stages[node.name].line}."
            )
        stages[node.name] = _read_stage(node, mark, names, path)
    return stages


def read_functions(text: str) -> set[str]:
    """The names of all functions at the top level of a module."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def read_fetcher(text: str, path: PurePosixPath, function: str, source: str) -> Fetch:
    """A function at the top level of a module, as what fetches a source.

    Raises:
        ProjectError: it takes what nobody could give it, or is async.
    """
    found = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    node = next(n for n in reversed([*found]) if n.name == function)  # as Python has it, the last of a name counts
    where, arguments = f"{path}:{node.lineno}: `{function}`, which fetches source `{source}`,", node.args
    if isinstance(node, ast.AsyncFunctionDef):
        raise ProjectError(f"{where} is async: write it as a plain `def`.")
    positional = [*arguments.posonlyargs, *arguments.args]
    if positional or arguments.vararg or arguments.kwarg:
        first = positional[0].arg if positional else "*" * (1 if arguments.vararg else 2) + "…"
        raise ProjectError(
            f"{where} takes `{first}`: it is called before any artifact is there. Put `*,` before its settings and "
            f"give each a default."
        )
    settings = {}
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            raise ProjectError(f"{where} has no default for `{argument.arg}`: it stands in params.yaml.")
        settings[argument.arg] = _literal(default, f"{where} the default of `{argument.arg}`")
    return Fetch(function, node.lineno, settings)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for: {"pl": "polars", "stage": "slipway.stage"}."""
    names: dict[str, str] = {}
    for node in _statements(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module's top level, those under `if TYPE_CHECKING:` and `try:` among them."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])
        if isinstance(node, ast.Try):
            yield from _statements(statement for handler in node.handlers for statement in handler.body)


def dotted(node: ast.expr | None, names: dict[str, str]) -> str | None:
    """The full name of a type or function as written, imports resolved; None for what is no name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # an annotation in quotes
        try:
            return dotted(ast.parse(node.value, mode="eval").body, names)
        except SyntaxError:
            return None
    if isinstance(node, ast.Subscript):
        base = dotted(node.value, names)
        if base in _WRAPPERS:
            return dotted(node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice, names)
        return base
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, names)
        return f"{base}.{node.attr}" if base else None
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    return None


def _type_aliases(tree: ast.Module, names: dict[str, str]) -> dict[str, str]:
    """What names stand for that are given to a type of a library: `Table = pd.DataFrame`."""
    found: dict[str, str] = {}
    for node in _statements(tree.body):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                meant = dotted(value, names | found)
            case _ if type(node).__name__ == "TypeAlias":  # `type Table = …`, from Python 3.12 on
                name, meant = node.name.id, dotted(node.value, names | found)  # type: ignore[attr-defined]
            case _:
                continue
        if meant is not None and "." in meant:
            found[name] = meant
    return found


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
    outputs = tuple(options.get("outputs", ())) or (node.name,)
    returns = dotted(node.returns, names) if node.returns is not None else None
    returns_each = _each(node.returns, len(outputs), names)
    settings: dict[str, Any] = {}
    place = None
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        is_path = dotted(argument.annotation, names) == PATH_TYPE and PATH_TYPE in (returns, *returns_each)
        if default is None and is_path and place is None:
            place = argument.arg
        elif default is None:
            raise ProjectError(f"{where}: setting `{argument.arg}` needs a default, which stands in params.yaml.")
        else:
            settings[argument.arg] = _literal(default, f"{where}: the default of `{argument.arg}`")
    if len(outputs) == 1 and returns in _TUPLES:
        raise ProjectError(f'{where} returns a tuple: name what it makes, such as @stage(outputs=("train", "test")).')
    return Stage(
        name=node.name,
        module=path,
        line=node.lineno,
        inputs=inputs,
        settings=settings,
        outputs=outputs,
        returns=returns,
        returns_each=returns_each,
        online=options.get("online", False),
        publish=options.get("publish"),
        key=tuple(options.get("key") or ()),
        doc=ast.get_docstring(node) or "",
        place=place,
    )


def _each(returns: ast.expr | None, outputs: int, names: dict[str, str]) -> tuple[str | None, ...]:
    if isinstance(returns, ast.Constant) and isinstance(returns.value, str):  # in quotes, as under TYPE_CHECKING
        with contextlib.suppress(SyntaxError):
            returns = ast.parse(returns.value, mode="eval").body
    if not isinstance(returns, ast.Subscript) or dotted(returns.value, names) not in _TUPLES:
        return ()
    parts = returns.slice.elts if isinstance(returns.slice, ast.Tuple) else [returns.slice]
    return tuple(dotted(part, names) for part in parts) if len(parts) == outputs else ()


def _read_options(mark: ast.expr, where: str) -> dict[str, Any]:
    if not isinstance(mark, ast.Call):
        return {}
    if mark.args:
        raise ProjectError(f"{where}: the options of @stage have names, such as @stage(online=True).")
    options: dict[str, Any] = {}
    for keyword in mark.keywords:
        if keyword.arg not in _OPTIONS:
            raise ProjectError(f"{where}: @stage has no option `{keyword.arg}`.{near_miss(str(keyword.arg), _OPTIONS)}")
        what = f"{where}: option `{keyword.arg}`"
        options[keyword.arg] = _checked(keyword.arg, _literal(keyword.value, what), what)
    return options


def _checked(option: str, value: Any, what: str) -> Any:
    match option:
        case "outputs" | "key":
            is_right = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
            expected = 'names in brackets, such as ("train", "test")'
            is_right = is_right or (option == "key" and value is None)
        case "online":
            is_right, expected = isinstance(value, bool), "True or False"
        case _:
            is_right, expected = value is None or (isinstance(value, str) and bool(value)), "the name of a table"
    if not is_right:
        raise ProjectError(f"{what} is {value!r}: expected {expected}.")
    return value


def _literal(node: ast.expr, what: str) -> Any:
    try:
        return _plain(ast.literal_eval(node))
    except (ValueError, TypeError):
        raise ProjectError(
            f"{what} is `{ast.unparse(node)}`: it is read without running the module and kept in params.yaml, so it "
            "must be a literal: text, a number, True, False, None, a list or a dict."
        ) from None


def _plain(value: Any) -> Any:
    """A literal as params.yaml gives it back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is not None and not isinstance(value, str | int | float | bool):
        raise TypeError("no JSON value")
    return value
