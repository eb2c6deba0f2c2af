import re
from pathlib import PurePosixPath

import pytest

from slipway.errors import ProjectError
from slipway.project.facts import Input
from slipway.project.module import read_functions, read_stages

HEAD = "import polars as pl\nimport pandas\nfrom slipway import stage\n"


def stages(code, head=HEAD):
    return read_stages(head + code, PurePosixPath("pipeline.py"))


def test_a_stage_is_its_function():
    found = stages(
        "@stage(outputs=('train', 'test'), publish='splits', key=['n'])\n"
        "def split(table: pl.DataFrame, other: 'pandas.DataFrame', third, *, share: float = 0.2, names=('a', 'b')):\n"
        "    '''By content.'''\n"
    )["split"]
    assert (found.name, found.line, found.module) == ("split", 5, PurePosixPath("pipeline.py"))
    assert found.inputs == (
        Input("table", "polars.DataFrame"),
        Input("other", "pandas.DataFrame"),
        Input("third", None),
    )
    assert found.settings == {"share": 0.2, "names": ["a", "b"]}
    assert (found.outputs, found.publish, found.key) == (("train", "test"), "splits", ("n",))
    assert (found.doc, found.returns, found.online) == ("By content.", None, False)


@pytest.mark.parametrize(
    "head",
    [
        "import slipway\n@slipway.stage\n",
        "import slipway as s\n@s.stage\n",
        "from slipway import stage as step\n@step\n",
        "from slipway.stages import stage\n@stage()\n",
        "from slipway import stage\nimport functools\n@functools.cache\n@stage\n",
    ],
)
def test_the_mark_is_known_by_what_it_is_not_by_how_it_is_called(head):
    assert list(stages("def raw(): ...\n", head)) == ["raw"]


def test_another_librarys_stage_is_none_of_ours():
    assert stages("@stage\ndef raw(): ...\n", "from theatre import stage\n") == {}


def test_types_are_resolved_where_they_are_imported_for_types_alone():
    head = "from slipway import stage\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import polars as pl\n"
    assert (
        stages("@stage\ndef a(raw: 'pl.DataFrame') -> 'pl.DataFrame': ...\n", head)["a"].returns == "polars.DataFrame"
    )
    tried = "from slipway import stage\ntry:\n    import polars as pl\nexcept ImportError:\n    import pandas as pl\n"
    assert stages("@stage\ndef a(raw) -> pl.DataFrame: ...\n", tried)["a"].returns is not None


def test_each_output_has_its_own_type():
    code = "@stage(outputs=('a', 'b'))\ndef both(raw) -> tuple[pl.DataFrame, dict[str, float]]: ...\n"
    assert stages(code)["both"].returns_each == ("polars.DataFrame", "dict")
    assert stages(code.replace("tuple[pl.DataFrame, dict[str, float]]", "tuple[pl.DataFrame, ...]"))[
        "both"
    ].returns_each
    assert stages(code.replace("tuple[pl.DataFrame, dict[str, float]]", "'tuple[pl.DataFrame, dict]'"))[
        "both"
    ].returns_each == ("polars.DataFrame", "dict")


def test_functions_of_a_module_are_all_listed():
    assert read_functions("def a(): ...\nasync def b(): ...\nclass C:\n    def d(self): ...\n") == {"a", "b"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def broken(:\n", "pipeline.py:4: invalid syntax. Slipway reads stages from this file."),
        ("x = '\0'\n", "Slipway reads stages from this file."),
        ("@stage\ndef a(): ...\n@stage\ndef a(): ...\n", "pipeline.py:7: a second stage `a`; the first is in line 5."),
        ("@stage\ndef a(*rows): ...\n", "pipeline.py:5: stage `a` takes *args or **kwargs: each artifact"),
        ("@stage\ndef a(**rows): ...\n", "stage `a` takes *args or **kwargs"),
        (
            "@stage\ndef a(raw, seed=7): ...\n",
            "stage `a` gives a default to an artifact: put `*,` before what is a setting.",
        ),
        (
            "@stage\ndef a(raw, *, seed): ...\n",
            "stage `a`: setting `seed` needs a default, which stands in params.yaml.",
        ),
        (
            "@stage\ndef a(raw, *, seed=SEED): ...\n",
            "the default of `seed` is `SEED`: it is read without running the module",
        ),
        ("@stage\ndef a(raw, *, seed=b'7'): ...\n", "the default of `seed` is `b'7'`"),
        ("@stage\ndef a(raw, *, seed={[]: 1}): ...\n", "the default of `seed` is `{[]: 1}`"),
        ("@stage(True)\ndef a(raw): ...\n", "the options of @stage have names, such as @stage(online=True)."),
        ("@stage(onlin=True)\ndef a(raw): ...\n", "@stage has no option `onlin`. Did you mean `online`?"),
        ("@stage(online='yes')\ndef a(raw): ...\n", "option `online` is 'yes': expected True or False."),
        (
            "@stage(online=ONLINE)\ndef a(raw): ...\n",
            "option `online` is `ONLINE`: it is read without running the module",
        ),
        ("@stage(outputs='train')\ndef a(raw): ...\n", "option `outputs` is 'train': expected names in brackets"),
        ("@stage(publish='t', key='id')\ndef a(raw): ...\n", "option `key` is 'id': expected names in brackets"),
        ("@stage(publish=3)\ndef a(raw): ...\n", "option `publish` is 3: expected the name of a table."),
        ("@stage\nasync def a(raw): ...\n", "pipeline.py:5: stage `a` is async: write it as a plain `def`."),
        (
            "@stage\ndef a(raw) -> tuple[int, int]: ...\n",
            "stage `a` returns a tuple: name what it makes, such as @stage(outputs=",
        ),
    ],
)
def test_what_cannot_be_read_without_running_it_is_said_with_its_line(code, message):
    with pytest.raises(ProjectError, match=re.escape(message)):
        stages(code)


@pytest.mark.parametrize(
    "annotation",
    [
        "Table",
        "'Table'",
        "Again",
        "Annotated[pd.DataFrame, 'of listings']",
        "Optional[pd.DataFrame]",
        "typing.Optional[Table]",
    ],
)
def test_a_name_for_a_type_means_the_type(annotation):
    head = "import typing\nfrom typing import Annotated, Optional\nimport pandas as pd\nfrom slipway import stage\n"
    aliases = "Table = pd.DataFrame\nAgain: typing.TypeAlias = Table\n"
    found = read_stages(f"{head}{aliases}@stage\ndef a(raw: {annotation}): ...\n", PurePosixPath("p.py"))
    assert found["a"].inputs[0].annotation == "pandas.DataFrame"
