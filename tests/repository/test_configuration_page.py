"""The reference of slipway.toml, for people and for editors, says what the reader takes."""

import json
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import jsonschema
import pytest

from slipway.errors import ProjectError
from slipway.new.write import new_project
from slipway.project.editor_schema import keep_schema

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "configuration_page.py"
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "src/slipway/project/slipway.schema.json").read_text()))

_spec = spec_from_file_location("configuration_page", SCRIPT)
configuration_page = module_from_spec(_spec)
_spec.loader.exec_module(configuration_page)
KEYS = configuration_page.words()["keys"]


def with_value(path, value):
    """A whole document in which the key has a value of the caller's."""
    said = {**KEYS[path], "example": json.dumps(value)}
    return configuration_page.example(path, said)


def reader_takes(document):
    try:
        configuration_page.read(document)
    except ProjectError:
        return False
    return True


def test_page_and_schema_are_those_of_the_reader():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", KEYS)
def test_the_example_of_each_key_is_taken_by_the_reader_and_by_the_schema(path):
    document = configuration_page.example(path, KEYS[path])
    configuration_page.read(document)
    SCHEMA.validate(document)


@pytest.mark.parametrize("path", [path for path in KEYS if path != "api.routes.*.example"])
def test_a_value_of_another_type_is_refused_by_the_reader_and_by_the_schema(path):
    document = with_value(path, [[1]])
    assert not reader_takes(document)
    assert not SCHEMA.is_valid(document)


@pytest.mark.parametrize("path", [path for path in KEYS if not path.endswith("*")])
def test_a_key_beside_it_that_is_not_known_is_refused_by_the_reader_and_by_the_schema(path):
    table, _, _ = path.rpartition(".")
    document = configuration_page.example(path, KEYS[path])
    at = document
    names = [KEYS[path].get("name", "one"), "one"] if path.count("*") == 1 else ["one", KEYS[path].get("name", "one")]
    for part in table.split(".") if table else []:
        at = at[names.pop(0) if part == "*" else part]
    at["no_such_key"] = 1
    assert not reader_takes(document)
    assert not SCHEMA.is_valid(document)


@pytest.mark.parametrize(
    ("table", "said", "taken"),
    [
        ("model", {"gate": {"accuracy": {}}}, False),
        ("model", {"gate": {"accuracy": {"doubt": 0.1}}}, False),
        ("model", {"gate": {"accuracy": {"max_drop": 0.1, "doubt": 0.1}}}, True),
        ("model", {"max_source_share": 0}, False),
        ("model", {"max_source_share": 1.5}, False),
        ("model", {"max_source_share": 1}, True),
        ("api", {"keep_days": 0}, False),
        ("api", {"keep_days": 0.5}, True),
        ("api", {"types": {"area": "text | nubmer"}}, False),
        ("api", {"types": {"area": "text |"}}, False),
        ("api", {"types": {"area": "number|text | null"}}, True),
        ("api", {"routes": {"score": {"request": "f"}}}, False),
        ("api", {"aliases": {"score": "/predict"}}, False),
        ("api", {"aliases": {"/score": "/predict"}}, True),
    ],
)
def test_bounds_and_keys_that_belong_together_are_the_same_in_an_editor(table, said, taken):
    document = {**configuration_page.LEAST}
    document[table] = {**document.get(table, {}), **said}
    assert (reader_takes(document), SCHEMA.is_valid(document)) == (taken, taken)


@pytest.mark.parametrize(
    "place", sorted((ROOT / "src/slipway/examples").glob("*/slipway.toml")), ids=lambda p: p.parent.name
)
def test_the_examples_begin_with_the_line_for_editors_and_keep_to_the_schema(place):
    text = place.read_text()
    assert text.startswith("#:schema .slipway/slipway.schema.json\n")
    SCHEMA.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("[model]\nkind = 'classification'\ntarget = 'y'\nqqq = 1", "slices"),
        ("[monitor]\nqqq = 1", "cool_down_minutes"),
        ("[model]\nkind = 'regression'\ntarget = 'y'\nreplay = { qqq = 1 }", "max_flipped"),
        ("[model]\nkind = 'classification'\ntarget = 'y'\ngate = { accuracy = { qqq = 1 } }", "doubt"),
        ("[api]\nqqq = 1", "journal"),
        ("[commands.train]\ncmd = 'make'\nwrites = ['m.skops']\nqqq = 1", "params"),
    ],
)
def test_an_unknown_key_is_answered_with_all_that_are_known_there(text, suggested):
    document = {**configuration_page.LEAST, **tomllib.loads(text)}
    with pytest.raises(ProjectError, match=rf"Known here: .*\b{suggested}\b"):
        configuration_page.read(document)


def test_a_project_has_a_copy_of_the_schema_which_a_run_brings_up_to_date(tmp_path):
    place = tmp_path / ".slipway/slipway.schema.json"
    keep_schema(tmp_path)
    assert jsonschema.Draft7Validator(json.loads(place.read_text())).schema == SCHEMA.schema
    place.write_text("{}")
    keep_schema(tmp_path)
    assert json.loads(place.read_text()) == SCHEMA.schema


def test_a_folder_that_cannot_be_written_keeps_nobody_from_anything(tmp_path):
    (tmp_path / ".slipway").write_text("a file")
    keep_schema(tmp_path)
    assert (tmp_path / ".slipway").read_text() == "a file"


def test_what_new_writes_keeps_to_the_schema(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("when,area,price\n" + "".join(f"2024-01-{d:02},{d}.5 m2,{d * 3}\n" for d in range(1, 29)) * 3)
    new_project(tmp_path / "mine", table, "price", with_git=False)
    text = (tmp_path / "mine/slipway.toml").read_text()
    assert text.startswith("#:schema .slipway/slipway.schema.json\n")
    assert (tmp_path / "mine/.slipway/slipway.schema.json").is_file()
    SCHEMA.validate(tomllib.loads(text))
