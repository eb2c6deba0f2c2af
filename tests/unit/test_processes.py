import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway import processes


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the working one, whose modules end whoever imports them in place of Python's."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    for name in (
        "platform",
        "json",
        "typing",
        "random",
        "runpy",
        "sitecustomize",
        "usercustomize",
        "slipway",
        "tempfile",
    ):
        (folder / f"{name}.py").write_text("import os\nos._exit(77)\n")
    monkeypatch.chdir(folder)
    return folder


def answer(process: "subprocess.Popen[bytes]") -> str:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said.decode()


def test_a_child_of_ours_takes_no_module_of_the_working_folder(stranger: Path) -> None:
    assert answer(processes.start("platform", root=stranger)).strip()
    assert "usage" in answer(processes.start("json.tool", "--help", root=stranger)).lower()


@pytest.mark.parametrize("written", ["{root}", "{root}/", "{root}/../stranger", ".", "", ":", "{root}:{root}"])
def test_nor_where_pythons_path_names_it(
    stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "alib.py").write_text("import platform, json, random\nprint('a library')\n")
    monkeypatch.setenv("PYTHONPATH", f"{written.format(root=stranger)}:{libraries}")
    assert answer(processes.start("alib", root=stranger)).strip() == "a library"
    assert processes.environment(stranger)["PYTHONPATH"] == str(libraries)
    monkeypatch.setenv("PYTHONPATH", str(stranger))
    assert "PYTHONPATH" not in processes.environment(stranger)


def test_nor_does_a_process_that_multiprocessing_spawns(stranger: Path) -> None:
    program = (
        "import sys, os; del sys.path[0]\n"
        "import multiprocessing\n"
        "from pathlib import Path\n"
        "from platform import system\n"
        "from slipway import processes\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=system)\n"
        "    with processes.spawning(Path()):\n"
        "        process.start()\n"
        "    process.join(60)\n"
        "    assert 'PYTHONSAFEPATH' not in os.environ\n"
        "    sys.exit(process.exitcode)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_variables_are_given_besides_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "telling.py").write_text(
        "import os\nprint(os.environ['OURS'], os.environ['MORE'], os.getcwd())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "libraries"))
    said = answer(processes.start("telling", root=tmp_path, more={"MORE": "2"}, cwd=tmp_path))
    assert said.split() == ["1", "2", str(tmp_path)]


@pytest.mark.parametrize("end", [lambda parent: parent.kill(), lambda parent: parent.terminate()])
def test_a_child_ends_with_its_parent_however_that_ends(end: Callable[["subprocess.Popen[bytes]"], None]) -> None:
    child = "from slipway import processes; import time; print('up', flush=True); processes.end_with(0); time.sleep(60)"
    parent = (
        "import subprocess, sys, time\n"
        f"held = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"up\n"
        end(process)
        assert process.stdout.read() == b""  # the child has it open too: this returns once it is gone


def test_what_ended_a_process_is_said() -> None:
    assert processes.ended_by(3) is None
    assert processes.ended_by(-signal.SIGKILL) == "SIGKILL. Is memory short?"
    assert processes.ended_by(-signal.SIGTERM) == "SIGTERM."
    assert processes.ended_by(-64 - 40) == "signal 104."
