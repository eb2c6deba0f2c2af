"""Tables as users have them, through the command line and over HTTP."""

import random
from pathlib import Path

import polars as pl
import pytest

from commands import Slipway

REAL = Path(__file__).parents[3] / "shared/data/housing/istanbul_listings_decoded.csv"


def german(folder: Path) -> Path:
    """A table as a spreadsheet in Germany saves it: semicolons, decimal commas, days first, Windows-1252."""
    chance = random.Random(3)
    lines = ["Nr;Gewicht;Fläche;Stadt;Code;Kaufdatum;Klasse"]
    for i in range(400):
        weight = chance.gauss(50, 15)
        kind = "schwer" if weight + chance.gauss(0, 8) > 50 else "leicht"
        town, area = ["Köln", " Graz", "graz", "?"][i % 4], f"{40 + i % 90} m²"
        day = f"{1 + i % 28:02}.{1 + i // 34:02}.2021"
        lines.append(
            f"{i};{weight:.1f};{area};{town};{i % 50:03};{day};{kind}".replace(
                f"{weight:.1f}", f"{weight:.1f}".replace(".", ",")
            )
        )
    path = folder / "Käufe 2021.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


def test_a_spreadsheets_file_is_served_as_it_was_learnt(slipway: Slipway) -> None:
    file = german(slipway.folder)
    said = slipway("new", "kauf", "--from", file.name, "--target", "Klasse")
    assert "semicolons between the values; the encoding Windows-1252" in said
    assert "Split by time, `Kaufdatum`" in said
    readme = (slipway.folder / "kauf/README.md").read_text(encoding="utf-8")
    assert "another number in each row" in readme
    assert "split by time" in readme
    row = {"Gewicht": "51,4", "Fläche": "82 m²", "Stadt": " GRAZ", "Code": "007", "Kaufdatum": "05.12.2021"}
    with slipway.serving("-C", "kauf", "up", "--port", "0") as server:
        server.url = server.line().split()[3].removesuffix("/predict")
        answers = server.ask("/predict", [row, row | {"Gewicht": 51.4, "Fläche": 82, "Stadt": "graz"}])["predictions"]
        assert answers[0]["probabilities"] == answers[1]["probabilities"]
        refused = server.ask("/predict", row | {"Code": 7}, code=422)
        assert refused["detail"][0]["field"] == "Code"
    lines = file.read_bytes().split(b"\r\n")
    (slipway.folder / "few.csv").write_bytes(b"\n".join([lines[0], *lines[5:8]]))
    slipway("-C", "kauf", "predict", "few.csv", "-o", "few.parquet")
    slipway("-C", "kauf", "predict", file.name, "-o", "all.parquet")
    few, every = (pl.read_parquet(slipway.folder / name) for name in ("few.parquet", "all.parquet"))
    assert few["probability_schwer"].to_list() == every["probability_schwer"][4:7].to_list()
    report = slipway.json("-C", "kauf", "monitor", "--data", file.name)
    assert report["rows"] == 400
    assert report["quality"]["accuracy"] > 0.7


def test_what_is_wrong_with_a_file_or_its_target_is_said(slipway: Slipway) -> None:
    file = german(slipway.folder)
    slipway("new", "x", "--from", file.name, code=2)
    assert "Klasse" in slipway.said
    assert "<- perhaps" in slipway.said
    slipway("new", "x", "--from", file.name, "--target", "klase", code=2)
    assert "Did you mean `Klasse`?" in slipway.said
    (slipway.folder / "ragged.csv").write_text("a,b\n1,2\n3\n")
    slipway("new", "x", "--from", "ragged.csv", "--target", "b", code=2)
    assert "ragged.csv: line 3: 1 value, the header names 2 columns" in slipway.said
    (slipway.folder / "head.csv").write_text("a,b\n")
    slipway("new", "x", "--from", "head.csv", "--target", "b", code=2)
    assert "a header and no row under it" in slipway.said
    assert not (slipway.folder / "x").exists()

    # A target that is renamed later, in a project without git and DVC.
    slipway("new", "kauf", "--from", file.name, "--target", "Klasse", "--no-git", "--no-dvc")
    assert not (slipway.folder / "kauf/.git").exists()
    assert not (slipway.folder / "kauf/.dvc").exists()
    (source,) = (slipway.folder / "kauf/data/raw").iterdir()
    source.write_bytes(source.read_bytes().replace(b"Klasse", b"klasse", 1))
    slipway("-C", "kauf", "run", code=2)
    assert "target `Klasse` is not a column of `train`" in slipway.said
    assert "Did you mean `klasse`?" in slipway.said


@pytest.mark.skipif(not REAL.is_file(), reason="the real listings are not here")
def test_the_real_listings_become_a_service(slipway: Slipway) -> None:
    said = slipway("new", "flats", "--from", str(REAL), "--target", "price_category_name")
    assert "price_category is `price_category_name` under another name" in said
    with slipway.serving("-C", "flats", "up", "--port", "0") as server:
        server.line()
        assert '"prediction"' in server.line()
