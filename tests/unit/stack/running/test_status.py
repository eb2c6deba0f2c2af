import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from slipway.project.stack import Service, Stack
from slipway.stack.running.engine import Container, Plan, Planned, Published
from slipway.stack.running.show import print_services
from slipway.stack.running.status import State, state_of, statuses

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUNNING = Container(
    "abc", "line-serve-1", "serve", "running", "healthy", 0, "line-api:local", AT, AT, lacked_memory=False
)
PLANNED = Planned("serve", "line-api:local", None, None, (), {}, (), (), ends=False, may_end=False, has_health=True)
SERVE = Service("serve", "api", port=5000)
TRAIN = Service("train", "job")


def state(*containers: Container, planned: Planned = PLANNED, service: Service | None = SERVE) -> State:
    return state_of(planned, service, containers)


@pytest.mark.parametrize(
    ("container", "word", "is_ready"),
    [
        (RUNNING, "healthy", True),
        (replace(RUNNING, health=None), "running", True),
        (replace(RUNNING, health="starting"), "starting", False),
        (replace(RUNNING, health="unhealthy"), "unhealthy", False),
        (replace(RUNNING, state="created"), "created", False),
        (replace(RUNNING, state="restarting"), "restarting", False),
        (replace(RUNNING, state="paused"), "paused", False),
        (replace(RUNNING, state="exited"), "stopped", False),
        (replace(RUNNING, state="exited", exit_code=2), "failed with exit code 2", False),
        (
            replace(RUNNING, state="exited", exit_code=137, lacked_memory=True),
            "failed with exit code 137, out of memory",
            False,
        ),
    ],
)
def test_a_service_that_should_run_is_right_while_it_does(container, word, is_ready):
    found = state(container)
    assert (str(found), found.is_ready) == (word, is_ready)


def test_a_job_is_right_once_it_has_ended_well():
    ended = replace(RUNNING, service="train", state="exited", health=None)
    at_work = state(replace(ended, state="running"), service=TRAIN)
    assert (str(at_work), at_work.is_ready) == ("at work", False)
    assert str(state(ended, service=TRAIN)) == "done"
    assert not state(replace(ended, exit_code=1), service=TRAIN).is_ready


def test_what_is_nobodys_kind_may_end_where_nothing_starts_it_again():
    ended = replace(RUNNING, state="exited", health=None)
    assert str(state(ended, planned=replace(PLANNED, may_end=True), service=None)) == "done"
    assert str(state(ended, service=None)) == "stopped"


def test_of_several_containers_the_worst_is_told_and_how_many_are_well():
    three = replace(PLANNED, replicas=3)
    found = state(RUNNING, replace(RUNNING, health="starting"), RUNNING, planned=three)
    assert (str(found), found.is_ready) == ("starting (2 of 3)", False)
    assert str(state(RUNNING, RUNNING, planned=three)) == "healthy (2 of 3)"
    assert not state(RUNNING, RUNNING, planned=three).is_ready
    assert state(RUNNING, RUNNING, RUNNING, planned=three).is_ready


def stack() -> Stack:
    services = [
        SERVE,
        TRAIN,
        Service("database", "postgres", port=5432, listen=5432, database="dsproject"),
        Service("tracking", "mlflow", external=True, host="mlflow.example.org"),
        Service("tests", "test", profile="test"),
    ]
    return Stack("line", services={service.name: service for service in services})


def plan() -> Plan:
    here = "127.0.0.1"
    services = {
        "serve": replace(PLANNED, ports=(Published("0.0.0.0", 5000, 8000),)),
        "train": replace(PLANNED, name="train"),
        "database": replace(PLANNED, name="database", ports=(Published(here, 5432, 5432),)),
        "tests": replace(PLANNED, name="tests", profiles=("test",)),
    }
    return Plan("line", services, {}, ())


def test_each_service_says_where_it_is_and_how_to_log_in():
    rows = {each.service: each for each in statuses(plan(), stack(), [RUNNING])}
    serve, database = rows["serve"], rows["database"]
    assert (serve.url, serve.user, serve.secret) == (
        "http://127.0.0.1:5000",
        "Authorization: Bearer",
        "secrets/api_token",
    )
    assert (serve.state, serve.since, serve.image) == ("healthy", "2026-01-02T03:04:05+00:00", "line-api:local")
    assert database.url == "postgresql://slipway@127.0.0.1:5432/dsproject"
    assert (database.user, database.secret) == ("slipway", "secrets/slipway_password")
    assert (database.state, database.is_right) == ("not started", False)


def test_what_runs_elsewhere_and_what_waits_to_be_asked_for_is_right():
    rows = {each.service: each for each in statuses(plan(), stack(), [])}
    assert (rows["tracking"].state, rows["tracking"].url, rows["tracking"].is_right) == (
        "elsewhere",
        "mlflow.example.org",
        True,
    )
    assert (rows["tests"].state, rows["tests"].is_right) == ("profile test", True)


def test_a_scaled_service_is_reached_by_its_proxy():
    scaled = replace(stack(), services={"serve": replace(SERVE, scale=True)})
    services = {
        "serve": PLANNED,
        "serve-proxy": replace(PLANNED, name="serve-proxy", ports=(Published("127.0.0.1", 5000, 5000),)),
    }
    rows = {each.service: each for each in statuses(Plan("line", services, {}, ()), scaled, [])}
    assert rows["serve"].url == "http://127.0.0.1:5000"
    assert (rows["serve-proxy"].kind, rows["serve-proxy"].user) == (None, None)


def test_json_has_every_field_of_a_service():
    (row,) = (each.to_json() for each in statuses(plan(), stack(), [RUNNING]) if each.service == "serve")
    assert list(row) == [
        "service", "kind", "state", "health", "is_right", "url", "user", "secret", "image", "since",
    ]  # fmt: skip


def test_a_person_reads_state_address_and_file_in_one_line():
    console = Console(width=160, record=True, file=io.StringIO())
    print_services(statuses(plan(), stack(), [RUNNING]), console)
    (line,) = (line for line in console.export_text().splitlines() if line.split()[0] == "serve")
    assert "healthy" in line
    assert "http://127.0.0.1:5000" in line
    assert "secrets/api_token" in line
