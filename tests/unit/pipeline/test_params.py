import pytest

from slipway.errors import ProjectError
from slipway.pipeline.params import complete_params, read_params


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
