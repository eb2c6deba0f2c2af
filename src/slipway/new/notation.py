"""How a column of texts writes its numbers, and the function of the written pipeline that reads them.

There is one implementation of reading: the text of `Notation.function`, which the project gets. What `new` says of a
column is what that text did with the column's own values.
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slipway.new.units import Unit, accepted_units

if TYPE_CHECKING:
    import polars as pl

_SPACE = r"[ \x{a0}\x{202f}\x{2009}]"
"""A plain space, and those that keep a number on one line."""
_APOSTROPHE = "['’]"
_GAP = rf"(?:{_SPACE}|{_APOSTROPHE})"
_TOKEN = rf"(?:[0-9](?:[0-9.,]|{_GAP}[0-9]{{3}}\b)*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_CURRENCY = (
    r"(?:US|CA|AU|NZ|HK|[CARS])\$|Rs\.?|[Kk]r\.?|(?:AED|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW"
    r"|MXN|MYR|NGN|NOK|NZD|PHP|PKR|PLN|RON|RUB|SAR|SEK|SGD|THB|TL|TRY|TWD|UAH|USD|VND|ZAR)"
)
_AROUND = (
    rf"^\s*[-+]?\s*([^\d\p{{L}}_.,()+−–-]*|{_CURRENCY})\s*[-+]?({_TOKEN})(\s*)([^\d\s.,]\S*(?:\s\S*[^\d\s.,]\S*)*)?\s*$"
)
_PADDED = r"^\s*[^\d\p{L}]*0\d"
_LEAST_DISTINCT = 10
_FEW = 3
SIGNS = r"^\s*(?:(\D*?)[-−–](.*)|([^\d(]*)\((.*)\)(\D*)|(.*[\d\p{L}\p{Sc}%])\s*[-−–])\s*$"
"""A minus before the number or its unit, brackets around it, a minus behind it."""
_SIGNED = "-${1}${2}${3}${4}${5}${6}"
_BETWEEN = {
    "": ("", ""),
    ",": (",", '.str.replace_all(",", "", literal=True)'),
    ".": (r"\.", '.str.replace_all(".", "", literal=True)'),
    " ": (r"\s", r'.str.replace_all(r"\s", "")'),
    "'": ("['’]", '.str.replace_all("[\'’]", "")'),
}
"""What stands between thousands: its pattern, and the call on Polars' text that takes it away."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a column writes its numbers."""

    decimal: str = "."
    thousands: str = ""
    """What stands between thousands: nothing, a comma, a point, a space or an apostrophe."""
    is_guess: bool = False
    """Every comma is before three digits, so that it may be either."""
    has_signs: bool = False
    """A minus is also written in other ways than by a hyphen right before the digits."""

    @property
    def digits(self) -> str:
        """What a number without its sign looks like."""
        point = re.escape(self.decimal)
        plain = rf"[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+"
        if self.thousands:
            # In India there are two digits to a group but for the last.
            first = (
                rf"(?:{self._between}[0-9]{{2,3}})*" if self.thousands == "," else rf"(?:{self._between}[0-9]{{3}})*"
            )
            plain = rf"[0-9]{{1,3}}{first}{self._between}[0-9]{{3}}(?:{point}[0-9]*)?|{plain}"
        return rf"(?:{plain})(?:[eE][-+]?[0-9]+)?"

    @property
    def takes_numbers(self) -> bool:
        """Whether a number's own decimal point can be told from what stands between thousands."""
        return self.thousands != "."

    def function(self, name: str, example: str) -> str:
        """Write the function that reads such numbers, for a module that has imported Polars as `pl`."""
        lines = ["text = pl.col(column).cast(pl.String)"]
        if self.decimal == "," and self.takes_numbers:
            own = r"^\s*([-+]?[0-9]+)\.([0-9]+(?:[eE][-+]?[0-9]+)?)\s*$"
            lines.append(f'text = text.str.replace(r"{own}", "${{1}},${{2}}")  # a number itself has a point')
        if self.has_signs:
            lines.append("# A minus may also be U+2212, stand before the unit or behind the number, or be brackets.")
            lines.append(f'text = text.str.replace(r"{SIGNS}", "{_SIGNED}")')
        lines.append(f'digits = r"{self.digits}"')
        plain = r"^\s*{before}\s*([-+]?{digits})\s*{after}\s*$"
        signed = r"^\s*[-+]?\s*{before}\s*({digits})\s*{after}\s*$"
        lines.append(f'number = text.str.extract(rf"{signed if self.has_signs else plain}")')
        value = "number" + _BETWEEN[self.thousands][1]
        value += '.str.replace(",", ".", literal=True)' if self.decimal == "," else ""
        if self.has_signs:
            lines.append(f"value = {value}.cast(pl.Float64)")
            lines.append(r'return pl.when(text.str.contains(r"^\s*-")).then(-value).otherwise(value)')
        else:
            lines.append(f"return {value}.cast(pl.Float64)")
        body = "".join(f"    {line}\n" for line in lines)
        return f"""
def {name}(column: str, before: str = "", after: str = "") -> pl.Expr:
    \"\"\"Read the number in a text such as `{example}`; null where there is none, or another unit than these.\"\"\"
{body}"""

    @property
    def _between(self) -> str:
        return _BETWEEN[self.thousands][0]


