import pytest

from slipway.errors import ProjectError
from slipway.project import Monitor
from slipway.project.keys import Keys
from slipway.project.monitor import read_monitor


def read(values):
    return read_monitor(Keys(values, "slipway.toml", "monitor"))


AT_FIRST = {"psi": 0.25, "cardinality_ratio": 1.3, "prediction_drift": 0.15}
TODAY = {
    **AT_FIRST, "missing": 0.02, "unreadable": 0.02, "unseen": 0.05, "out_of_range": 0.02, "spike": 0.1,
    "truth_drift": 0.03, "quality_drop": 0.1,
}  # fmt: skip


def test_nothing_said_gives_the_signals_of_today():
    assert read({}) == Monitor()
    assert Monitor().thresholds == TODAY
    assert not Monitor().critical


@pytest.mark.parametrize("values", [AT_FIRST, {"psi": 0.25}, {"signals_to_retrain": 3, "clocks": ["day"]}])
def test_a_file_as_it_was_written_at_first_gets_the_signals_of_today(values):
    assert read(values).thresholds == TODAY


@pytest.mark.parametrize(
    ("values", "thresholds"),
    [
        ({"psi": 5.0}, {**AT_FIRST, "psi": 5.0}),
        ({"psi": False, "cardinality_ratio": False}, {"prediction_drift": 0.15}),
        ({**AT_FIRST, "missing": 0.5}, {**AT_FIRST, "missing": 0.5}),
        ({"psi": {"alert": 0.25}}, AT_FIRST),
        ({"quality_drop": 0.3, "mean_shift": 1.0}, {**AT_FIRST, "quality_drop": 0.3, "mean_shift": 1.0}),
    ],
)
def test_thresholds_that_were_set_by_hand_before_there_were_more_are_all_that_alarm(values, thresholds):
    assert read(values).thresholds == thresholds


def test_a_file_of_today_gets_the_signals_of_today_whatever_it_sets():
    assert read({"psi": 0.4, "spike": 0.2}).thresholds == {**TODAY, "psi": 0.4, "spike": 0.2}
    assert read({"missing": False, "truth_drift": 0.03}).thresholds == {
        k: v for k, v in TODAY.items() if k != "missing"
    }


def test_two_levels_stand_beside_plain_thresholds():
    found = read({"psi": {"alert": 0.2, "critical": 0.5}, "ks": 0.1, "quality_drop": {"alert": 0.05}})
    assert (found.psi, found.ks, found.quality_drop) == (0.2, 0.1, 0.05)
    assert found.critical == {"psi": 0.5}


def test_false_switches_a_signal_off():
    assert read({"prediction_drift": False}).thresholds == {"psi": 0.25, "cardinality_ratio": 1.3}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"psi": {"alert": 0.5, "critical": 0.2}}, "[monitor] psi = .*: expected a critical level above the alert"),
        ({"psi": {"critical": 0.2}}, "[monitor.psi] alert is missing: expected a number"),
        ({"psi": {"alert": 0.2, "crit": 0.5}}, "[monitor.psi] crit is not a key that Slipway knows"),
        ({"bins": "equal width"}, "[monitor] bins = 'equal width': expected one of deciles, equal-width."),
        ({"webhook": "chat.example.com"}, "[monitor] webhook = 'chat.example.com': expected an address such as"),
        ({"vanished": 0.1}, "[monitor] vanished is not a key that Slipway knows. Did you mean `vanished_share`?"),
    ],
)
def test_what_is_no_threshold_is_refused_with_its_place(values, told):
    with pytest.raises(ProjectError, match=told.replace("[", r"\[").replace("?", r"\?")):
        read(values)
