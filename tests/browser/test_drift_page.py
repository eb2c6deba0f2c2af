"""The page of a drift report in a browser: no request, no complaint, readable in both schemes and on a phone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from layout import NOTHING, layout_problems
from slipway.monitor.check import Window, count_pieces, judge
from slipway.monitor.course import cut
from slipway.monitor.page import write_page
from slipway.monitor.quality import Answers
from slipway.monitor.window import Monitored, Piece
from slipway.profile.count import build_profile
from slipway.project import Monitor

pytestmark = pytest.mark.service

ROWS = 1_200
LONG = "a_column_whose_name_nobody_would_want_to_read_aloud_but_somebody_wrote"

# Of every element with text of its own: the contrast of its colour with what is behind it, as WCAG counts it.
CONTRASTS = """
(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = parts(colour).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const found = getComputedStyle(e).backgroundColor, alpha = parts(found)[3];
      if (alpha === undefined || alpha === 1) return found;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const element of document.querySelectorAll('body, body *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest('.sr')) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [a, b] = [light(style.color), light(behind(element))].sort((x, y) => y - x);
    const least = size >= 24 ? 3 : 4.5;
    if ((a + .05) / (b + .05) < least) faint.push(`${element.className} ${element.textContent.trim().slice(0, 40)}`);
  }
  return faint;
})()
"""


def table(random, rows):
    numbers = {f"number {i}": random.gamma(2.0, 50.0, rows) for i in range(9)}
    texts = {
        f"text {i}": [f"a rather long category, number {c}" for c in random.zipf(1.4, rows) % 60] for i in range(8)
    }
    return pl.DataFrame(
        {
            **numbers,
            **texts,
            LONG: random.normal(size=rows),
            "month": [f"2024-{i:02}" for i in random.integers(1, 7, rows)],
            "rooms": random.integers(1, 6, rows),
        }
    )


def answers(random, rows, shares):
    return random.choice(["high", "low", "medium"], rows, p=shares).tolist()


@pytest.fixture(scope="module")
def found():
    random = np.random.default_rng(1)
    learnt = table(random, 5_000)
    profile = build_profile(learnt, answers(random, 5_000, [0.2, 0.4, 0.4]), learnt, kind="classification")
    late = pl.int_range(pl.len()) > ROWS // 2
    window = table(random, ROWS).with_columns(
        pl.when(late).then(pl.col("number 0") * 5).otherwise("number 0"),
        pl.when(late).then(pl.lit("somewhere else entirely")).otherwise("text 0").alias("text 0"),
        pl.col("month").str.replace("2024", "2025"),
    )
    given = answers(random, ROWS, [0.5, 0.3, 0.2])
    truths = Answers(["low"] * 300, given[:300])
    tested = Answers(["low"] * 500, ["low"] * 450 + ["high"] * 50)
    monitor = Monitor(critical={"psi": 0.5}, quality_drop=0.05, out_of_range=0.01)
    pieces = count_pieces(profile, window, given, window)
    counts = sum(pieces[1:], pieces[0])
    report = judge(monitor, profile, Window(counts, pieces, truths), tested)
    start = datetime(2025, 3, 1, 8, tzinfo=UTC)
    spans = tuple(Piece(start + timedelta(hours=a), start + timedelta(hours=b), b - a) for a, b in cut(ROWS))
    return Monitored(report, 3, f"the last {ROWS:,} predictions of version 3", {"accuracy": 0.31}, 300, spans)


@pytest.fixture(scope="module")
def address(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "drift.html"
    write_page(found, path)
    assert path.stat().st_size < 1_000_000
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_complains_of_nothing_and_can_be_read(browser, address, scheme):
    page = browser.open(address, scheme=scheme)
    assert page.requests == [address]
    assert page.complaints == []
    assert page.evaluate(CONTRASTS) == []


def test_the_two_schemes_differ(browser, address):
    grounds = [
        browser.open(address, scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert len(set(grounds)) == 2


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_narrow_screen_never_scrolls_sideways(browser, address, width):
    page = browser.open(address, width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = f"[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > {width} + 1"
    assert page.evaluate(f"{beyond} && !e.closest('.label')).map(e => e.outerHTML.slice(0, 80))") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_has_no_gap_no_broken_word_and_nothing_beyond_its_edge(browser, address, width, scheme):
    page = browser.open(address, width=width, scheme=scheme)
    assert layout_problems(page) == NOTHING
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert layout_problems(page) == NOTHING


def test_what_is_worst_stands_first_and_what_is_critical_says_so(browser, address, found):
    page = browser.open(address)
    titles = page.evaluate("[...document.querySelectorAll('h3')].map(h => h.firstChild.textContent)")
    worst = [name for name, column in found.report.columns.items() if column.alerts]
    assert {"number 0", "text 0", "prediction", "quality"} <= set(worst)
    called = {"prediction": "What the model answers", "quality": "How right it is"}
    assert titles[: len(worst)] == [called.get(name, name) for name in worst]
    critical = page.evaluate(
        "[...document.querySelectorAll('.tag.critical')].map(t => t.parentElement.firstChild.textContent)"
    )
    assert set(critical) == {"number 0", "text 0"}


def test_a_column_that_drifted_late_shows_when(browser, address):
    page = browser.open(address)
    late = """
    [...document.querySelectorAll('article')].find(a => a.querySelector('h3').textContent.startsWith('number 0'))
        .querySelectorAll('.course rect')
    """
    assert page.evaluate(f"[...{late}].map(r => r.className.baseVal)") == ["window"] * 6 + ["beyond"] * 6
    assert "1 Mar 2025 to 20 Apr 2025, in 12 parts" in page.evaluate("document.body.textContent")
