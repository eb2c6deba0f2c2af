import sys
import types
from pathlib import PurePosixPath

import pytest

from slipway.code.generated import module_text
from slipway.code.reach import reach
from slipway.errors import ProjectError

MODULE = PurePosixPath("pipeline.py")


def of(flats, *names):
    return reach(flats.root, MODULE, names)


def test_helpers_and_constants_are_followed_into_other_files(flats):
    reached = of(flats, "flats")
    assert set(reached.parts) == {"", "import `pl`", "helper `tidy.clean`", "import `tidy.pl`"}
    assert reached.modules == (MODULE, PurePosixPath("tidy.py"))
    assert set(reached.libraries) == {"polars"}


def test_a_parameter_named_as_a_stage_is_not_that_stage(flats):
    assert "helper `flats`" not in of(flats, "split").parts


def test_comments_and_formatting_do_not_count(flats):
    before = of(flats, "flats").digest
    flats.edit("tidy.py", "    return area.str", "    # in square metres\n    return  area.str")
    assert of(flats, "flats").digest == before


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        (r"(\d+)", r"(\d+) m", "helper `tidy.clean`"),
        ("def clean", "UNITS = 2\n\n\ndef clean", None),
        ('"price" in', '"cost" in', ""),
    ],
)
def test_what_changed_is_named(flats, old, new, part):
    before = of(flats, "flats").parts
    flats.edit("pipeline.py" if part == "" else "tidy.py", old, new)
    after = of(flats, "flats").parts
    assert [name for name in after if before.get(name) != after[name]] == ([part] if part is not None else [])


def test_a_constant_that_is_altered_later_counts_as_altered(flats):
    flats.edit("pipeline.py", "\n@stage(online=True)", "\nCOLUMNS.append('age')\n\n\n@stage(online=True)")
    assert "COLUMNS.append('age')" in module_text(of(flats, "model").definitions)


def test_an_import_inside_a_function_counts(flats):
    flats.edit("pipeline.py", "    tested = int", "    import numpy\n\n    tested = int")
    assert set(of(flats, "split").libraries) == {"numpy", "polars"}


def test_an_unknown_function_is_refused(flats):
    with pytest.raises(ProjectError, match=r"pipeline\.py: there is no `flat`.*Did you mean `flats`"):
        of(flats, "flat")


def run_text(text):
    module = types.ModuleType("generated")
    exec(compile(text, "generated.py", "exec"), module.__dict__)
    return module


def test_the_generated_module_stands_alone(flats):
    import polars as pl

    text = module_text(of(flats, "flats").definitions)
    assert "tidy" not in text
    assert "slipway" not in text
    assert "sklearn" not in text
    made = run_text(text).flats(pl.DataFrame({"area": ["60 m2"]}))
    assert made["area"].to_list() == [60]
    assert "tidy" not in sys.modules


def test_the_generated_module_resolves_every_way_to_import(flats):
    flats.write("units/__init__.py", "")
    flats.write("units/area.py", "from .factor import FACTOR as f\n\ndef scaled(x):\n    return x * f\n")
    flats.write("units/factor.py", "FACTOR = 2\nTABLE = {'a': 3}\n")
    flats.write(
        "pipeline.py",
        "import units.area\nimport units.factor as other\nfrom units import factor\n"
        "from units.area import scaled as s\n"
        "def go(x, factor_=1):\n"
        "    from units.factor import FACTOR\n"
        "    s_ = [other.FACTOR for other in []]\n"
        "    return units.area.scaled(x) + s(x) + factor.TABLE['a'] + other.TABLE.get('a') + FACTOR\n",
    )
    text = module_text(of(flats, "go").definitions)
    assert "import" not in text
    assert run_text(text).go(10) == 20 + 20 + 3 + 3 + 2


def test_two_definitions_of_one_name_cannot_share_a_module(flats):
    flats.write("tidy.py", "COLUMNS = 1\n\ndef clean(area):\n    return COLUMNS\n")
    flats.edit("pipeline.py", 'area=clean(raw["area"])', 'area=clean(raw["area"]), n=COLUMNS')
    reached = of(flats, "flats")
    with pytest.raises(ProjectError, match=r"`COLUMNS` is defined here and in `tidy`.*rename one"):
        module_text(reached.definitions)


def test_a_module_handed_on_as_a_whole_is_refused(flats):
    flats.edit("pipeline.py", "from tidy import clean", "import tidy")
    flats.edit("pipeline.py", 'clean(raw["area"])', 'getattr(tidy, "clean")(raw["area"])')
    reached = of(flats, "flats")
    assert "helper `tidy.clean`" in reached.parts
    with pytest.raises(ProjectError, match="`tidy` is used as a whole"):
        module_text(reached.definitions)
