import os
from errno import EACCES, ENOSPC, EROFS

import pytest

from slipway.errors import OutsideError
from slipway.settings import not_writable, read_settings


def test_everything_is_embedded_unless_the_environment_says_otherwise(tmp_path):
    settings = read_settings(tmp_path, {})
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/project.db"
    assert settings.user
    places = [settings.state_db, settings.spool, settings.bundles, settings.locks]
    assert [place.relative_to(settings.root / ".slipway").as_posix() for place in places] == [
        "state.db",
        "spool",
        "bundles",
        "locks",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_environment_says_where_things_run(tmp_path):
    environment = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000",
        "SLIPWAY_DATABASE_URL": "sqlite:///db.sqlite",
        "SLIPWAY_USER": "ana",
    }
    settings = read_settings(tmp_path, environment)
    assert (settings.tracking_uri, settings.database_url, settings.user) == tuple(environment.values())


def test_an_empty_variable_is_none(tmp_path):
    assert read_settings(tmp_path, {"MLFLOW_TRACKING_URI": ""}).tracking_uri.startswith("sqlite:///")


def test_the_folder_is_an_absolute_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_settings(type(tmp_path)("."), {}).root == tmp_path


def test_a_password_comes_from_a_file_into_the_addresses_of_servers_and_is_never_shown(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("p@ss/word:1\n")
    settings = read_settings(
        tmp_path,
        {
            "SLIPWAY_DATABASE_URL": "postgresql://slipway@database:5432/flats?sslmode=prefer",
            "SLIPWAY_STATE_URL": "postgresql://slipway@database:5432/flats",
            "SLIPWAY_DATABASE_PASSWORD_FILE": str(secret),
        },
    )
    assert settings.database_url == "postgresql://slipway:p%40ss%2Fword%3A1@database:5432/flats?sslmode=prefer"
    assert settings.state_url == "postgresql://slipway:p%40ss%2Fword%3A1@database:5432/flats"
    assert "p%40ss" not in repr(settings)


@pytest.mark.parametrize("url", ["postgresql://ana:own@database/flats", "postgresql://database/flats?password=own"])
def test_an_address_with_a_password_keeps_it(tmp_path, url):
    given = {"SLIPWAY_DATABASE_URL": url, "SLIPWAY_DATABASE_PASSWORD_FILE": str(tmp_path / "none")}
    assert read_settings(tmp_path, given).database_url == url


def test_embedded_state_needs_no_password(tmp_path):
    settings = read_settings(tmp_path, {"SLIPWAY_DATABASE_PASSWORD_FILE": str(tmp_path / "none")})
    assert settings.state_url == f"sqlite:///{settings.state_db}"


@pytest.mark.parametrize(("content", "said"), [(None, r"can't be read \(No such file"), ("\n", "this secret is empty")])
def test_a_secret_that_is_not_there_is_named_with_its_remedy(tmp_path, content, said):
    secret = tmp_path / "password"
    if content is not None:
        secret.write_text(content)
    given = {"SLIPWAY_STATE_URL": "postgresql://database/flats", "SLIPWAY_DATABASE_PASSWORD_FILE": str(secret)}
    with pytest.raises(OutsideError, match=rf"{secret}: .*{said}.*slipway stack secrets"):
        read_settings(tmp_path, given)


def test_a_folder_that_can_t_be_written_to_is_told_with_its_owner_and_who_we_are(tmp_path):
    told = str(not_writable(tmp_path / "not" / "there", PermissionError(EACCES, "Permission denied")))
    assert told.startswith(f"{tmp_path}: user {os.getuid()} (group {os.getgid()}) may not write here: it is user")
    assert "SLIPWAY_UID" in told
    assert "mounted read-only" in str(not_writable(tmp_path, OSError(EROFS, "Read-only file system")))
    assert str(not_writable(tmp_path, OSError(ENOSPC, "No space left"))) == (
        f"{tmp_path}: can't be written to: No space left."
    )
