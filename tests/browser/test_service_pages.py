"""The front page and the documentation of a served model in a browser, of a table with names as people have."""

import random

import pytest

from chromium import Chromium
from commands import Server, Slipway
from layout import NOTHING, layout_problems

pytestmark = pytest.mark.service

LONG = "GrossSquareMetersOfTheWholeBuildingWithBalconies"
WINDOWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


def rows(count: int, scale: float = 1.0) -> list[dict]:
    draw = random.Random(count)
    made = []
    for n in range(count):
        area, rooms = round(draw.uniform(30, 250) * scale, 1), draw.randint(1, 6)
        made.append(
            {
                "listing_id": f"L{n:06d}",
                LONG: area,
                "number_of_rooms_that_somebody_counted": rooms,
                "district": draw.choice(["Ümraniye", "a rather long name of a district that people write", "x"]),
                "constant": "same",
                "price": round(area * 1234.5678 + rooms * 9999.123 + draw.gauss(0, 9000), 3),
            }
        )
    return made


@pytest.fixture(scope="module")
def server(browser: Chromium, tmp_path_factory: pytest.TempPathFactory):
    """A model of prices, released and served, whose latest requests have drifted."""
    folder = tmp_path_factory.mktemp("homes")
    table = rows(300)
    lines = [",".join(table[0]), *(",".join(map(str, row.values())) for row in table)]
    (folder / "homes.csv").write_text("\n".join(lines) + "\n")
    slipway = Slipway(folder)
    slipway("new", "homes", "--from", "homes.csv", "--target", "price", "--no-git", "--no-dvc")
    slipway("-C", "homes", "run", "-q")
    slipway("-C", "homes", "release", "-q", "--override", "to look at it")
    with slipway.serving("-C", "homes", "serve", "--port", "0", "--quiet") as served:
        served.url = served.line().rstrip("/")
        asked = [{k: v for k, v in row.items() if k != "price"} for row in rows(150, scale=3.0)]
        served.ask("/predict", asked)
        yield served


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_the_front_page_is_whole_before_and_after_a_question(browser: Chromium, server: Server, width, scheme):
    page = browser.open(f"{server.url}/", width=width, scheme=scheme)
    assert layout_problems(page) == NOTHING
    page.evaluate("document.querySelector('#ask button').click()")
    page.wait("document.querySelector('#answer strong')")
    assert layout_problems(page) == NOTHING
    assert page.complaints == []


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_the_documentation_is_whole_with_every_route_open(browser: Chromium, server: Server, width, scheme):
    page = browser.open(f"{server.url}/docs", width=width, scheme=scheme)
    page.wait("document.querySelector('summary')")
    assert layout_problems(page) == NOTHING
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert layout_problems(page) == NOTHING
    assert page.complaints == []


def test_figures_are_rounded_for_a_person_and_the_id_says_what_it_is(browser: Chromium, server: Server):
    page = browser.open(f"{server.url}/")
    metrics = server.ask("/model")["metrics"]
    shown = page.evaluate("[...document.querySelectorAll('dl div')].map(d => [d.children[0].innerText, d.innerText])")
    assert f"{metrics['rmse']:,.0f}" in dict(shown)["rmse"]
    page.evaluate("document.querySelector('#ask button').click()")
    page.wait("document.querySelector('#answer strong')")
    answer = page.evaluate("document.querySelector('#answer strong').innerText")
    exact = float(page.evaluate("document.querySelector('#answer strong').title"))
    assert (answer, exact == round(exact)) == (f"{exact:,.0f}", False)
    told = page.evaluate("document.querySelector('#answer small').innerText")
    assert told.startswith("Prediction id ")
    kept = server.ask(f"/predictions/{told.split()[2].strip(',')}")
    assert kept["prediction"] == exact
    texts = {"2024": "2024", "0.5": "0.5", "-1234567.8": "-1,234,568", "0.000012345": "0.000012", "true": "true"}
    assert {given: page.evaluate(f"rounded({given})") for given in texts} == texts


def test_the_body_that_is_shown_has_what_the_model_uses_and_no_more(browser: Chromium, server: Server):
    page = browser.open(f"{server.url}/docs")
    page.wait("document.querySelector('summary')")
    body = page.evaluate("document.querySelector('details[open] pre').textContent")
    tried = page.evaluate("document.querySelector('details[open] textarea').value")
    for name in (LONG, "number_of_rooms_that_somebody_counted", "district"):
        assert name in body
        assert name in tried
    for name in ("listing_id", "constant", "price", "Not used"):
        assert name not in body
        assert name not in tried
    page.evaluate("document.querySelector('details[open] .in > button').click()")
    page.wait("document.querySelector('details[open] h2.ok')")
    assert layout_problems(page) == NOTHING
