import pytest

from slipway.errors import ProjectError
from slipway.project import Monitor
from slipway.project.keys import Keys
from slipway.project.monitor import read_monitor


def read(values):
    return read_monitor(Keys(values, "slipway.toml", "monitor"))


def test_nothing_said_gives_the_three_signals():
    assert read({}) == Monitor()
    assert Monitor().thresholds == {"psi": 0.25, "cardinality_ratio": 1.3, "prediction_drift": 0.15}


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
