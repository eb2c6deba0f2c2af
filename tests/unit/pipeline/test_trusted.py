import subprocess
import sys

import pytest

from slipway.pipeline.trusted import is_estimator


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_estimator_that_skops_trusts_by_itself_is_trusted():
    code = (
        "import skops.io._trusted_types as whole\n"
        "from slipway.pipeline.trusted import is_estimator\n"
        "names = whole.SKLEARN_ESTIMATOR_TYPE_NAMES\n"
        "print(len(names) > 150, [name for name in names if not is_estimator(name)])"
    )
    assert in_a_fresh_process(code) == "True []"


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "sklearn.base.BaseEstimator",
        "sklearn.base.clone",
        "sklearn.utils._testing.MinimalClassifier",
        "sklearn.pipeline._BaseComposition",
        "sklearn.linear_model._base.LinearModel",  # abstract
        "sklearn.nowhere.Estimator",
        "sklearn.linear_model.LogisticRegression",  # a class by another name than its own
        "sklearnish.Estimator",
        "LogisticRegression",
    ],
)
def test_nothing_else_is(name):
    assert not is_estimator(name)


def test_skops_is_imported_without_the_rest_of_scikit_learn_and_leaves_it_as_it_was():
    code = (
        "import sys\n"
        "from slipway.pipeline.trusted import skops_io\n"
        "assert skops_io() is skops_io()\n"
        "from sklearn.utils import all_estimators\n"
        "print('sklearn.gaussian_process' in sys.modules, all_estimators.__module__, skops_io().__name__)"
    )
    assert in_a_fresh_process(code) == "False sklearn.utils.discovery skops.io"
