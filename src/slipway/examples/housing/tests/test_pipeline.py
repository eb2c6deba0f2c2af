"""The stages as plain functions, on a few listings. Run with `pytest` in the project's folder."""

import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import pipeline

from slipway import BadRequest

FROM_FILE = {
    "district": "adalar",
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
FROM_DOCUMENT = {
    "GrossSquareMeters": 100.0,
    "NetSquareMeters": 80.0,
    "BuildingAge": 10.0,
    "NumberOfRooms": 3.0,
    "district": "district1",
    "HeatingType": "central",
    "StructureType": "concrete",
    "FloorLocation": "middle",
    "address": "123 Main St",
    "AdCreationDate": "2024-01-01",
    "Subscription": "premium",
}


def features(row):
    return pipeline.listings(pl.DataFrame([row])).row(0, named=True)


def test_texts_of_the_file_become_numbers():
    row = features(FROM_FILE)
    assert (row["gross_m2"], row["net_m2"], row["age_years"], row["monthly_fee"]) == (160, 120.5, 7.5, 50)
    assert row["ad_month"] == 2022 * 12 + 2


@pytest.mark.parametrize(("text", "years"), [("0", 0), ("16-20", 18), ("21 Ve Üzeri", 21), ("10.0", 10), ("new", None)])
def test_ages(text, years):
    assert features(FROM_FILE | {"BuildingAge": text})["age_years"] == years


def test_the_document_s_request_goes_the_same_way():
    row = pipeline.from_document(FROM_DOCUMENT)
    assert set(row) == set(FROM_FILE)
    got = features(row)
    assert (got["gross_m2"], got["net_m2"], got["age_years"], got["monthly_fee"]) == (100, 80, 10, None)
    assert got["ad_month"] == 2024 * 12 + 1


def test_a_row_of_the_file_is_taken_as_it_is():
    extra = {"listing_id": 1, "split": "test", "price_category": 1, "address_bucket": "a", "price_category_name": "low"}
    assert pipeline.from_document([FROM_FILE | extra, FROM_FILE]) == [FROM_FILE, FROM_FILE]


@pytest.mark.parametrize("body", ["flat", [1], None])
def test_what_is_no_listing_is_refused(body):
    with pytest.raises(BadRequest, match="is no listing"):
        pipeline.from_document(body)


def test_one_answer_or_several():
    low, high = SimpleNamespace(prediction="low"), SimpleNamespace(prediction="high")
    assert pipeline.to_document([{}], [low], None) == {"price_category": "low"}
    assert pipeline.to_document([{}, {}], [low, high], None) == [{"price_category": "low"}, {"price_category": "high"}]
