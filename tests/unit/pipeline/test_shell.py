import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from slipway.errors import OutsideError, ProjectError, StageError
from slipway.pipeline.shell import execute_lines

SCRIPT = """
import json
from pathlib import Path
import yaml
rows = yaml.safe_load(Path("params.yaml").read_text())["count"]["rows"]
lines = Path("data/raw/flats.csv").read_text().splitlines()[1 : rows + 1]
Path("reports").mkdir(exist_ok=True)
Path("reports/count.json").write_text(json.dumps({"rows": len(lines)}))
print(f"counted {len(lines)}")
"""

COMMAND = """
[commands.count]
cmd = "python count.py"
reads = ["count.py", "data/raw/flats.csv"]
writes = ["reports/count.json"]
params = ["count.rows"]
"""


@pytest.fixture
def counted(flats):
    """The project of four functions with a command beside them."""
    flats.write("slipway.toml", (flats.root / "slipway.toml").read_text() + COMMAND)
    flats.write("count.py", SCRIPT)
    flats.write("params.yaml", '{"count": {"rows": 30}}')
    return flats


def count(flats):
    return json.loads((flats.root / "reports/count.json").read_text())["rows"]


def ends(pid):
    """Whether a process ends within a moment."""
    for _ in range(500):
        done = subprocess.run(["ps", "-o", "stat=", "-p", pid.strip()], capture_output=True, text=True)
        if done.stdout.strip()[:1] in ("", "Z"):  # gone, or nobody has asked how it ended
            return True
        time.sleep(0.01)
    return False


def why(report, name="count"):
    return next(stage.why for stage in report.stages if stage.name == name)


def test_a_command_runs_when_a_file_a_parameter_or_its_text_changed(counted, capfd):
    counted.run()
    assert count(counted) == 30
    assert "counted 30" in capfd.readouterr().err
    assert why(counted.run()) == ()
    params = yaml.safe_load((counted.root / "params.yaml").read_text())
    params["count"]["rows"] = 7
    counted.write("params.yaml", json.dumps(params))
    assert why(counted.run()) == ("setting count.rows: 30 → 7",)
    assert count(counted) == 7
    counted.edit("count.py", "counted", "found")
    assert why(counted.run()) == ("input count.py changed",)
    counted.edit("slipway.toml", "python count.py", "python -B count.py")
    assert why(counted.run()) == ("command of `count` changed: python count.py → python -B count.py",)
    assert why(counted.run()) == ()


def test_dvc_is_told_the_command_itself(counted):
    counted.run()
    stage = yaml.safe_load((counted.root / "dvc.yaml").read_text())["stages"]["count"]
    assert stage == {
        "cmd": "python count.py",
        "deps": ["count.py", "data/raw/flats.csv"],
        "params": ["count.rows"],
        "outs": ["reports/count.json"],
    }
    locked = yaml.safe_load((counted.root / "dvc.lock").read_text())["stages"]["count"]
    assert locked["params"] == {"params.yaml": {"count.rows": 30}}


def test_what_dvc_ran_is_taken_over(counted):
    dvc = Path(sys.executable).parent / "dvc"
    if not dvc.exists():
        pytest.skip("needs dvc")

    def run_dvc(*arguments):
        path = f"{dvc.parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
        done = subprocess.run([dvc, *arguments], cwd=counted.root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    run_dvc("init", "--no-scm", "-q")
    counted.run()
    counted.edit("count.py", "len(lines)}))", "len(lines) + 1}))")
    run_dvc("repro", "-q", "count")
    assert count(counted) == 31
    assert why(counted.run()) == ()


def test_a_function_reads_what_a_command_wrote(counted):
    pipeline = (counted.root / "pipeline.py").read_text()
    counted.write(
        "pipeline.py", pipeline + "\n\n@stage\ndef twice(count) -> dict:\n    return {'n': count['rows'] * 2}\n"
    )
    counted.run()
    assert json.loads((counted.root / "reports/twice.json").read_text()) == {"n": 60}


def test_a_failure_shows_the_end_of_what_was_printed_and_puts_back_what_was_there(counted):
    counted.run()
    counted.edit("count.py", "print(f", 'raise SystemExit("no room for more") if rows else print(f')
    counted.edit("count.py", "len(lines)}))", "-1}))")
    report = counted.run()
    assert isinstance(report.error, StageError)
    said = str(report.error)
    assert said.startswith("slipway.toml: [commands.count]: `python count.py` ended with code 1.")
    assert said.endswith("no room for more")
    assert count(counted) == 30
    assert not list(counted.root.glob("**/.slipway-*"))


def test_what_is_promised_has_to_be_written(counted):
    counted.edit("count.py", "reports/count.json", "reports/other.json")
    assert "did not write reports/count.json, which it promises" in str(counted.run().error)


def test_a_parameter_that_is_not_there_is_named(counted):
    counted.edit("slipway.toml", '"count.rows"', '"count.row"')
    with pytest.raises(ProjectError, match=r"params.yaml: there is no `count.row`.* Did you mean `rows`"):
        counted.run()


def test_a_command_that_is_killed_is_told_as_such(tmp_path):
    with pytest.raises(OutsideError, match=r"there: `kill -9 \$\$` was ended by SIGKILL. Is memory short\?"):
        execute_lines(tmp_path, ["kill -9 $$"], "there")


def test_the_second_command_waits_for_the_first_and_what_is_left_running_is_ended(tmp_path):
    started = time.monotonic()
    execute_lines(tmp_path, ["echo one > a; sleep 60 & echo $! > pid", "cat a > b"], "there")
    assert time.monotonic() - started < 30
    assert (tmp_path / "b").read_text() == "one\n"
    assert ends((tmp_path / "pid").read_text())


def test_a_command_ends_with_the_process_that_started_it(tmp_path):
    line = "echo $$ > pid; sleep 60; touch late"
    program = (
        "import sys; from pathlib import Path; from slipway.pipeline.shell import execute_lines\n"
        f"execute_lines(Path(sys.argv[1]), [{line!r}], 'there')"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    pid = tmp_path / "pid"
    while not pid.exists() or not pid.read_text():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert ends(pid.read_text())


def test_python_is_the_one_that_runs_us(tmp_path):
    execute_lines(tmp_path, ['python -c \'import sys; open("which", "w").write(sys.executable)\''], "there")
    assert os.path.dirname((tmp_path / "which").read_text()) == os.path.dirname(sys.executable)  # noqa: PTH120
