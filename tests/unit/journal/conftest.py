import pytest

from slipway.records import Prediction, Truth, new_id
from slipway.settings import read_settings
from slipway.storage import open_storage


@pytest.fixture
def storage(tmp_path):
    opened = open_storage(read_settings(tmp_path, {"SLIPWAY_USER": "tester"}))
    yield opened
    opened.close()


@pytest.fixture
def journal(storage):
    return storage.journal


@pytest.fixture
def answer():
    """Makes a prediction; what the test does not care about has some value."""

    def make(key=None, *, at=1000.0, version=1, row=None, prediction="low", **more):
        return Prediction(key or new_id(), at, version, row or {"area": 100.5, "rooms": None}, prediction, **more)

    return make


@pytest.fixture
def truth():
    """Makes a truth."""

    def make(prediction_id, value, *, at=2000.0, key=None, is_correction=False):
        return Truth(key or new_id(), prediction_id, at, value, "test", is_correction)

    return make
