from pathlib import PurePosixPath

import pytest

from slipway.code.reach import reach
from slipway.code.shadowing import means_library
from slipway.code.user_module import user_module

INNOCENT = '"""Kinds of flats."""\n\nVALUE = 1\n'


@pytest.fixture
def project(tmp_path):
    def written(pipeline, **others):
        (tmp_path / "pipeline.py").write_text(pipeline)
        for name, text in others.items():
            file = tmp_path / f"{name}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        return tmp_path

    return written


@pytest.mark.parametrize(
    ("code", "name", "own", "is_library"),
    [
        ("from typing import TypedDict\n", "typing", INNOCENT, True),
        ("import polars as pl\nX = pl.DataFrame\n", "polars", INNOCENT, True),
        ("def f():\n    import numpy\n    return numpy.zeros(3)\n", "numpy", INNOCENT, True),
        ("from sklearn.compose import make_column_transformer\n", "sklearn", INNOCENT, True),
        ("import sklearn.compose as c\n", "sklearn", INNOCENT, True),
        ("from typing import VALUE, TypedDict\n", "typing", INNOCENT, False),
        ("import calendar\nX = calendar.holidays()\n", "calendar", "def holidays():\n    return []\n", False),
        ("from queue import *\n", "queue", INNOCENT, False),
        ("from queue import Queue\n", "queue", "from helpers import *\n", False),
        ("import importlib\nX = importlib.import_module('queue')\n", "queue", INNOCENT, False),
        ("from helpers import clean\n", "helpers", INNOCENT, False),
    ],
)
def test_the_own_file_is_meant_unless_the_code_takes_only_what_it_does_not_define(project, code, name, own, is_library):
    assert means_library(name, [project(code, **{name: own})]) is is_library


def test_a_package_is_meant_where_it_has_the_module_that_is_imported(project):
    code = "from yaml.flats import read\n"
    assert means_library("yaml", [project(code, **{"yaml/__init__": "", "yaml/flats": "def read(): ...\n"})]) is False
    assert means_library("yaml", [project("import yaml\nX = yaml.safe_load('1')\n")]) is True


@pytest.mark.parametrize("name", ["typing", "polars", "graphlib"])
def test_a_stage_beside_a_module_of_that_name_runs_and_reaches_the_library(project, name):
    taken = {"typing": "TypedDict", "polars": "DataFrame", "graphlib": "TopologicalSorter"}[name]
    root = project(f"import {name}\n\n\ndef stage():\n    return {name}.{taken}\n", **{name: INNOCENT})
    with user_module(root, PurePosixPath("pipeline.py")) as load:
        assert load().stage().__name__ == taken
    reached = reach(root, PurePosixPath("pipeline.py"), ["stage"])
    assert reached.modules == (PurePosixPath("pipeline.py"),)
