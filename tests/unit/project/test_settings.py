from slipway.settings import read_settings


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
