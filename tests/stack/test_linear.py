"""The first document as a stack: four services and a proxy, in the order of the graph, and every command it has."""

import json
from collections.abc import Callable, Iterator

import pytest

from commands import Server
from engine import Stack, docker, document_rows, eventually, standing
from followed import follow
from hardening import assert_hardened
from load import Load

REACH = """
import psycopg, sys
secret = open(sys.argv[2]).read().strip()
psycopg.connect(host='database', user=sys.argv[1], dbname='dsproject', password=secret)
"""
VALUES = {"values": [0, 2.5, 5, 7.77, 20, -3]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with standing(tmp_path_factory.mktemp("linear"), "linear") as stack:
        yield stack


def table(stack: Stack) -> list[str]:
    return stack.sql("SELECT x, id, created_at FROM linear_data ORDER BY x", "dsproject").splitlines()


def test_it_answers_as_the_document_and_the_embedded_run_do(stack: Stack, embedded: Callable[[str], Server]) -> None:
    answer = stack.ask("model-serve", "/predict", {"values": [5]})
    assert answer["predictions"] == [[pytest.approx(10.925, abs=5e-4)]]
    told = stack.ask("model-serve", "/predict", VALUES)
    without = embedded("linear").ask("/predict", VALUES)
    assert told["predictions"] == [[pytest.approx(value, abs=1e-9)] for [value] in without["predictions"]]
    assert told["model_info"] == without["model_info"] | {"name": told["model_info"]["name"]}
    assert {"name", "version", "endpoints"} <= set(stack.ask("model-serve", "/"))
    assert len(stack.ask("model-serve", "/data/sample")["rows"]) == 10
    for wrong in ({}, {"values": 5}, {"values": []}):
        stack.ask("model-serve", "/predict", wrong, code=400)


def test_nobody_is_answered_without_the_token(stack: Stack) -> None:
    stack.ask("model-serve", "/predict", VALUES, token="", code=401)
    stack.ask("model-serve", "/predict", VALUES, token="wrong", code=401)
    assert stack.ask("model-serve", "/health", token="")["ready"] is True


def test_health_names_what_it_depends_on(stack: Stack) -> None:
    health = stack.ask("model-serve", "/health")
    assert (health["live"], health["ready"]) == (True, True)
    assert all(one["ok"] for one in health["dependencies"].values())


def test_preparing_twice_keeps_ids_and_the_time_of_creation(stack: Stack) -> None:
    before = table(stack)
    assert len(before) == 100
    stack.compose("run", "--rm", "data-prep")
    assert table(stack) == before
    stack.compose("run", "--rm", "data-prep", "slipway", "run", "readings", "--force")
    assert table(stack) == before


def test_a_job_runs_alone_with_what_it_waits_for(stack: Stack) -> None:
    stack.compose("stop", "-t", "5")
    said = stack.compose("run", "--rm", "model-train")
    assert "database" in said
    said = stack.compose("run", "--rm", "data-prep", "bash", "-c", "id -u; pwd; test -w /app && ls")
    assert "10001" in said
    assert "/app" in said
    assert "slipway.toml" in said
    stack.compose("up", "-d", "--wait")
    assert stack.ask("model-serve", "/predict", VALUES)["model_info"]["version"] == 1


def test_every_running_container_is_hardened(stack: Stack) -> None:
    assert_hardened(stack)


def test_passwords_are_held_as_scram_and_the_superuser_stays_on_the_socket(stack: Stack) -> None:
    held = stack.sql(
        "SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolpassword NOT LIKE 'SCRAM-SHA-256%'", "postgres"
    )
    assert held == ""
    mine = ["--volume", f"{stack.folder / 'secrets'}:/tmp/secrets:ro"]
    run = ["run", "--rm", "--no-deps", *mine, "data-prep", "python", "-c", REACH]
    said = stack.compose(*run, "postgres", "/tmp/secrets/postgres_password", code=1)
    assert "no pg_hba.conf entry" in said or "rejects connection" in said
    assert "password authentication failed" in stack.compose(*run, "slipway", "/tmp/secrets/api_token", code=1)


def test_the_api_may_not_drop_or_rewrite_what_others_made(stack: Stack) -> None:
    tables = stack.sql(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('slipway', 'public')", "dsproject"
    )
    assert "public.linear_data" in tables.split()
    for name in tables.split():
        for order in (f"DROP TABLE {name}", f"TRUNCATE {name}", f"ALTER TABLE {name} RENAME TO gone"):
            with pytest.raises(AssertionError, match=r"must be owner|permission denied"):
                stack.sql(f"SET ROLE slipway_api; {order}", "dsproject")
    with pytest.raises(AssertionError, match="permission denied"):
        stack.sql("SET ROLE slipway_api; CREATE TABLE public.mine (a int)", "dsproject")


def test_three_stand_behind_the_proxy_and_keep_every_prediction_once(stack: Stack) -> None:
    alone = ("up", "-d", "--wait", "--no-deps", "--scale")
    # Without its dependencies Compose makes the first one anew; from here on it stays.
    stack.compose(*alone, "model-serve=1", "model-serve")
    stack.wait_for("model-serve", "/health", lambda health: health["ready"])
    before = kept(stack)
    with Load(stack.url("model-serve"), stack.secret("api_token"), "/predict", lambda n: {"values": [n]}) as load:
        load.wait_for(20)
        stack.compose(*alone, "model-serve=3", "model-serve")
        load.wait_for(100)
    assert load.failed == {}, "a container that does not listen yet was asked"
    replicas = stack.containers("model-serve")
    assert len(replicas) == 3
    assert healths(replicas) == {"healthy"}
    docker("kill", replicas[0])
    for value in range(30):
        assert stack.ask("model-serve", "/predict", {"values": [value]})["predictions"]
    docker("start", replicas[0])
    asked = len(load.acknowledged) + 30
    assert eventually(lambda: kept(stack), before + asked) == before + asked
    assert eventually(lambda: healths(replicas), {"healthy"}) == {"healthy"}  # it is the one that stays
    with Load(stack.url("model-serve"), stack.secret("api_token"), "/predict", lambda n: {"values": [n]}) as load:
        load.wait_for(20)
        stack.compose(*alone, "model-serve=1", "model-serve")
        load.wait_for(100)
    assert load.failed == {}, "a container that ends left a request without its answer"


def test_its_overlays_take_the_database_away_and_add_a_monitor(stack: Stack) -> None:
    main = "docker-compose.yaml"
    external = ("-f", main, "-f", "docker-compose.prod.yaml")
    (stack.folder / ".env.prod").write_text((stack.folder / ".env").read_text() + "DATABASE_HOST=db.example.org\n")
    there = json.loads(stack.stdout("--env-file", ".env.prod", *external, "config", "--format", "json"))
    assert "database" not in there["services"]
    assert "db.example.org" in there["services"]["model-train"]["environment"]["SLIPWAY_DATABASE_URL"]
    assert "database" not in there["services"]["data-prep"].get("depends_on", {})
    monitored = stack.stdout("-f", main, "-f", "docker-compose.monitoring.yaml", "config", "--services")
    assert "monitor" in monitored.split()  # it is started by the document's own command, below


@pytest.mark.parametrize("command", document_rows("linear"))
def test_a_command_of_the_document_works(stack: Stack, command: str) -> None:
    assert follow(stack, command)


def healths(containers: list[str]) -> set[str]:
    """What the engine has found of them."""
    return {json.loads(docker("inspect", one))[0]["State"]["Health"]["Status"] for one in containers}


def kept(stack: Stack) -> int:
    """Predictions in the journal's table."""
    return int(stack.sql("SELECT count(*) FROM slipway.predictions", "dsproject"))
