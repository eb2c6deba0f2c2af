"""A small reference and windows of it, drawn from the same rows unless a test changes them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from slipway.monitor.check import DriftReport, check
from slipway.profile.count import Profile, build_profile
from slipway.project import Monitor


def rows(many: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "area": rng.gamma(2.0, 50.0, many),
            "rooms": rng.integers(1, 6, many),
            "city": [f"city {i}" for i in rng.choice(4, many, p=[0.5, 0.3, 0.15, 0.05])],
            "street": [f"street {i}" for i in rng.zipf(1.5, many) % 800],
            "month": [f"2024-{i:02}" for i in rng.integers(1, 7, many)],
            "id": rng.permutation(10 * many)[:many],
        }
    )


def answers(many: int, seed: int) -> list[str]:
    return np.random.default_rng(seed).choice(["high", "low", "medium"], many, p=[0.2, 0.4, 0.4]).tolist()


@dataclass(frozen=True)
class Scene:
    """The reference, and what draws and checks windows of it."""

    profile: Profile

    def rows(self, many: int, seed: int) -> pl.DataFrame:
        return rows(many, seed)

    def answers(self, many: int, seed: int) -> list[str]:
        return answers(many, seed)

    def check(self, features: pl.DataFrame, predictions: list | None = None, **thresholds: object) -> DriftReport:
        predictions = answers(features.height, 77) if predictions is None else predictions
        return check(Monitor(**thresholds), self.profile, features, predictions, features)


@pytest.fixture(scope="session")
def scene() -> Scene:
    reference = rows(5_000, 1)
    return Scene(build_profile(reference, answers(5_000, 2), reference, kind="classification"))


@pytest.fixture
def window() -> pl.DataFrame:
    return rows(1_000, 3)
