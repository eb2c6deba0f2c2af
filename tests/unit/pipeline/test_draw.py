import re
from xml.etree import ElementTree

import pytest

from slipway.errors import ProjectError
from slipway.pipeline.draw import draw

SVG = "{http://www.w3.org/2000/svg}"


def picture(flats):
    return ElementTree.fromstring(draw(flats.project, "svg"))


def boxes(root, kind):
    """Name and left edge of each box of a kind."""
    found = [group for group in root.iter(f"{SVG}g") if group.get("class") == kind]
    return {group.findall(f"{SVG}text")[0].text: float(group.find(f"{SVG}rect").get("x")) for group in found}


def test_sources_are_rounded_online_stages_marked_and_everything_goes_right(flats):
    root = picture(flats)
    sources, online, stages = boxes(root, "source"), boxes(root, "online"), boxes(root, "stage")
    assert (set(sources), set(online), set(stages)) == ({"raw"}, {"flats"}, {"split", "model", "metrics"})
    left = {**sources, **online, **stages}
    assert left["raw"] < left["flats"] < left["split"] < left["model"] < left["metrics"]
    (group,) = (group for group in root.iter(f"{SVG}g") if group.get("class") == "online")
    assert [text.text for text in group.findall(f"{SVG}text")] == ["flats", "online"]


def test_arrows_have_names_where_a_stage_makes_several_artifacts(flats):
    root = picture(flats)
    labels = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "label"]
    assert sorted(labels) == ["test", "train"]
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "arrow"]) == 5


def test_nothing_is_outside_the_picture(flats):
    root = picture(flats)
    width, height = (float(part) for part in root.get("viewBox").split()[2:])
    for rect in root.iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("x", 0)) <= float(rect.get("x", 0)) + float(rect.get("width")) <= width
        assert 0 <= float(rect.get("y", 0)) <= float(rect.get("y", 0)) + float(rect.get("height")) <= height


def test_the_picture_fetches_nothing_and_knows_the_dark(flats):
    text = draw(flats.project, "svg")
    assert "prefers-color-scheme:dark" in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|@import|href=", text)


def test_what_a_person_wrote_is_text_and_no_markup(flats):
    flats.edit("pipeline.py", '"""Areas as numbers."""', '"""<b>&\\x01]]> "areas\'."""')
    flats.edit("slipway.toml", 'raw = "data/raw/flats.csv"', 'raw = "data/raw/<i>&.csv"')
    root = picture(flats)
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "stage flats, pipeline.py:11: <b>&\ufffd]]> \"areas'." in titles
    assert "source raw: data/raw/<i>&.csv" in titles


def test_a_query_follows_the_stage_that_publishes_it(flats):
    flats.edit(
        "slipway.toml", "[model]", 'prices = { sql = "select * from flats where a < 3", after = "flats" }\n[model]'
    )
    flats.edit("pipeline.py", "@stage(online=True)", '@stage(publish="flats")')
    root = picture(flats)
    left = boxes(root, "stage") | boxes(root, "source")
    assert left["flats"] < left["prices"]
    assert "flats" in [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "label"]


def test_text_and_mermaid_name_every_stage(flats):
    assert draw(flats.project).splitlines()[1:] == [
        "raw → flats → flats  online",
        "flats → split → train, test",
        "train → model → model",
        "model, test → metrics → metrics",
    ]
    assert "stage_split -->|train| stage_model" in draw(flats.project, "mermaid")


def test_another_form_is_refused_with_the_near_miss(flats):
    with pytest.raises(ProjectError, match=r"expected one of text, mermaid, svg. Did you mean `svg`"):
        draw(flats.project, "svgg")
