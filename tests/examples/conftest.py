import importlib
import importlib.util
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

import slipway

SHARED = Path(slipway.__file__).parents[3] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Trees grown by several threads wait for each other, a hundredfold where tests run side by side."""
    importlib.import_module("sklearn.ensemble")  # the limit binds what is loaded already
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def examples():
    """The folder of the examples, as it is in the wheel."""
    return Path(slipway.__file__).parent / "examples"


@pytest.fixture(scope="session")
def load():
    """Import a file of an example's under a name of its own."""

    def loaded(path):
        name = f"{path.parent.name}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.fixture(scope="session")
def shared():
    """The folder of real data, where another clone has it too; without it the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: {SHARED} is missing")
    return SHARED
