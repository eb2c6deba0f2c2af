"""Rows of a database server and of a fetcher: asked again, taken only when they changed, and DVC is content."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import Slipway
from postgres import server

TOML = """
name = "orders"
[sources]
orders = { sql = "select item, price from orders order by id", database = "ORDERS_URL" }
items = { fetch = "fetch_items", max_age = "7d" }
parts = "data/raw/parts/*.csv"
[model]
kind = "regression"
target = "price"
artifact = "model"
test = "tidy"
"""

PIPELINE = '''
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from slipway import stage


def fetch_items(*, up_to: int = 3) -> Iterator[pl.DataFrame]:
    """One part an item, as a service with pages gives them."""
    with Path("calls").open("a") as file:
        file.write("called\\n")
    for item in range(up_to):
        yield pl.DataFrame({"item": [item], "weight": [item / 2]})


@stage
def tidy(orders: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    return orders.join(items, on="item")


@stage
def counted(parts: pl.DataFrame) -> dict[str, int]:
    return {"rows": parts.height}


@stage
def model(tidy: pl.DataFrame):
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(tidy.select("weight"), tidy["price"])
'''
STAGES = ["items", "tidy", "counted"]
"""The model beside them stands still, since a candidate takes seconds."""


@pytest.fixture(scope="module")
def url():
    with server() as running:
        yield running.url


@pytest.fixture
def orders(url, slipway: Slipway):
    """A repository whose source is a table of the server."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute("CREATE TABLE orders (id serial, item bigint, price numeric)")
        connection.execute("INSERT INTO orders (item, price) SELECT i % 3, i FROM generate_series(1, 9) i")
    root = slipway.folder
    (root / "slipway.toml").write_text(TOML)
    (root / "pipeline.py").write_text(PIPELINE)
    (root / "data/raw/parts").mkdir(parents=True)
    (root / "data/raw/parts/a.csv").write_text("a,b\n1,2\n")
    (root / ".gitignore").write_text("/data/\n/models/\n/reports/\n/.slipway/\n/calls\n")
    slipway.environment |= {"ORDERS_URL": url, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=root, env=slipway.environment, check=True, capture_output=True)
    return slipway


def dvc(slipway: Slipway, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=slipway.folder, env=slipway.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def outcomes(slipway: Slipway, *arguments: str) -> dict[str, str]:
    return {stage["name"]: stage["outcome"] for stage in slipway.json("run", *STAGES, *arguments)["stages"]}


def test_new_rows_of_a_server_make_what_reads_them_stale_and_the_same_rows_nothing(orders, url):
    import psycopg

    assert set(outcomes(orders).values()) == {"ran"}
    snapshot = orders.folder / "data/raw/orders.parquet"
    before = snapshot.stat()
    assert set(outcomes(orders).values()) == {"unchanged"}
    assert snapshot.stat() == before
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO orders (item, price) VALUES (1, 99.5)")
    assert outcomes(orders) == {"orders": "ran", "items": "unchanged", "tidy": "ran", "counted": "unchanged"}
    told = {source["name"]: source for source in orders.json("status")["sources"]}
    assert told["orders"]["rows"] == 10
    assert told["orders"]["max_age"] is None
    assert (told["items"]["rows"], told["items"]["max_age"]) == (3, 604800.0)
    assert url not in "".join(path.read_text() for path in (orders.folder / ".slipway").rglob("*.json"))

    orders.environment["ORDERS_URL"] = "postgresql://ada:s3cret@127.0.0.1:1/orders"
    orders("run", *STAGES, code=3)
    assert "Its snapshot (10 rows, " in " ".join(orders.said.split())
    assert "s3cret" not in orders.said


def test_a_fetcher_is_called_when_it_is_due_and_dvc_is_content(orders):
    outcomes(orders)
    calls = orders.folder / "calls"
    assert calls.read_text() == "called\n"
    assert "up to date" in dvc(orders, "status", "orders", *STAGES)
    (orders.folder / "data/raw/parts/b.csv").write_text("b,a\n3,4\n")
    assert "modified" in dvc(orders, "status", "counted")  # the pattern takes the whole folder, so DVC sees it too
    assert outcomes(orders)["counted"] == "ran"
    assert json.loads((orders.folder / "reports/counted.json").read_text()) == {"rows": 2}

    facts = orders.folder / ".slipway/sources/items.json"
    values = json.loads(facts.read_text())
    values["snapshot"]["asked"] = time.time() - 8 * 86400
    facts.write_text(json.dumps(values))
    assert orders.json("status")["stale"][0] == {"name": "items", "why": ["source `items` is 8 d old: max_age 7 d"]}
    assert outcomes(orders)["items"] == "unchanged"  # called, and its rows are the same
    assert calls.read_text() == "called\n" * 2
    assert outcomes(orders, "--set", "items.up_to=4")["items"] == "ran"
    dvc(orders, "repro", "--force", "--single-item", "items")
    assert calls.read_text() == "called\n" * 4
    assert "up to date" in dvc(orders, "status", "orders", *STAGES)
