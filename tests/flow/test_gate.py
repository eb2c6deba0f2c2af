import json
import re
from pathlib import Path

import numpy as np
import polars as pl

from commands import Slipway


def houses(rows: int) -> pl.DataFrame:
    """Houses that are sold sooner where they are cheap for their area, more or less."""
    rng = np.random.default_rng(4)
    area, price = rng.uniform(50, 200, rows).round(1), rng.uniform(100, 500, rows).round(0)
    is_sold = rng.random(rows) < 1 / (1 + np.exp((price / area - 2.5) * 1.2))
    town = rng.choice(["Ulm", "Bonn", "Kiel"], rows, p=[0.6, 0.35, 0.05])
    return pl.DataFrame({"area": area, "price": price, "town": town, "sold": np.where(is_sold, "yes", "no")})


def test_what_a_gate_cannot_tell_refuses_until_the_project_says_otherwise(slipway: Slipway, tmp_path: Path) -> None:
    houses(400).write_csv(tmp_path / "houses.csv")
    slipway("new", "houses", "--from", "houses.csv", "--target", "sold")
    toml = tmp_path / "houses" / "slipway.toml"
    text = re.sub(
        r"gate = .*",
        "gate = { accuracy = { min = 0.4, max_drop = 0.0, doubt = 0.0 } }\nslices = ['town']",
        toml.read_text(),
    )
    toml.write_text(text)

    # Nothing is live, so nothing is to be compared with: what can't be told is shown and keeps nobody out.
    assert slipway.json("-C", "houses", "run")["candidate"] == 1
    slipway("-C", "houses", "release")
    gates = tmp_path / "houses" / ".slipway" / "gates"
    (kept,) = gates.iterdir()
    first = json.loads(kept.read_text())["table"]
    assert first["passed"]
    assert {line["check"] for line in first["lines"] if line["outcome"] == "cannot tell"} >= {
        "accuracy against production", "replay", "latency",
    }  # fmt: skip

    # A few trees less make another model, and 80 rows do not tell which of the two is better.
    assert slipway.json("-C", "houses", "run", "--set", "model.trees=40")["candidate"] == 2
    table = slipway.json("-C", "houses", "gate", code=1)
    lines = {line["check"]: line for line in table["lines"]}
    told = lines["accuracy against production"]
    assert (told["outcome"], told["refuses"]) == ("cannot tell", True)
    assert re.fullmatch(r"[0-9.]+( better)? to [0-9.]+ (worse|better) \(90 %\)", told["uncertainty"])
    change = r"can't tell drops below 0\.\d+ on these \d+ rows; (about [0-9,]+|a doubt above 0) would"
    assert re.match(change, told["would_change"])
    assert [check for check, line in lines.items() if line["refuses"]] == ["accuracy against production"]
    assert lines["accuracy by town"]["outcome"] == "cannot tell"
    assert lines["latency"]["asked"] == "at most 2 times production's, or 5 ms more"
    assert lines["training data"]["measured"].endswith("no column moved (PSI above 0.1)")

    shown = slipway("-C", "houses", "gate", "2", code=1)
    assert "would change it: can't tell drops below" in shown
    assert 'write cannot_tell = "pass" under [model]' in shown

    # The table is kept under the digest that the ledger has of it; a second look at the same says nothing new.
    entries = slipway.json("-C", "houses", "ledger")["entries"]
    assert [(e["action"], e["version"]) for e in entries[-2:]] == [("candidate", 2), ("refused", 2)]
    assert {path.stem for path in gates.iterdir()} == {kept.stem, entries[-1]["gate"]}
    assert json.loads((gates / f"{entries[-1]['gate']}.json").read_text())["table"]["lines"][0] == table["lines"][0]

    toml.write_text(text.replace("[model]", '[model]\ncannot_tell = "pass"'))
    assert slipway.json("-C", "houses", "release", "2")["entry"]["version"] == 2
