"""The key `pipeline` of slipway.toml in, the stages out: functions, numbered scripts, or somebody's dvc.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slipway import files
from slipway.errors import ProjectError
from slipway.project.dvc_yaml import FILE as DVC_FILE
from slipway.project.dvc_yaml import adopt_stages, is_somebodys, read_with
from slipway.project.facts import FILE, Stage
from slipway.project.module import read_stages
from slipway.project.scripts import NUMBERED, as_stages, read_scripts, service_script

MODULE = "pipeline.py"


@dataclass(frozen=True, slots=True)
class Way:
    """How a project says what is done."""

    module: PurePosixPath
    """The file of functions; where there is none, what `pipeline` names."""
    code: str
    """Its text."""
    functions: Mapping[str, Stage] = field(default_factory=dict)
    commands: Mapping[str, Stage] = field(default_factory=dict)
    paths: Mapping[str, PurePosixPath] = field(default_factory=dict)
    """The files of what the commands make."""
    read_from: tuple[PurePosixPath, ...] = ()
    scripts: PurePosixPath | None = None


def read_way(
    root: Path, pipeline: str | None, given: Mapping[str, PurePosixPath], declared: Mapping[str, Stage]
) -> Way:
    """The stages that a project has beside the commands of slipway.toml.

    Args:
        pipeline: what the key says; None where it is left out.
        given: the files of `[artifacts]`.
        declared: the commands of slipway.toml.

    Raises:
        ProjectError: nothing of the kind is there, or it is written wrongly.
    """
    path = PurePosixPath(pipeline or MODULE)
    if path.is_absolute() or ".." in path.parts:
        raise ProjectError(f"{FILE}: pipeline = '{path}': expected a file or folder of the project.")
    if path.suffix in (".yaml", ".yml"):
        return _adopted(root, path, given, declared)
    if (pipeline or "").endswith("/") or (path.suffix != ".py" and (root / path).is_dir()):
        return _scripted(root, path, given)
    if declared and pipeline is None and not (root / path).is_file():  # commands do without a module
        return Way(path, "")
    code = read_text(root / path, f"{FILE}: pipeline = '{path}': there is no such file in {root}.{_hint(root)}")
    functions = read_stages(code, path)
    if not functions and not declared:
        raise ProjectError(f"{path}: no function here is marked with @stage.")
    return Way(path, code, functions, read_from=(path,))


def read_text(path: Path, missing: str) -> str:
    try:
        return files.read_text(path)
    except FileNotFoundError:
        raise ProjectError(missing) from None


def _scripted(root: Path, folder: PurePosixPath, given: Mapping[str, PurePosixPath]) -> Way:
    if not (root / folder).is_dir():
        raise ProjectError(f"{FILE}: pipeline = '{folder}/': there is no such folder in {root}.{_hint(root)}")
    scripts = read_scripts(root, folder)
    stages, paths = as_stages(scripts, given)
    if not stages:
        raise ProjectError(f"{folder}: all scripts here are services (80 to 99): nothing makes a model.")
    service = service_script(scripts)
    module = service.path if service is not None else folder
    files = tuple(dict.fromkeys(path for script in scripts for path in (script.path, *script.modules)))
    code = read_text(root / module, f"{module} is gone.") if service is not None else ""
    return Way(module, code, {}, stages, paths, files, folder)


def _adopted(root: Path, file: PurePosixPath, given: Mapping[str, PurePosixPath], declared: Mapping[str, Stage]) -> Way:
    if str(file) != DVC_FILE:
        raise ProjectError(f"{FILE}: pipeline = '{file}': expected {DVC_FILE}, beside {FILE}.")
    if declared:
        name = next(iter(declared))
        raise ProjectError(f"{FILE}: [commands.{name}]: the stages are those of {DVC_FILE}: write this one there, too.")
    if (root / file).is_file() and not is_somebodys(root):
        raise ProjectError(
            f"{FILE}: pipeline = '{file}': Slipway has written this {DVC_FILE} itself. Say what it was made from, such "
            f"as pipeline = '{MODULE}'."
        )
    stages, paths = adopt_stages(root, file, given)
    module = PurePosixPath(MODULE)
    if not (root / module).is_file():
        return Way(file, "", {}, stages, paths, read_with(root, file))
    # The functions that routes use may stand there.
    code = read_text(root / module, f"{module} is gone.")
    return Way(module, code, {}, stages, paths, (module, *read_with(root, file)))


def _hint(root: Path) -> str:
    if is_somebodys(root):
        return f" {DVC_FILE} is here: its stages are adopted with pipeline = '{DVC_FILE}'."
    if any(NUMBERED.fullmatch(file.name) for file in root.glob("*.py")):
        return " Numbered scripts are here: they are the stages with pipeline = '.'."
    return ""
