"""What was judged of a table's columns in; the text of `pipeline.py` out, as a person would have written it."""

import json
from collections.abc import Iterable

from slipway.new.columns import Judged

_WIDTH = 120


def pipeline_text(judged: Judged, *, leaf: int, seed: int) -> str:
    """The module of stages.

    Args:
        leaf: the least rows in a leaf of the trees; fewer for a small table.
        seed: of the split; one that leaves rows on both sides.
    """
    parts = [_head(judged), _features(judged), _split(judged, seed), _model(judged, leaf), _metrics(judged)]
    if judged.of("quantity"):
        parts.append(_number_helper(judged))
    if judged.of("date"):
        parts.append(_DAYS_HELPER)
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def quoted(text: str) -> str:
    """A text as a literal, of Python and of TOML alike."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # which TOML takes as an escape alone


def categories(judged: Judged) -> list[str]:
    """The columns that the model takes as categories."""
    return [column.name for column in judged.of("category")]


def numbers(judged: Judged) -> list[str]:
    """The columns that the model takes as numbers."""
    return [column.name for column in judged.of("number", "quantity", "date")]


def listed(name: str, values: Iterable[str]) -> str:
    """An assignment of a list of texts, broken where it gets long."""
    items = [quoted(value) for value in values]
    line = f"{name} = [{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name} = [", *(f"    {item}," for item in items), "]"])


def _is_class(judged: Judged) -> bool:
    return judged.target.kind == "classification"


def _estimator(judged: Judged) -> str:
    return "HistGradientBoostingClassifier" if _is_class(judged) else "HistGradientBoostingRegressor"


def _head(judged: Judged) -> str:
    measures = (
        "accuracy_score, f1_score" if _is_class(judged) else "mean_absolute_error, r2_score, root_mean_squared_error"
    )
    lines = [
        f'"""Rows → what a model may know of them → a model of `{_safe(judged.target.name)}`, and how good it is."""',
        "",
        *(["import numpy as np"] if categories(judged) else []),
        "import polars as pl",
        "from sklearn.compose import make_column_transformer",
        f"from sklearn.ensemble import {_estimator(judged)}",
        f"from sklearn.metrics import {measures}",
        "from sklearn.pipeline import Pipeline, make_pipeline",
        *(["from sklearn.preprocessing import OrdinalEncoder"] if categories(judged) else []),
        "",
        "from slipway import split_rows, stage",
        "",
        f"TARGET = {quoted(judged.target.name)}",
    ]
    if categories(judged):
        lines.append(listed("CATEGORIES", categories(judged)))
    if numbers(judged):
        lines.append(listed("NUMBERS", numbers(judged)))
    return "\n".join(lines)


def _features(judged: Judged) -> str:
    cleaned = [f"_number({quoted(c.name)})" for c in judged.of("quantity")]
    cleaned += [f"_days({quoted(c.name)})" for c in judged.of("date")]
    plain = [name for name, is_there in (("CATEGORIES", categories(judged)), ("NUMBERS", numbers(judged))) if is_there]
    said = [
        text
        for text, is_there in (
            ("quantities as numbers", judged.of("quantity")),
            ("dates as days", judged.of("date")),
        )
        if is_there
    ]
    doc = f"What the model may know of a row{': ' if said else ''}{' and '.join(said)}."
    if cleaned:
        each = "\n".join(f"        {expression}," for expression in cleaned)
        body = f"    cleaned = raw.with_columns(\n{each}\n    )\n    return cleaned.select({' + '.join(plain)})"
    else:
        body = f"    return raw.select({' + '.join(plain)})"
    return f'''
@stage(online=True)
def features(raw: pl.DataFrame) -> pl.DataFrame:
    """{doc}"""
{body}
'''


def _split(judged: Judged, seed: int) -> str:
    known = "features.drop_nulls(TARGET)" if judged.target.missing else "features"
    reason = "\n    # A row without its target can't teach or test." if judged.target.missing else ""
    return f'''
@stage(outputs=("train", "test"))
def split(features: pl.DataFrame, *, test_share: float = 0.2, seed: int = {seed}) -> tuple[pl.DataFrame, pl.DataFrame]:
    """By each row's content, so that a row stays on its side when more of them come."""{reason}
    return split_rows({known}, test_share=test_share, seed=seed)
'''


def _model(judged: Judged, leaf: int) -> str:
    has_categories, has_numbers = bool(categories(judged)), bool(numbers(judged))
    doc = "Boosted trees, which take nulls as they are"
    encoder, native, parts = "", "", []
    if has_categories:
        doc += "; a category that training has not seen counts as one"
        encoder = """    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=250,  # the trees take 255 at most; the rarest share one
    )
"""
        native = "        categorical_features=list(range(len(CATEGORIES))),\n"
        parts.append("(encoder, CATEGORIES)")
    if has_numbers:
        parts.append('("passthrough", NUMBERS)')
    return f'''
@stage
def model(
    train: pl.DataFrame, *, trees: int = 100, learning_rate: float = 0.1, leaf: int = {leaf}, seed: int = 7
) -> Pipeline:
    """{doc}."""
{encoder}    boosting = {_estimator(judged)}(
        max_iter=trees,
        learning_rate=learning_rate,
        min_samples_leaf=leaf,
{native}        early_stopping=False,
        random_state=seed,
    )
    columns = make_column_transformer({", ".join(parts)})
    return make_pipeline(columns, boosting).fit(train.drop(TARGET), train[TARGET].to_numpy())
'''


def _metrics(judged: Judged) -> str:
    if _is_class(judged):
        doc = "How often the class is right, and how well each class is found."
        body = """        "accuracy": float(accuracy_score(truth, predicted)),
        "macro_f1": float(f1_score(truth, predicted, average="macro")),"""
    else:
        doc = "How far the predictions are from the truth, and the share of its variance that they explain."
        body = """        "rmse": float(root_mean_squared_error(truth, predicted)),
        "mae": float(mean_absolute_error(truth, predicted)),
        "r2": float(r2_score(truth, predicted)),"""
    return f'''
@stage
def metrics(model: Pipeline, test: pl.DataFrame) -> dict[str, float]:
    """{doc}"""
    truth, predicted = test[TARGET].to_numpy(), model.predict(test.drop(TARGET))
    return {{
{body}
    }}
'''


def _number_helper(judged: Judged) -> str:
    quantities = judged.of("quantity")
    example = next((c.example for c in quantities if "," in c.example), quantities[0].example)
    value = next((c for c in quantities if c.unit), quantities[0])
    commas = '.str.replace_all(r",(\\d{3})", "$1")' if "," in example else ""
    shown = _safe(example if commas else value.example)
    return f'''
def _number(column: str) -> pl.Expr:
    """The number in a text such as `{shown}`; null where there is none."""
    text = pl.col(column).cast(pl.String){commas}
    return text.str.extract(r"(-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)").cast(pl.Float64)
'''


_DAYS_HELPER = '''
def _days(column: str) -> pl.Expr:
    """Days since 1970 of a date, a time or a month (its first day)."""
    text = pl.col(column).cast(pl.String) + "-01"
    return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).dt.epoch("d").cast(pl.Float64).alias(column)
'''


def _safe(text: str) -> str:
    """A text that can stand in a docstring."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown.replace("\\", "/").replace('"', "'")
