import re
import time
from pathlib import Path

import numpy as np
import polars as pl

from commands import Server, Slipway


def customers(rows: int, seed: int) -> pl.DataFrame:
    """Customers who leave: sooner with short contracts, high charges and many calls; with an id and some blanks."""
    rng = np.random.default_rng(seed)
    contract = rng.choice(["monthly", "yearly", "two years"], rows, p=[0.5, 0.3, 0.2])
    tenure = rng.gamma(2.0, 12.0, rows).round(1)
    charges = rng.normal(70, 20, rows).round(2)
    calls = rng.poisson(1.5, rows)
    region = rng.choice(["north", "south", "east", "west"], rows)
    score = 2.5 * (contract == "monthly") - 0.08 * tenure + 0.03 * (charges - 70) + 0.7 * calls - 0.6
    churn = np.where(rng.random(rows) < 1 / (1 + np.exp(-2 * score)), "yes", "no")
    return pl.DataFrame(
        {
            "customer": [f"C{seed}-{i:05d}" for i in range(rows)],
            "contract": contract,
            "tenure": [None if rng.random() < 0.03 else value for value in tenure],
            "charges": charges,
            "calls": calls,
            "region": region,
            "churn": churn,
        }
    )


def requests(table: pl.DataFrame, server: Server) -> list[tuple[dict[str, str], str]]:
    """Send a table's rows, 50 a request; the answers with the truth of each."""
    answers = []
    for part in table.iter_slices(50):
        rows = part.drop("customer", "churn").to_dicts()
        given = server.ask("/predict", rows)["predictions"]
        answers += list(zip(given, part["churn"].to_list(), strict=True))
    return answers


def test_a_table_becomes_a_model_that_is_served_watched_and_corrected(slipway: Slipway, tmp_path: Path) -> None:
    customers(1500, seed=1).write_csv(tmp_path / "my.csv")

    said = slipway("new", "mine", "--from", "my.csv", "--target", "churn")
    assert "customer" in said
    assert "Left out" in said

    with slipway.serving("-C", "mine", "up", "--port", "0") as server:
        curl = server.line()
        found = re.fullmatch(r"curl -X POST (http://127\.0\.0\.1:\d+)/predict -H '.*' -d '(\{.*\})'", curl)
        assert found is not None, curl
        assert '"version": 1' in server.line().replace('":', '": ').replace(":  ", ": ")
        server.url = found[1]

        # Customers like those it learnt from: nothing to see.
        requests(customers(400, seed=2), server)
        calm = slipway.json("-C", "mine", "monitor", "--last", "400")
        assert calm["decision"] == "none", calm["alerts"]
        assert calm["rows"] == 400

        # The world changes: charges and calls are counted differently, contracts shift.
        customers(1500, seed=3).write_csv(tmp_path / "later.csv")
        change = ("--scale", "charges=1.8", "--shift", "calls=6", "--sample", "contract=monthly:0.95")
        slipway("simulate", "later.csv", "-o", "drifted.csv", *change)
        drifted = pl.read_csv(tmp_path / "drifted.csv")
        answered = requests(drifted, server)

        alarmed = slipway.json("-C", "mine", "monitor", "--html", "report.html", "--fail-on", "retrain", code=1)
        assert alarmed["decision"] == "retrain"
        assert {alert["measure"] for alert in alarmed["alerts"]} >= {"psi", "prediction_drift"}
        assert "charges" in (tmp_path / "report.html").read_text()

        # Drift alone teaches nothing.
        idle = slipway.json("-C", "mine", "loop", "--once")
        assert idle["decisions"][-1]["outcome"] == "nothing to learn from"
        assert "feedback" in idle["decisions"][-1]["why"]
        assert idle["live"] == 1

        # Truths come, half by HTTP and half as a file.
        truths = [{"id": answer["id"], "truth": truth} for answer, truth in answered]
        server.ask("/feedback", truths[:800])
        pl.DataFrame(truths[800:]).write_csv(tmp_path / "truths.csv")
        assert slipway.json("-C", "mine", "feedback", "truths.csv")["kept"] == 700

        promoted = slipway.json("-C", "mine", "loop", "--once")
        steps = [(decision["step"], decision["outcome"]) for decision in promoted["decisions"]]
        assert steps[-4:] == [("retrain", "candidate"), ("gate", "passed"), ("promote", "live"), ("watch", "opened")]
        assert promoted["live"] == 2

        # The server takes the new version up by itself, and it is better in the new world.
        assert wait_for_version(server, 2)
        again = requests(drifted.tail(500), server)
        before = np.mean([answer["prediction"] == truth for answer, truth in answered[-500:]])
        after = np.mean([answer["prediction"] == truth for answer, truth in again])
        assert after > before

        # A worse one is refused: half of the labels are noise.
        source = next((tmp_path / "mine" / "data" / "raw").glob("*.csv"))
        slipway("simulate", str(source), "-o", str(source), "--flip", "churn=0.5")
        assert slipway.json("-C", "mine", "run")["candidate"] == 3
        table = slipway.json("-C", "mine", "gate", "3", code=1)
        assert not table["passed"]
        assert any(line["outcome"] == "failed" for line in table["lines"])
        slipway("-C", "mine", "release", "3", code=1)
        assert slipway.json("-C", "mine", "status")["live"] == 2

        slipway("-C", "mine", "rollback", "--why", "the customer asked")
        assert f"{server.url} serves version 1 now." in slipway.said
        assert wait_for_version(server, 1)

    ledger = slipway.json("-C", "mine", "ledger", "--verify")
    assert ledger["verified"] is True
    assert [(entry["action"], entry["version"]) for entry in ledger["entries"]] == [
        ("candidate", 1),
        ("passed", 1),
        ("released", 1),
        ("settled", 1),
        ("candidate", 2),
        ("passed", 2),
        ("released", 2),
        ("candidate", 3),
        ("refused", 3),
        ("rolled back", 1),
    ]
    assert ledger["entries"][-1]["why"] == "the customer asked"
    assert ledger["entries"][-1]["by"] == "ada"


def wait_for_version(server: Server, version: int) -> bool:
    for _ in range(100):
        if server.ask("/model")["version"] == version:
            return True
        time.sleep(0.1)
    return False
