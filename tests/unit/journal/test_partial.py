import pytest

from slipway.journal.partial import measurable
from slipway.model.score import load_scorer

ROWS = [{"area": f"{area} m2", "rooms": area % 4, "street": "Main"} for area in range(30, 90)]


@pytest.fixture
def scorer(flats):
    return load_scorer(flats.store.open(flats.release(1)))


def without(*names):
    return [{name: value for name, value in row.items() if name not in names} for row in ROWS]


def test_whole_rows_are_measured_as_they_are(scorer):
    found = measurable(scorer, ROWS)
    assert (found.absent, found.unmeasured, found.sentence()) == ((), (), None)
    assert found.profile is scorer.bundle.profile
    assert found.features.equals(scorer.features(scorer.bundle.schema.table(ROWS)))


def test_a_column_that_no_feature_needs_may_be_absent(scorer):
    found = measurable(scorer, without("street"))
    assert (found.absent, found.unmeasured) == (("street",), ())
    assert found.sentence() == "The journal does not have `street`."
    assert found.features.equals(scorer.features(scorer.bundle.schema.table(ROWS)))
    assert found.raw.columns == ["area", "rooms"]
    counts = found.profile.count(found.features, ["cheap1"] * len(ROWS), found.raw)
    assert (counts.rows, set(counts.columns), set(counts.missing)) == (60, {"area", "rooms"}, {"area", "rooms"})


def test_a_feature_that_needs_an_absent_column_is_left_out_and_named(scorer):
    found = measurable(scorer, without("area"))
    assert (found.absent, found.unmeasured) == (("area",), ("area",))
    assert found.sentence() == "The journal does not have `area`, so `area` can't be measured."
    counts = found.profile.count(found.features, ["cheap1"] * len(ROWS), found.raw)
    assert set(counts.columns) == {"rooms"}
    assert counts.prediction.n == 60


def test_a_column_that_some_rows_lack_is_absent_from_all(scorer):
    found = measurable(scorer, [*without("rooms")[:10], *ROWS[10:]])
    assert (found.absent, found.unmeasured) == (("rooms",), ("rooms",))


def test_with_no_column_at_all_the_predictions_are_still_measured(scorer):
    found = measurable(scorer, [{} for _ in ROWS])
    assert found.unmeasured == ("area", "rooms")
    counts = found.profile.count(found.features, ["cheap1"] * len(ROWS), found.raw)
    assert (counts.rows, counts.columns, counts.prediction.n) == (60, {}, 60)
