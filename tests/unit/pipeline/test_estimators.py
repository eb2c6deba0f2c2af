import importlib
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
import zipfile
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC, LinearSVC

from slipway.errors import BundleError, ProjectError
from slipway.pipeline.estimators import read_estimator, write_estimator

RNG = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "a": RNG.normal(size=120),
        "b": RNG.normal(size=120),
        "town": RNG.choice(["Ulm", "Bonn"], 120),
        "job": RNG.choice(["baker", "nurse", "cook"], 120),
    }
)
NUMBER = X["a"] * 2 + 1
LABEL = np.where(X["a"] + X["b"] > 0, "high", "low")
UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}


def piped(encoder, final):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(make_column_transformer((numbers, ["a", "b"]), (encoder, ["town", "job"])), final)


CASES = {
    "logistic": (lambda: piped(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()), LABEL),
    "forest": (lambda: piped(OrdinalEncoder(**UNKNOWN), RandomForestClassifier(5, random_state=1)), LABEL),
    "forest of numbers": (lambda: piped(OneHotEncoder(), RandomForestRegressor(5, random_state=1)), NUMBER),
    "boosting": (
        lambda: piped(
            TargetEncoder(cv=KFold(3, shuffle=True, random_state=1)),
            HistGradientBoostingClassifier(max_iter=5, random_state=1),
        ),
        LABEL,
    ),
    "boosting with categories": (
        lambda: piped(
            OrdinalEncoder(), HistGradientBoostingRegressor(max_iter=5, categorical_features=[2, 3], random_state=1)
        ),
        NUMBER,
    ),
    "gradient boosting": (
        lambda: piped(OneHotEncoder(), GradientBoostingClassifier(n_estimators=5, random_state=1)),
        LABEL,
    ),
    "ridge": (lambda: piped(OneHotEncoder(), Ridge()), NUMBER),
    "least squares": (lambda: piped(OneHotEncoder(), LinearRegression()), NUMBER),
    "neighbours": (lambda: piped(OneHotEncoder(), KNeighborsClassifier()), LABEL),
    "support vectors": (lambda: piped(OneHotEncoder(), SVC()), LABEL),
    "calibrated": (lambda: piped(OneHotEncoder(), CalibratedClassifierCV(LinearSVC(random_state=1))), LABEL),
    "perceptron": (lambda: piped(OneHotEncoder(), MLPRegressor(max_iter=300, tol=0.1, random_state=1)), NUMBER),
    "stack": (
        lambda: piped(
            OneHotEncoder(),
            StackingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(3, random_state=1))]),
        ),
        LABEL,
    ),
    "text": (
        lambda: make_pipeline(make_column_transformer((TfidfVectorizer(), "job")), LogisticRegression()),
        LABEL,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_estimator_comes_back_with_its_answers_and_gives_the_same_bytes_again(name, tmp_path):
    make, y = CASES[name]
    fitted = make().fit(X, y)
    write_estimator(fitted, tmp_path / "one")
    loaded = read_estimator(tmp_path / "one")
    write_estimator(loaded, tmp_path / "two")
    assert (loaded.predict(X) == fitted.predict(X)).all()
    write_estimator(make().fit(X, y), tmp_path / "three")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == (tmp_path / "three").read_bytes()


def test_another_process_gives_the_same_bytes(tmp_path):
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from slipway.pipeline.estimators import write_estimator
        forest = RandomForestClassifier(3, random_state=1)
        words = TfidfVectorizer(stop_words=["the", "of"])
        words.seen_ = {"red", "blue", "green", "black"}
        fitted = make_pipeline(words, forest).fit(["red car", "blue car", "a red bus", "the green bus"], list("abab"))
        write_estimator(fitted, Path(sys.argv[1]))
    """)
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], check=True, env=environment, timeout=120)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize(
    ("library", "name", "is_classifier"),
    [
        ("lightgbm", "LGBMClassifier", True),
        ("lightgbm", "LGBMRegressor", False),
        ("xgboost", "XGBClassifier", True),
        ("xgboost", "XGBRFClassifier", True),
        ("xgboost", "XGBRegressor", False),
        ("xgboost", "XGBRFRegressor", False),
    ],
)
def test_boosted_trees_of_other_libraries_come_back_with_their_answers(tmp_path, library, name, is_classifier):
    try:
        estimator = getattr(importlib.import_module(library), name)
    except OSError as error:  # LightGBM takes the system's OpenMP, which a bare machine may lack
        pytest.skip(f"{library} can't be loaded: {error}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of XGBoost 3.4, that its forests will go
        model = estimator(n_estimators=3, random_state=1, **({"verbose": -1} if library == "lightgbm" else {}))
    truth = np.unique(LABEL, return_inverse=True)[1] if is_classifier else NUMBER
    fitted = model.fit(X[["a", "b"]], truth)
    write_estimator(fitted, tmp_path / "model")
    assert (read_estimator(tmp_path / "model").predict(X[["a", "b"]]) == fitted.predict(X[["a", "b"]])).all()


def double(values):
    return values * 2


class Constant:
    def predict(self, table):
        return [1.0] * len(table)


def test_a_function_of_the_users_is_refused_by_name_with_the_remedy(tmp_path):
    fitted = make_pipeline(FunctionTransformer(double), Ridge()).fit(X[["a"]], NUMBER)
    with pytest.raises(
        ProjectError, match=r"holds `.*double`, which may execute code .* `pickle = true` under \[model\]"
    ):
        write_estimator(fitted, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_file_with_an_untrusted_type_is_refused_on_reading_too(tmp_path):
    import skops.io

    skops.io.dump(make_pipeline(FunctionTransformer(double), Ridge()).fit(X[["a"]], NUMBER), tmp_path / "model")
    with pytest.raises(BundleError, match=r"holds `.*double`, which Slipway does not trust: nothing was loaded"):
        read_estimator(tmp_path / "model")


def test_a_class_of_the_users_is_pickled_where_the_project_says_so(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(ProjectError, match="Constant"):
        write_estimator(Constant(), path)
    write_estimator(Constant(), path, allow_pickle=True)
    digest = sha256(path.read_bytes()).hexdigest()
    assert read_estimator(path, sha256=digest, allow_pickle=True).predict([1, 2]) == [1.0, 1.0]
    for refused in ({}, {"sha256": digest}, {"allow_pickle": True}):
        with pytest.raises(BundleError, match="is a pickle, which executes code"):
            read_estimator(path, **refused)


def test_a_pickle_carries_the_projects_own_classes(tmp_path):
    (tmp_path / "homemade.py").write_text(
        "class Model:\n    def predict(self, table):\n        return [7] * len(table)\n"
    )
    writing = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import homemade;"
        "from slipway.pipeline.estimators import write_estimator;"
        "write_estimator(homemade.Model(), Path(sys.argv[1]) / 'model', allow_pickle=True)"
    )
    subprocess.run([sys.executable, "-c", writing, str(tmp_path)], check=True, timeout=60)
    digest = sha256((tmp_path / "model").read_bytes()).hexdigest()
    assert read_estimator(tmp_path / "model", sha256=digest, allow_pickle=True).predict([0, 0]) == [7, 7]


def test_what_skops_can_hold_is_never_pickled(tmp_path):
    write_estimator(Ridge().fit(X[["a"]], NUMBER), tmp_path / "model", allow_pickle=True)
    assert zipfile.is_zipfile(tmp_path / "model")


def test_other_content_than_what_was_registered_is_not_loaded(tmp_path):
    path = tmp_path / "model"
    write_estimator(Ridge().fit(X[["a"]], NUMBER), path)
    with pytest.raises(BundleError, match=r"SHA-256 .*, expected 000000000000\): nothing of it was loaded"):
        read_estimator(path, sha256="0" * 64)


class Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


def test_a_foreign_pickle_is_never_executed(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    path = tmp_path / "model"
    for content in (pickle.dumps(Bomb()), b"slipway pickle 1\n" + pickle.dumps(Bomb())):
        path.write_bytes(content)
        with pytest.raises(BundleError):
            read_estimator(path, allow_pickle=True)
    assert not (tmp_path / "exploded").exists()


def test_a_damaged_file_says_that_it_cannot_be_loaded(tmp_path):
    (tmp_path / "model").write_bytes(b"PK nonsense")
    with pytest.raises(BundleError, match="the estimator can't be loaded here"):
        read_estimator(tmp_path / "model")
    with pytest.raises(BundleError, match="can't be read"):
        read_estimator(tmp_path / "nothing")


TRAINING = """
import sys
from pathlib import Path, PurePosixPath
import numpy as np
from slipway.code.user_module import user_module
from slipway.pipeline.estimators import write_estimator

root = Path(sys.argv[1])
with user_module(root, PurePosixPath("pipeline.py")) as load:
    module = load()
    write_estimator(module.fitted(), root / "model", allow_pickle=True)
sys.stdout.write(" ".join(sorted(name for name in sys.modules if name.startswith("fitting"))))
"""
LIBRARY = """
import numpy as np
from {name}.inner import double
class Scaled:
    def predict(self, table):
        return [double(row) for row in table]
"""
OWN = """
from fitting import Scaled
from helper import plus
class Model(Scaled):
    def predict(self, table):
        return [plus(value) for value in super().predict(table)]
def fitted():
    return Model()
"""


def library(folder):
    """A library as `pip install --target` puts it: its package, and the list of its files."""
    (folder / "fitting").mkdir(parents=True)
    (folder / "fitting/__init__.py").write_text(LIBRARY.format(name="fitting"))
    (folder / "fitting/inner.py").write_text(
        "LOCK = __import__('threading').Lock()\ndef double(x):\n    return x * 2\n"
    )
    (folder / "fitting-1.0.dist-info").mkdir()
    (folder / "fitting-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: fitting\nVersion: 1.0\n")
    (folder / "fitting-1.0.dist-info/RECORD").write_text("fitting/__init__.py,,\nfitting/inner.py,,\n")
    return folder


@pytest.mark.parametrize(
    ("place", "way"),
    [
        ("elsewhere/libs", "PYTHONPATH"),
        ("project/libs", "PYTHONPATH"),
        ("project", "PYTHONPATH"),
        ("other/lib/python3.11/site-packages", "a .pth file"),
    ],
)
def test_a_pickle_refers_to_libraries_wherever_they_lie(tmp_path, place, way):
    root = tmp_path / "project"
    root.mkdir()
    (root / "pipeline.py").write_text(OWN)
    (root / "helper.py").write_text("def plus(x):\n    return x + 1\n")
    folder = library(tmp_path / place)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    reading = [f"import sys; sys.path.insert(0, {str(folder)!r})"]
    if way != "PYTHONPATH":
        (tmp_path / "sites").mkdir()
        (tmp_path / "sites/libs.pth").write_text(f"{folder}\n")
        start = f"import site; site.addsitedir({str(tmp_path / 'sites')!r})\n"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    else:
        start = ""
    done = subprocess.run(
        [sys.executable, "-c", start + TRAINING, str(root)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "fitting.inner" in done.stdout  # a library's modules stay imported, a project's own do not
    content = (root / "model").read_bytes()
    assert b"fitting" in content
    assert b"LOCK" not in content  # by name, not by value
    digest = sha256(content).hexdigest()
    reading.append(
        "from pathlib import Path; from slipway.pipeline.estimators import read_estimator;"
        f"print(read_estimator(Path({str(root / 'model')!r}), sha256={digest!r}, allow_pickle=True).predict([1, 2]))"
    )
    # Without the project's folder, as a service has it; its own class and helper are in the file.
    read = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(reading)], capture_output=True, text=True, check=False, cwd="/"
    )
    assert read.stdout == "[3, 5]\n", read.stderr
