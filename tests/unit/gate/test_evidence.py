import json
from dataclasses import replace

import pytest

from slipway.errors import DataError
from slipway.gate.evidence import keep_table, read_table
from slipway.gate.hold import GateReport
from slipway.gate.lines import Line

TIMED = Line("latency", "at most twice", "3 ms vs 4 ms", "passed", "1 to 2 times", varies=True)
REPORT = GateReport(3, (Line("accuracy", "at least 0.75", "0.8", "passed", "0.7 to 0.9"), TIMED), True, {"x": 0.5})


def test_a_table_is_found_by_the_digest_that_the_ledger_has(tmp_path):
    keep_table(tmp_path / "gates", REPORT.to_json())
    assert read_table(tmp_path / "gates", REPORT.digest) == REPORT.to_json()
    assert [path.name for path in (tmp_path / "gates").iterdir()] == [f"{REPORT.digest}.json"]


def test_a_table_that_is_not_there_is_none(tmp_path):
    assert read_table(tmp_path, REPORT.digest) is None
    assert read_table(tmp_path, "../secrets") is None


def test_the_same_table_with_other_timings_is_the_same_evidence(tmp_path):
    again = replace(REPORT, lines=(REPORT.lines[0], replace(TIMED, measured="9 ms vs 9 ms")))
    assert again.digest == REPORT.digest
    keep_table(tmp_path, REPORT.to_json())
    keep_table(tmp_path, again.to_json())
    assert read_table(tmp_path, REPORT.digest) == REPORT.to_json()
    assert replace(REPORT, lines=(REPORT.lines[0], replace(TIMED, outcome="failed"))).digest != REPORT.digest


@pytest.mark.parametrize("damage", ["other", "cut", "empty", "newer", "list"])
def test_a_table_that_was_changed_is_refused(tmp_path, damage):
    path = keep_table(tmp_path, REPORT.to_json())
    text = path.read_text()
    content = json.loads(text)
    path.write_text(
        {
            "other": text.replace('"0.8"', '"0.9"'),
            "cut": text[:-20],
            "empty": "{}",
            "newer": json.dumps(content | {"format": 2}),
            "list": "[]",
        }[damage]
    )
    with pytest.raises(DataError, match="has format 2" if damage == "newer" else "it was changed since"):
        read_table(tmp_path, REPORT.digest)
