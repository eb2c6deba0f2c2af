from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from slipway.monitor.check import DriftReport, check
from slipway.monitor.page import page
from slipway.monitor.report import print_report
from slipway.monitor.words import explanation, sentence, verdict
from slipway.profile.count import build_profile
from slipway.project import Monitor

EVIL = "<script>alert('1')</script> & \"co\""
AT = datetime(2025, 3, 1, 12, 30, tzinfo=UTC)


@dataclass
class Found:
    """What the page is made from, as `monitor/window.py` gives it."""

    report: DriftReport
    version: int = 3
    window: str = f"the rows of {EVIL}.csv"
    quality: dict[str, float] = field(default_factory=dict)
    truths: int = 0
    pieces: tuple = ()


class Reader(HTMLParser):
    """Fails on a tag that is not closed in its turn, and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def drifted(scene, window):
    new = pl.when(pl.int_range(pl.len()) < 300).then(pl.lit(EVIL)).otherwise("city")
    return scene.check(window.with_columns(pl.col("area") * 1.8, city=new), ["high"] * 900 + [EVIL] * 100)


def test_the_page_is_well_formed_and_says_the_verdict(drifted):
    seen = read(page(Found(drifted), at=AT))
    assert "Three signals beyond their thresholds: retrain" in seen.text
    assert "1 March 2025, 12:30 UTC" in seen.text
    assert "5,000 rows that version 3 learnt from" in seen.text


def test_text_from_the_data_is_escaped(drifted):
    html = page(Found(drifted), at=AT)
    seen = read(html)
    assert EVIL in seen.text
    assert "script" not in {tag for tag, _ in seen.seen}
    assert "<script" not in html


def test_a_column_name_is_escaped():
    t = pl.DataFrame({EVIL: [1.0, 2.0, 3.0, 4.0] * 50})
    profile = build_profile(t, [1.0] * 200, t, kind="regression")
    html = page(Found(check(Monitor(), profile, t, [1.0] * 200, t)), at=AT)
    assert EVIL in read(html).text
    assert "<script" not in html


def test_nothing_on_the_page_comes_from_elsewhere(drifted):
    html = page(Found(drifted), at=AT)
    assert "http" not in html.replace("http-equiv", "")
    assert "url(" not in html
    assert "@import" not in html
    assert not [tag for tag, given in read(html).seen if {"src", "href"} & set(given)]


def test_the_worst_column_stands_first(drifted):
    html = page(Found(drifted), at=AT)
    titles = [html.index(f"<h3>{name}") for name in ("What the model answers", "city", "area", "rooms")]
    assert max(titles[:3]) < titles[3]
    first = next(iter(drifted.columns))
    assert html.index("<h3>") == html.index("<h3>What the model" if first == "prediction" else f"<h3>{first}")


def test_twenty_columns_stay_under_a_megabyte():
    rng = np.random.default_rng(0)
    numbers = {f"n{i}": rng.normal(size=3_000) for i in range(10)}
    texts = {f"t{i}": [f"a rather long category, number {c}" for c in rng.integers(0, 500, 3_000)] for i in range(10)}
    t = pl.DataFrame({**numbers, **texts})
    profile = build_profile(t, numbers["n0"].tolist(), t, kind="regression")
    moved = t.with_columns(pl.col("^n.*$") * 3, pl.col("^t.*$") + "x")
    html = page(Found(check(Monitor(), profile, moved, numbers["n0"].tolist(), moved)), at=AT)
    assert len(html.encode()) < 1_000_000
    assert html.count("<article") == 21


@pytest.mark.parametrize("many", [0, 1, 50])
def test_a_small_window_has_a_page_too(scene, window, many):
    seen = read(page(Found(scene.check(window.head(many))), at=AT))
    assert f"Too few rows to judge: {many} of at least 100" in seen.text


def test_quality_is_shown_where_truths_came(scene, window):
    html = page(Found(scene.check(window), quality={"accuracy": 0.7271}, truths=240), at=AT)
    assert "accuracy 0.7271 on 240 rows with known truth" in read(html).text


def test_no_figure_on_the_page_is_nan(scene, window):
    empty = window.with_columns(area=pl.lit(None, dtype=pl.Float64), city=pl.lit(None, dtype=pl.String))
    html = page(Found(scene.check(empty)), at=AT).lower()
    assert "nan" not in html.replace("sans", "").replace("nano", "")
    assert ">inf" not in html


def test_dark_and_small_screens_are_provided_for(scene, window):
    html = page(Found(scene.check(window)), at=AT)
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html


def printed(report, width=100):
    out = StringIO()
    print_report(report, Console(file=out, width=width), window="the last 1,000 predictions of version 3")
    return out.getvalue()


def test_where_nothing_came_in_the_terminal_says_that_and_shows_no_empty_table(scene, window):
    seen = printed(scene.check(window.head(0)))
    assert "0 of at least 100" in seen
    assert "Nothing came in" in seen
    assert "column" not in seen


def test_the_terminal_says_the_verdict_and_what_happened(drifted):
    text = printed(drifted)
    assert text.startswith("Three signals beyond their thresholds: retrain.")
    assert "area  Its values moved up" in text
    assert EVIL[:30] in text
    assert text.index(" area ") < text.index(" rooms ")
    assert "month (moves with time)" in text


def test_markup_in_the_data_is_text_in_the_terminal(scene, window):
    text = printed(scene.check(window.with_columns(city=pl.lit("[red]x[/]"))))
    assert "[red]x[/]" in text


def test_the_verdict_counts_different_signals(scene, window):
    assert verdict(scene.check(window)) == "No signal beyond its threshold"
    one = scene.check(window.with_columns(pl.col("area") * 1.8, rooms=pl.lit(2)))
    assert verdict(one) == "One signal beyond its threshold: alarm"
    assert explanation(one) == (
        "The window differs from the reference in rooms and area. "
        "A retraining is asked for when two signals are beyond."
    )


@pytest.mark.parametrize(
    ("change", "column", "told"),
    [
        (pl.col("area") / 3, "area", "Its values moved down: the mean went from "),
        (pl.lit("city 2").alias("city"), "city", "“city 2” makes up 100 % of the rows, 15 % in the reference."),
        (pl.lit("new").alias("city"), "city", "“new”, never seen before, makes up 100 % of the rows."),
        (pl.lit("2030-01").alias("month"), "month", "Moves with time by its nature"),
        (pl.lit(None, dtype=pl.Float64).alias("area"), "area", "No value in 100 % of the rows, 0 % in the reference."),
    ],
)
def test_each_column_is_told_in_plain_words(scene, window, change, column, told):
    report = scene.check(window.with_columns(change), missing=0.5)
    assert sentence(report.columns[column]).startswith(told)


def test_the_real_listings_of_a_later_month_are_another_mix_of_districts():
    file = Path(__file__).parents[4] / "shared/data/housing/istanbul_listings_decoded.csv"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    table = pl.read_csv(file).select("district", "AdCreationMonth", "price_category_name")
    before, after = (
        table.filter(pl.col("AdCreationMonth") < "2022-01"),
        table.filter(pl.col("AdCreationMonth") > "2022-01"),
    )
    features, answer = ["district", "AdCreationMonth"], "price_category_name"
    profile = build_profile(before[features], before[answer].to_list(), before[features], kind="classification")
    report = check(Monitor(), profile, after[features], after[answer].to_list(), after[features])
    assert ("district", "psi") in {(alert.column, alert.measure) for alert in report.alerts}
    assert report.columns["AdCreationMonth"].flag == "clock"


def test_the_terminal_has_a_column_for_what_was_given_a_threshold_and_names_both_levels(scene, window):
    drifted = window.with_columns(pl.col("area") * 3)
    assert " ks " not in printed(scene.check(drifted))
    text = printed(scene.check(drifted, ks=0.1, out_of_range=0.05, critical={"ks": 0.2}), width=140)
    assert text.startswith("Three signals beyond their thresholds, critical: retrain.")
    assert " ks " in text
    assert "ks 0.1 (critical 0.2)" in text
    assert "of the rows are beyond every value that the model learnt from" in text
