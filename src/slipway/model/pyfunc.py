"""What MLflow calls to load a bundle: a table of pandas in, the API's predictions out."""

import math
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataError
from slipway.model.bundle import open_bundle
from slipway.model.score import Scorer, load_scorer

_SHOWN = 5


class PyfuncModel:
    """A version as MLflow's users see it."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """One prediction a row: numbers of a regression, labels of a classifier.

        Raises:
            DataError: rows are not what the schema asks, or can't be answered; the message names them.
        """
        schema = self._scorer.bundle.schema
        rows = [_row(values) for values in model_input.to_dict("records")]
        dates = [column.name for column in schema.columns if column.types == ("date",)]
        for row in rows:
            row.update((name, _as_date(row[name])) for name in dates if name in row)
        for column in schema.columns:
            if column.nullable and column.name not in model_input.columns:
                for row in rows:
                    row[column.name] = None
        if problems := schema.problems(rows):
            raise DataError(
                "; ".join(f"row {p.row}: {p.field} = {p.value!r}: expected {p.expected}" for p in problems[:_SHOWN])
            )
        scores = self._scorer.score(schema.table(rows))
        if failed := [f"row {i}: {error}" for i, error in enumerate(scores.errors) if error is not None]:
            raise DataError("; ".join(failed[:_SHOWN]))
        return np.array(scores.predictions)


def _load_pyfunc(data_path: str) -> PyfuncModel:
    """The name and signature that MLflow asks of a `loader_module`."""
    return PyfuncModel(load_scorer(open_bundle(Path(data_path))))


def _row(values: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """pandas' value as a request's: its several kinds of nothing are null, its times are Python's."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, Decimal):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


def _as_date(value: Any) -> Any:
    # pandas has no dates: read from Parquet, one is the midnight that it begins with.
    return value.date() if isinstance(value, datetime) and value.tzinfo is None and value.time() == time() else value
