"""A project small enough to be released and served a hundred times in a test: flats, cheap or dear by their area."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import backends
import postgres
from chromium import CHROMIUM, Chromium
from released import copy_released

# Shared cores make any draw slow now and then, which says nothing of the code; in CI the same examples are tried each
# time, so that a failure is the change's.
settings.register_profile(
    "here", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
# pytest --hypothesis-profile deep: fifty times as many examples, for a night.
settings.register_profile("deep", settings.get_profile("here"), max_examples=5000, derandomize=False)
settings.load_profile("here")

LONGEST_FIRST = ("stack", "faults", "flow", "examples", "states")
"""Folders in the order in which they begin, before all others, so that nothing long is left for the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.relative_to(Path(__file__).parent).parts[0], len(order)))


TOML = """
name = "flats"
[sources]
raw = "data/raw/flats.csv"
[model]
kind = "classification"
target = "price"
[api.routes]
"/price" = { request = "from_document", response = "to_document", invalid_status = 400 }
"/predict_area" = { request = "from_area" }
"""

STAGES = '''
import polars as pl
from slipway.errors import BadRequest


def flats(raw: pl.DataFrame) -> pl.DataFrame:
    """Areas as numbers."""
    if (raw["street"] == "nowhere").any():
        raise ValueError("there is no street `nowhere`")
    return raw.select(pl.col("area").str.strip_suffix(" m2").cast(pl.Float64), pl.col("rooms").fill_null(0))


def from_document(body: dict) -> list:
    """The area of a flat in a document."""
    if "flat" not in body:
        raise BadRequest("Say which flat.")
    return {"area": body["flat"]["area"], "rooms": None, "street": body["flat"].get("street", "Main")}


def to_document(rows: list, predictions: list, model: object) -> dict[str, str]:
    if rows[0]["street"] == "Broken":
        raise RuntimeError("the response function is broken")
    return {"price": predictions[0].prediction, "by": f"{model.name} {model.version} {model.classes}"}


def from_area(body):
    return [{"area": area, "rooms": 2, "street": "Main"} for area in body["areas"]]


def from_samples(body):
    """Several flats."""
    if not isinstance(body, dict) or "samples" not in body:
        raise BadRequest("Send samples.")
    return [BadRequest("no rooms") if row == {} else row for row in body["samples"]]


def to_samples(rows, predictions, model):
    failed = sum(answer.error is not None for answer in predictions)
    told = [answer.prediction if answer.error is None else answer.error for answer in predictions]
    return {"predictions": told, "total_samples": len(rows), "successful": len(rows) - failed, "failed": failed}


def health(model, health) -> dict[str, str]:
    """How it is."""
    return {"status": "healthy" if health["ready"] else "ill", "model": model.estimator, "version": model.version}


def broken(model, health):
    raise RuntimeError("the secret of the function")
'''

PIPELINE = '''
from slipway import stage
import polars as pl
from sklearn.tree import DecisionTreeClassifier

@stage(online=True)
def flats(raw: pl.DataFrame) -> pl.DataFrame:
    """Areas as numbers."""

@stage(outputs=("train", "test"))
def split(flats: pl.DataFrame): ...

@stage
def model(train: pl.DataFrame): ...

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]: ...

def from_document(body): ...
def to_document(rows, predictions, model): ...
def from_area(body): ...
'''


