"""A folder of numbered scripts (`00-prepare_data.py`, `10-train_model.py`) → a stage each, with the files that it reads
and writes; the scripts are parsed, never run.
"""

import ast
import itertools
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slipway.errors import ProjectError
from slipway.files import read_text
from slipway.project.facts import Command, Stage
from slipway.project.module import dotted, imported_names
from slipway.project.named import name_files

NUMBERED = re.compile(r"(\d{2})[-_](.+)\.py")
FIRST_SERVICE = 80
"""From this number on a script is a service: it says how requests become rows and is never executed as a stage."""

_DECLARED = ("READS", "WRITES")
_READING = re.compile(r"(read|load|scan|open)(_|$)|.*_(read|load)$|(read|load)txt$|fromfile$|genfromtxt$")
_WRITING = re.compile(r"(to|write|save|dump|sink)(_|$)|.*_(write|save|dump)$|savefig$|savetxt$|savez$|tofile$")
_OPENING = re.compile(r"(.*\.)?open$")
_MODE = re.compile(r"[rwaxbt+]{1,3}")
_FILE = re.compile(r"[^\n\r\t*?<>|:\"]+\.[A-Za-z0-9]{1,8}")
"""What looks like the path of a file."""


@dataclass(frozen=True, slots=True)
class Script:
    """A numbered script."""

    number: int
    name: str
    """The file's name without its number, as a name of Python's: `prepare_data`."""
    path: PurePosixPath
    reads: tuple[PurePosixPath, ...] = ()
    writes: tuple[PurePosixPath, ...] = ()
    modules: tuple[PurePosixPath, ...] = ()
    """The files of the project's own code that it imports, and that those import."""
    doc: str = ""

    @property
    def is_service(self) -> bool:
        return self.number >= FIRST_SERVICE


def read_scripts(root: Path, folder: PurePosixPath) -> list[Script]:
    """The numbered scripts of a folder, by number.

    A script says what it reads and writes in the constants `READS` and `WRITES` (lists of paths); without them the
    calls that read and write files are looked at, such as `pd.read_csv("data/raw.csv")`.

    Raises:
        ProjectError: there is none, a number or name is there twice, a script's files can't be told, or a script reads
            what one of a higher number writes.
    """
    found: list[Script] = []
    for file in sorted((root / folder).glob("*.py")):
        match = NUMBERED.fullmatch(file.name)
        if match is not None:
            found.append(_read_script(root, folder / file.name, int(match[1]), match[2]))
    if not found:
        raise ProjectError(f"{folder}: no numbered script is here. Name them such as 00-prepare_data.py.")
    _check_once(found)
    _check_order(found)
    return found


def as_stages(
    scripts: Sequence[Script], given: Mapping[str, PurePosixPath] | None = None
) -> tuple[dict[str, Stage], dict[str, PurePosixPath]]:
    """The scripts that are no services as commands, and the files of what they make, by artifact.

    Args:
        given: names of artifacts that the project has chosen itself.
    """
    names = name_files([path for script in scripts for path in script.writes], given or {})
    stages = {}
    for script in scripts:
        if script.is_service:
            continue
        stages[script.name] = Stage(
            name=script.name,
            module=script.path,
            line=0,
            inputs=(),
            settings={},
            outputs=tuple(names[path] for path in script.writes),
            returns=None,
            doc=script.doc,
            command=Command(
                (f"python {shlex.quote(str(script.path))}",), (script.path, *script.modules, *script.reads)
            ),
        )
    return stages, {name: path for path, name in names.items()}


def service_script(scripts: Sequence[Script]) -> Script | None:
    """The service whose functions the API's routes use: of several, the one with `serve` in its name.

    Raises:
        ProjectError: several services are there, and not just one of them says that it serves.
    """
    services = [script for script in scripts if script.is_service]
    serving = [script for script in services if "serve" in script.name] if len(services) > 1 else services
    if len(serving) != 1 and services:
        listed = ", ".join(str(script.path) for script in serving or services)
        raise ProjectError(f"{listed}: which one serves? Name one of them such as 90-serve_model.py, no other.")
    return serving[0] if serving else None


def _read_script(root: Path, path: PurePosixPath, number: int, rest: str) -> Script:
    tree = _parsed(root, path)
    name = re.sub(r"\W", "_", rest)
    if number >= FIRST_SERVICE:
        return Script(number, name, path, modules=tuple(_modules(root, path, tree)), doc=ast.get_docstring(tree) or "")
    constants = _constants(tree)
    declared = {key: _declared(constants[key], path) for key in _DECLARED if key in constants}
    if len(declared) == len(_DECLARED):
        reads, writes = declared["READS"], declared["WRITES"]
    else:
        found = list(_touched(tree, constants, path))
        seen = [tuple(dict.fromkeys(p for is_written, p in found if is_written == kind)) for kind in (False, True)]
        reads, writes = declared.get("READS", seen[0]), declared.get("WRITES", seen[1])
    if not writes and "WRITES" not in declared:
        raise ProjectError(
            f"{path}: nothing here is seen to write a file, so nothing could follow from it. Say which files it makes: "
            'WRITES = ["data/clean.csv"], or [] if it only checks; and READS = [...].'
        )
    # What it makes and reads again is no input.
    reads = tuple(p for p in reads if p not in writes)
    modules = tuple(_modules(root, path, tree))
    return Script(number, name, path, reads, writes, modules, ast.get_docstring(tree) or "")


