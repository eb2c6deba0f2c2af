"""The text of `pipeline.py`, as a person would have written it, from what was judged of a table's columns."""

import json
from collections.abc import Iterable

from slipway.new.columns import Column, Judged
from slipway.new.estimator_code import EstimatorChoice, estimator_imports, metrics_stage, model_stage
from slipway.new.notation import WORTH, Notation
from slipway.tables.column_types import NOTHING

_WIDTH = 120
_DAY = "(1 / 86_400)"
"""Polars divides many rows by multiplying, which gives some of them another last bit than a row alone has."""


def pipeline_text(
    judged: Judged,
    *,
    leaf: int,
    seed: int,
    choice: EstimatorChoice = EstimatorChoice(),  # noqa: B008 - it is frozen
) -> str:
    """The module of stages.

    Args:
        leaf: the least rows in a leaf of the trees; fewer for a small table.
        seed: of the split by content; one that leaves rows on both sides.
        choice: which estimator is written.
    """
    parts = [_head(judged, choice), _features(judged), _split(judged, seed)]
    parts += [model_stage(judged, leaf, choice), metrics_stage(judged, choice)]
    parts += [_number_helper(name, notation, judged) for notation, name in _number_names(judged).items()]
    if any(column.quantity and column.quantity.unit.worth for column in judged.columns):
        parts.append(WORTH)
    parts += [function.replace(_MOMENT, name, 1) for function, name in _moment_names(judged).items()]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def quoted(text: str) -> str:
    """A text as a literal, of Python and of TOML alike."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # which TOML takes as an escape alone


def categories(judged: Judged) -> list[str]:
    """The columns that the model takes as categories."""
    return [column.name for column in judged.of("category")]


def texts(judged: Judged) -> list[str]:
    """The columns of free text."""
    return [column.name for column in judged.of("text")]


def numbers(judged: Judged) -> list[str]:
    """The columns that the model takes as numbers."""
    return [column.name for column in judged.of("number", "quantity", "date")] + clock_parts(judged)


def clock_parts(judged: Judged) -> list[str]:
    """The columns that are made of a date's place in the calendar."""
    return [name for column in judged.of("date") for _, name in _calendar(column, judged)]


def listed(name: str, values: Iterable[str]) -> str:
    """An assignment of a list of texts, broken where it gets long."""
    items = [quoted(value) for value in values]
    line = f"{name} = [{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name} = [", *(f"    {item}," for item in items), "]"])


def _calendar(column: Column, judged: Judged) -> list[tuple[str, str]]:
    taken = {judged.target.name, *(other.name for other in judged.columns)}
    named = ((part, f"{column.name} {part}") for part in column.calendar)
    return [(part, name) for part, name in named if name not in taken]


def _head(judged: Judged, choice: EstimatorChoice) -> str:
    has_categories, has_texts = bool(categories(judged)), bool(texts(judged))
    needs_numpy = choice.rare is not None or (has_categories and not choice.is_linear)
    lines = [
        f'"""Rows → what a model may know of them → a model of `{safe(judged.target.name)}`, and how good it is."""',
        "",
        *(["from datetime import date", ""] if judged.time else []),
        *(["import numpy as np"] if needs_numpy else []),
        "import polars as pl",
        *estimator_imports(judged, choice),
        "",
        "from slipway import split_rows, stage",
        "",
        f"TARGET = {quoted(judged.target.name)}",
        *([f"RARE = {choice.rare}"] if choice.rare is not None else []),
        *([f"TIME = {quoted(judged.time)}"] if judged.time else []),
    ]
    named = (("CATEGORIES", categories(judged)), ("TEXTS", texts(judged)), ("NUMBERS", numbers(judged)))
    lines += [listed(name, columns) for name, columns in named if columns]
    if has_categories or has_texts:
        lines.append(listed("NOTHING", NOTHING))
    return "\n".join(lines)


def _features(judged: Judged) -> str:
    cleaned, said = [], []
    tidied = [name for name, is_there in (("CATEGORIES", categories(judged)), ("TEXTS", texts(judged))) if is_there]
    if tidied:
        fill = {"CATEGORIES": "", "TEXTS": '.fill_null("")'}
        cleaned += [
            f"pl.col({name}).cast(pl.String).str.strip_chars().replace(NOTHING, None){fill[name]}" for name in tidied
        ]
    helpers = _number_names(judged)
    if judged.of("quantity"):
        said.append("quantities as numbers")
        for column in judged.of("quantity"):
            assert column.quantity is not None
            cleaned.append(column.quantity.call(helpers[column.quantity.notation], quoted(column.name)))
    if judged.of("date"):
        said.append("dates as days since 1970")
        cleaned += [_moment_line(column, judged) for column in judged.of("date")]
    doc = f"What the model may know of a row{': ' if said else ''}{', '.join(said)}."
    lists = " + ".join([*tidied, *(["NUMBERS"] if numbers(judged) else [])])
    body = f"    return raw.select({lists})"
    if cleaned:
        each = "\n".join(f"        {expression}," for expression in cleaned)
        cases = [column.name for column in judged.of("category") if column.has_cases]
        lower = f".with_columns(pl.col({_list(cases)}).str.to_lowercase())" if cases else ""
        parts = [line for column in judged.of("date") for line in _calendar_lines(column, judged)]
        if parts:
            lower += ".with_columns(\n" + "".join(f"        {line},\n" for line in parts) + "    )"
        body = f"    cleaned = raw.with_columns(\n{each}\n    ){lower}\n    return cleaned.select({lists})"
    return f'''
@stage(online=True)
def features(raw: pl.DataFrame) -> pl.DataFrame:
    """{doc}"""
{body}
'''


