from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from slipway.gate.against import _by_slices, _overall, against_production
from slipway.gate.compare import Answers
from slipway.gate.fair import Fair
from slipway.gate.quality import quality_of
from slipway.gate.schemas import same_requests
from slipway.model.score import load_scorer
from slipway.project import Model, Threshold


def compared(candidate, production, name="accuracy", limit=0.01, slices=(), **more):
    gate = {name: Threshold(max_drop=limit), **more}
    quality = quality_of(candidate, "classification")
    asked = Model("classification", "kind", gate=gate, slices=slices)
    return against_production(asked, quality, candidate, production, "nothing is live yet")


def test_rows_that_production_learnt_do_not_count_for_it(make_bundle, rows, good):
    """Production learnt half of the candidate's test rows by heart, and is good at them alone."""
    test = good.bundle.test_rows()
    known, new = test[:150], test[150:]
    production = load_scorer(make_bundle(known, rows(100, seed=9)))
    (told,) = compared(good, production)
    assert f"on {new.height} rows" in told.measured


def test_a_production_that_learnt_all_the_test_rows_cannot_be_compared_with(make_bundle, rows, good):
    test = good.bundle.test_rows()
    production = load_scorer(make_bundle(test[:-10], rows(100, seed=9)))
    (told,) = compared(good, production)
    assert told.outcome == "cannot tell"
    assert told.measured == "10 of 300 test rows are new to both and answered by production; 30 are needed"


def test_rows_that_are_recognised_whatever_their_order_and_their_types(make_bundle, rows, good):
    test = good.bundle.test_rows().reverse().select("kind", "age", "colour", "weight")
    production = load_scorer(make_bundle(test[:200], rows(100, seed=9).select(test.columns)))
    (told,) = compared(good, production)
    assert "on 100 rows" in told.measured


def test_where_it_is_not_known_what_a_model_learnt_nothing_is_compared(good, bad):
    manifest = replace(bad.bundle.manifest, untraced={"train": 12, "test": 0})
    blurred = replace(bad, bundle=replace(bad.bundle, manifest=manifest))
    (told,) = compared(good, blurred)
    assert told.outcome == "cannot tell"
    assert told.measured == "12 rows that production learnt from could not be traced back to `raw`"


@pytest.mark.parametrize("name", ["macro_f1", "log_loss", "auc"])
def test_other_metrics_are_compared_with_production_too(good, bad, name):
    (down,), (up,) = compared(bad, good, name), compared(good, bad, name)
    assert (down.outcome, up.outcome) == ("failed", "passed")


def test_a_drop_within_what_is_allowed_passes(good, bad):
    (told,) = compared(bad, good, limit=0.9)
    assert told.outcome == "passed"


def test_production_with_a_column_that_the_test_rows_lack_is_not_compared_with(good):
    schema = good.bundle.schema
    extra = replace(schema, columns=(*schema.columns, replace(schema.columns[0], name="length")))
    production = replace(good, bundle=replace(good.bundle, manifest=replace(good.bundle.manifest, schema=extra)))
    (told,) = compared(good, production)
    assert told.outcome == "cannot tell"
    assert told.measured == "production learnt from the column `length`, which they don't have"
    assert same_requests(schema, extra, "").measured == "`length` is refused now"


def test_a_small_share_of_productions_value_may_be_lost(good, bad):
    gate = {"log_loss": Threshold(max_drop=0.02, is_share=True)}
    asked = Model("classification", "kind", gate=gate, slices=())
    (told,) = against_production(asked, quality_of(bad, "classification"), bad, good, "")
    assert told.asked.startswith("at most 2 % above production's")
    assert told.outcome == "failed"


def test_without_production_nothing_is_compared_and_nobody_waits_for_that(good):
    (told,) = compared(good, None, slices=None)
    assert (told.measured, told.outcome, told.counts) == ("nothing is live yet", "cannot tell", False)


def answered(rng, towns, shares):
    """Answers to rows whose truth is "a", right with each town's share."""
    return Answers(np.where(rng.random(len(towns)) < [shares[town] for town in towns], "a", "b").tolist(), None)


def fair(towns, new, old, seed=1, **columns):
    rng = np.random.default_rng(seed)
    table = pl.DataFrame({"town": towns, **columns})
    return Fair(table, ["a"] * len(towns), answered(rng, towns, new), answered(rng, towns, old))


def test_a_slice_that_lost_is_found_where_the_whole_lost_little():
    rows = fair(["Ulm"] * 2700 + ["Bonn"] * 300, {"Ulm": 0.8, "Bonn": 0.5}, {"Ulm": 0.8, "Bonn": 0.8})
    asked = Threshold(max_drop=0.05)
    assert _overall("accuracy", asked, rows).outcome == "passed"
    (told,) = _by_slices({"accuracy": asked}, rows, ("town",))
    assert (told.check, told.outcome, told.counts) == ("accuracy by town", "failed", True)
    assert told.measured == "worse in 1 of 2, most in Bonn"
    assert told.uncertainty.startswith("the nearest to it, Bonn: ")
    assert "by Holm over 2" in told.uncertainty
    assert told.would_change == "a drop of 0.05 or less passes"


def test_all_slices_of_all_columns_and_metrics_are_one_family():
    rows = fair(["Ulm", "Bonn"] * 300, dict.fromkeys(["Ulm", "Bonn"], 0.8), dict.fromkeys(["Ulm", "Bonn"], 0.8),
                floor=[1, 2, 3] * 200)  # fmt: skip
    asked = {"accuracy": Threshold(max_drop=0.05), "macro_f1": Threshold(max_drop=0.05)}
    lines = _by_slices(asked, rows, ("town", "floor"))
    assert [told.check for told in lines] == [
        "accuracy by town", "macro_f1 by town", "accuracy by floor", "macro_f1 by floor",
    ]  # fmt: skip
    assert all("by Holm over 10" in told.uncertainty for told in lines)


def test_slices_with_few_rows_are_said_to_be_few_and_refuse_nobody(good, make_bundle, rows):
    test = rows(300, seed=2).with_columns(
        colour=pl.when(pl.int_range(300) < 10).then(pl.lit("blue")).otherwise("colour")
    )
    candidate, production = (load_scorer(make_bundle(rows(400, seed=s), test)) for s in (1, 5))
    _, told = compared(candidate, production, limit=0.1, slices=("colour",))
    assert (told.outcome, told.counts) == ("cannot tell", False)
    assert "1 with fewer than 30 rows" in told.measured


def test_of_equal_models_hardly_any_is_refused_for_a_slice():
    """Forty slices each, whose rows two equal models get right or wrong by chance."""
    towns = [str(i % 40) for i in range(3_000)]
    same = dict.fromkeys(towns, 0.8)
    tried = [
        _by_slices({"accuracy": Threshold(max_drop=0.0)}, fair(towns, same, same, i), ("town",)) for i in range(60)
    ]
    # 3 are expected at the most, and three standard deviations are 5.
    assert sum(told.outcome == "failed" for (told,) in tried) <= 8


def test_a_slice_by_a_column_that_no_request_has_says_so(good, bad):
    *_, told = compared(good, bad, slices=("color",))
    assert told.outcome == "failed"
    assert told.measured == "a request has no column `color`. Did you mean `colour`?"
