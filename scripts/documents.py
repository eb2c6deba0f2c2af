"""The tables in docs/documents in, the READMEs' departures and docs/documents.md out; `--check` says what is stale."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "docs" / "documents"
PAGE = ROOT / "docs" / "documents.md"
EXAMPLES = ROOT / "src" / "slipway" / "examples"
HEADING = "## Departures"
STATUSES = ("works", "works with", "later", "departs")
SHOWN = 110
"""Characters of a command that a page shows."""
OPENING = """\
# The documents, command by command

Each example is a system that a public document describes. Every command and request in a fenced block of that document
stands in a table here: it *works* as it is (`docker compose` for `docker-compose`), it *works with* another command, it
comes *later* (with the object store or the cluster), or it *departs*, with the reason. A test compares the tables with
the documents where those are at hand, and others run what can be run, on one machine without Docker and as a stack.
`python scripts/documents.py` writes this page and the end of each example's README.

"""


def main() -> int:
    pages = {path: text for path, text in _pages() if not path.exists() or path.read_text(encoding="utf-8") != text}
    if "--check" in sys.argv[1:]:
        for path in pages:
            print(
                f"{path.relative_to(ROOT)} is not what docs/documents says: run `python scripts/documents.py`.",
                file=sys.stderr,
            )
        return 1 if pages else 0
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return 0


def read_tables() -> dict[str, dict[str, Any]]:
    """The tables by the name of their example, each row checked."""
    tables = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(TABLES.glob("*.toml"))}
    for name, table in tables.items():
        for row in table["command"]:
            row["text"] = row["text"].strip()  # a space keeps a quote apart from the text's end
            wanted = {"works with": "ours", "departs": "note"}.get(row["status"])
            if row["status"] not in STATUSES or (wanted and wanted not in row):
                raise ValueError(
                    f"docs/documents/{name}.toml: {row['text']}: {row['status']} needs {wanted or STATUSES}"
                )
    return tables


def _pages() -> Iterator[tuple[Path, str]]:
    counted, sections = ["| document | example | " + " | ".join(STATUSES) + " |", "|---|---|" + "---|" * 4], []
    for name, table in read_tables().items():
        rows = table["command"]
        counts = [str(sum(row["status"] == status for row in rows)) for status in STATUSES]
        readme = EXAMPLES / name / "README.md"
        shown = f"[{name}](../{readme.relative_to(ROOT).as_posix()})" if readme.exists() else name
        counted.append(f"| {table['document']} | {shown} | " + " | ".join(counts) + " |")
        if readme.exists():
            kept = readme.read_text(encoding="utf-8").split(f"\n{HEADING}\n")[0].rstrip()
            yield readme, f"{kept}\n\n{HEADING}\n\n" + _departures(table)
        else:
            sections.append(f"## {name}\n\n{_departures(table)}")
    yield PAGE, OPENING + "\n".join([*counted, "", *sections])


def _departures(table: dict[str, Any]) -> str:
    rows: dict[str, list[dict[str, Any]]] = {status: [] for status in STATUSES}
    for row in table["command"]:
        rows[row["status"]].append(row)
    parts = [f"Every command and request of the system's document ({table['document']}), and what becomes of it.\n"]
    if rows["works"]:
        parts.append("They work as they are:\n\n" + "".join(_line(row) for row in rows["works"]))
    if rows["works with"]:
        lines = [f"| {_code(row['text'])} | {_code(row['ours'])} | {_cell(row)} |\n" for row in rows["works with"]]
        parts.append("They work with another command:\n\n| there | here | |\n|---|---|---|\n" + "".join(lines))
    if rows["later"]:
        parts.append(
            "They come later, with the object store or the cluster:\n\n" + "".join(_line(row) for row in rows["later"])
        )
    if rows["departs"]:
        lines = [f"| {_code(row['text'])} | {_cell(row)} |\n" for row in rows["departs"]]
        parts.append("They are left out, for a reason:\n\n| there | why not |\n|---|---|\n" + "".join(lines))
    return "\n".join(parts)


def _line(row: dict[str, Any]) -> str:
    embedded = [f"without Docker {_code(row['embedded'])}"] if "embedded" in row else []
    said = "; ".join([*embedded, *([row["note"]] if "note" in row else [])])
    return f"- {_code(row['text'])}{': ' if said else ''}{said}\n"


def _cell(row: dict[str, Any]) -> str:
    return str(row.get("note", "")).replace("|", "\\|")


def _code(text: str) -> str:
    shown = text if len(text) <= SHOWN else text[:SHOWN].rstrip() + " …"
    return "`" + shown.replace("|", "\\|") + "`"


if __name__ == "__main__":
    sys.exit(main())
