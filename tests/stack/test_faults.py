"""What a stack does when a part of it is away, killed, full, wrong or too new: nothing acknowledged is ever lost."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Stack, docker, eventually, standing
from load import Load

SECONDS = float(os.environ.get("SLIPWAY_FAULT_SECONDS", "10"))
"""How long a server stays away under load; a minute where there is time."""
API = "model-serve"
SERVERS = {"database": "database", "mlflow": "tracking", "prefect": "flows"}
SETTINGS = [
    ("scale = true\n", ""),
    (
        "[stack.services.data-prep]",
        '[stack.services.tracking]\nkind = "mlflow"\nport = 5001\n\n[stack.services.flows]\nkind = "prefect"\n'
        "port = 4200\n\n[stack.services.data-prep]",
    ),
    (
        "[stack.services.data-prep]",
        '[stack.services.watch]\nkind = "monitor"\nevery = "1h"\n\n[stack.services.data-prep]',
    ),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with standing(tmp_path_factory.mktemp("faults"), "linear", name="faults", settings=SETTINGS) as stack:
        yield stack


def load(stack: Stack, **options: Any) -> Load:
    return Load(stack.url(API), stack.secret("api_token"), "/predict", lambda n: {"values": [n % 20 + 0.25]}, **options)


def journalled(stack: Stack) -> set[str]:
    return set(stack.sql("SELECT id FROM slipway.predictions", "dsproject").splitlines())


def kept_once(stack: Stack, acknowledged: set[str]) -> None:
    """All that was acknowledged is in the journal within some seconds, and once."""
    assert eventually(lambda: acknowledged <= journalled(stack), True, 60), len(acknowledged - journalled(stack))
    count = int(stack.sql("SELECT count(*) FROM slipway.predictions", "dsproject"))
    assert count == len(journalled(stack))


def test_two_monitors_at_once_retrain_once(stack: Stack) -> None:
    # As many as the window holds, and elsewhere than what was learnt from: its values and its predictions moved.
    asked = [30 + n / 25 for n in range(1000)]
    ids = [
        key
        for start in range(0, 1000, 100)
        for key in stack.predict(API, "/predict", {"values": asked[start : start + 100]}).split(",")
    ]
    stack.ask(API, "/feedback", [{"id": key, "truth": 2 * x + 1} for key, x in zip(ids, asked, strict=True)])
    kept_once(stack, set(ids))
    ticks = [
        subprocess.Popen(
            ["docker", "compose", "exec", "-T", "watch", "slipway", "loop", "--once", "--json"],
            cwd=stack.folder,
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [tick.communicate(timeout=240) for tick in ticks]
    steps = [(step["step"], step["outcome"]) for out, _ in said if out.strip() for step in json.loads(out)["decisions"]]
    outcomes = [outcome for step, outcome in steps if step == "retrain"]
    assert set(outcomes) <= {"candidate", "busy", "superseded"}, said
    # The monitor of the stack's own may have been first.
    made = "SELECT count(*) FROM slipway.decisions WHERE step = 'retrain' AND outcome = 'candidate'"
    assert eventually(lambda: stack.sql(made, "dsproject"), "1", 60) == "1", said


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_is_away_for_a_while_costs_no_prediction(stack: Stack, kind: str) -> None:
    service = SERVERS[kind]
    with load(stack, pause=0.02) as callers:
        callers.wait_for(50)
        stack.compose("stop", "-t", "3", service)
        time.sleep(SECONDS)
        callers.wait_for(50)
        away = stack.ask(API, "/health")
        status = stack.slipway("stack", "status", code=1)
        stack.compose("start", service)
        callers.wait_for(50)
        health = stack.wait_for(API, "/health", lambda told: all(one["ok"] for one in told["dependencies"].values()))
    assert callers.failed == {}
    assert away["ready"] is True
    assert service in status
    if kind == "database":
        assert [name for name, one in away["dependencies"].items() if not one["ok"]] != []
    assert health["ready"] is True
    kept_once(stack, callers.acknowledged)


def test_a_candidate_that_is_made_without_mlflow_is_registered_when_it_is_back(stack: Stack) -> None:
    stack.compose("stop", "-t", "3", "tracking")
    job = ("run", "--rm", "--no-deps", "-T", "model-train", "slipway", "run")
    assert "pending" in stack.compose(*job, "--set", "split.seed=43", code=3)
    stack.compose("up", "-d", "--wait", "--no-deps", "tracking")
    said = stack.stdout(*job, "--json")
    assert json.loads(said)["candidate"] is not None
    stack.compose("run", "--rm", "--no-deps", "-T", "model-train")  # the gate has its say before anything restarts


def test_an_api_that_is_killed_under_load_loses_nothing_that_it_acknowledged(stack: Stack) -> None:
    with load(stack) as callers:
        for _ in range(3):
            callers.wait_for(200)
            container = stack.containers(API)[0]
            docker("kill", container)
            docker("start", container)
            callers.wait_for(50)
    kept_once(stack, callers.acknowledged)


def test_after_a_restart_of_everything_the_same_release_is_live(stack: Stack) -> None:
    before = stack.ask(API, "/predict", {"values": [5]})
    stack.compose("restart", "-t", "5")
    stack.wait_for(API, "/health", lambda told: told["ready"], 120)
    assert stack.ask(API, "/predict", {"values": [5]}) == before
    said = json.loads(
        stack.stdout("run", "--rm", "--no-deps", "-T", "model-train", "slipway", "ledger", "--verify", "--json")
    )
    assert said["verified"] is True


def test_a_spool_that_is_full_refuses_and_goes_on_when_there_is_room(stack: Stack) -> None:
    override = stack.folder / "compose.override.yaml"
    spool = "/app/.slipway/spool:size=400k,uid=10001,gid=10001,mode=0770"
    override.write_text(f"services:\n  {API}:\n    tmpfs:\n      - /tmp\n      - {spool}\n")
    files = ("-f", "docker-compose.yaml", "-f", override.name)
    stack.compose(*files, "up", "-d", "--wait", "--no-deps", API)
    stack.compose("stop", "-t", "3", "database")
    with load(stack) as callers:
        assert eventually(lambda: bool(callers.failed), True, 120)
        time.sleep(1)
        stack.compose("start", "database")
        stack.wait_for(API, "/health", lambda told: told["dependencies"]["journal"]["ok"])
        callers.wait_for(50)
    assert {reason[:3] for reason in callers.failed} == {"503"}, callers.failed
    kept_once(stack, callers.acknowledged)
    override.unlink()
    stack.compose("up", "-d", "--wait", "--no-deps", API)


def test_a_missing_secret_is_named_before_anything_starts(stack: Stack) -> None:
    place = stack.folder / "secrets/slipway_api_password"
    held = place.read_text()
    place.unlink()
    try:
        said = stack.run(["docker", "compose", "up", "-d", "--no-deps", "--force-recreate", API], code=None)
        assert "slipway_api_password" in said
        assert stack.ask(API, "/health")["ready"] is True
    finally:
        _put_back(place, held)


def test_a_wrong_password_is_said_with_the_file_that_holds_it(stack: Stack) -> None:
    place = stack.folder / "secrets/slipway_password"
    held = place.read_text()
    _put_back(place, "wrong")
    try:
        said = stack.compose("run", "--rm", "--no-deps", "-T", "model-train", code=3)
        assert "password" in said
        assert "SLIPWAY_DATABASE_PASSWORD_FILE" in said
    finally:
        _put_back(place, held)
    stack.compose("run", "--rm", "--no-deps", "-T", "model-train")


def test_a_schema_from_a_newer_version_is_refused(stack: Stack) -> None:
    stack.sql("UPDATE slipway.writer SET format = format + 1000", "dsproject")
    try:
        said = stack.compose("run", "--rm", "--no-deps", "-T", "model-train", code=2)
        assert "newer" in said
    finally:
        stack.sql("UPDATE slipway.writer SET format = format - 1000", "dsproject")
    assert stack.ask(API, "/predict", {"values": [5]})


def test_a_job_that_fails_stops_its_dependants_with_its_own_message_on_top(stack: Stack) -> None:
    stack.down()
    place = stack.folder / "pipeline.py"
    place.write_text(
        place.read_text().replace(
            "    x = np.linspace(", '    raise ValueError("the readings are upside down")\n    x = np.linspace('
        )
    )
    said = stack.slipway("stack", "up", code=2, seconds=900)
    assert "slipway: pipeline.py:34: stage `readings` raised ValueError: the readings are upside down" in said
    assert "wait for it and were not started" in said
    states = dict(
        line.split(" ", 1) for line in stack.stdout("ps", "--all", "--format", "{{.Service}} {{.State}}").splitlines()
    )
    assert states["data-prep"] == "exited"
    assert states.get("model-train", "created") == "created"
    assert states.get(API, "created") == "created"


def _put_back(place: Path, text: str) -> None:
    """With the mode and the owner that its neighbours have."""
    like = (place.parent / "postgres_password").stat()
    place.unlink(missing_ok=True)
    place.write_text(text)
    place.chmod(0o440)
    os.chown(place, like.st_uid, like.st_gid)
