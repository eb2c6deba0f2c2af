"""A piece of work in, what it gives out, without pandas being imported on its way by libraries that have no use for it.

scikit-learn imports pandas where it is installed, which takes a third of a second and 60 MB that a service never uses.
"""

import sys
import threading
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from typing import Any, TypeVar

Made = TypeVar("Made")


def without_pandas(work: Callable[[], Made]) -> Made:
    """What the work gives. Where it can't be done so, it is done again as usual."""
    if "pandas" in sys.modules:
        return work()
    hidden = _Hidden(threading.get_ident())
    sys.meta_path.insert(0, hidden)
    try:
        return work()
    except Exception:  # a stage of the project's that uses pandas; anything else will raise again
        hidden.thread = None
        return work()
    finally:
        sys.meta_path.remove(hidden)


class _Hidden(MetaPathFinder):
    """Says that there is no pandas, to one thread."""

    def __init__(self, thread: int | None) -> None:
        self.thread = thread

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == "pandas" and threading.get_ident() == self.thread:
            raise ModuleNotFoundError("pandas is left out here", name=fullname)
