"""The types that an estimator's file may hold beside those that skops trusts itself, each reviewed by hand.

Reviewed means: its constructor and `__setstate__` set fields and check them, and import, open and execute nothing. The
functions are pure ones of arrays. scikit-learn's losses and links and NumPy's arrays and universal functions are on
skops' own list, and its public estimators would be; what is here is what their fitted state holds besides.
"""

import importlib
import sys
from typing import Any

TRUSTED_TYPES = frozenset(
    {
        "collections.OrderedDict",
        # Calls only what it holds, which is judged by its own name.
        "functools.partial",
        "numpy.dtype",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        # Chooses columns by a pattern and by dtypes, when fitted.
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.RepeatedKFold",
        "sklearn.model_selection._split.RepeatedStratifiedKFold",
        "sklearn.model_selection._split.ShuffleSplit",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.StratifiedShuffleSplit",
        "sklearn.model_selection._split.TimeSeriesSplit",
        # Trees over arrays that the file holds; indices are checked against their number when a state is set.
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.validation.check_array",
        # The booster is its own text format, parsed by LightGBM.
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        # Likewise: a buffer in XGBoost's own format, parsed by XGBoost, and settings.
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
        "xgboost.sklearn.XGBRegressor",
    }
)

_NOT_PUBLIC = frozenset({"tests", "externals", "setup", "conftest", "experimental", "estimator_checks", "_testing"})


def skops_io() -> Any:
    """`skops.io`, without the list of every estimator that it makes by importing all of scikit-learn.

    That takes half a second and tens of megabytes in each process that loads a model; `is_estimator` says the same of
    the few that a file holds.
    """
    if "skops.io" in sys.modules:
        return sys.modules["skops.io"]
    import sklearn.utils

    walk = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = list
    try:
        return importlib.import_module("skops.io")
    finally:
        sklearn.utils.all_estimators = walk


def is_estimator(name: str) -> bool:
    """Whether a type is a public estimator of scikit-learn's, as those on skops' own list are."""
    module, _, type_name = name.rpartition(".")
    parts = module.split(".")
    if parts[0] != "sklearn" or type_name.startswith("_") or _NOT_PUBLIC & {*parts}:
        return False
    from sklearn.base import BaseEstimator

    try:
        found = getattr(importlib.import_module(module), type_name, None)
    except ImportError:
        return False
    is_one = isinstance(found, type) and issubclass(found, BaseEstimator) and found is not BaseEstimator
    return is_one and found.__module__ == module and not getattr(found, "__abstractmethods__", None)
