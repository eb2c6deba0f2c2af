"""Listings of flats → which third of the market each belongs to: low, medium or high in price."""

from typing import Any, TypedDict

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from slipway import BadRequest, split_rows, stage

TARGET = "price_category_name"
CATEGORIES = ["district", "HeatingType", "StructureType", "FloorLocation"]
NUMBERS = ["gross_m2", "net_m2", "age_years", "NumberOfRooms", "monthly_fee", "ad_month"]
NOT_ASKED = ("listing_id", "address", "address_bucket", "price_category", TARGET, "split")
"""Fields that callers may send and that the model does not use."""


class Listing(TypedDict, total=False):
    """What callers send; a row of the file, with `AdCreationMonth`, does as well."""

    GrossSquareMeters: str | float
    NetSquareMeters: str | float
    BuildingAge: str | float
    NumberOfRooms: float
    district: str
    HeatingType: str
    StructureType: str
    FloorLocation: str
    address: str
    AdCreationDate: str
    Subscription: str


class Price(TypedDict):
    """What they get: low, medium or high."""

    price_category: str


@stage(online=True)
def listings(raw: pl.DataFrame) -> pl.DataFrame:
    """Areas in square metres, ages in years, fees in lira and months since the year 0, as numbers."""
    return raw.with_columns(
        gross_m2=_first_number("GrossSquareMeters"),
        net_m2=_first_number("NetSquareMeters"),
        age_years=_age("BuildingAge"),
        monthly_fee=pl.col("Subscription").str.extract(r"^([0-9]+) TL$").cast(pl.Float64),
        ad_month=_month("AdCreationMonth"),
    ).select(*CATEGORIES, *NUMBERS)


@stage(outputs=("train", "test"))
def split(listings: pl.DataFrame, *, test_share: float = 0.2, seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame]:
    """By each row's content, so that a listing stays on its side when more of them come."""
    return split_rows(listings, test_share=test_share, seed=seed)


@stage
def model(train: pl.DataFrame, *, trees: int = 80, learning_rate: float = 0.15, seed: int = 7) -> Pipeline:
    """Boosted trees over categories as they are: one that training has not seen counts as not known."""
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=250,  # the trees take 255 at most
    )
    boosting = HistGradientBoostingClassifier(
        max_iter=trees,
        learning_rate=learning_rate,
        categorical_features=list(range(len(CATEGORIES))),
        random_state=seed,
    )
    columns = make_column_transformer((encoder, CATEGORIES), ("passthrough", NUMBERS))
    return make_pipeline(columns, boosting).fit(train.drop(TARGET), train[TARGET].to_numpy())


@stage
def metrics(model: Pipeline, test: pl.DataFrame) -> dict[str, float]:
    """How often the class is right, and how well each of the three is found."""
    predicted = model.predict(test.drop(TARGET))
    return {
        "accuracy": float(accuracy_score(test[TARGET], predicted)),
        "macro_f1": float(f1_score(test[TARGET], predicted, average="macro")),
    }


def from_document(body: Listing | list[Listing]) -> dict[str, Any] | list[dict[str, Any]]:
    """One listing or a list of them, with the fields of the service's document or those of the file."""
    return [_row(listing) for listing in body] if isinstance(body, list) else _row(body)


def to_document(rows: list[dict[str, Any]], predictions: list[Any], model: Any) -> Price | list[Price]:
    """The class of one listing; of several, a list."""
    prices: list[Price] = [{"price_category": answer.prediction} for answer in predictions]
    return prices[0] if len(prices) == 1 else prices


def _row(listing: Any) -> dict[str, Any]:
    if not isinstance(listing, dict):
        raise BadRequest(f'{listing!r} is no listing: expected an object such as {{"district": "kadikoy", …}}.')
    row = {field: value for field, value in listing.items() if field not in NOT_ASKED}
    if "AdCreationDate" in row:  # "2024-01-01"; the file has the month alone
        date = row.pop("AdCreationDate")
        row["AdCreationMonth"] = date[:7] if isinstance(date, str) else date
    return row


def _first_number(column: str) -> pl.Expr:
    """160 of "160 m2": the digit of the unit is no digit of the area."""
    return pl.col(column).cast(pl.String).str.extract(r"([0-9]+(?:\.[0-9]+)?)").cast(pl.Float64)


def _age(column: str) -> pl.Expr:
    """7.5 of "5-10", the middle; 21 of "21 Ve Üzeri" ("and over"), as good as any more for a tree."""
    numbers = pl.col(column).cast(pl.String).str.extract_all(r"[0-9]+(?:\.[0-9]+)?")
    return numbers.list.eval(pl.element().cast(pl.Float64)).list.mean()


def _month(column: str) -> pl.Expr:
    """Months as one running number, so that the next one stands beside the last."""
    year, month = (pl.col(column).str.extract(r"^([0-9]{4})-([0-9]{2})", group).cast(pl.Float64) for group in (1, 2))
    return year * 12 + month
