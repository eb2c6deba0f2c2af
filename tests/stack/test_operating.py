"""The verbs of `slipway stack` against a real engine, on services that need no image of ours."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import PREFIX, docker, free_port, require_engine

NAME = f"{PREFIX}operating"
STACK = """
[stack]
name = "{name}"

[stack.services.database]
kind = "postgres"
port = {port}
database = "flats"

[stack.services.idle]
kind = "shell"
image = "python:3.13-slim"
command = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]

[stack.services.check]
kind = "test"
image = "python:3.13-slim"
command = ["python", "-c", "raise SystemExit(5)"]
profile = "check"
"""
WORK = """
services:
  work:
    image: python:3.13-slim
    init: true
    command: ["python", "-c", "{code}"]
    depends_on: {{database: {{condition: service_healthy}}}}
  behind:
    image: python:3.13-slim
    init: true
    command: ["sleep", "600"]
    depends_on: {{work: {{condition: service_completed_successfully}}}}
"""


class Operated:
    """A project's folder, and the command line on it."""

    def __init__(self, folder: Path, name: str, port: int) -> None:
        self.folder, self.port = folder, port
        with (folder / "slipway.toml").open("a") as toml:
            toml.write(STACK.format(name=name, port=port))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "slipway", "-C", str(self.folder), "stack", *words]

    def __call__(self, *words: str, code: int = 0, **environment: str) -> tuple[str, str]:
        """Standard output and standard error."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def services(self, *words: str, code: int = 0) -> dict[str, dict[str, object]]:
        told = json.loads(self(*words, "--json", code=code)[0])
        return {each["service"]: each for each in told["services"]}

    def override(self, text: str | None) -> None:
        path = self.folder / "compose.override.yaml"
        path.unlink(missing_ok=True) if text is None else path.write_text(text)

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()

    def container(self, service: str) -> str:
        labels = [f"label=com.docker.compose.project={NAME}", f"label=com.docker.compose.service={service}"]
        return docker("ps", "--all", "--quiet", *(word for each in labels for word in ("--filter", each))).strip()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, make_flats):
    require_engine()
    folder = tmp_path_factory.mktemp("operating") / "flats"
    make_flats(folder).storage.close()
    operated = Operated(folder, NAME, free_port())
    yield operated
    operated.override(None)
    operated("down", "--volumes")


@pytest.fixture(autouse=True)
def without_what_another_test_added(stack):
    stack.override(None)
    for name in ("work", "behind"):
        if container := stack.container(name):
            docker("rm", "--force", container)


def test_up_says_what_happens_and_then_where_each_service_is(stack):
    out, err = stack("up", POSTGRES_PASSWORD="the superuser's own")
    assert "database             healthy, " in err
    assert "idle                 runs" in err
    database = next(line for line in out.splitlines() if line.split()[0] == "database")
    for told in ("healthy", f"postgresql://slipway@127.0.0.1:{stack.port}/flats", "secrets/slipway_password"):
        assert told in database
    assert stack.secret("postgres_password") == "the superuser's own"
    assert not any(stack.secret(name) in out + err for name in ("postgres_password", "slipway_password"))


def test_status_tells_a_program_the_same_and_is_1_once_something_is_not_well(stack):
    stack("up")
    services = stack.services("status")
    assert services["database"]["health"] == "healthy"
    assert services["idle"]["state"] == "running"
    assert services["check"]["state"] == "profile check"
    docker("stop", "--time", "5", stack.container("database"))
    stopped = stack.services("status", code=1)["database"]
    assert (stopped["is_right"], stopped["state"]) == (False, "stopped")


def test_no_secret_is_in_what_the_engine_tells_of_a_container(stack):
    stack("up")
    told = "".join(docker("inspect", stack.container(name)) for name in ("database", "idle"))
    assert stack.secret("postgres_password") not in told
    assert stack.secret("slipway_password") not in told
    assert docker("exec", stack.container("idle"), "cat", "/run/secrets/slipway_password") == stack.secret(
        "slipway_password"
    )


def logs_in(stack) -> subprocess.CompletedProcess:
    command = ["docker", "exec", "--env", f"PGPASSWORD={stack.secret('slipway_password')}"]
    query = ["psql", "-h", "127.0.0.1", "-U", "slipway", "-d", "flats", "-Atc", "SELECT current_user"]
    return subprocess.run([*command, stack.container("database"), *query], capture_output=True, text=True)


def test_a_secret_that_was_lost_is_made_again_and_the_database_and_its_readers_take_the_new_one(stack):
    stack("up")
    before = stack.secret("slipway_password")
    (stack.folder / "secrets/slipway_password").unlink()
    time.sleep(1.1)  # the engine counts a volume's age in whole seconds
    _, err = stack("up")
    assert stack.secret("slipway_password") != before
    assert "idle                 is made anew, with the secrets of now" in err
    assert logs_in(stack).stdout == "slipway\n"


def test_a_jobs_own_message_comes_first_and_says_who_was_not_started(stack):
    code = "import sys; print('slipway: Stage `model` failed: no column `y`.', file=sys.stderr); sys.exit(2)"
    stack.override(WORK.format(code=code))
    _, err = stack("up", code=3)
    assert err.splitlines()[-2:] == [
        "slipway: Stage `model` failed: no column `y`.",
        "`work` ended with exit code 2. `behind` waits for it and was not started. All that it said: `slipway stack "
        "logs work`.",
    ]
    assert "no column `y`" in stack("logs", "work", "--tail", "5")[0]


def test_a_job_that_ends_well_is_done_and_those_behind_it_run(stack):
    stack.override(WORK.format(code="pass"))
    services = stack.services("up", "behind")
    assert (services["work"]["state"], services["behind"]["state"]) == ("done", "running")


def test_time_is_up_for_a_job_that_takes_longer(stack):
    stack.override(WORK.format(code="import time; time.sleep(60)"))
    _, err = stack("up", "--timeout", "3", code=3)
    assert "Not ready after 3 s: `behind` (created)" in err
    assert "What has started goes on: `slipway stack status` shows it" in err


def test_ctrl_c_leaves_running_what_runs_and_says_how_it_is_stopped(stack):
    stack.override(WORK.format(code="import time; time.sleep(60)"))
    with subprocess.Popen(stack.command("up"), stderr=subprocess.PIPE, text=True, start_new_session=True) as up:
        assert up.stderr is not None
        said = ""
        while "work                 runs" not in said:
            line = up.stderr.readline()
            assert line, said
            said += line
        os.killpg(up.pid, signal.SIGINT)
        said = up.communicate(timeout=30)[1]
    assert up.returncode == 130
    assert (
        "Interrupted. What has started goes on: `slipway stack status` shows it, `slipway stack down` ends it" in said
    )
    assert stack.services("status", code=1)["work"]["state"] == "at work"


def test_a_port_that_another_stack_has_is_said_before_anything_starts(stack, tmp_path, make_flats):
    stack("up", "database")
    make_flats(tmp_path / "flats").storage.close()
    other = Operated(tmp_path / "flats", f"{NAME}-other", stack.port)
    _, err = other("up", code=3)
    holder = f"container {NAME}-database-1 of Compose project {NAME}"
    assert f"port {stack.port} of `database` is taken by {holder}: `docker compose -p {NAME} stop database`" in err
    assert docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={NAME}-other") == ""


def test_an_image_that_can_not_be_had_is_said_with_the_service_that_needs_it(stack):
    stack.override("services:\n  work:\n    image: 127.0.0.1:9/no/such:1\n")
    _, err = stack("up", code=3)
    assert "slipway: 127.0.0.1:9/no/such:1, which `work` needs, is not on this machine and can't be had: " in err


def test_a_file_of_the_users_that_compose_refuses_is_named_with_its_words(stack):
    stack.override("services:\n  idle:\n    imge: x\n")
    _, err = stack("up", code=2)
    assert "services.idle Additional property imge is not allowed" in err
    assert "`compose.override.yaml` is yours" in err


def test_the_tests_exit_code_is_the_verbs(stack):
    stack("test", code=5)


def test_plain_compose_works_on_the_same_files(stack):
    stack("up")
    done = subprocess.run(["docker", "compose", "up", "--detach"], cwd=stack.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Recreate" not in done.stderr


def test_down_keeps_the_volumes_unless_asked_and_says_what_goes(stack):
    stack("up")
    volume = f"{NAME}_database-data"
    stack("down")
    assert volume in docker("volume", "ls", "--quiet").split()
    _, err = stack("down", "--volumes")
    assert err.startswith("  These volumes go for good: ")
    assert volume in err.splitlines()[0]
    assert volume not in docker("volume", "ls", "--quiet").split()
