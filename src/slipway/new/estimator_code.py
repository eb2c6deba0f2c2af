"""Write the stages of a pipeline that train a model and measure it, as a person would have written them."""

from dataclasses import dataclass

from slipway.new.columns import Judged

_MANY = 10_000
"""From so many rows half as many trees of twice the rate are as good, in half the time."""
_MANY_TO_FOLD = 100_000
"""From so many rows three parts find a threshold as well as five."""
_QUICK_TREES = "trees: int = 50, learning_rate: float = 0.2"
_ONE_LINE = 80
"""Characters of parameters up to which a stage's first line is not wrapped."""
_MOST_ROWS = 1_000_000
"""Rows from which the model is written to learn; more hardly change boosted trees, and take their memory."""


@dataclass(frozen=True, slots=True)
class EstimatorChoice:
    """Which estimator is written, and how it comes to a class."""

    is_linear: bool = False
    """A linear model instead of boosted trees."""
    rare: str | None = None
    """The rarer of two classes, as a literal, where it is told from a threshold of its own; None for the likeliest."""


def estimator_imports(judged: Judged, choice: EstimatorChoice) -> list[str]:
    """The imports from scikit-learn of the stages written here."""
    measures = (
        ["accuracy_score", "f1_score"]
        if _is_class(judged)
        else ["mean_absolute_error", "r2_score", "root_mean_squared_error"]
    )
    selection = []
    if choice.rare is not None:
        measures = ["accuracy_score", "average_precision_score", "f1_score", "precision_recall_curve"]
        selection = ["FixedThresholdClassifier", "StratifiedKFold", "cross_val_predict"]
    has_categories, has_texts, has_numbers = _has(judged)
    scale = choice.is_linear and (has_numbers or has_texts)
    if choice.is_linear:
        preprocessing = ["OneHotEncoder"] * has_categories + ["StandardScaler"] * scale
    else:
        preprocessing = ["OrdinalEncoder"] * has_categories
    named = (
        ("compose", ["make_column_transformer"]),
        ("decomposition", ["TruncatedSVD"] * has_texts),
        ("ensemble", [_estimator(judged, choice)] * (not choice.is_linear)),
        ("feature_extraction.text", ["TfidfVectorizer"] * has_texts),
        ("impute", ["SimpleImputer"] * (choice.is_linear and has_numbers)),
        ("linear_model", [_estimator(judged, choice)] * choice.is_linear),
        ("metrics", measures),
        ("model_selection", selection),
        ("pipeline", ["Pipeline", "make_pipeline"]),
        ("preprocessing", preprocessing),
    )
    return [f"from sklearn.{module} import {', '.join(names)}" for module, names in named if names]


def model_stage(judged: Judged, leaf: int, choice: EstimatorChoice) -> str:
    """The stage that trains the model, with its helpers."""
    return (_linear if choice.is_linear else _boosted)(judged, leaf, choice)


def metrics_stage(judged: Judged, choice: EstimatorChoice) -> str:
    """The stage that measures the model on the test rows."""
    before = ""
    if _is_class(judged):
        doc = "How often the class is right, and how well each class is found."
        body = """        "accuracy": float(accuracy_score(truth, predicted)),
        "macro_f1": float(f1_score(truth, predicted, average="macro")),"""
        if choice.rare is not None:
            before = "\n    shares = model.predict_proba(test.drop(TARGET))[:, list(model.classes_).index(RARE)]"
            body += '\n        "average_precision": float(average_precision_score(truth == RARE, shares)),'
    else:
        doc = "How far the predictions are from the truth, and the share of its variance that they explain."
        body = """        "rmse": float(root_mean_squared_error(truth, predicted)),
        "mae": float(mean_absolute_error(truth, predicted)),
        "r2": float(r2_score(truth, predicted)),"""
    return f'''
@stage
def metrics(model: Pipeline, test: pl.DataFrame) -> dict[str, float]:
    """{doc}"""
    truth, predicted = test[TARGET].to_numpy(), model.predict(test.drop(TARGET)){before}
    return {{
{body}
    }}
'''


def _boosted(judged: Judged, leaf: int, choice: EstimatorChoice) -> str:
    doc = "Boosted trees, which take nulls as they are"
    has_categories, has_texts, has_numbers = _has(judged)
    encoder, native, parts = "", "", []
    if has_categories:
        doc += "; a category that training has not seen counts as one"
        encoder = """    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=250,  # the trees take 255 at most; the rarest share one
    )
"""
        native = "        categorical_features=list(range(len(CATEGORIES))),\n"
        parts.append("(encoder, CATEGORIES)")
    if has_texts:
        doc += "; words as a few numbers a text"
        parts.append("*((_words(seed), name) for name in TEXTS)")
    if has_numbers:
        parts.append('("passthrough", NUMBERS)')
    trees = "trees: int = 100, learning_rate: float = 0.1" if judged.rows < _MANY else _QUICK_TREES
    classifier = f"""    boosting = {_estimator(judged, choice)}(
        max_iter=trees,
        learning_rate=learning_rate,
        min_samples_leaf=leaf,
{native}        early_stopping=False,
        random_state=seed,
    )
    columns = make_column_transformer({", ".join(parts)})
"""
    return _stage_text(judged, choice, doc, f"{trees}, leaf: int = {leaf}", f"{encoder}{classifier}", "boosting")