WORTH = '''
def _worth(column: str, units: dict[str, float]) -> pl.Expr:
    """Look up what the unit behind a number is worth."""
    unit = pl.col(column).cast(pl.String).str.extract(rf"[0-9.,]\\s*({'|'.join(filter(None, units))})")
    return unit.fill_null("").replace_strict(units, default=None, return_dtype=pl.Float64)
'''
"""The text of the function for columns in which a unit has parts and multiples."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column whose texts are numbers, but for a few."""

    notation: Notation
    unit: Unit
    example: str = ""
    odd: tuple[tuple[str, float], ...] = ()
    """Texts with another sign or unit than the example, and the numbers that they are read as."""
    nulls: int = 0
    """Rows without such a number."""
    others: tuple[str, ...] = ()
    """Texts of such rows, three at most."""

    @property
    def takes_numbers(self) -> bool:
        """Whether a plain number can be given as well: not where it would need a unit."""
        return self.notation.takes_numbers and self.unit.is_optional

    @property
    def value(self) -> float:
        """The example's number."""
        import polars as pl

        return float(self.read(pl.Series([self.example]))[0])

    def call(self, name: str, column: str) -> str:
        """The expression that reads a column, given the function's name and the column's as a literal."""
        given = [column, *(f"{key}={_literal(text)}" for key, text in self._around if text)]
        number = f"{name}({', '.join(given)})"
        if not self.unit.worth:
            return number
        units = ", ".join(f"{_literal(unit)}: {worth!r}" for unit, worth in self.unit.worth)
        return f"{number} * _worth({column}, {{{units}}})"

    def read(self, texts: "pl.Series") -> "pl.Series":
        """The numbers in some texts, by the code that is written; null where there is none."""
        import polars as pl

        namespace: dict[str, Any] = {"pl": pl}
        exec(self.notation.function("_number", "") + WORTH, namespace)  # noqa: S102 - text of ours
        expression = eval(self.call("_number", '"c"'), namespace)  # noqa: S307 - text of ours
        return pl.DataFrame({"c": texts}).select(expression).to_series()

    @property
    def _around(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("before", self.unit.before), ("after", self.unit.after)


def quantity(given: "pl.Series", *, has_semicolons: bool) -> Quantity | None:
    """Tell how a column of texts writes its numbers, if it holds numbers with one unit and few others.

    Args:
        given: a column's texts without nulls.
        has_semicolons: the file has semicolons between values, as is usual where the comma is a decimal sign.

    Codes stay text: numbers with leading zeros, with letters in front, or with several units.
    """
    import polars as pl

    counts = given.alias("text").to_frame().group_by("text", maintain_order=True).agg(pl.len().alias("count"))
    distinct = counts["text"]
    if distinct.len() < _LEAST_DISTINCT or distinct.str.contains(_PADDED).any():
        return None
    plain = distinct.str.replace(SIGNS, _SIGNED)
    parts = plain.str.extract_groups(_AROUND).struct.unnest()
    notation = _notation(parts["2"].drop_nulls().unique().sort(), has_semicolons)
    if notation is None:
        return None
    if notation == Notation() and has_semicolons and not parts["2"].str.contains(".", literal=True).any():
        notation = Notation(",")  # as the file's other columns have it: "195" today may be "195,5" tomorrow
    known = parts.with_columns(counts["count"]).filter(pl.col("2").str.contains(f"^{notation.digits}$"))
    unit = accepted_units(
        [
            (before.strip(), " ".join((after or "").split()), bool(gap), count)
            for before, _, gap, after, count in known.iter_rows()
        ]
    )
    if unit is None:
        return None
    return _tried(Quantity(notation, unit), counts)


def _tried(found: Quantity, counts: "pl.DataFrame") -> Quantity | None:
    """What is found of a column once it is read by the code that would be written; None where that reads too few."""
    distinct, rows = counts["text"], counts["count"]
    plain = found.read(distinct)
    signed = replace(found, notation=replace(found.notation, has_signs=True))
    numbers = signed.read(distinct)
    if numbers.null_count() < plain.null_count():
        found = signed
    else:
        numbers = plain
    is_number = numbers.is_not_null()
    share = int(rows.filter(is_number).sum()) / int(rows.sum())
    if share < 0.5 or (share < 0.9 and (~is_number).sum() > 10):
        return None
    usual = distinct.filter(plain.is_not_null() & distinct.str.contains(found.unit.usual))
    usual = usual if usual.len() else distinct.filter(is_number)
    telling = usual.filter(usual.str.contains(r"[.,'’]"))
    values = dict(zip(distinct, numbers, strict=True))
    odd = [distinct.filter(is_number & plain.is_null())]
    odd += [distinct.filter(is_number & distinct.str.contains(form)) for form in found.unit.odd]
    others = distinct.filter(~is_number).sort()
    return replace(
        found,
        example=(telling if telling.len() else usual)[0].strip(),
        odd=tuple((texts[0].strip(), values[texts[0]]) for texts in odd if texts.len()),
        nulls=int(rows.filter(~is_number).sum()),
        others=tuple(text[:40] for text in others.head(_FEW)),
    )


def _notation(tokens: "pl.Series", has_semicolons: bool) -> Notation | None:
    """What the signs in these numbers mean, taken together; None where they contradict each other."""
    if not tokens.len():
        return None
    spaced = " " if tokens.str.contains(_SPACE).any() else ""
    between = "'" if tokens.str.contains(_APOSTROPHE).any() else spaced
    if between and spaced and between != spaced:
        return None
    plain = tokens.str.replace_all(_GAP, "")
    has_point, has_comma = plain.str.contains(".", literal=True), plain.str.contains(",", literal=True)
    both = plain.filter(has_point & has_comma)
    if both.len():
        ends_in_comma = both.str.contains(r",\d*$")
        if ends_in_comma.all():
            return Notation(",", ".")
        return None if ends_in_comma.any() else Notation(".", ",")
    if has_comma.any() and has_point.any():
        return None
    if has_comma.any():
        commas = plain.filter(has_comma)
        if not commas.str.contains(r"^[1-9]\d{0,2}(,\d{2,3})*,\d{3}$").all():
            return Notation(",", between) if not commas.str.contains(r",.*,").any() else None
        is_sure = bool(commas.str.contains(r",.*,").any())
        if between or (has_semicolons and not is_sure):
            return Notation(",", between, is_guess=not between)
        return Notation(".", ",", is_guess=not is_sure)
    points = plain.filter(has_point)
    # "25", "980" and "1.350": where whole numbers end below a thousand and three digits follow each point.
    if points.len() >= _FEW and points.str.contains(r"^[1-9]\d{0,2}(\.\d{3})+$").all():
        whole = plain.filter(~has_point)
        if points.str.contains(r"\..*\.").any() or (whole.len() and whole.str.len_chars().max() <= 3):  # type: ignore[operator]
            return Notation(",", ".")
    return Notation(".", between)


def _literal(text: str) -> str:
    """A text as a literal of Python, raw where that is shorter to read."""
    if "\\" in text and '"' not in text and not text.endswith("\\"):
        return f'r"{text}"'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