class Flats:
    """The project on disk, with as many released versions as a test wants. Version n answers in labels of its own."""

    def __init__(self, root: Path) -> None:
        from slipway.model.readings import Readings
        from slipway.model.store import BundleStore
        from slipway.project import read_project
        from slipway.settings import read_settings
        from slipway.storage import open_storage

        (root / "data/raw").mkdir(parents=True)
        (root / "slipway.toml").write_text(TOML)
        (root / "pipeline.py").write_text(PIPELINE)
        self.root = root
        self.project = read_project(root)
        self.settings = read_settings(root, {"SLIPWAY_USER": "tester"})
        self.storage = open_storage(self.settings)
        self.store = BundleStore(self.settings.bundles)
        self.row = {"area": "50 m2", "rooms": 2, "street": "Main"}
        self.stages = STAGES
        """The source of the module that its bundles carry."""
        self.readings = Readings()
        """What its bundles record of values that a stage may lose."""

    def release(self, version: int, *, is_broken: bool = False) -> str:
        """Make a version and put it live; its bundle's SHA-256. A broken one expects answers that it does not give."""
        from slipway.release.ledger import record

        sha256 = self.store.put(self._bundle(version, is_broken).folder)
        for action in ("candidate", "passed", "released"):
            record(self.storage.ledger, action, version, bundle=sha256, by="tester", why=f"v{version}")
        return sha256

    def labels(self, version: int) -> tuple[str, str]:
        """What this version calls cheap and dear."""
        return f"cheap{version}", f"dear{version}"

    def _bundle(self, version, is_broken):
        import numpy as np
        import polars as pl
        from sklearn.tree import DecisionTreeClassifier

        from slipway.model.bundle import Evidence, draft_bundle, write_bundle
        from slipway.model.frames import typing_of
        from slipway.model.manifest import Manifest, OnlineStage, StageInput
        from slipway.model.rows import row_hashes
        from slipway.model.schema import Schema
        from slipway.pipeline.estimators import write_estimator
        from slipway.profile.count import build_profile

        cheap, dear = self.labels(version)
        areas = np.linspace(20, 200, 60).round(1)
        raw = pl.DataFrame(
            {
                "area": [f"{area} m2" for area in areas],
                "rooms": [None if n % 9 == 0 else n % 5 for n in range(60)],
                "street": ["Main", "Side"] * 30,
            }
        )
        features = pl.DataFrame({"area": areas, "rooms": raw["rooms"].fill_null(0)})
        target = [cheap if area < 100 else dear for area in areas]
        tree = DecisionTreeClassifier(max_depth=2, random_state=1).fit(features.to_numpy(), target)
        labelled = raw.with_columns(pl.Series("price", target))
        folder = self.root / "built" / str(version)
        folder.mkdir(parents=True)
        write_estimator(tree, folder / "tree.skops")
        rows = [{"area": "50 m2", "rooms": None, "street": "Unseen"}, {"area": "150 m2", "rooms": 3, "street": "Main"}]
        right = [
            {"prediction": label, "probabilities": {cheap: float(label == cheap), dear: float(label == dear)}}
            for label in ((dear, cheap) if is_broken else (cheap, dear))
        ]
        manifest = Manifest(
            name="flats",
            kind="classification",
            target="price",
            classes=(cheap, dear),
            start="raw",
            stages=(
                OnlineStage(
                    "flats",
                    (StageInput("raw", "polars.DataFrame", None),),
                    {},
                    typing_of(raw, "polars.DataFrame"),
                    typing_of(features),
                ),
            ),
            features=typing_of(features),
            annotation=None,
            as_array=True,
            schema=Schema.infer(raw, {}),
            routes=self.project.api.routes,
            libraries={"scikit-learn": "1"},
            reported={"accuracy": 0.9},
            untraced={},
            allows_pickle=False,
            readings=self.readings,
        )
        evidence = Evidence(
            profile=build_profile(features, target, raw, kind="classification"),
            examples=rows,
            answers=right,
            trained_rows=row_hashes(labelled),
            test_rows=labelled.head(20),
            sample=json.loads(labelled.head(10).write_json()),
        )
        return write_bundle(draft_bundle(folder / "bundle", manifest, folder / "tree.skops", self.stages), evidence)


@pytest.fixture(scope="session")
def make_flats():
    """The class itself, for who wants the project elsewhere or for longer."""
    return Flats


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """An example's name and a folder in, the command line on a copy of it with version 1 live out."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "released"
    return lambda example, folder: copy_released(example, folder, shared)


@pytest.fixture(scope="session")
def postgres_server():
    """One PostgreSQL server for all tests of this process; without one they are skipped, or fail where it has to be."""
    with postgres.server() as running:
        backends.serve(running)
        yield running
        backends.serve(None)


@pytest.fixture(scope="session")
def browser():
    """Chromium; without one the test is skipped, or fails where everything has to be there."""
    if CHROMIUM is None:
        message = "there is no Chromium here"
        pytest.fail(message) if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip(message)
    opened = Chromium()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_flats(tmp_path_factory):
    """The project for tests of one module that can do with the same one."""
    made = Flats(tmp_path_factory.mktemp("shared") / "flats")
    yield made
    made.storage.close()


@pytest.fixture
def flats(tmp_path):
    made = Flats(tmp_path / "flats")
    yield made
    made.storage.close()
