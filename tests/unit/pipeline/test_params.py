import pytest

from slipway.errors import ProjectError
from slipway.pipeline.params import complete_params, read_params
from slipway.project.yaml12 import load_yaml


def test_defaults_are_written_where_a_person_can_change_them(flats):
    assert complete_params(flats.project) == {"split": {"test_share": 0.25}, "model": {"leaves": 3}}
    assert (flats.root / "params.yaml").read_text() == "split:\n  test_share: 0.25\nmodel:\n  leaves: 3\n"


def test_reading_writes_nothing(flats):
    flats.write("params.yaml", "model:\n  leaves: 5\n")
    assert read_params(flats.project) == {"split": {"test_share": 0.25}, "model": {"leaves": 5}}
    assert (flats.root / "params.yaml").read_text() == "model:\n  leaves: 5\n"


def test_comments_stay_where_settings_are_put_in(flats):
    flats.write("params.yaml", "# ours\nother: 1\nmodel:  # the tree\n  # few\n  leaves: 5  # or 6\n\nsplit:\n")
    complete_params(flats.project, ["model.leaves=7"])
    assert (flats.root / "params.yaml").read_text() == (
        "# ours\nother: 1\nmodel:  # the tree\n  # few\n  leaves: 7  # or 6\n\nsplit:\n  test_share: 0.25\n"
    )


def test_a_file_in_another_style_keeps_its_values(flats):
    flats.write("params.yaml", "{model: {leaves: 5}, other: 1}\n")
    assert complete_params(flats.project)["model"] == {"leaves": 5}
    assert read_params(flats.project) == {"split": {"test_share": 0.25}, "model": {"leaves": 5}}
    assert "other: 1" in (flats.root / "params.yaml").read_text()


def test_a_small_number_as_people_write_it_is_a_number(flats):
    flats.write("params.yaml", "split:\n  test_share: 1e-3\n")
    assert read_params(flats.project)["split"] == {"test_share": 0.001}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle:\n  leaves: 3\n", "modle: no stage has this name. Did you mean `model`"),
        ("model:\n  leafs: 3\n", "model.leafs: stage `model` has no such setting. Did you mean `leaves`"),
        ("model:\n  leaves: many\n", "model.leaves = 'many': expected a value like 3"),
        ("model:\n  leaves: true\n", "model.leaves = True: expected a value like 3"),
        ("model: 3\n", "model = 3: expected its settings"),
        ("- 1\n", "expected the settings of each stage"),
        ("a: [\n", "not YAML"),
    ],
)
def test_what_is_wrong_is_named(flats, text, message):
    flats.write("params.yaml", text)
    with pytest.raises(ProjectError, match=r"params\.yaml") as refused:
        read_params(flats.project)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("leaves=3", "expected stage.setting=value"),
        ("model.leaves", "expected stage.setting=value"),
        ("modle.leaves=3", "no stage `modle` has settings. Did you mean `model`"),
        ("model.leafs=3", "has no setting `leafs`. Did you mean `leaves`"),
        ("model.leaves=many", "--set model.leaves = 'many': expected a value like 3"),
    ],
)
def test_a_setting_that_is_not_one_is_refused_and_nothing_is_written(flats, given, message):
    with pytest.raises(ProjectError) as refused:
        complete_params(flats.project, [given])
    assert message in str(refused.value)
    assert not (flats.root / "params.yaml").exists()


def test_nothing_after_the_equals_sign_is_not_taken_for_null(flats):
    with pytest.raises(ProjectError, match=r"--set model\.leaves=: expected a value"):
        complete_params(flats.project, ["model.leaves="])
    assert complete_params(flats.project, ["model.leaves=null"])["model"] == {"leaves": None}


ONE = "model:\n  leaves: 3\n  other: {}\n"


def with_other(flats, default):
    flats.edit("pipeline.py", "leaves: int = 3", f"leaves: int = 3, other={default}")


@pytest.mark.parametrize(
    ("default", "written", "meant", "rewritten"),
    [
        ("'a'", "1e5", "1e5", "'1e5'"),  # as Slipway wrote this text once
        ("'a'", "2024-01-01", "2024-01-01", "'2024-01-01'"),
        ("'a'", "0o7", "0o7", "'0o7'"),
        ("True", "off", False, "false"),
        ("0.5", "1e-3", 0.001, "1e-3"),
        ("3", "1:30", 90, "90"),
        ("None", "yes", "yes", "yes"),
        ("1.5", ".inf", float("inf"), ".inf"),
    ],
)
def test_a_setting_is_what_its_default_says_and_then_what_dvc_reads(flats, default, written, meant, rewritten):
    with_other(flats, default)
    flats.write("params.yaml", ONE.format(f"{written}  # kept"))
    assert complete_params(flats.project)["model"] == {"leaves": 3, "other": meant}
    text = (flats.root / "params.yaml").read_text()
    assert f"other: {rewritten}  # kept\n" in text
    assert load_yaml(text)["model"]["other"] == meant


@pytest.mark.parametrize(
    ("default", "given", "meant"),
    [
        ("'a'", "1e5", "1e5"), ("'a'", "true", "true"), ("'a'", "2024-01-01", "2024-01-01"), ("'a'", ".5", ".5"),
        ("'a'", "null", None), ("0.5", "-.inf", -float("inf")), ("None", "1e-3", 0.001), ("[1]", "[.inf, 'no']",
        [float("inf"), "no"]), ("None", "{0: 0.1, 1: .5}", {0: 0.1, 1: 0.5}),
    ],
)  # fmt: skip
def test_what_is_set_is_read_back_as_it_was_meant(flats, default, given, meant):
    with_other(flats, default)
    assert complete_params(flats.project, [f"model.other={given}"])["model"]["other"] == meant
    assert load_yaml((flats.root / "params.yaml").read_text())["model"]["other"] == meant
    assert read_params(flats.project)["model"]["other"] == meant


@pytest.mark.parametrize(
    ("default", "written", "said"),
    [
        (
            "None",
            "2024-01-01",
            "model.other is a date (2024-01-01), which DVC takes for no parameter: put it in quotes",
        ),
        ("[1]", "[2024-01-01 10:00:00]", "is a date (2024-01-01 10:00:00)"),
        ("None", "!!set {a}", "is of type set"),
        ("3", "010", "model.other is 8 to some readers of YAML and 10 to others"),
        ("3", "3\n  other: 4", "found the key 'other' twice"),
    ],
)
def test_what_dvc_ends_with_an_error_at_is_refused_with_its_place(flats, default, written, said):
    with_other(flats, default)
    flats.write("params.yaml", ONE.format(written))
    with pytest.raises(ProjectError, match=r"params\.yaml") as refused:
        read_params(flats.project)
    assert said in str(refused.value)
