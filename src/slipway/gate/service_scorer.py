"""A version as a service uses it: quick, without tables where the model needs none, held to its registered answers.

The gate's fresh process and every service load a version by the same function, so that what passes there serves.
"""

import threadpoolctl

from slipway.errors import BundleError
from slipway.gate.expected import check_examples
from slipway.model.block import NoBlock
from slipway.model.bundle import Bundle
from slipway.model.frames import PANDAS
from slipway.model.manifest import Manifest
from slipway.model.pandas_use import needs_pandas, without_pandas
from slipway.model.score import Scorer, load_scorer, quickened, without_tables


def import_libraries() -> None:
    """Import what loading nearly every bundle takes, and nothing of a bundle's own.

    None of it needs pandas, which is not imported with it.
    """
    without_pandas(_import_libraries)


def load_service_scorer(bundle: Bundle) -> Scorer:
    """Load a bundle and hold it to the answers that it was registered with.

    pandas is imported where the bundle says that it may need it; else the service does without.

    Raises:
        BundleError: it can't be loaded here, answers otherwise, or takes tables and there is no library for them.
    """
    import_libraries()
    return _load(bundle) if needs_pandas(bundle) else without_pandas(lambda: _load(bundle))


def _import_libraries() -> None:
    import sklearn.base  # noqa: F401

    from slipway.pipeline.trusted import skops_io

    skops_io()


def _load(bundle: Bundle) -> Scorer:
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
