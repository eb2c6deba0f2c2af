"""Whether a bundle needs pandas, and work that is done without importing it where it does not.

scikit-learn imports pandas where it is installed: a third of a second and 60 MB that most services never use.
"""

import ast
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TypeVar

from slipway.model.block import NoBlock, require_blocks
from slipway.model.bundle import Bundle
from slipway.model.frames import PANDAS
from slipway.model.manifest import ESTIMATOR, STAGES, Manifest
from slipway.pipeline.estimators import estimator_libraries

Made = TypeVar("Made")

_FREE = frozenset({"sklearn", "scipy", "numpy", "polars", "slipway", "msgspec", "joblib"})
"""Libraries that remember nothing of a pandas that they could not import."""
_SIGNS = ("pandas", "arrow")
"""Words in code or in an estimator that speak of pandas; Arrow's own conversion to it is looked up once for all."""


def needs_pandas(bundle: Bundle) -> bool:
    """Return whether anything that this bundle executes may import pandas, by what its files say.

    False is certain for the code that stands there: an online stage that asks for pandas, or says its name anywhere, an
    estimator with types of other libraries, and a pickle, of which nobody knows, all count as needing it.
    """
    manifest = bundle.manifest
    if any(each.annotation == PANDAS for stage in manifest.stages for each in stage.inputs):
        return True
    if manifest.annotation == PANDAS and (manifest.stages or not _takes_blocks(manifest)):
        return True
    if _speaks_of_pandas((bundle.folder / STAGES).read_text(encoding="utf-8")):
        return True
    frozen = [name for name in manifest.files if name.startswith("frozen/") and name.endswith(".skops")]
    return any(
        (found := estimator_libraries(bundle.folder / name, _SIGNS)) is None or bool(found - _FREE)
        for name in (ESTIMATOR, *frozen)
    )


def without_pandas(work: Callable[[], Made]) -> Made:
    """Return what the work gives, pandas not being imported on its way unless it is already.

    Where it fails so, it is done again as usual. A library that asks whether pandas is installed is told the truth.
    """
    if "pandas" in sys.modules or not _is_installed():
        return work()
    hidden = _Hidden(threading.get_ident())
    sys.meta_path.insert(0, hidden)
    try:
        return work()
    except Exception:  # anything that has another reason will raise again
        hidden.thread = None
        return work()
    finally:
        sys.meta_path.remove(hidden)


def _is_installed() -> bool:
    try:
        return find_spec("pandas") is not None
    except ImportError:
        return False


class _Hidden(MetaPathFinder):
    """Finds a pandas that can't be imported, for one thread."""

    def __init__(self, thread: int | None) -> None:
        self.thread = thread

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas" and threading.get_ident() == self.thread:
            return ModuleSpec(fullname, _Refusing())
        return None


class _Refusing(Loader):
    def exec_module(self, module: ModuleType) -> None:
        raise ModuleNotFoundError("pandas is left out here", name="pandas")


def _takes_blocks(manifest: Manifest) -> bool:
    """Whether rows can reach the model as columns of Python's values, which stand for a table of pandas, too."""
    try:
        require_blocks(manifest.schema, manifest.features.polars)
    except NoBlock:
        return False
    return True


def _speaks_of_pandas(source: str) -> bool:
    if any(sign in source for sign in _SIGNS):
        return True
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    return bool(imported - _FREE - sys.stdlib_module_names)
