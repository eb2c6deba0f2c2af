import re

import pytest

from slipway.errors import ProjectError
from slipway.project import read_project

FETCHER = """
def players(*, season: str = "2018-19", pages: int = 3):
    ...
"""


def replaced(toml, source):
    return toml.replace('raw = "data/raw/fruit.csv"', f"raw = {source}")


def test_a_pattern_is_one_table_of_many_files(write, toml):
    source = read_project(write(replaced(toml, '"data/raw/parts/*.csv"'))).sources["raw"]
    assert (source.is_pattern, source.is_folder, source.is_snapshot) == (True, False, False)


def test_a_query_may_name_a_database_and_an_age(write, toml):
    text = replaced(toml, '{ sql = "select 1", database = "ORDERS_URL", max_age = "1.5h" }')
    source = read_project(write(text)).sources["raw"]
    assert (source.database, source.max_age, str(source.path)) == ("ORDERS_URL", 5400.0, "data/raw/raw.parquet")
    assert source.is_snapshot
    assert not source.is_asked_always


@pytest.mark.parametrize(("more", "is_asked"), [("", True), (', after = "fruit"', False), (', max_age = "7d"', False)])
def test_a_query_is_asked_on_every_run_unless_something_else_tells_when(write, toml, more, is_asked):
    source = read_project(write(replaced(toml, f'{{ sql = "select 1"{more} }}'))).sources["raw"]
    assert source.is_asked_always == is_asked


def test_a_url_without_a_password_may_stand_in_the_file(write, toml):
    url = "postgresql://ada@db.example:5432/shop?sslmode=require"
    source = read_project(write(replaced(toml, f'{{ sql = "select 1", database = "{url}" }}'))).sources["raw"]
    assert source.database == url


def test_a_fetcher_brings_its_settings(write, toml):
    project = read_project(write(replaced(toml, '{ fetch = "players" }'), code=FETCHER))
    assert project.sources["raw"].fetch.settings == {"season": "2018-19", "pages": 3}
    assert project.defaults["raw"] == {"season": "2018-19", "pages": 3}
    assert project.defaults["model"] == {"trees": 100}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{ sql = "select 1", fetch = "players" }', 'expected either sql = "select …" or fetch = "function"'),
        ('{ fetch = "players", after = "fruit" }', "after: belongs to a query (sql)"),
        ('{ fetch = "players", database = "URL" }', "database: belongs to a query (sql)"),
        ('{ fetch = "player" }', "fetch = 'player': not a function of pipeline.py. Did you mean `players`?"),
        ('{ fetch = "with_input" }', "takes `season`: it is called before any artifact is there. Put `*,` before"),
        ('{ fetch = "with_more" }', "takes `**…`"),
        ('{ fetch = "without_default" }', "has no default for `season`"),
        ('{ fetch = "later" }', "`later`, which fetches source `raw`, is async"),
        ('{ sql = "select 1", max_age = "soon" }', 'expected a time such as "90s", "30m", "1h", "7d" or "2w"'),
        ('{ sql = "select 1", max_age = "0h" }', "max_age = '0h': expected a time"),
        ('{ sql = "select 1", max_aeg = "1h" }', "max_aeg is not a key that Slipway knows. Did you mean `max_age`?"),
        (
            '{ sql = "select 1", database = "mysql://host/shop" }',
            "a URL of the kind `mysql`: expected one of sqlite:///",
        ),
        ('{ sql = "select 1", database = "postgresql://db:port/shop" }', "database: not a URL such as postgresql://"),
        ('{ sql = "select 1", database = "shop.db" }', "expected the name of an environment variable"),
        ('"https://example.org/*.csv"', "expected files of the project's folder"),
        ('"data/*/"', "expected files of the project's folder"),
    ],
)
def test_what_is_wrong_with_a_source_is_said(write, toml, source, message):
    code = FETCHER + (
        "def with_input(season): ...\ndef with_more(**settings): ...\ndef without_default(*, season): ...\n"
        "async def later(): ...\n"
    )
    with pytest.raises(ProjectError, match=re.escape(message)):
        read_project(write(replaced(toml, source), code=code))


@pytest.mark.parametrize("url", ["postgresql://ada:s3cret@db/shop", "postgresql://ada@db/shop?password=s3cret"])
def test_a_password_is_refused_and_not_repeated(write, toml, url):
    with pytest.raises(ProjectError, match=r'has a password in it.*name that: database = "DATABASE_URL"') as told:
        read_project(write(replaced(toml, f'{{ sql = "select 1", database = "{url}" }}')))
    assert "s3cret" not in str(told.value)
