"""Refuse a gate on a metric that nobody measures, where that is plain before anything has run."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.errors import ProjectError
from slipway.project.facts import FILE, LOWER_IS_BETTER, METRICS, Model, Threshold

_SHORTEST = 6
"""Of shorter names, such as `rmsle` beside `rmse`, one letter more is another metric."""
_MOST_FILES, _MOST_BYTES = 3_000, 1_000_000
_PASSED_OVER = frozenset({"data", "mlruns", "node_modules", "__pycache__", "venv"})


def check_gate_metrics(root: Path, model: Model) -> None:
    """Refuse a key of `[model] gate` that is all but the name of a metric that is recomputed, or one of another kind.

    A name that any file of the project has may be a figure of its own, so it is left to the gate, which sees what the
    metrics stage gave.

    Raises:
        ProjectError: with the name that was meant; or a least value is beyond what there is.
    """
    for name, threshold in model.gate.items():
        _check_reach(name, threshold, model)
        meant = _meant(name, model)
        if meant is None or _is_named(root, name):
            continue
        other = "" if meant in METRICS[model.kind] else f", which is no metric of a {model.kind}"
        hint = f" Did you mean `{meant}`?" if not other else f" These are: {', '.join(METRICS[model.kind])}."
        raise ProjectError(
            f"{FILE}: [model.gate] {name}{other}: it is not recomputed, and no file of the project names it.{hint} A "
            "figure of the project's own goes by the name that its metrics stage gives it."
        )


def _check_reach(name: str, threshold: Threshold, model: Model) -> None:
    """Refuse a least value that no model reaches: 80 where 0.8 is meant."""
    is_share = name in METRICS[model.kind] and name not in LOWER_IS_BETTER
    if is_share and threshold.minimum is not None and threshold.minimum > 1:
        raise ProjectError(
            f"{FILE}: [model.gate.{name}] min = {threshold.minimum:g}: 1 is the best there is, so that no model would "
            "pass. 80 % is written 0.8."
        )


def _meant(name: str, model: Model) -> str | None:
    """The metric that a name is all but the name of; None for a known one, and for any other name."""
    if name in METRICS[model.kind]:
        return None
    every = [metric for metrics in METRICS.values() for metric in metrics]
    if name in every:
        return name
    for metric in METRICS[model.kind]:
        if _plain(name) == _plain(metric):
            return metric
        if min(len(name), len(metric)) >= _SHORTEST and _is_one_slip(name.casefold(), metric):
            return metric
    return None


def _plain(name: str) -> str:
    """The words of a name whatever their order, case and marks; `score` says nothing."""
    words = re.findall(r"[a-z]+\d*|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())
    parts = [word for word in words if word not in ("score", "roc")]
    return "".join(sorted("".join(parts)))


def _is_one_slip(name: str, metric: str) -> bool:
    """Whether one letter is missing, too much, another, or two beside each other are swapped; digits are no slips."""
    if re.sub(r"\D", "", name) != re.sub(r"\D", "", metric):
        return False
    start = _common(name, metric)
    end = _common(name[start:][::-1], metric[start:][::-1])
    ours, theirs = name[start : len(name) - end], metric[start : len(metric) - end]
    return max(len(ours), len(theirs)) <= 1 or (len(ours) == 2 and ours == theirs[::-1])


def _common(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _is_named(root: Path, name: str) -> bool:
    pattern = re.compile(rf"(?<![\w]){re.escape(name)}(?![\w])".encode())
    return any(pattern.search(content) is not None for content in _texts(root))


def _texts(root: Path) -> Iterator[bytes]:
    """The content of the project's own files, but slipway.toml itself; what is not small is no code."""
    seen = 0
    for folder, folders, files in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith(".") and each not in _PASSED_OVER]
        for file in files:
            path = Path(folder, file)
            if path == root / FILE or seen >= _MOST_FILES:
                continue
            seen += 1
            try:
                if path.stat().st_size <= _MOST_BYTES:
                    yield path.read_bytes()
            except OSError:
                continue
