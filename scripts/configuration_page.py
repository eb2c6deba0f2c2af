"""Write the reference of slipway.toml: docs/configuration.md for people, a JSON Schema for editors.

Types, limits and defaults are recorded while the reader reads the example of each key; the words come from
docs/configuration.toml. `--check` says what is stale and writes nothing.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slipway.project.api import read_api
from slipway.project.commands import read_commands
from slipway.project.facts import FILE, SIGNALS
from slipway.project.keys import KeyForm, Keys, Record
from slipway.project.model import read_model
from slipway.project.monitor import read_monitor
from slipway.project.read_stack import read_stack
from slipway.project.sources import read_sources

ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "docs" / "configuration.toml"
PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "src" / "slipway" / "project" / "slipway.schema.json"

OPENING = """\
# Every key of slipway.toml

Written by `make page` from the reader itself: types, limits and defaults are those that it checks. A key that is not
known is refused, with the one that was meant. `NAME` stands for a name of the project's own.

Editors complete and check these keys by [slipway.schema.json](../src/slipway/project/slipway.schema.json). What
`slipway new` and `slipway init` write begins with a line that points to a copy of it in the folder `.slipway`, which a
run brings up to date. Even Better TOML in Visual Studio Code, and others that use Taplo, read that line.

The least project:

```toml
name = "flats"

[sources]
raw = "data/raw/flats.csv"

[model]
kind = "classification"
target = "price"
```
"""

LEAST: dict[str, Any] = {
    "name": "flats",
    "sources": {"raw": "data/raw/flats.csv"},
    "model": {"kind": "classification", "target": "price"},
}


def main() -> int:
    wanted = {PAGE: page(), SCHEMA: json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the reader says: run `make page`.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


def words() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the words of tables and keys by their paths, with the levels of a threshold for each signal."""
    found = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    keys: dict[str, dict[str, Any]] = {}
    for path, said in found["keys"].items():
        if path.startswith("monitor.*."):
            keys |= {path.replace("*", signal): {**said, "signal": signal} for signal in SIGNALS}
        else:
            keys[path] = said
    return {"tables": found["tables"], "keys": keys}


