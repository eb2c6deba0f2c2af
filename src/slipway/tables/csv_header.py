"""Where a table begins in the text of a CSV file: the separator, and the header below titles and comments."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SEPARATORS = ",;\t|"
_RECORDS = 200
_SEPARATOR_LINE = re.compile(
    r"\ufeff?(?:[ \t]*(?:\r\n|\n|\r))*"
    r"""[ \t]*["']?[ \t]*sep[ \t]*=(?:[ ]*["']*(?P<separator>\\t|\t|[^\s"'])["']?|(?P<blank> )["']?)[ \t,;|"']*"""
    r"(?:\r\n|\n|\r|$)",
    re.IGNORECASE,
)
_LINE_END = re.compile(r"\r\n|\n|\r")
_NUMBER = re.compile(r"\s*[-+(]?[$€£]?\.?\d.*")
_YEAR = re.compile(r"\s*(19|20)\d\d\s*")


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV text."""

    separator: str
    cells: tuple[str, ...]
    """As they stand in the file; empty where the text has no header."""
    lines: int
    """Lines of the text up to the header, the header's own included."""
    titles: tuple[str, ...] = ()
    """Titles and comments above the header, as they stand in the file."""
    has_rows: bool = False
    """Whether anything stands below the header."""


@dataclass(frozen=True, slots=True)
class _Record:
    cells: list[str]
    start: int
    """The lines before it."""
    end: int

    @property
    def is_comment(self) -> bool:
        return self.cells[0].lstrip().startswith("#")

    @property
    def filled(self) -> int:
        return sum(bool(cell.strip()) for cell in self.cells)

    @property
    def is_padded(self) -> bool:
        """Whether blank cells alone follow those that hold something, as spreadsheets fill up a short line."""
        return not any(cell.strip() for cell in self.cells[self.filled :])


def find_header(text: str, *, is_whole: bool) -> Header:
    """Find the header of a CSV text and the separator between its values.

    A first line such as `sep=;`, as spreadsheets read and write it, names the separator, unless another one fits the
    rows and this one does not. The separator is else the one by which most of the first rows have as many values as
    the header. Above the header may stand comments that begin with `#`, titles of one value, lines with
    values in the first half of the columns alone, and lines that are narrower than the table and are followed by a
    blank one.

    Args:
        is_whole: whether the text is the whole file, so that its last line is not cut.
    """
    told = _SEPARATOR_LINE.match(text)
    start = told.end() if told else 0
    skipped = len(_LINE_END.findall(text, 0, start))
    found = {separator: _layout(text[start:], separator, is_whole=is_whole) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: found[separator][0])
    if told:
        named = (told["separator"] or told["blank"]).replace("\\t", "\t")
        score, header = found.get(named) or _layout(text[start:], named, is_whole=is_whole)
        if score[1] > 1 or found[best][0][1] < 2:
            best, found[named] = named, (score, header)
    header = found[best][1]
    return Header(header.separator, header.cells, header.lines + skipped, header.titles, header.has_rows)


def _layout(text: str, separator: str, *, is_whole: bool) -> tuple[tuple[float, int], Header]:
    """The header by one separator; how many of the first rows agree with its width, and that width."""
    try:
        records = _records(text, separator, is_whole=is_whole)
    except csv.Error:  # a value longer than the csv module takes
        first = text.partition("\n")[0]
        width = first.count(separator) + 1
        return (0.0, width), Header(separator, tuple(first.split(separator)), 1, has_rows=True)
    filled = [place for place, record in enumerate(records) if record.filled]
    if not filled:
        width = max((len(record.cells) for record in records), default=0)
        return (float(width > 1), width), Header(separator, (), 0)
    place = _header_place(records, filled)
    header = records[place]
    widths = [len(record.cells) for record in records[place:]]
    agreeing = sum(width == widths[0] for width in widths) / len(widths)
    # What stands above the header speaks against a separator that needs it to.
    share = agreeing * len(widths) / (len(widths) + sum(known < place for known in filled))
    titles = tuple(separator.join(records[known].cells).strip(f"{separator} ") for known in filled if known < place)
    score = (share, widths[0]) if widths[0] > 1 else (0.0, 1)
    return score, Header(separator, tuple(header.cells), header.end, titles, place + 1 < len(records) or not is_whole)


def _header_place(records: Sequence[_Record], filled: Sequence[int]) -> int:
    """The place of the header among the records: the first one, or the first below titles that reads as one."""
    first = filled[0]
    widths = Counter(len(records[place].cells) for place in filled if not records[place].is_comment)
    if not widths:
        return first
    usual = max(widths, key=lambda width: (widths[width], width))
    for known, place in enumerate(filled):
        record, following = records[place], filled[known + 1 : known + 2]
        if record.is_comment and not _is_header_in_comment(records, filled[known:], usual):
            continue
        is_title = usual > 1 and record.filled <= max(1, usual / 2) and record.is_padded
        is_narrow = len(record.cells) < usual
        is_apart = bool(following) and records[following[0]].start > record.end
        if is_title or (is_narrow and (is_apart or place != first)):
            continue
        return place if place == first or _reads_as_header(record, usual) else first
    return first


def _is_header_in_comment(records: Sequence[_Record], places: Sequence[int], usual: int) -> bool:
    """Whether a line that begins with `#` is the header itself: as wide as the rows, and no other header follows."""
    cells = records[places[0]].cells
    if len(cells) != usual:
        return False
    below = [records[place].cells for place in places[1:] if not records[place].is_comment]
    if not below or not _reads_as_header(records[next(p for p in places[1:] if records[p].cells is below[0])], usual):
        return True
    rows = [row for row in below[1:] if len(row) == usual]
    is_typed = any(all(_NUMBER.fullmatch(row[k]) for row in rows) for k in range(usual))
    return not (rows and is_typed)


def _reads_as_header(record: _Record, width: int) -> bool:
    names = [cell.strip() for cell in record.cells if cell.strip()]
    return (
        len(record.cells) == width
        and len(names) > width / 2
        and len(set(names)) == len(names)
        and not any(_NUMBER.fullmatch(name) and not _YEAR.fullmatch(name) for name in names)
    )


def _records(text: str, separator: str, *, is_whole: bool) -> list[_Record]:
    """The first records that are not empty lines."""
    reader = csv.reader(_lines(text), delimiter=separator)
    records, start = list[_Record](), 0
    for row in reader:
        if row:
            records.append(_Record(row, start, reader.line_num))
        start = reader.line_num
        if len(records) > _RECORDS:
            return records
    return records if is_whole or len(records) < 2 else records[:-1]  # which the text's end cuts


def _lines(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))
