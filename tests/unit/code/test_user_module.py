import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from slipway.code.user_module import user_module


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose modules are named as the standard library's and a library's are, beside that library."""
    for name in ("tabnanny", "rlcompleter", "alib", "_gone"):
        (tmp_path / "project" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "project" / f"{name}.py").write_text("IS_OWN = True\n")
    monkeypatch.setattr(sys, "stdlib_module_names", sys.stdlib_module_names | {"_gone"})
    libraries = tmp_path / "site-packages"
    libraries.mkdir()
    (libraries / "alib.py").write_text("IS_OWN = False\n")
    (libraries / "asking.py").write_text(
        "def ask(name):\n"
        "    try:\n        module = __import__(name)\n"
        "    except ImportError:\n        return None\n"
        "    return getattr(module, 'IS_OWN', False)\n"
    )
    monkeypatch.syspath_prepend(str(libraries))
    for name in ("tabnanny", "rlcompleter", "alib", "_gone"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path / "project"


def own(project: Path, text: str) -> object:
    (project / "stages.py").write_text(text)
    with user_module(project, PurePosixPath("stages.py")) as load:
        return load().found


@pytest.mark.parametrize("name", ["tabnanny", "alib", "_gone"])
def test_what_the_projects_code_imports_is_its_own(project: Path, name: str) -> None:
    assert own(project, f"import {name}\nfound = {name}.IS_OWN\n") is True
    assert own(project, f"import importlib\nfound = importlib.import_module('{name}').IS_OWN\n") is True


@pytest.mark.parametrize(
    ("name", "found"), [("rlcompleter", False), ("alib", False), ("_gone", None), ("helper", True)]
)
def test_what_a_library_imports_is_pythons_or_a_librarys(project: Path, name: str, found: bool | None) -> None:
    (project / "helper.py").write_text("IS_OWN = True\n")
    assert own(project, f"import asking\nfound = asking.ask({name!r})\n") is found


def test_the_projects_module_itself_may_be_named_as_one_of_pythons(project: Path) -> None:
    with user_module(project, PurePosixPath("tabnanny.py")) as load:
        assert load().IS_OWN


def test_afterwards_everybody_has_pythons_again(project: Path) -> None:
    assert own(project, "import tabnanny\nfound = tabnanny.IS_OWN\n")
    import tabnanny

    assert Path(tabnanny.__file__ or "").parent == Path(subprocess.__file__).parent