def example(path: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole document in which a key has its example as value."""
    document: dict[str, Any] = json.loads(json.dumps(LEAST))
    names = ["one", said.get("name", "one")] if path.count("*") > 1 else [said.get("name", "one")]
    at, parts = document, path.split(".")
    for place, part in enumerate(parts[:-1]):
        at = at.setdefault(names.pop(0) if part == "*" else part, {})
        if parts[: place + 1] == ["stack", "services", "*"]:
            at["kind"] = said.get("kind", "api")
            at |= {"do": "pull"} if at["kind"] == "data" else {}
        if parts[: place + 1] == ["commands", "*"]:
            at["cmd"] = "make"
    last = (names.pop(0) if parts[-1] == "*" else parts[-1]) if parts else ""
    if parts[0] == "stack" and parts[1] != "services":
        document["stack"].setdefault("services", {"one": {"kind": "api"}})
    if "after" in parts:
        document.get("stack", {}).get("services", {}).update({"db": {"kind": "postgres"}})
    at |= said.get("with", {})
    at[last] = tomllib.loads(f"it = {said['example']}")["it"]
    if path == "stack.layout":
        document["stack"]["layouts"] = {"small": {}}
    if path == "stack.layouts":
        document["stack"]["layout"] = "small"
    return document


def read(document: Mapping[str, Any], record: Record | None = None) -> None:
    """Read a document as a project's file is read, without the module beside it.

    Raises:
        ProjectError: a key or a value is wrong.
    """
    keys = Keys(document, FILE, record=record)
    keys.text("name")
    keys.text("pipeline", None)
    for name, reader in (
        ("sources", read_sources),
        ("model", read_model),
        ("monitor", read_monitor),
        ("api", read_api),
        ("commands", read_commands),
    ):
        reader(keys.table(name))
    artifacts = keys.table("artifacts")
    for name in artifacts.names():
        artifacts.path(name)
    keys.table("stack")
    keys.finish()
    read_stack(document.get("stack"), document["name"], {"train": None}, record=record)


def recorded() -> Record:
    """Return the forms of every key that the reader asks for, over the examples of all keys."""
    record: Record = {}
    for path, said in words()["keys"].items():
        read(example(path, said), record)
    # Of both tasks: they take other metrics, and other keys of the replay.
    read({**LEAST, "model": {"kind": "regression", "target": "y"}}, record)
    record["stack.layouts"] = [KeyForm({"type": "object"}, is_required=False, default={})]
    return record


def schema() -> dict[str, Any]:
    """Return the JSON Schema of slipway.toml."""
    record, said = recorded(), words()
    missing = {*record} - {*said["keys"], *said["tables"]}
    stray = {*said["keys"]} - {*record}
    if missing or stray:
        raise SystemExit(
            f"docs/configuration.toml lacks {sorted(missing)}, and has what no reader asks: {sorted(stray)}"
        )
    whole = _table("", record, said)
    layout = {"type": "object", "additionalProperties": {"$ref": "#/properties/stack"}}
    whole["properties"]["stack"]["properties"]["layouts"] |= layout
    # What the reader checks between keys, as far as a schema can say it.
    limits = whole["properties"]["model"]["properties"]["gate"]["additionalProperties"]
    limits["anyOf"] = [{"required": [name]} for name in ("min", "max", "max_drop")]
    limits["dependencies"] = {"doubt": ["max_drop"]}
    paths = {"propertyNames": {"pattern": "^/"}}
    whole["properties"]["api"]["properties"]["routes"] |= paths
    whole["properties"]["api"]["properties"]["aliases"] |= paths
    overlay = whole["properties"]["stack"]["properties"]["overlays"]["additionalProperties"]
    overlay["properties"]["services"]["additionalProperties"] = {"type": "object"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "slipway.toml", **whole}


def _table(path: str, record: Record, said: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object"}
    if path in said["tables"]:
        found["description"] = _plain(said["tables"][path]["about"])
    order = [*said["keys"], *said["tables"]]
    children = sorted((key for key in record if key and key.rpartition(".")[0] == path), key=order.index)
    properties = {key.rpartition(".")[2]: _form(key, record, said) for key in children}
    free = properties.pop("*", None)
    if properties:
        found["properties"] = properties
    found["additionalProperties"] = free if free is not None else False
    needed = [
        key.rpartition(".")[2]
        for key in children
        if all(form.is_required for form in record[key]) and "kind" not in said["keys"].get(key, {})
    ]
    if needed and "*" not in needed:
        found["required"] = needed
    return found


def _form(key: str, record: Record, said: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    forms: list[Mapping[str, Any]] = []
    for recorded_form in record[key]:
        for form in recorded_form.schema.get("anyOf", [recorded_form.schema]):
            is_table = form.get("type") == "object" and any(other.startswith(f"{key}.") for other in record)
            whole = _table(key, record, said) if is_table else dict(form)
            if whole not in forms:
                forms.append(whole)
    if {"type": ["string", "object"]} in forms:  # a source
        forms = [{"type": "string", "minLength": 1}, *(form for form in forms if form.get("type") == "object")]
        if len(forms) == 1:
            forms.append(_table(key, record, said))
    found: dict[str, Any] = dict(forms[0]) if len(forms) == 1 else {"anyOf": forms}
    about = said["keys"].get(key, said["tables"].get(key, {})).get("about")
    if about:
        found["description"] = _plain(about)
    default = _default(record[key])
    if default is not None and key in said["keys"] and "default" not in said["keys"][key]:
        found["default"] = default
    return found


def _default(forms: list[KeyForm]) -> Any:
    found = next((form.default for form in forms if form.default is not None), None)
    return list(found) if isinstance(found, tuple) else found


def page() -> str:
    """Return the page: a section a table, a row a key."""
    record, said = recorded(), words()
    lines = [OPENING]
    for path in said["tables"]:
        about = said["tables"][path]
        lines.append(f"## {_heading(path)}\n")
        see = f" More in [{about['see']}]({about['see']})." if "see" in about else ""
        lines.append(f"{about['about']}{see}\n")
        rows = list(_rows(path, record, said["keys"]))
        lines += ["| key | what it says | takes | default |", "|---|---|---|---|", *rows, ""] if rows else []
    lines.append(_closing())
    return "\n".join(lines)


def _closing() -> str:
    return """## The environment

`slipway.toml` says what a project is; where it runs is said by variables, which a stack sets by itself: see
[stack.md](stack.md) and [api.md](api.md). Settings of stages stand in `params.yaml`, and
`slipway run --set stage.key=value` changes one.
"""


def _rows(path: str, record: Record, said: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for key, words_of_key in said.items():
        if key.rpartition(".")[0] == path:
            name = key.rpartition(".")[2]
            cells = f"`{name}`" if name != "*" else "`NAME`", words_of_key["about"], _takes(words_of_key, record[key])
            yield _row(*cells, _shown(words_of_key, record[key]) if name != "*" else "")
    if path == "monitor":
        for level in ("alert", "critical"):
            key = f"monitor.psi.{level}"
            yield _row(
                f"`MEASURE.{level}`", said[key]["about"], _takes(said[key], record[key]), _shown(said[key], record[key])
            )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(said: Mapping[str, Any], forms: list[KeyForm]) -> str:
    if "default" in said:
        return str(said["default"])
    if all(form.is_required for form in forms):
        return "needed"
    default = _default(forms)
    return "none" if default is None or default in ([], {}) else f"`{json.dumps(default, ensure_ascii=False)}`"


def _takes(said: Mapping[str, Any], forms: list[KeyForm]) -> str:
    parts: dict[str, None] = {}
    speaks_for_itself = True
    for form in forms:
        for each in form.schema.get("anyOf", [form.schema]):
            parts.update(dict.fromkeys(_kind(each)))
            speaks_for_itself = speaks_for_itself and (each.get("type") == "boolean" or "enum" in each)
    return " or ".join(parts) + ("" if speaks_for_itself else f", such as `{said['example']}`")


def _kind(form: Mapping[str, Any]) -> list[str]:
    if "enum" in form:
        return [", ".join(f"`{json.dumps(value)}`" for value in form["enum"])]
    if "const" in form:
        return [f"`{json.dumps(form['const'])}`"]
    kinds = form.get("type", "any value")
    several: list[str] = [kinds] if isinstance(kinds, str) else kinds
    names = {"string": "a text", "number": "a number", "integer": "a whole number", "boolean": "`true` or `false`"}
    names |= {"array": "a list of texts", "object": "a table"}
    found = [names.get(kind, kind) for kind in several]
    if "items" in form and "enum" in form["items"]:
        found = [f"a list of {', '.join(form['items']['enum'])}"]
    if "minimum" in form and "maximum" in form:
        found = [f"{found[0]} from {form['minimum']:g} to {form['maximum']:g}"]
    elif "minimum" in form:
        found = [f"{found[0]}, at least {form['minimum']:g}"]
    elif "exclusiveMinimum" in form:
        up_to = f", up to {form['maximum']:g}" if "maximum" in form else ""
        found = [f"{found[0]} above {form['exclusiveMinimum']:g}{up_to}"]
    return found


def _heading(path: str) -> str:
    return f"`[{path.replace('*', 'NAME')}]`" if path else "The project"


def _plain(text: str) -> str:
    return text.replace("`", "")


if __name__ == "__main__":
    sys.exit(main())
