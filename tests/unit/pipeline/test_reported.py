import pytest

from slipway.errors import DataError
from slipway.pipeline.reported import reported_metrics


def read(folder, name, text):
    (folder / name).write_text(text)
    return reported_metrics(folder / name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", '{"f1": 0.5, "n": 3}'),
        ("m.json", '\ufeff{"f1": 0.5, "n": 3, "loss": NaN, "top": Infinity, "ok": true, "of": {"a": 1}, "no": null}'),
        ("m.yaml", "f1: 5e-1\nn: 3\nworst: .inf\nname: x\n"),
        ("m.yml", "{f1: .5, n: 3, none: .nan}"),
        ("m.toml", "f1 = 0.5\nn = 3\nloss = nan\n[of]\na = 1\n"),
        ("m", '{"f1": 0.5, "n": 3, "long": 1' + "0" * 400 + "}"),
    ],
)
def test_finite_numbers_by_name_are_read_in_each_format_and_others_left_aside(tmp_path, name, text):
    assert read(tmp_path, name, text) == {"f1": 0.5, "n": 3.0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", "[1, 2]"),
        ("m.json", "0.5"),
        ("m.json", '"x"'),
        ("m.json", "null"),
        ("m.yaml", "- 1\n"),
        ("m.yml", ""),
    ],
)
def test_a_file_without_names_has_no_numbers_by_name(tmp_path, name, text):
    assert read(tmp_path, name, text) == {}


@pytest.mark.parametrize(("name", "text"), [("m.json", ""), ("m.json", "{"), ("m.yaml", "a: ["), ("m.toml", "a: 1")])
def test_a_file_that_is_not_what_its_ending_says_is_refused_by_its_path(tmp_path, name, text):
    with pytest.raises(DataError, match=rf"{name}: its metrics can't be read: "):
        read(tmp_path, name, text)


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        reported_metrics(tmp_path / "gone.json")