def _linear(judged: Judged, leaf: int, choice: EstimatorChoice) -> str:
    doc = "A linear model, which did better here than boosted trees"
    has_categories, has_texts, has_numbers = _has(judged)
    lines, parts = [], []
    if has_categories:
        lines.append('    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100)')
        parts.append("(encoder, CATEGORIES)")
    if has_texts:
        doc += "; words as a few numbers a text"
        parts.append("*((make_pipeline(_words(seed), StandardScaler()), name) for name in TEXTS)")
    if has_numbers:
        doc += "; a missing number counts as the median"
        imputer = 'SimpleImputer(strategy="median", keep_empty_features=True)'
        lines.append(f"    scaled = make_pipeline({imputer}, StandardScaler())")
        parts.append("(scaled, NUMBERS)")
    strength = "C=1 / penalty, max_iter=1_000" if _is_class(judged) else "alpha=penalty"
    lines.append(f"    linear = {_estimator(judged, choice)}({strength})")
    lines.append(f"    columns = make_column_transformer({', '.join(parts)})")
    return _stage_text(judged, choice, doc, "penalty: float = 1.0", "\n".join(lines) + "\n", "linear")


def _stage_text(judged: Judged, choice: EstimatorChoice, doc: str, settings: str, body: str, final: str) -> str:
    """The stage around what makes `columns` and the final estimator."""
    has_texts, fewer = bool(judged.of("text")), ""
    if judged.rows > _MOST_ROWS:
        settings = f"rows: int = {_MOST_ROWS:_}, {settings}"
        fewer = "    train = train.sample(min(rows, train.height), seed=seed)\n"
    if choice.rare is not None:
        settings += f", folds: int = {3 if judged.rows >= _MANY_TO_FOLD else 5}"
        doc += ".\n\n    RARE is answered from a threshold on, which is found on rows that a model has not seen"
    needs_seed = not choice.is_linear or has_texts or choice.rare is not None or fewer
    settings += ", seed: int = 7" if needs_seed else ""
    taken = f"train: pl.DataFrame, *, {settings}"
    if len(taken) > 114:
        taken = "\n    train: pl.DataFrame,\n    *,\n    " + settings.replace(", ", ",\n    ") + ",\n"
    elif len(taken) > _ONE_LINE:
        taken = f"\n    {taken}\n"
    if choice.rare is None:
        end = f"    return make_pipeline(columns, {final}).fit(train.drop(TARGET), train[TARGET].to_numpy())\n"
    else:
        end = f"""    inputs, truth = train.drop(TARGET), train[TARGET].to_numpy()
    if len(set(truth)) == 2:
        threshold = _threshold(make_pipeline(columns, {final}), inputs, truth, folds, seed)
        {final} = FixedThresholdClassifier({final}, threshold=threshold, pos_label=RARE)
    return make_pipeline(columns, {final}).fit(inputs, truth)
"""
    closing = "\n    " if "\n" in doc else ""
    helpers = (_WORDS_HELPER if has_texts else "") + (_THRESHOLD_HELPER if choice.rare is not None else "")
    return f'''
@stage
def model({taken}) -> Pipeline:
    """{doc}.{closing}"""
{fewer}{body}{end}{helpers}'''


def _has(judged: Judged) -> tuple[bool, bool, bool]:
    """Whether there are categories, texts, numbers."""
    return bool(judged.of("category")), bool(judged.of("text")), bool(judged.of("number", "quantity", "date"))


def _is_class(judged: Judged) -> bool:
    return judged.target.kind == "classification"


def _estimator(judged: Judged, choice: EstimatorChoice) -> str:
    if choice.is_linear:
        return "LogisticRegression" if _is_class(judged) else "Ridge"
    return "HistGradientBoostingClassifier" if _is_class(judged) else "HistGradientBoostingRegressor"


_WORDS_HELPER = '''

def _words(seed: int) -> Pipeline:
    """A text as twenty numbers: its words, those that are in few texts counting more, pressed together."""
    words = TfidfVectorizer(token_pattern=r"\\b\\w+\\b", sublinear_tf=True, max_features=5_000)
    return make_pipeline(words, TruncatedSVD(20, random_state=seed))
'''

_THRESHOLD_HELPER = '''

def _threshold(model: Pipeline, inputs: pl.DataFrame, truth: np.ndarray, folds: int, seed: int) -> float:
    """The probability from which RARE is answered: where its F1 is best, on rows that the model has not seen.

    At a half hardly a row would be. A threshold has to find a quarter of RARE: what is ranked highest of all is luck.
    """
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    shares = cross_val_predict(model, inputs, truth, cv=parts, method="predict_proba")
    of_rare = shares[:, list(np.unique(truth)).index(RARE)]
    precision, recall, thresholds = precision_recall_curve(truth == RARE, of_rare)
    f1 = np.where(recall < 0.25, 0.0, 2 * precision * recall / np.maximum(precision + recall, 1e-12))
    return float(thresholds[f1[:-1].argmax()])
'''
