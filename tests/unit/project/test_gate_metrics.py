import pytest

from slipway.errors import ProjectError
from slipway.project import Model, Threshold
from slipway.project.gate_metrics import check_gate_metrics


def asked(root, name, kind="classification"):
    check_gate_metrics(root, Model(kind, "y", gate={name: Threshold(minimum=0.5)}))


@pytest.mark.parametrize(
    ("name", "kind", "meant"),
    [
        ("acuracy", "classification", "accuracy"),
        ("accuarcy", "classification", "accuracy"),
        ("Accuracy", "classification", "accuracy"),
        ("logloss", "classification", "log_loss"),
        ("log-loss", "classification", "log_loss"),
        ("f1_macro", "classification", "macro_f1"),
        ("macroF1", "classification", "macro_f1"),
        ("roc_auc", "classification", "auc"),
        ("AUC", "classification", "auc"),
        ("average_precison", "classification", "average_precision"),
        ("r2_score", "regression", "r2"),
        ("RMSE", "regression", "rmse"),
    ],
)
def test_a_slip_of_a_metrics_name_is_refused_with_the_one_that_was_meant(tmp_path, name, kind, meant):
    with pytest.raises(ProjectError, match=rf"\[model.gate\] {name}: it is not recomputed.*Did you mean `{meant}`\?"):
        asked(tmp_path, name, kind)


@pytest.mark.parametrize(("name", "kind"), [("rmse", "classification"), ("accuracy", "regression")])
def test_a_metric_of_another_kind_of_model_is_refused_with_those_of_this_one(tmp_path, name, kind):
    with pytest.raises(ProjectError, match=rf"{name}, which is no metric of a {kind}.*These are: "):
        asked(tmp_path, name, kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("accuracy", "classification"), ("kappa", "classification"), ("accuracy_5", "classification"),
        ("macro_f2", "classification"), ("top3_accuracy", "classification"), ("rmsle", "regression"),
        ("mape", "regression"), ("smape", "regression"), ("mse", "regression"), ("f1", "classification"),
    ],
)  # fmt: skip
def test_any_other_name_is_left_to_the_gate_which_sees_what_was_measured(tmp_path, name, kind):
    asked(tmp_path, name, kind)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pipeline.py", 'return {"logloss": 0.4}'),
        ("R/score.R", 'write_json(list(logloss = 0.4), "metrics.json")'),
        ("reports/metrics.json", '{"logloss": 0.4}'),
    ],
)
def test_a_name_that_the_project_gives_a_figure_of_its_own_is_no_slip(tmp_path, file, text):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / "slipway.toml").write_text("gate = { logloss = { max = 1 } }")
    with pytest.raises(ProjectError):
        asked(tmp_path, "logloss")
    (tmp_path / file).write_text(text)
    asked(tmp_path, "logloss")


@pytest.mark.parametrize(
    ("name", "kind", "least"),
    [("accuracy", "classification", 80), ("auc", "classification", 1.5), ("r2", "regression", 70)],
)
def test_a_least_value_that_no_model_reaches_is_refused_when_the_project_is_read(tmp_path, name, kind, least):
    with pytest.raises(ProjectError, match=rf"\[model.gate.{name}\] min = {least:g}: 1 is the best there is"):
        check_gate_metrics(tmp_path, Model(kind, "y", gate={name: Threshold(minimum=least)}))
    check_gate_metrics(tmp_path, Model(kind, "y", gate={name: Threshold(minimum=1.0)}))
    check_gate_metrics(tmp_path, Model("regression", "y", gate={"rmse": Threshold(maximum=80.0)}))
