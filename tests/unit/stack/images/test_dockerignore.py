from slipway.stack.images.dockerignore import dockerignore


def _patterns(project):
    return [line for line in dockerignore(project).splitlines() if line and not line.startswith("#")]


def test_nothing_secret_reaches_a_build(project):
    assert {"secrets", ".env", ".env.*", ".git", ".dvc/config.local", "**/*.pem", "**/*.key"} <= {*_patterns(project)}


def test_what_a_build_needs_is_let_through_after_what_hides_it(project):
    found = _patterns(project)
    for needed in ("!docker/locks", "!docker/slim.sh", "!docker/*.whl"):
        assert found.index(needed) > found.index("docker/*")


def test_what_stages_make_is_made_again(shaped):
    assert {"data/raw/linear_data.parquet", "data/train.parquet", "models/model.skops"} <= {
        *_patterns(shaped("linear"))
    }


def test_sources_seed_a_volume_and_a_mounted_folder_has_them(shaped):
    assert "data/raw/fruit.csv" not in _patterns(shaped("parts"))
    assert "data/raw/listings.csv" in _patterns(shaped("housing"))
