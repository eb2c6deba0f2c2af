"""The requests and commands of the documents, run: what they send, what they are promised, what is refused."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands import Server, Slipway
from documents import HOUSING_REQUEST, OBESITY_REQUEST

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared/data/housing/istanbul_listings_decoded.csv"
EXAMPLES = ("linear", "housing", "obesity")
ELSEWHERE = ("pip", "docker", "docker-compose", "cp", "POSTGRES_PASSWORD=…")
"""What is not tried here: tests/stack tries what needs an engine."""


@dataclass(frozen=True)
class Standing:
    """An example's project, made and served as its document has it."""

    folder: Path
    slipway: Slipway
    server: Server
    said: tuple[str, ...]
    """The commands that led here; every port is 0, a free one."""


Stand = Callable[[str], Standing]


@pytest.fixture(scope="module")
def stand(released: Callable[[str, Path], Slipway], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Give an example standing; the second time, the one that stands."""
    with ExitStack() as servers:
        standing: dict[str, Standing] = {}

        def stand(name: str) -> Standing:
            if name not in standing:
                standing[name] = _stand(name, released(name, tmp_path_factory.mktemp("documents")), servers)
            return standing[name]

        yield stand


def _stand(name: str, slipway: Slipway, servers: ExitStack) -> Standing:
    folder = slipway.folder
    if name == "housing" and REAL.exists():
        shutil.copyfile(REAL, folder / name / "data/raw/listings.csv")
    server = servers.enter_context(slipway.serving("-C", name, "up", "--port", "0"))
    server.url = server.line().split()[3].removesuffix("/predict")
    return Standing(folder / name, slipway, server, (f"slipway new {name} --example {name}", "slipway up --port 0"))


def rows(*statuses: str) -> list[Any]:
    """What stands for a command in each table, once."""
    found: dict[tuple[str, str], Any] = {}
    for name in EXAMPLES:
        for row in tomllib.loads((ROOT / f"docs/documents/{name}.toml").read_text())["command"]:
            command = row.get("ours", row.get("embedded", row["text"])).strip()
            command = re.sub(r" --port \d+$", " --port 0", command)
            if row["status"] in statuses and command.split()[0] not in ELSEWHERE:
                found.setdefault((name, command), pytest.param(name, command, row, id=f"{name}: {row['text'][:60]}"))
    return list(found.values())


@pytest.mark.parametrize(("name", "command", "row"), rows("works", "works with"))
def test_a_command_that_works_works(stand: Stand, name: str, command: str, row: dict[str, Any]) -> None:
    standing = stand(name)
    words = shlex.split(command)
    if words[0] == "curl":
        answer = standing.server.ask(*_request(words))
        assert set(row["answer"]) <= set(answer)
    elif words[:2] in (["slipway", "new"], ["slipway", "up"]):
        assert command in standing.said
    elif words[:2] == ["slipway", "serve"]:
        with standing.slipway.serving("-C", str(standing.folder), *words[1:]) as server:
            assert server.line().startswith("http://127.0.0.1:")
    elif words[0] == "slipway":
        standing.slipway("-C", str(standing.folder), *words[1:])
    else:
        _run(standing.folder, words)


def test_linear_answers_and_refuses_as_its_document_says(stand: Stand) -> None:
    standing = stand("linear")
    server = standing.server
    answer = server.ask("/predict", {"values": [5]})
    assert answer["predictions"] == [[pytest.approx(10.925, abs=5e-4)]]
    assert set(answer) == {"predictions", "model_info", "input_values"}
    several = server.ask("/predict", {"values": [0, 2.5, 20]})["predictions"]
    assert [len(one) for one in several] == [1, 1, 1]
    for wrong in ({}, {"values": 5}, {"values": []}, {"values": ["five"]}, {"value": [5]}):
        server.ask("/predict", wrong, code=400)
    assert {"name", "version", "endpoints"} <= set(server.ask("/"))
    assert len(server.ask("/data/sample")["rows"]) == 10
    health = server.ask("/health")
    assert health["live"] is True
    assert health["ready"] is True


def test_housing_takes_the_documents_request_and_the_files_text_through_one_stage(stand: Stand) -> None:
    standing = stand("housing")
    server = standing.server
    answer = server.ask("/predict", HOUSING_REQUEST)
    assert set(answer) == {"price_category"}
    assert answer["price_category"] in ("low", "medium", "high")

    # "160 m2" is 160, to the last digit of what is answered, and so is the number itself.
    with (standing.folder / "data/raw/listings.csv").open(encoding="utf-8", newline="") as file:
        row = next(r for r in csv.DictReader(file) if r["GrossSquareMeters"] == "160 m2")
    fields = [column["name"] for column in server.ask("/model/features")["features"]]
    text = {name: float(row[name]) if name == "NumberOfRooms" else row[name] for name in fields}
    number = {**text, "GrossSquareMeters": 160, "NetSquareMeters": float(row["NetSquareMeters"].split()[0])}
    told = server.ask("/predict/batch", [text, number])["predictions"]
    assert told[0]["probabilities"] == told[1]["probabilities"]
    misread = server.ask("/predict/batch", [{**text, "GrossSquareMeters": 1602}])["predictions"]
    assert told[0]["probabilities"] != misread[0]["probabilities"]

    refused = server.ask("/predict/batch", [{**text, "GrossSquareMeters": True}], code=422)["detail"]
    assert refused[0]["field"] == "GrossSquareMeters"
    metrics = json.loads((standing.folder / "reports/metrics.json").read_text())
    assert metrics["accuracy"] >= 0.80


def test_obesity_has_all_its_routes(stand: Stand) -> None:
    standing = stand("obesity")
    server = standing.server
    answer = server.ask("/predict", OBESITY_REQUEST)
    assert set(answer) == {"prediction", "confidence", "features_received", "model_name", "model_version"}
    assert answer["features_received"] == OBESITY_REQUEST
    classes = server.ask("/model/classes")["classes"]
    assert len(classes) == 7
    assert answer["prediction"] in classes
    assert 1 / 7 < answer["confidence"] <= 1

    health = server.ask("/health")
    assert set(health) == {"status", "model_loaded", "version", "timestamp"}
    assert (health["status"], health["model_loaded"]) == ("healthy", True)
    status = server.ask("/status")
    assert status["features_required"] == len(server.ask("/model/features")["features"]) == len(OBESITY_REQUEST)
    assert status["health"]["dependencies"]["journal"]["ok"] is True
    info = server.ask("/model/info")
    assert info["version"] == answer["model_version"] == health["version"]
    assert info["metrics"]["accuracy"] >= 0.90
    assert {"/predict", "/predict/batch", "/status", "/model/info"} <= set(server.ask("/")["endpoints"])


def test_obesity_refuses_one_row_and_counts_it_in_a_batch(stand: Stand) -> None:
    standing = stand("obesity")
    server = standing.server
    lacking = {name: value for name, value in OBESITY_REQUEST.items() if name != "SMOKE"}
    refused = server.ask("/predict", lacking, code=422)["detail"]
    assert refused[0]["field"] == "SMOKE"
    untidy = OBESITY_REQUEST | {"Gender": " mALE ", "Weight": " 85.0 ", "MTRANS": "Tram", "CALC": None}
    told = server.ask("/predict/batch", {"samples": [OBESITY_REQUEST, lacking, untidy]})
    assert set(told) == {"predictions", "total_samples", "successful", "failed"}
    assert (told["total_samples"], told["successful"], told["failed"]) == (3, 2, 1)
    assert ["error" in one for one in told["predictions"]] == [False, True, False]
    for wrong in ({}, {"samples": []}, {"samples": OBESITY_REQUEST}, []):
        server.ask("/predict/batch", wrong, code=422)


def test_obesity_leaves_the_documents_files(stand: Stand) -> None:
    standing = stand("obesity")
    made = [
        "data/interim/dataset_clean.parquet",
        "data/interim/dataset_with_drift.parquet",
        "data/processed/train.parquet",
        "models/model.skops",
        "reports/drift/drift_report.json",
    ]
    assert [name for name in made if not (standing.folder / name).is_file()] == []
    assert len(list((standing.folder / "reports/figures").glob("*.png"))) == 6
    report = json.loads((standing.folder / "reports/drift/drift_report.json").read_text())
    assert {"Height", "Weight", "accuracy"} <= set(report["critical"])


def _request(words: list[str]) -> tuple[str, Any]:
    """Path and body of a curl command; where it asks is where the example listens."""
    url = next(word for word in words if word.startswith("http"))
    body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
    return "/" + url.split("/", 3)[3], body


def _run(folder: Path, words: list[str]) -> None:
    store, model = folder.parent / "store", folder / "models/model.skops"
    if words[0] == "dvc" and not store.exists():
        store.mkdir()
        _run_there(folder, ["dvc", "remote", "add", "--quiet", "--default", "store", str(store)])
    if words == ["dvc", "pull"]:
        model.unlink()
    _run_there(folder, words)
    assert model.is_file()


def _run_there(folder: Path, words: list[str]) -> None:
    program = Path(sys.executable).with_name(words[0])
    environment = {**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run(
        [program, *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
