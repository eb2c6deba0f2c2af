"""Drift as the command line tells it: files, levels, the page, and who is told."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from commands import Slipway
from hooks import listening


def houses(rows: int, seed: int, *, grown: float = 1.0) -> pl.DataFrame:
    """Houses whose price grows with their area; `grown` makes those that come in larger."""
    random = np.random.default_rng(seed)
    area = random.gamma(9.0, 12.0, rows) * grown
    price = np.where(area / grown + random.normal(0, 12, rows) > 105, "dear", "cheap")
    city = random.choice(["north", "south", "east"], rows)
    return pl.DataFrame({"area": area.round(1), "city": city, "price": price})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with version 1 live, whose release was told to whoever listened; files of calm and of drift beside."""
    folder = tmp_path_factory.mktemp("monitor")
    houses(1_200, 1).write_csv(folder / "houses.csv")
    houses(600, 2).write_csv(folder / "calm.csv")
    houses(600, 3, grown=1.25).write_csv(folder / "grown.csv")
    houses(600, 4).drop("city").write_csv(folder / "lacking.csv")
    slipway = Slipway(folder)
    slipway("new", "mine", "--from", "houses.csv", "--target", "price")
    slipway("-C", "mine", "run")
    with listening(200) as (address, got):
        slipway.environment["SLIPWAY_WEBHOOK"] = address
        slipway("-C", "mine", "release", "--why", "the first")
    (folder / "told.json").write_text(json.dumps([body for _, _, body in got]))
    return folder


@pytest.fixture
def mine(place: Path) -> Slipway:
    return Slipway(place)


def settings(mine: Slipway, text: str) -> None:
    toml = mine.folder / "mine/slipway.toml"
    before, _, _ = toml.read_text().partition("[monitor]")
    toml.write_text(f"{before}[monitor]\n{text}")


def test_a_release_is_told_with_its_gate_and_its_entry(mine: Slipway) -> None:
    (told,) = json.loads((mine.folder / "told.json").read_text())
    entry = mine.json("-C", "mine", "ledger")["entries"][-1]
    assert (told["event"], told["version"], told["why"]) == ("promotion", 1, "the first")
    assert told["ledger"] == {"seq": entry["seq"], "action": "released", "by": "ada", "hash": entry["hash"]}
    assert told["gate"]["passed"] is True
    assert {"check", "asked", "measured", "outcome"} == set(told["gate"]["lines"][0])


def test_levels_decide_and_the_page_is_written(mine: Slipway) -> None:
    settings(mine, "psi = { alert = 0.2, critical = 0.4 }\nquality_drop = { alert = 0.05, critical = 0.10 }\n")
    calm = mine.json("-C", "mine", "monitor", "--data", "calm.csv", "--fail-on", "alarm")
    assert (calm["decision"], calm["alerts"]) == ("none", [])
    grown = mine.json(
        "-C", "mine", "monitor", "--data", "grown.csv", "--html", "drift.html", "--fail-on", "retrain", code=1
    )
    levels = {(alert["column"], alert["measure"]): alert["level"] for alert in grown["alerts"]}
    assert levels[("area", "psi")] == "critical"
    assert grown["decision"] == "retrain"
    assert grown["columns"]["quality"]["metrics"]["accuracy"]["reference"] > 0.7
    assert "critical" in (mine.folder / "drift.html").read_text()


def test_an_alarm_is_told_once_and_a_dry_run_tells_nobody(mine: Slipway) -> None:
    settings(mine, "prediction_drift = false\n")
    with listening(200) as (address, got):
        mine.environment["SLIPWAY_WEBHOOK"] = address
        mine("-C", "mine", "loop", "--once", "--data", "grown.csv", "--dry-run")
        assert got == []
        for _ in range(2):
            mine("-C", "mine", "loop", "--once", "--data", "grown.csv")
    ((_, _, told),) = got
    assert (told["event"], told["decision"], told["version"], told["rows"]) == ("alarm", "alarm", 1, 600)
    assert [(alert["column"], alert["measure"]) for alert in told["alerts"]] == [("area", "psi")]
    assert "psi of area" in told["text"]


def test_a_webhook_that_is_away_ends_nothing_and_stands_in_what_the_loop_says(mine: Slipway) -> None:
    settings(mine, "mean_shift = 0.5\nsignals_to_retrain = 9\n")
    with listening(404) as (address, _):
        mine.environment["SLIPWAY_WEBHOOK"] = address
        houses(600, 5, grown=0.7).write_csv(mine.folder / "shrunk.csv")
        mine("-C", "mine", "loop", "--once", "--data", "shrunk.csv")
    assert "not told" in mine.said
    assert "secret" not in mine.said


def test_a_file_that_lacks_a_column_is_named(mine: Slipway) -> None:
    mine("-C", "mine", "monitor", "--data", "lacking.csv", code=2)
    assert "lacking.csv" in mine.said
    assert "city" in mine.said
    mine("-C", "mine", "predict", "lacking.csv", code=2)
    assert "lacking.csv" in mine.said
