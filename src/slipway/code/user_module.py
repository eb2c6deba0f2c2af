"""A file of the project's in, the module that Python makes of it now out; gone again afterwards."""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import (
    BuiltinImporter,
    FileFinder,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from pathlib import Path, PurePosixPath
from types import CodeType, FrameType, ModuleType

from slipway.code.libraries import is_installed
from slipway.code.shadowing import means_library

_LOADERS = ("slipway.pipeline.estimators", "skops.", "pickle", "cloudpickle.", "joblib.")
"""Modules that import what an object to be loaded names."""


class _FreshLoader(SourceFileLoader):
    """Compiles what the file says now: a cached .pyc misses an edit of the same length within one second."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _FreshFinder:
    """Finds modules in the project's folders: before any other place for the project's own code, after it for others'.

    A library that imports `platform` means the standard library's, whatever the project has of that name; and so does
    the project's code that takes from it what its own file does not define.
    """

    def __init__(self, root: Path, folders: Sequence[Path], module: str) -> None:
        self._root = root
        self._folders = [str(folder) for folder in folders]
        self._module = module

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for folder in self._folders if path is None else filter(self._is_own, path):
            spec = FileFinder(folder, (_FreshLoader, [".py"])).find_spec(fullname)
            if spec is not None and spec.loader is not None and not is_installed(str(spec.origin), self._root):
                is_meant = path is not None or (self._is_for_own_code(fullname) and not self._is_shadow(fullname))
                return spec if is_meant else self._others(fullname, spec)
        return None

    def _is_for_own_code(self, name: str) -> bool:
        """Whether the project's code imports the module, or somebody does who loads the project's objects."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is None or name == self._module or self._is_own(str(Path(frame.f_code.co_filename).parent)):
            return True
        return name not in sys.stdlib_module_names and frame.f_globals.get("__name__", "").startswith(_LOADERS)

    def _is_shadow(self, name: str) -> bool:
        return name != self._module and means_library(name, [Path(folder) for folder in self._folders])

    def _others(self, name: str, own: ModuleSpec) -> ModuleSpec | None:
        if BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name):
            return None
        found = PathFinder.find_spec(name, [folder for folder in sys.path if folder not in self._folders])
        if found is None and name in sys.stdlib_module_names:  # such as `_winapi`, which is missing on purpose
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found or own

    def _is_own(self, folder: str) -> bool:
        # An installed package's folder is not the project's, even where it stands in the project.
        return any(Path(folder).is_relative_to(own) for own in self._folders) and not is_installed(folder, self._root)


def is_of_project(module: ModuleType) -> bool:
    """Return whether a module was imported from a project's own files."""
    return isinstance(getattr(getattr(module, "__spec__", None), "loader", None), _FreshLoader)


@contextlib.contextmanager
def user_module(root: Path, module: PurePosixPath) -> Iterator[Callable[[], ModuleType]]:
    """Within this, the project's modules can be imported as they are now, and its folder is the working directory.

    What is given imports the module; errors of the user's own code come from there.
    """
    folders = list(dict.fromkeys([(root / module).parent, root]))
    finder, path = _FreshFinder(root, folders, module.stem), list(sys.path)
    before = dict(sys.modules)
    sys.modules.pop(module.stem, None)
    sys.meta_path.insert(0, finder)
    sys.path[:0] = [str(folder) for folder in folders]  # for processes that the user's code starts
    try:
        with contextlib.chdir(root):
            yield lambda: importlib.import_module(module.stem)
    finally:
        sys.meta_path.remove(finder)
        sys.path[:] = path
        for name, loaded in list(sys.modules.items()):
            if is_of_project(loaded):
                del sys.modules[name]
                if name in before:
                    sys.modules[name] = before[name]
        if module.stem in before:
            sys.modules[module.stem] = before[module.stem]
