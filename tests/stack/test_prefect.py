"""Jobs and the loop as Prefect shows them: its server as a stack has it, asked by who works beside it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from engine import Stack, asked, eventually, standing

SERVICE = "flows"
SETTINGS = [
    (
        "[stack.services.data-prep]",
        f'[stack.services.{SERVICE}]\nkind = "prefect"\nport = 4200\n\n[stack.services.data-prep]',
    )
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("flows")
    with standing(folder, "linear", SERVICE, name="flows", settings=SETTINGS) as stack:
        yield stack


@pytest.fixture(scope="module")
def trained(stack: Stack) -> Stack:
    """The project's jobs done on this machine, under the stack's Prefect."""
    for job in ("data-prep", "model-train"):
        stack.slipway("job", job, environment=under(stack))
    return stack


def under(stack: Stack) -> dict[str, str]:
    return {"PREFECT_API_URL": f"{stack.url(SERVICE)}/api"}


def found(stack: Stack, what: str, **wanted: Any) -> list[dict[str, Any]]:
    status, said = asked(f"{stack.url(SERVICE)}/api/{what}/filter", wanted)
    assert status == 200, said
    return list(json.loads(said))


def run_of(stack: Stack, flow: str) -> dict[str, Any]:
    """The last flow run of a flow."""
    (run, *_) = found(stack, "flow_runs", flows={"name": {"any_": [flow]}}, sort="START_TIME_DESC")
    return run


def tasks_of(stack: Stack, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tasks = found(stack, "task_runs", flow_runs={"id": {"any_": [run["id"]]}})
    return {task["name"]: task for task in tasks}


def lines_of(stack: Stack, run: dict[str, Any]) -> list[str]:
    logs = found(stack, "logs", logs={"flow_run_id": {"any_": [run["id"]]}}, sort="TIMESTAMP_ASC")
    return [line["message"] for line in logs]


def test_a_job_is_a_flow_run_whose_stages_are_tasks(trained: Stack) -> None:
    run = run_of(trained, "linear-model-train")
    assert (run["state_type"], run["state"]["message"]) == ("COMPLETED", "Version 1 is live.")
    expected = {"linear_data", "split", "model", "metrics", "gate", "release"}
    # Prefect writes down a task's states a moment after it has been told of them.
    assert eventually(lambda: set(tasks_of(trained, run)), expected) == expected
    assert eventually(lambda: {task["state_type"] for task in tasks_of(trained, run).values()}, {"COMPLETED"})
    tasks = tasks_of(trained, run)
    assert {task["state_type"] for task in tasks.values()} == {"COMPLETED"}
    assert tasks["model"]["state"]["message"] == "never ran"
    assert "lines passed" in tasks["gate"]["state"]["message"]
    assert {each["id"] for each in tasks["model"]["task_inputs"]["after"]} == {tasks["split"]["id"]}
    assert all(task["end_time"] > task["start_time"] for task in tasks.values())
    assert any("model" in line and "never ran" in line for line in lines_of(trained, run))


def test_what_did_not_change_is_shown_as_done_already(trained: Stack) -> None:
    trained.slipway("job", "data-prep", environment=under(trained))
    run = run_of(trained, "linear-data-prep")
    names = eventually(lambda: {task["state_name"] for task in tasks_of(trained, run).values()}, {"Cached"})
    assert names == {"Cached"}
    assert "nothing that it depends on has changed" in tasks_of(trained, run)["readings"]["state"]["message"]


def test_a_stage_that_fails_says_why_on_its_task_and_on_the_run(trained: Stack) -> None:
    place = trained.folder / "pipeline.py"
    before = place.read_text(encoding="utf-8")
    head = "def model(train: pl.DataFrame) -> LinearRegression:\n"
    assert head in before
    place.write_text(before.replace(head, f'{head}    raise ValueError("no line today")\n'), encoding="utf-8")
    try:
        said = trained.slipway("job", "model-train", code=2, environment=under(trained))
    finally:
        place.write_text(before, encoding="utf-8")
    run = run_of(trained, "linear-model-train")
    assert run["state_type"] == "FAILED"
    assert "no line today" in said
    assert "no line today" in run["state"]["message"]
    task = eventually(lambda: tasks_of(trained, run).get("model", {}).get("state_type"), "FAILED")
    assert task == "FAILED"
    assert "no line today" in tasks_of(trained, run)["model"]["state"]["message"]


def test_the_loop_is_a_deployment_whose_ticks_are_flow_runs(trained: Stack) -> None:
    command = [sys.executable, "-m", "slipway.schedule.ticks", "-C", str(trained.folder), "--every", "1h"]
    ended = {"flows": {"name": {"any_": ["linear-loop"]}}, "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    with subprocess.Popen(command, env={**trained.environment, **under(trained)}) as ticking:
        assert eventually(lambda: len(found(trained, "flow_runs", **ended)), 1, 90) == 1
        # Those to come are made by Prefect itself.
        waiting = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        assert eventually(lambda: len(found(trained, "flow_runs", **waiting)) >= 3, True, 60)
        ticking.terminate()
        assert ticking.wait(30) == 0
    (deployment,) = found(trained, "deployments")
    assert deployment["name"] == "linear"
    assert [each["schedule"]["interval"] for each in deployment["schedules"]] == [3600.0]
    (run,) = found(trained, "flow_runs", **ended)
    assert run["deployment_id"] == deployment["id"]
    assert "The check says too small." in run["state"]["message"]
    assert any("too small" in line for line in lines_of(trained, run))
    assert eventually(lambda: set(tasks_of(trained, run)), {"check"}) == {"check"}


def test_its_pages_are_there_and_other_sites_get_nothing_through_a_browser(stack: Stack) -> None:
    status, page = asked(stack.url(SERVICE) + "/")
    assert (status, b"Prefect" in page) == (200, True)
    assert json.loads(asked(stack.url(SERVICE) + "/ui-settings")[1])["api_url"] == "/api"
    request = urllib.request.Request(stack.url(SERVICE) + "/api/health", headers={"Origin": "http://pages.example"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["access-control-allow-origin"] is None
    environment = dict(line.split("=", 1) for line in stack.inspected(SERVICE)["Config"]["Env"])
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert stack.secret("prefect_password") not in str(environment)
