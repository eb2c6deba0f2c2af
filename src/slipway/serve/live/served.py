"""A verified bundle in, its scorer as a service uses it out: quick, without tables where the model needs none, tested.

A table library costs a service memory, time and much of its image, and a model without online stages has no use for it.
"""

import threadpoolctl

from slipway.errors import BundleError
from slipway.gate.expected import check_examples
from slipway.model.block import NoBlock
from slipway.model.bundle import Bundle
from slipway.model.frames import PANDAS
from slipway.model.manifest import Manifest
from slipway.model.score import Scorer, load_scorer, quickened, without_tables


def served(bundle: Bundle) -> Scorer:
    """Load a bundle and hold it to the answers that it was registered with.

    Raises:
        BundleError: it can't be loaded here, answers otherwise, or takes tables and there is no library for them.
    """
    if bundle.manifest.stages and not _has_polars():
        raise _no_tables(bundle.manifest, f"its online stage `{bundle.manifest.stages[0].name}` takes one")
    loaded = load_scorer(bundle)
    with threadpoolctl.threadpool_limits(1):  # for a few rows, threads that wait for each other are most of the work
        try:
            scorer = quickened(without_tables(loaded))
            check_examples(scorer)
        except (NoBlock, BundleError) as reason:
            if not _has_polars():
                raise _no_tables(bundle.manifest, str(reason)) from reason
            scorer = quickened(loaded)
            check_examples(scorer)
    return scorer


def _has_polars() -> bool:
    try:
        import polars  # noqa: F401 - asked for by importing it: a spec can be found of what can't be loaded
    except ImportError:
        return False
    return True


def _no_tables(manifest: Manifest, reason: str) -> BundleError:
    annotations = {manifest.annotation, *(each.annotation for stage in manifest.stages for each in stage.inputs)}
    wanted = ["polars", *(["pandas", "pyarrow"] if PANDAS in annotations else [])]
    listed = ", ".join(f'"{name}"' for name in wanted)
    return BundleError(
        f"the model takes a table, and no library for tables is installed here ({reason}). `packages = [{listed}]` of "
        "the service, in slipway.toml under [stack.services], puts what it takes into a stack's image; elsewhere, "
        f"`pip install {' '.join(wanted)}` does."
    )
