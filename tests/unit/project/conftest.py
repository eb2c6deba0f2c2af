"""A project in a folder, with what a test changes about it."""

from collections.abc import Callable
from pathlib import Path

import pytest

TOML = """
name = "fruit"
[sources]
raw = "data/raw/fruit.csv"
[model]
kind = "classification"
target = "kind"
"""

PIPELINE = '''
"""Fruit by weight."""
import polars as pl
from slipway import stage

@stage(online=True)
def fruit(raw: pl.DataFrame) -> pl.DataFrame:
    """Weights in grams."""
    return raw

@stage(outputs=("train", "test"))
def split(fruit: pl.DataFrame, *, test_share: float = 0.2, seed: int = 7):
    return fruit, fruit

@stage
def model(train: pl.DataFrame, *, trees: int = 100): ...

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]: ...

def helper(): ...
'''


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def writing(toml: str = TOML, pipeline: str = PIPELINE, *, more: str = "", code: str = "") -> Path:
        (tmp_path / "slipway.toml").write_text(toml + more)
        (tmp_path / "pipeline.py").write_text(pipeline + code)
        return tmp_path

    return writing


@pytest.fixture
def toml() -> str:
    return TOML


@pytest.fixture
def pipeline() -> str:
    return PIPELINE