def _modules(root: Path, path: PurePosixPath, tree: ast.Module) -> list[PurePosixPath]:
    found: dict[PurePosixPath, None] = {}
    waiting = [tree]
    while waiting:
        for name in imported_names(waiting.pop()).values():
            parts = name.split(".")
            # Of a.b.c the modules a, a.b and a.b.c are looked for; Python finds them beside the script.
            for length in range(1, len(parts) + 1):
                place = path.parent.joinpath(*parts[:length])
                for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
                    if file not in found and file != path and (root / file).is_file():
                        found[file] = None
                        waiting.append(_parsed(root, file))
    return list(found)


def _parsed(root: Path, path: PurePosixPath) -> ast.Module:
    try:
        return ast.parse(read_text(root / path))
    except SyntaxError as error:
        raise ProjectError(f"{path}:{error.lineno}: {error.msg}.") from error
    except ValueError as error:  # not UTF-8, or a null byte
        raise ProjectError(f"{path}: can't be read as Python: {error}.") from error


def _check_once(scripts: Sequence[Script]) -> None:
    for first, second in itertools.pairwise(scripts):
        if first.number == second.number:
            raise ProjectError(f"{first.path} and {second.path} have one number: which comes first? Renumber one.")
    names: dict[str, Script] = {}
    writers: dict[PurePosixPath, Script] = {}
    for script in scripts:
        other = names.setdefault(script.name, script)
        if other is not script:
            raise ProjectError(f"{other.path} and {script.path} would both be the stage `{script.name}`: rename one.")
        for path in script.writes:
            other = writers.setdefault(path, script)
            if other is not script:
                raise ProjectError(f"{other.path} and {script.path} both write {path}: a file has one maker.")


def _check_order(scripts: Sequence[Script]) -> None:
    makers = {path: script for script in scripts for path in script.writes}
    for script in scripts:
        for path in script.reads:
            maker = makers.get(path)
            if maker is not None and maker.number > script.number:
                raise ProjectError(
                    f"{script.path} reads {path}, which {maker.path} writes later by its number: give {maker.path} a "
                    f"number below {script.number:02}."
                )


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What names at the top level stand for, where they are assigned once."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                twice |= {target.id} & found.keys()
                found[target.id] = value
    return {name: value for name, value in found.items() if name not in twice}


def _declared(value: ast.expr, path: PurePosixPath) -> tuple[PurePosixPath, ...]:
    try:
        texts = ast.literal_eval(value)
    except ValueError:
        texts = None
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) and text for text in texts):
        raise ProjectError(
            f'{path}:{value.lineno}: expected a list of paths written out, such as ["data/raw.csv"]: it is read '
            "without running the script."
        )
    return tuple(_inside(text, path, value.lineno) for text in texts)


def _touched(
    tree: ast.Module, constants: dict[str, ast.expr], path: PurePosixPath
) -> Iterator[tuple[bool, PurePosixPath]]:
    """Each file that a call reads (False) or writes (True)."""
    names = imported_names(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func, names) or ""
        is_opened = _OPENING.fullmatch(called) is not None
        is_written = _WRITING.match(called) is not None or (is_opened and _is_for_writing(node))
        if not is_written and not is_opened and _READING.match(called) is None:
            continue
        for text in _paths(node, constants):
            yield is_written, _inside(text, path, node.lineno)


def _is_for_writing(call: ast.Call) -> bool:
    given = [*call.args[:2], *(keyword.value for keyword in call.keywords)]
    texts = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(_MODE.fullmatch(text) and set(text) & set("wax+") for text in texts)


def _paths(call: ast.Call, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The paths among a call's arguments, and the path that it is a method of: `Path("a.txt").write_text(…)`."""
    parts = [*call.args, *(keyword.value for keyword in call.keywords)]
    if isinstance(call.func, ast.Attribute):
        parts.append(call.func.value)
    for part in parts:
        text = _text(part, constants, 0)
        if text is not None and _FILE.fullmatch(text):
            yield text


def _text(node: ast.expr, constants: dict[str, ast.expr], depth: int) -> str | None:
    """A path written out: a text, `Path("a") / "b.csv"`, `os.path.join("a", "b.csv")`, or a constant that is one."""
    if depth > 8:
        return None
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return _text(constants[node.id], constants, depth + 1) if node.id in constants else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined([node.left, node.right], constants, depth)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("Path", "PurePath", "PosixPath", "join"):
            return _joined(node.args, constants, depth)
    return None


def _joined(nodes: Sequence[ast.expr], constants: dict[str, ast.expr], depth: int) -> str | None:
    parts = [_text(node, constants, depth + 1) for node in nodes]
    known = [part for part in parts if part is not None]
    return str(PurePosixPath(*known)) if known and len(known) == len(parts) else None


def _inside(text: str, path: PurePosixPath, line: int) -> PurePosixPath:
    found = PurePosixPath(text)
    if found.is_absolute() or ".." in found.parts:
        raise ProjectError(f"{path}:{line}: {text} is outside the project's folder: copy it there, or link to it.")
    return found
