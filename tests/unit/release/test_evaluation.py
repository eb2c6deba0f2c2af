from dataclasses import replace

import polars as pl
import pytest

from slipway.gate.evidence import keep_table
from slipway.gate.hold import GateReport
from slipway.gate.lines import Line
from slipway.model.store import BundleStore
from slipway.records import LedgerEntry
from slipway.release.evaluation import Evaluations


@pytest.fixture(scope="module")
def kept(make_bundle, rows, tmp_path_factory):
    """A store, and versions that were tested on these rows, on more, on others, and on the first ones again."""
    store = BundleStore(tmp_path_factory.mktemp("bundles"))
    first, more, others = rows(60, seed=2), rows(40, seed=3), rows(50, seed=4)
    tests = {"first": first, "more": pl.concat([first, more]), "others": others, "reversed": first.reverse()}
    train = rows(120)
    return store, {name: store.put(make_bundle(train, test).folder) for name, test in tests.items()}


def read(kept, names, gates, entries=()):
    store, bundles = kept
    evaluations = Evaluations(store, gates, entries)
    return [evaluations.next(version, bundles[name]) for version, name in enumerate(names, start=1)]


def test_versions_say_whether_they_were_tested_on_the_rows_of_the_one_before(kept, tmp_path):
    found = read(kept, ["first", "reversed", "more", "others", "first"], tmp_path)
    assert [(e.rows, e.shared, e.is_same) for e in found] == [
        (60, None, None), (60, 60, True), (100, 60, False), (50, 0, False), (60, 0, False),
    ]  # fmt: skip
    assert [e.words(2, 1) for e in found[:2]] == [None, None]
    said = found[2].words(3, 2)
    assert said.startswith("Version 3 was tested on 100 rows, 60 of which version 2 was tested on too")
    assert said.endswith("`slipway gate 3` compares it with production on the same rows.")


def test_fewer_of_the_same_rows_are_other_rows(kept, tmp_path):
    assert read(kept, ["more", "first"], tmp_path)[1].is_same is False


def test_a_version_whose_rows_are_gone_tells_nothing_and_nor_does_the_one_after_it(kept, tmp_path):
    store, bundles = kept
    evaluations = Evaluations(store, tmp_path, ())
    assert evaluations.next(1, "0" * 64) is None
    assert evaluations.next(2, bundles["first"]).is_same is None


def test_a_column_more_makes_no_other_row(kept, tmp_path, make_bundle, rows):
    store, bundles = kept
    wider = make_bundle(rows(120).with_columns(size=pl.lit(1.0)), rows(60, seed=2).with_columns(size=pl.lit(1.0)))
    more = {**bundles, "wider": store.put(wider.folder)}
    assert read((store, more), ["first", "wider"], tmp_path)[1].is_same is True


def test_what_the_gate_measured_of_both_on_the_same_rows_stands_beside(kept, tmp_path):
    lines = (
        Line("accuracy", "at least 0.7", "0.8 on 100 test rows", "passed"),
        Line("accuracy against production", "at most 0.01 below", "0.8 vs 0.82 on 40 rows, p = 0.3", "passed"),
        Line("auc against production", "at most 0.01 below", "nothing is live yet", "cannot tell"),
    )
    report = GateReport(2, lines)
    keep_table(tmp_path, report.to_json())
    entry = LedgerEntry(1, "", "passed", 2, None, "b", report.digest, "ana", "", "", "")
    entries = [replace(entry, gate=None), entry]
    found = read(kept, ["first", "more"], tmp_path, entries)[1]
    assert found.to_json() == {
        "rows": 100,
        "shared_with_version_before": 60,
        "same_as_version_before": False,
        "beside_production": {"accuracy": "0.8 vs 0.82 on 40 rows, p = 0.3"},
    }
    assert "Beside production, on the same rows: accuracy 0.8 vs 0.82 on 40 rows" in found.words(2, 1)
    table = tmp_path / f"{report.digest}.json"
    table.write_text(table.read_text().replace("0.82", "0.42"))
    assert read(kept, ["first", "more"], tmp_path, entries)[1].beside_production == ()
