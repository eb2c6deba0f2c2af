"""What a project asks to be kept in confidence, seen from outside: in files, logs and answers."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import polars as pl
import pytest

from commands import Slipway
from slipway.errors import ProjectError
from slipway.project import read_project
from slipway.records import Prediction

STREET = "Ada Lovelace Street 36"
ROW = {"area": "50 m2", "rooms": 2, "street": STREET}


@pytest.fixture
def slipway(flats):
    flats.release(1)
    return Slipway(flats.root)


def mark(flats, text):
    """Add keys to the `[api]` of the project."""
    toml = flats.root / "slipway.toml"
    toml.write_text(toml.read_text().replace("[api.routes]", f"[api]\n{text}\n[api.routes]"))


def holding(folder, text):
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]


def test_purged_while_it_serves_a_prediction_is_gone_from_every_file(slipway, flats):
    with slipway.serving("serve", "--port", "0") as server:
        server.url = server.line()
        purged, other = (server.ask("/predict", ROW)["id"] for _ in range(2))
        server.ask("/feedback", {"id": purged, "truth": "dear1"})
        assert slipway.json("journal", "--purge", purged)["purged"]["predictions"] == 1
        assert "No prediction has the id" in server.ask(f"/predictions/{purged}", code=404)["detail"]
        server.ask("/feedback", {"id": purged, "truth": "dear1"}, code=404)
        assert server.ask(f"/predictions/{other}")["row"]["street"] == STREET
        slipway("journal", "--purge", purged, code=2)
        assert "no prediction has the id" in slipway.said
        slipway("journal", "--purge", other)
        assert holding(flats.root, STREET) == []
        server.ask("/predict", {**ROW, "street": "Main"})
    slipway("journal", "--export", "all.csv")
    assert pl.read_csv(flats.root / "all.csv")["street"].to_list() == ["Main"]
    assert slipway.json("journal") == {"predictions": 1, "truths": 0, "waiting": 0, "labels": []}


def test_what_is_personal_is_in_no_file_and_in_no_line_of_the_log(slipway, flats):
    mark(flats, 'personal = ["street"]')
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway", "serve", "--port", "0"],
        cwd=flats.root, env=slipway.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        told = [ask(url + "/predict", body) for body in (ROW, {**ROW, "street": 362_436}, {**ROW, "street": "nowhere"})]
        broken = {"flat": {"area": "50 m2", "street": "Broken"}}
        told.append(ask(url + "/price", broken))
    finally:
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert [status for status, _ in told] == [200, 422, 422, 500]
    assert "362436" not in told[1][1]
    assert "nowhere" not in told[2][1]
    for secret in (STREET, "362436", "nowhere"):
        assert secret not in said
    assert "RuntimeError" in said
    assert holding(flats.settings.state, STREET) == []
    slipway("journal", "--export", "all.csv")
    assert pl.read_csv(flats.root / "all.csv").columns[-2:] == ["area", "rooms"]


def test_labels_are_shown_by_who_gave_them(slipway, flats):
    token = slipway("tokens", "add", "shop", "--scope", "predict", "--scope", "feedback", "--days", "30").strip()
    assert slipway.json("tokens")["tokens"][0]["expires_at"] > "2026"
    with slipway.serving("serve", "--port", "0") as server:
        url = server.line()
        ids = [json.loads(ask(url + "/predict", ROW, token)[1])["id"] for _ in range(3)]
        assert ask(url + "/feedback", {"id": ids[0], "truth": "cheap1"}, token)[0] == 200
        assert ask(url + "/feedback", {"id": ids[0], "truth": 1}, token)[0] == 422
    (flats.root / "truths.csv").write_text(f"id,truth\n{ids[1]},cheap1\n{ids[2]},Cheap1\n")
    told = slipway.json("feedback", "truths.csv")
    assert told == {"kept": 2, "corrected": 0, "known": 0, "new_classes": {"Cheap1": 1}}
    labels = {label["source"]: label for label in slipway.json("journal")["labels"]}
    assert labels["token:shop"] == {"source": "token:shop", "labels": 1, "learnt": 1, "left_out": 0}
    assert labels["user:ada"]["labels"] == 2
    assert "2 labels by user:ada" in slipway("journal")


def test_what_is_older_than_the_days_goes_with_gc_and_is_not_exported(slipway, flats):
    flats.storage.journal.append([Prediction("old", 1.0, 1, ROW, "cheap1")])
    mark(flats, "keep_days = 30")
    assert slipway.json("gc", "--dry-run")["expired"] is None
    assert slipway.json("gc")["expired"]["predictions"] == 1
    assert slipway.json("journal")["predictions"] == 0
    flats.storage.close()
    assert holding(flats.settings.state, STREET) == []


def test_a_journal_without_a_column_is_monitored_as_far_as_it_goes(slipway, flats):
    rows = [{"rooms": n % 5} for n in range(150)]
    flats.storage.journal.append([Prediction(f"{n:04}", 1.0 + n, 1, row, "cheap1") for n, row in enumerate(rows)])
    found = slipway.json("monitor")
    assert found["decision"] != "too small"
    assert (found["absent"], found["unmeasured"]) == (["area", "street"], ["area"])
    assert {"rooms", "prediction"} <= set(found["columns"])
    assert "area" not in found["columns"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keep_days = 0", "keep_days = 0: expected a number of days above 0"),
        ('journal = "area"', "[api] journal = 'area': expected a list of texts"),
        ('journal = ["area"]\npersonal = ["area"]', "no column that `personal` names, such as `area`"),
        ('personal = ["price"]', "[api] personal names the target `price`"),
        ("keepdays = 3", "Did you mean `keep_days`"),
    ],
)
def test_marks_that_can_not_be_meant_so_are_refused(flats, text, said):
    mark(flats, text)
    with pytest.raises(ProjectError) as refused:
        read_project(flats.root)
    assert said in str(refused.value)


def ask(url, body, token=None):
    """Status and text of an answer."""
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_what_can_not_be_read_is_counted_named_and_purged(slipway, flats):
    ids = [f"{n}" for n in range(3)]
    flats.storage.journal.append([Prediction(key, 1.0, 1, ROW, "cheap1") for key in ids])
    flats.storage.close()
    with closing(sqlite3.connect(flats.settings.state_db)) as connection, connection:
        deep = '{"x": ' + "[" * 2_000 + "]" * 2_000 + "}"
        connection.execute("UPDATE predictions SET row = ? WHERE id = '1'", (deep,))
    slipway("journal", "--export", "all.csv")
    assert pl.read_csv(flats.root / "all.csv")["id"].to_list() == [0, 2]
    assert (flats.root / "all.csv").stat().st_mode & 0o077 == 0
    told = slipway.json("journal")
    assert (told["predictions"], told["damaged"]) == (2, 1)
    assert told["damaged_records"][0]["id"] == "1"
    assert "1 damaged records are set aside" in slipway("journal")
    slipway("monitor")
    slipway("journal", "--purge", "1")
    assert "damaged" not in slipway.json("journal")
    slipway("journal", "--export", "all.txt", code=2)
    assert not (flats.root / "all.txt").exists()
