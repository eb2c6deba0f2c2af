"""The second document as a stack: Prefect, MLflow, Postgres, a job that trains, a monitor that retrains, the API."""

import json
import shlex
from collections.abc import Callable, Iterator

import pytest

from commands import Server
from documents import HOUSING_REQUEST
from engine import Stack, asked, docker, document_rows, standing
from followed import follow
from hardening import assert_hardened
from pages import STACK, commands

ROW = {
    "district": "kadikoy",
    "GrossSquareMeters": "160 m2",
    "NetSquareMeters": "120.5 m2",
    "BuildingAge": "5-10",
    "NumberOfRooms": 3.0,
    "HeatingType": "Kombi Doğalgaz",
    "StructureType": "Betonarme",
    "FloorLocation": "Çatı Katı",
    "AdCreationMonth": "2022-02",
    "Subscription": "50 TL",
}
ROWS = [ROW | {"NumberOfRooms": float(rooms), "GrossSquareMeters": f"{40 * rooms} m2"} for rooms in range(1, 9)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with standing(tmp_path_factory.mktemp("housing"), "housing") as stack:
        yield stack


def test_it_answers_as_the_document_and_the_embedded_run_do(stack: Stack, embedded: Callable[[str], Server]) -> None:
    assert stack.ask("api", "/predict", HOUSING_REQUEST)["price_category"] in ("low", "medium", "high")
    told = stack.ask("api", "/predict/batch", ROWS)["predictions"]
    without = embedded("housing").ask("/predict/batch", ROWS)["predictions"]
    assert [one["prediction"] for one in told] == [one["prediction"] for one in without]
    for here, there in zip(told, without, strict=True):
        assert here["probabilities"] == pytest.approx(there["probabilities"], abs=1e-9)


def test_the_readme_s_three_commands_bring_it_up(stack: Stack) -> None:
    (new, name, *example), (_, there, *up), (_, here, *status) = (
        shlex.split(line)[1:] for line in commands("README.md", STACK)
    )
    assert stack.verbs[0] == (new, stack.example, *example)
    assert stack.verbs[1] == tuple(up)
    assert there == here == name
    assert "secrets/api_token" in stack.slipway(*status)


def test_every_server_is_where_the_document_has_it(stack: Stack) -> None:
    assert asked(stack.url("prefect-server") + "/api/health") == (200, b"true")
    assert asked(stack.url("mlflow-server") + "/health") == (200, b"OK")
    health = stack.ask("api", "/health")
    assert health["ready"] is True
    assert all(one["ok"] for one in health["dependencies"].values())


def test_the_version_is_registered_and_its_alias_is_in_mlflow(stack: Stack) -> None:
    _, said = asked(stack.url("mlflow-server") + "/api/2.0/mlflow/registered-models/get?name=housing")
    model = json.loads(said)["registered_model"]
    assert {"alias": "production", "version": "1"} in model["aliases"]


def test_the_stages_and_the_loop_are_in_prefect(stack: Stack) -> None:
    _, said = asked(stack.url("prefect-server") + "/api/flow_runs/filter", {})
    runs = json.loads(said)
    assert any(run["state_type"] == "COMPLETED" for run in runs)
    _, said = asked(stack.url("prefect-server") + "/api/task_runs/filter", {})
    assert {"listings", "split", "model", "metrics"} <= {run["name"].split("-")[0] for run in json.loads(said)}
    _, said = asked(stack.url("prefect-server") + "/api/deployments/filter", {})
    assert len(json.loads(said)) == 1


def test_the_project_s_folder_is_written_by_whoever_owns_it(stack: Stack) -> None:
    for name in ("models/model.skops", "data/train.parquet", "reports/metrics.json", "dvc.lock"):
        assert (stack.folder / name).is_file(), name
    assert not list(stack.folder.rglob("__pycache__"))
    # Nobody but the owner and the stack's own group has to be let in, and the owner can go on without Docker.
    stack.slipway("status")


def test_every_running_container_is_hardened(stack: Stack) -> None:
    assert_hardened(stack)


def test_the_servers_take_what_they_may(stack: Stack) -> None:
    limits = [json.loads(docker("inspect", one))[0]["HostConfig"]["Memory"] for one in stack.containers()]
    assert all(limits)
    host = "import urllib.request as u; print(u.urlopen(u.Request('http://127.0.0.1:5000/health')).status)"
    assert stack.python("mlflow-server", host) == "200"
    strange = (
        "import urllib.request as u, urllib.error as e\n"
        "try: print(u.urlopen(u.Request('http://127.0.0.1:5000/api/2.0/mlflow/experiments/search?max_results=1',"
        " headers={'Host': 'evil.example.org'})).status)\n"
        "except e.HTTPError as error: print(error.code)"
    )
    assert stack.python("mlflow-server", strange) == "403"


@pytest.mark.parametrize("command", document_rows("housing"))
def test_a_command_of_the_document_works(stack: Stack, command: str) -> None:
    assert follow(stack, command)
