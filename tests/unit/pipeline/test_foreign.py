import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from slipway.errors import BundleError, ProjectError, StageError
from slipway.pipeline.estimators import read_estimator
from slipway.pipeline.foreign import read_foreign
from slipway.pipeline.vouched import vouch
from slipway.project import read_project

X = np.arange(10.0).reshape(-1, 1)
LINE = LinearRegression().fit(X, 2 * X[:, 0] + 1)


@pytest.fixture
def made(tmp_path):
    """The project of a command that wrote its model so."""

    def write(file, dump, *, pickle=True):
        (tmp_path / "train.csv").write_text("x,y\n1,2\n")
        (tmp_path / "dvc.yaml").write_text(
            f"stages: {{t: {{cmd: x, deps: [train.csv], outs: [{file}]}}, s: {{cmd: y, outs: [test.csv]}}}}"
        )
        (tmp_path / "slipway.toml").write_text(
            'name = "x"\npipeline = "dvc.yaml"\n[model]\nkind = "regression"\ntarget = "y"\n'
            f"pickle = {str(pickle).lower()}\n"
        )
        project = read_project(tmp_path)
        dump(tmp_path / file)
        vouch(project, "t")
        return project

    return write


@pytest.mark.parametrize(
    ("file", "dump"),
    [
        ("model.joblib", lambda path: joblib.dump(LINE, path)),
        ("model.pkl", lambda path: joblib.dump(LINE, path, compress=3)),
        ("model.skops", lambda path: skops.io.dump(LINE, path)),
    ],
)
def test_what_people_write_is_read_and_kept_as_ours(made, tmp_path, file, dump):
    project = made(file, dump)
    assert read_foreign(project, "model", rewritten=tmp_path / "ours").predict([[5]]) == pytest.approx(11)
    assert read_estimator(tmp_path / "ours").predict([[5]]) == pytest.approx(11)  # by skops: no pickle is allowed here


def test_a_pickle_that_nobody_allows_is_refused_with_the_remedies(made):
    project = made("model.pkl", lambda path: joblib.dump(LINE, path), pickle=False)
    with pytest.raises(ProjectError, match=r'model\.pkl: the model is a pickle.*model\.skops"\).*`pickle = true`'):
        read_foreign(project, "model")
    assert read_foreign(made("model.skops", lambda path: skops.io.dump(LINE, path), pickle=False), "model")


class _Loud:
    def __reduce__(self):
        return print, ("loaded",)


def test_a_pickle_that_its_stage_did_not_make_is_not_loaded(made, tmp_path, capsys):
    project = made("model.pkl", lambda path: joblib.dump(LINE, path))
    joblib.dump(_Loud(), tmp_path / "model.pkl")
    with pytest.raises(BundleError, match=r"it is not the file that its stage made.*`slipway run --force t`"):
        read_foreign(project, "model")
    assert "loaded" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dump", "error", "said"),
    [
        (lambda path: joblib.dump({"a": 1}, path), StageError, "a dict is in it, which has no `predict`"),
        (lambda path: path.write_text("tree"), ProjectError, "no file of a model that Slipway reads"),
        (lambda path: path.write_bytes(b"\x80\x04broken"), BundleError, "can't be unpickled here"),
    ],
)
def test_what_is_no_model_is_named(made, dump, error, said):
    with pytest.raises(error, match=said):
        read_foreign(made("model.pkl", dump), "model")