def _moment_line(column: Column, judged: Judged) -> str:
    """A column of moments as such, where more than its days is asked of it, else as days since 1970."""
    moment = column.dates.call(_moment_names(judged).get(column.dates.function(_MOMENT), ""), quoted(column.name))
    return moment if _calendar(column, judged) else f'{moment}.dt.epoch("s") * {_DAY}'


def _calendar_lines(column: Column, judged: Judged) -> list[str]:
    moment, parts = f"pl.col({quoted(column.name)})", _calendar(column, judged)
    lines = [f"{moment}.dt.{part}().alias({quoted(made)})" for part, made in parts]
    return [f'{moment}.dt.epoch("s") * {_DAY}', *lines] if parts else []


def _split(judged: Judged, seed: int) -> str:
    has_gaps = bool(judged.target.missing or judged.target.literal_labels)
    reason = "\n    # A row without its target can't teach or test." if has_gaps else ""
    share = f"test_share: float = {judged.test_share:g}"
    known = "features.drop_nulls(TARGET)" if has_gaps else "features"
    if judged.time:
        line, rows = (f"\n    known = {known}", "known") if has_gaps else ("", "features")
        return f'''
@stage(outputs=("train", "test"))
def split(
    features: pl.DataFrame, *, {share}, until: str = "{judged.until}", enough: int = 200, seed: int = {seed}
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """By time: the newest rows are the test. Once enough rows are of later days than `until`, it is a share of these.

    Were the newest always the test, the model would learn from what has changed long after it was asked about it.
    """{reason}{line}
    is_later = (pl.col(TIME) >= (date.fromisoformat(until) - date(1970, 1, 1)).days + 1).fill_null(False)
    later = {rows}.filter(is_later)
    if later.height < enough:
        since = {rows}[TIME].quantile(1 - test_share, interpolation="nearest")
        is_newest = (pl.col(TIME) >= since).fill_null(False)
        return {rows}.filter(~is_newest), {rows}.filter(is_newest)
    train, test = split_rows(
        later, target=TARGET, test_share=max(test_share, enough / 2 / later.height), seed=seed
    )
    return pl.concat([{rows}.filter(~is_later), train]), test
'''
    taken, given = f"features: pl.DataFrame, *, {share}, seed: int = {seed}", "tuple[pl.DataFrame, pl.DataFrame]"
    signature = f"def split({taken}) -> {given}:"
    if len(signature) > _WIDTH:
        signature = f"def split(\n    {taken}\n) -> {given}:"
    return f'''
@stage(outputs=("train", "test"))
{signature}
    """By what is known of each row, so that it stays on its side when more of them come."""{reason}
    return split_rows({known}, target=TARGET, test_share=test_share, seed=seed)
'''


def _number_names(judged: Judged) -> dict[Notation, str]:
    """The function that reads the numbers of each notation."""
    notations = list(dict.fromkeys(c.quantity.notation for c in judged.columns if c.quantity is not None))
    return {n: "_number" if k == 0 else f"_number_{k + 1}" for k, n in enumerate(notations)}


def _number_helper(name: str, notation: Notation, judged: Judged) -> str:
    of_this = [c.quantity for c in judged.columns if c.quantity is not None and c.quantity.notation == notation]
    examples = [quantity.odd[0][0] if notation.has_signs and quantity.odd else quantity.example for quantity in of_this]
    example = max(examples, key=lambda text: ("," in text or "." in text, -examples.index(text)))
    return notation.function(name, safe(example))


def _moment_names(judged: Judged) -> dict[str, str]:
    """The name of each function that reads moments, by its text."""
    texts = dict.fromkeys(column.dates.function(_MOMENT) for column in judged.of("date"))
    return {text: _MOMENT if k == 0 else f"{_MOMENT}_{k + 1}" for k, text in enumerate(filter(None, texts))}


_MOMENT = "_moment"


def safe(text: str) -> str:
    """A text that can stand in a docstring."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown.replace("\\", "/").replace('"', "'")


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(quoted(value) for value in values)}]"
