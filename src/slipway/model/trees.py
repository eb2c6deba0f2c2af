"""A fitted ensemble of scikit-learn's trees in, the same answers for a few rows in one call to its native code out.

Each of a hundred trees costs a call from Python that takes longer than the walk through it. So the trees are made into
one: above their roots stands a tree that chooses among them by their number, and a row is sent through once a tree.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

FEW_ROWS = 64
"""Up to here one call is faster; above it the library's own way, a call for each tree."""

BOOSTED = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")


class BoostedTrees:
    """A histogram gradient boosting that takes the matrix which its own preprocessing would make.

    It reads private parts of scikit-learn, so a caller has to hold its answers against the estimator's own first.
    """

    def __init__(self, estimator: Any) -> None:
        from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data

        self.estimator = estimator
        self._walk = _predict_from_raw_data
        self.trees = [tree for iteration in estimator._predictors for tree in iteration]
        self._a_row = int(estimator.n_trees_per_iteration_)
        self._baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(1, -1)
        known, places = estimator._bin_mapper.make_known_categories_bitsets()
        self._known, self._places = known, places
        self._more_places = np.append(places, np.zeros(1, dtype=places.dtype))
        self._nodes, self._bitsets = _joined(self.trees, number_at=places.size)
        self._numbers = np.arange(len(self.trees), dtype=np.float64)

    def predict_proba(self, matrix: Matrix) -> Matrix:
        shares: Matrix = self.estimator._loss.predict_proba(self._raw(matrix))
        return shares

    def predict(self, matrix: Matrix) -> NDArray[Any]:
        raw = self._raw(matrix)
        if not hasattr(self.estimator, "classes_"):
            answers: NDArray[Any] = self.estimator._loss.link.inverse(raw.ravel())
            return answers
        places = (raw.ravel() > 0).astype(int) if raw.shape[1] == 1 else np.argmax(raw, axis=1)
        labels: NDArray[Any] = self.estimator.classes_[places]
        return labels

    def _raw(self, matrix: Matrix) -> Matrix:
        rows, width = matrix.shape
        leaves = np.empty((rows, len(self.trees)))
        if rows <= FEW_ROWS:
            sent = np.empty((rows, len(self.trees), width + 1))
            sent[:, :, :width] = matrix[:, None, :]
            sent[:, :, width] = self._numbers
            flat = sent.reshape(-1, width + 1)
            self._walk(self._nodes, flat, self._bitsets, self._known, self._more_places, 1, leaves.reshape(-1))
        else:
            for number, tree in enumerate(self.trees):
                leaves[:, number] = tree.predict(matrix, self._known, self._places, 1)
        # One after the other, as the library adds them: another order differs in the last bits.
        by_tree = leaves.reshape(rows, -1, self._a_row)
        by_tree[:, 0, :] += self._baseline
        raw = np.add.accumulate(by_tree, axis=1)[:, -1, :]
        return np.asfortranarray(raw)


def _joined(trees: list[Any], number_at: int) -> tuple[NDArray[Any], NDArray[np.uint32]]:
    """The nodes of all trees as those of one, which begins with a choice by the column `number_at`."""
    above = len(trees) - 1
    top = np.zeros(above, dtype=trees[0].nodes.dtype)
    starts = above + np.cumsum([0, *(tree.nodes.size for tree in trees)])
    bits = np.cumsum([0, *(tree.raw_left_cat_bitsets.shape[0] for tree in trees)])
    taken = 0

    def choose(low: int, high: int) -> int:
        """The node that chooses among trees from low up to, not including, high."""
        nonlocal taken
        if high - low == 1:
            return int(starts[low])
        place, middle = taken, (low + high) // 2
        taken += 1
        top[place]["feature_idx"], top[place]["num_threshold"] = number_at, middle - 0.5
        top[place]["left"] = choose(low, middle)
        top[place]["right"] = choose(middle, high)
        return place

    choose(0, len(trees))
    moved = []
    for tree, start, bit in zip(trees, starts, bits, strict=False):
        nodes = tree.nodes.copy()
        nodes["left"] += np.uint32(start)
        nodes["right"] += np.uint32(start)
        nodes["bitset_idx"] += np.uint32(bit)
        moved.append(nodes)
    bitsets = np.concatenate([tree.raw_left_cat_bitsets for tree in trees])
    return np.concatenate([top, *moved]), np.ascontiguousarray(bitsets)
