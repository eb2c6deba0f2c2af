"""The requests of the two documents, over HTTP: what they send, what they are promised, what is refused."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from commands import Slipway
from documents import HOUSING_REQUEST

REAL = Path(__file__).parents[3] / "shared/data/housing/istanbul_listings_decoded.csv"


def test_linear_answers_and_refuses_as_its_document_says(slipway: Slipway) -> None:
    slipway("new", "line", "--example", "linear")
    with slipway.serving("-C", "line", "up", "--port", "0") as server:
        server.url = server.line().split()[3].removesuffix("/predict")
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


def test_housing_takes_the_documents_request_and_the_files_text_through_one_stage(slipway: Slipway) -> None:
    slipway("new", "flats", "--example", "housing")
    listings = slipway.folder / "flats/data/raw/listings.csv"
    if REAL.exists():
        shutil.copyfile(REAL, listings)
    with slipway.serving("-C", "flats", "up", "--port", "0") as server:
        server.url = server.line().split()[3].removesuffix("/predict")
        answer = server.ask("/predict", HOUSING_REQUEST)
        assert set(answer) == {"price_category"}
        assert answer["price_category"] in ("low", "medium", "high")

        # "160 m2" is 160, to the last digit of what is answered, and so is the number itself.
        with listings.open(encoding="utf-8", newline="") as file:
            row = next(r for r in csv.DictReader(file) if r["GrossSquareMeters"] == "160 m2")
        fields = [column["name"] for column in server.ask("/model/features")["features"]]
        text = {name: float(row[name]) if name == "NumberOfRooms" else row[name] for name in fields}
        number = {**text, "GrossSquareMeters": 160, "NetSquareMeters": float(row["NetSquareMeters"].split()[0])}
        told = server.ask("/predict/batch", [text, number])["predictions"]
        assert told[0]["probabilities"] == told[1]["probabilities"]
        assert (
            told[0]["probabilities"]
            != server.ask("/predict/batch", [{**text, "GrossSquareMeters": 1602}])["predictions"][0]["probabilities"]
        )

        refused = server.ask("/predict/batch", [{**text, "GrossSquareMeters": True}], code=422)["detail"]
        assert refused[0]["field"] == "GrossSquareMeters"
    metrics = json.loads((slipway.folder / "flats/reports/metrics.json").read_text())
    assert metrics["accuracy"] >= 0.80
