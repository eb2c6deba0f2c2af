"""How a CSV file is written: its encoding, its separator, the names in its header. Sniffed, never set."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import DataError
from slipway.tables.csv_header import find_header

_WESTERN = "cp1252"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 1 << 20
_HEAD = 1 << 18
"""Characters from which the separator and the header are told."""
_SHOWN = 40
_TWO_BYTES = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_NOT_WESTERN = re.compile(rb"[\x81\x8d\x8f\x90\x9d]|[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]{5}")
"""Bytes that Windows-1252 does not have, and words without a letter of ASCII, such as Cyrillic read wrongly."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one CSV file is written."""

    encoding: str
    separator: str
    names: tuple[str, ...]
    header_lines: int
    """Lines before the first row."""
    has_rows: bool
    unnamed: tuple[str, ...] = ()
    """Names of columns that have none in the file."""
    titles: tuple[str, ...] = ()
    """Titles and comments above the header, which are passed over."""

    def words(self) -> str:
        """What is not as everybody expects it, in words; nothing for UTF-8 and commas."""
        separator = {";": "semicolons", "\t": "tabs", "|": "bars"}.get(self.separator, "")
        encoding = {
            "utf-16": "UTF-16",
            _WESTERN: "Windows-1252 (it is not UTF-8; if letters look wrong, save it as UTF-8)",
        }.get(self.encoding, "")
        above = ""
        if self.titles:
            lines = "a line" if len(self.titles) == 1 else f"{len(self.titles)} lines"
            first = self.titles[0]
            shown = first if len(first) <= _SHOWN else f"{first[:_SHOWN]}…"
            above = f'{lines} above the header, passed over ("{shown}")'
        return "; ".join(
            filter(
                None, [separator and f"{separator} between the values", encoding and f"the encoding {encoding}", above]
            )
        )


def sniff(path: Path) -> Dialect:
    """Tell how a CSV file is written.

    UTF-8 if all of it is (a byte order mark is passed over), UTF-16 by its mark, else Windows-1252 where that can be.
    Separator and header are told as `find_header` has it. Names lose the spaces around them; a column without a name
    is called `column_1` by its place.

    Raises:
        DataError: the file is empty, in another encoding, or names two columns alike; the message says where.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        head = file.read(_HEAD)
    header = find_header(head, is_whole=len(head) < _HEAD)
    if not header.cells:
        raise DataError(f"{path}: empty: expected the columns' names in the first line.")
    names = _names(path, header.cells, header.lines)
    unnamed = tuple(name for name, cell in zip(names, header.cells, strict=True) if not cell.strip())
    return Dialect(encoding, header.separator, names, header.lines, header.has_rows, unnamed, header.titles)


def refuse_pattern(path: Path, name: str) -> None:
    """Refuse a column's name that is to Polars a pattern of other columns' names: it would not find this one.

    Raises:
        DataError: it is one.
    """
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        raise DataError(f"{path}: column `{name}`: `*`, and a name from ^ to $, are taken for all names. Rename it.")


def _names(path: Path, header: Sequence[str], line: int) -> tuple[str, ...]:
    # pandas writes its index as a first column without a name, so many files have one.
    names = [name.strip() or f"column_{position}" for position, name in enumerate(header, start=1)]
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in seen:
            raise DataError(
                f"{path}: line {line}: two columns are named `{name}`, number {seen[name]} and number {position}. "
                "Rename one."
            )
        seen[name] = position
        refuse_pattern(path, name)
    return tuple(names)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return _checked(path, name)
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        line = 1
        while chunk := file.read(_CHUNK):
            if b"\0" in chunk:
                line += chunk.partition(b"\0")[0].count(b"\n")
                raise DataError(
                    f"{path}: line {line}: a zero byte: no text, or UTF-16 without its mark. Save the file as UTF-8."
                )
            if decoder.getstate()[0] or not chunk.isascii():
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    return _western(path)
            line += chunk.count(b"\n")
        if decoder.getstate()[0]:
            return _western(path)
    return "utf-8"


def _checked(path: Path, encoding: str) -> str:
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                if encoding == "utf-8-sig":
                    raise _not_utf8(path, "it begins with UTF-8's mark") from None
                raise DataError(f"{path}: line {line} or after: no UTF-16: {error.reason}. Save it as UTF-8.") from None
    return encoding


def _western(path: Path) -> str:
    """Windows-1252, of which Latin-1 is a part, if the bytes that are no UTF-8 can be that."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.isascii():
                continue
            if _NOT_WESTERN.search(chunk):
                raise _not_utf8(path, "nor Windows-1252")
            stray = len(_HIGH.findall(_TWO_BYTES.sub(b"", chunk)))
            # Where more is right than wrong, a few bytes are damaged, or rows of two files were put together.
            if len(_TWO_BYTES.findall(chunk)) > stray:
                raise _not_utf8(path, "though most of it is")
    return _WESTERN


def _not_utf8(path: Path, why: str) -> DataError:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return DataError(
                    f"{path}: line {number}: not UTF-8 (byte {line[error.start]:#04x}), {why}. Save the file as UTF-8."
                )
    return DataError(f"{path}: not UTF-8, {why}. Save the file as UTF-8.")
