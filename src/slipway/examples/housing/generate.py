"""The figures in figures.json → listings of flats that follow them. Nothing in the result is a real listing."""

import argparse
import json
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

ROWS = 25_155
FILE = Path("data/raw/listings.csv")
CLASSES = np.array(["low", "medium", "high"])

# Listings of earlier months lie in dearer districts, and the same flat costs more each month: a model that learnt
# from the past meets other flats, and other prices, than it knows. Last month of the period: districts, prices.
PERIODS = {"2021-12": (-0.7, -0.35), "2022-01": (0.0, 0.05), "9999-12": (0.7, 0.2)}

# What a flat's price within its district depends on, in standard deviations; the rest is chance.
SIZE, AGE, HEATING, FLOOR, CHANCE = 0.85, 0.25, 0.25, 0.3, 0.33
AGES = {"0": 1.0, "1": 0.8, "2": 0.7, "3": 0.6, "4": 0.4, "5-10": 0.0, "11-15": -0.5, "16-20": -0.8}
OLDEST = -1.2
WARM = {"Yerden Isıtma": 2.0, "Merkezi (Pay Ölçer)": 0.9, "Merkezi Doğalgaz": 0.7, "Kombi Doğalgaz": -0.2}
FLOORS = {"Villa Tipi": 3.0, "Müstakil": 1.5, "Çatı Dubleks": 1.0, "Düz Giriş": -0.5, "Bahçe Katı": -0.7}


def listings(*, since: str = "", until: str = "9999-12", rows: int = ROWS, seed: int = 7) -> pl.DataFrame:
    """Listings of the months from `since` to `until`, such as "2021-12", both included, out of `rows` in all.

    A listing is the same whichever months are asked for: those of the past and of the future fit together.
    """
    figures = json.loads(Path(__file__).with_name("figures.json").read_text(encoding="utf-8"))
    rng = np.random.default_rng(seed)
    month = np.sort(_draw(rng, figures["month"], rows))  # listings are numbered as they came
    tilt, inflation = _periods(month)
    district, to_medium, to_high, median = _districts(rng, figures["districts"], tilt)
    gross = np.maximum(np.round(median * _quantiles(rng, figures["gross m2"], rows) / 124), 25).astype(int)
    net = np.maximum(np.round(gross * _quantiles(rng, figures["net over gross"], rows)), 20).astype(int)
    rooms = _rooms(rng, figures["rooms"], gross)
    age, heating, floor = (_draw(rng, figures[name], rows) for name in ("age", "heating", "floor"))
    worth = (
        SIZE * _standard(np.log(net / median))
        + AGE * _standard(_effect(age, AGES, OLDEST))
        + HEATING * _standard(_effect(heating, WARM))
        + FLOOR * _standard(_effect(floor, FLOORS))
        + CHANCE * rng.normal(size=rows)
    )
    price = _standard(worth) + inflation
    category = (price > to_medium).astype(int) + (price > to_high)
    streets = np.minimum(rng.geometric(0.04, rows), 80)
    table = pl.DataFrame(
        {
            "listing_id": np.arange(rows),
            "district": district,
            "GrossSquareMeters": [f"{area} m2" for area in gross],
            "NetSquareMeters": [f"{area} m2" for area in net],
            "BuildingAge": age,
            "NumberOfRooms": rooms,
            "HeatingType": heating,
            "StructureType": _draw(rng, figures["structure"], rows),
            "FloorLocation": floor,
            "AdCreationMonth": month,
            "Subscription": _draw(rng, figures["subscription"], rows),
            "address_bucket": [f"addr_{name[:4]}{street:02d}" for name, street in zip(district, streets, strict=True)],
            "price_category": category,
            "split": np.where(rng.random(rows) < 0.8, "train", "test"),
            "price_category_name": CLASSES[category],
        }
    )
    return table.filter(pl.col("AdCreationMonth").is_between(pl.lit(since), pl.lit(until)))


def write(folder: Path, *, since: str = "", until: str = "9999-12", seed: int = 7) -> Path:
    """Write the listings as the project's source; gives the file's path."""
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    listings(since=since, until=until, seed=seed).write_csv(path)
    return path


def _draw(rng: np.random.Generator, shares: dict[str, float], rows: int) -> NDArray[Any]:
    share = np.array(list(shares.values()))
    return rng.choice(np.array(list(shares)), rows, p=share / share.sum())


def _quantiles(rng: np.random.Generator, quantiles: dict[str, float], rows: int) -> NDArray[np.float64]:
    at, values = np.array([float(q) for q in quantiles]), np.array(list(quantiles.values()), float)
    return np.exp(np.interp(rng.random(rows), at, np.log(values)))


def _periods(month: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    which = np.searchsorted(np.array(list(PERIODS)), month)
    tilt, inflation = np.array(list(PERIODS.values())).T
    return tilt[which], inflation[which]


def _districts(
    rng: np.random.Generator, districts: dict[str, list[float]], tilt: NDArray[np.float64]
) -> tuple[NDArray[Any], ...]:
    """Of each row: district, where its prices pass from low to medium and from medium to high, median area."""
    share, low, high, median = np.array(list(districts.values())).T
    cheap = _standard(low - high)
    weights = share * np.exp(np.outer(tilt, cheap))
    cumulated = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    chosen = np.minimum((rng.random((tilt.size, 1)) > cumulated).sum(axis=1), share.size - 1)
    cut = np.vectorize(NormalDist().inv_cdf)
    return np.array(list(districts))[chosen], cut(low)[chosen], cut(1 - high)[chosen], median[chosen]


def _rooms(rng: np.random.Generator, shares: dict[str, float], gross: NDArray[np.int64]) -> NDArray[np.float64]:
    """Larger flats have more rooms: the shares, dealt out by area with some disorder."""
    order = np.argsort(np.log(gross) + rng.normal(0, 0.2, gross.size))
    rooms = np.empty(gross.size)
    rooms[order] = np.sort(_draw(rng, shares, gross.size).astype(float))
    return rooms


def _effect(values: NDArray[Any], effects: dict[str, float], otherwise: float = 0.0) -> NDArray[np.float64]:
    return np.array([effects.get(value, otherwise) for value in values.tolist()])


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.mean()) / values.std()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write generated listings to data/raw/listings.csv.")
    parser.add_argument("--since", default="", help="first month, such as 2022-01")
    parser.add_argument("--until", default="9999-12", help="last month, such as 2021-12")
    parser.add_argument("--seed", type=int, default=7)
    write(Path(__file__).parent, **vars(parser.parse_args()))
