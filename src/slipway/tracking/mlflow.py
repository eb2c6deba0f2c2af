"""Facts of a run in, a run and a registered version of MLflow out; on SQLite or a server, whatever the address says."""

import json
import logging
import math
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import packages_distributions, version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from slipway.errors import OutsideError
from slipway.tracking.moved import follow_move
from slipway.tracking.seams import RunFacts
from slipway.tracking.told import reason_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

BUNDLE_TAG = "slipway.bundle"
"""The tag of a version with its bundle's SHA-256, by which it is found again."""

HEAD_TAG = "slipway.ledger_head"
"""The tag of a version with the ledger's head at the time: its number and hash."""

_LOADER = "slipway.model.pyfunc"
_REQUIRED = ("slipway", "numpy", "pandas", "polars", "scikit-learn", "skops")
_PARAMETER_LENGTH = 6000


class MlflowTracker:
    """MLflow's tracking and registry at one address. Threads may share it; no global state of MLflow's is touched."""

    def __init__(self, tracking_uri: str, root: Path) -> None:
        self._uri = tracking_uri
        self._root = root
        self._artifacts = root / "mlruns"
        self._opening = Lock()
        self._opened: MlflowClient | None = None

    def prepare(self) -> None:
        """Import MLflow and make its tables where they are missing: 2 s the first time, to be had beside other work."""
        with self._translated("open"):
            self._client()

    def register(self, facts: RunFacts) -> int:
        """Record the run and register its bundle; the version's integer. The same bundle twice gives the same one.

        Raises:
            OutsideError: MLflow can't be reached, or refuses.
        """
        with self._translated("register the run"):
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError

            client = self._client()
            known = self._registered(client, facts)
            if known is not None:
                return known
            experiment_id = self._experiment(client, facts.name)
            self._end_left_over(client, experiment_id, facts)
            run_id = self._record(client, experiment_id, facts)
            try:
                self._log_and_register(client, experiment_id, facts, run_id)
            except BaseException:
                with suppress(MlflowException, SQLAlchemyError, OSError):  # the error under way says more
                    client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id)
            # A request that was sent twice, or another process, may have made one before ours.
            found = self._registered(client, facts)
            assert found is not None
            return found

    def point(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version.

        Raises:
            OutsideError: MLflow can't be reached, or has no such version.
        """
        with self._translated(f"point `{alias}` at version {version}"):
            self._client().set_registered_model_alias(name, alias, str(version))

    def pointed(self, name: str, alias: str) -> int | None:
        """The version that an alias points at; None when it points at none.

        Raises:
            OutsideError: MLflow can't be reached.
        """
        from mlflow.exceptions import MlflowException

        with self._translated(f"read `{alias}`"):
            try:
                aliases: Mapping[str, str] = self._client().get_registered_model(name).aliases
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise
            return int(aliases[alias]) if alias in aliases else None

    def anchor(self, name: str, version: int, head: str) -> None:
        """Keep the ledger's head on a version.

        Raises:
            OutsideError: MLflow can't be reached, or has no such version.
        """
        with self._translated(f"keep the ledger's head on version {version}"):
            self._client().set_model_version_tag(name, str(version), HEAD_TAG, head)

    def anchors(self, name: str) -> Mapping[int, str]:
        """The heads of the ledger that versions carry.

        Raises:
            OutsideError: MLflow can't be reached.
        """
        with self._translated("read the ledger's heads"):
            found = self._client().search_model_versions(f"name={_quoted(name)}")
            return {int(each.version): each.tags[HEAD_TAG] for each in found if HEAD_TAG in each.tags}

    def close(self) -> None:
        """Let go of the client."""
        with self._opening:
            self._opened = None

    def _client(self) -> "MlflowClient":
        with self._opening:
            if self._opened is None:
                import_quietly()
                from mlflow import MlflowClient

                _knock(self._uri)
                follow_move(self._uri, self._root, self._artifacts)
                client = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
                client.search_experiments(max_results=1)
                client.search_registered_models(max_results=1)
                self._opened = client
            return self._opened

    def _registered(self, client: "MlflowClient", facts: RunFacts) -> int | None:
        found = client.search_model_versions(
            f"name={_quoted(facts.name)} and tag.`{BUNDLE_TAG}`='{facts.bundle_sha256}'"
        )
        return min((int(each.version) for each in found), default=None)

    def _end_left_over(self, client: "MlflowClient", experiment_id: str, facts: RunFacts) -> None:
        """A run of this bundle that a server's absence cut short would seem to go on for ever."""
        filter = f"tags.`{BUNDLE_TAG}` = '{facts.bundle_sha256}' and attributes.status = 'RUNNING'"
        for run in client.search_runs([experiment_id], filter):
            client.set_terminated(run.info.run_id, "FAILED")

    def _record(self, client: "MlflowClient", experiment_id: str, facts: RunFacts) -> str:
        """A run with everything that is known of it, in one batch."""
        from mlflow.entities import Metric, Param, RunTag

        run_id: str = client.create_run(experiment_id, run_name=f"{facts.name}-{facts.bundle_sha256[:8]}").info.run_id
        now = int(time.time() * 1000)
        finite = {key: float(value) for key, value in facts.metrics.items() if math.isfinite(value)}
        # As a metric MLflow keeps 1.8e308 of an infinite one.
        others = {f"metric.{key}": str(float(value)) for key, value in facts.metrics.items() if key not in finite}
        tags = {**facts.tags, **others, BUNDLE_TAG: facts.bundle_sha256}
        client.log_batch(
            run_id,
            metrics=[Metric(_name(key), value, now, 0) for key, value in finite.items()],
            params=[Param(_name(key), str(value)[:_PARAMETER_LENGTH]) for key, value in facts.params.items()],
            tags=[RunTag(_name(key), str(value)) for key, value in tags.items()],
        )
        return run_id

    def _experiment(self, client: "MlflowClient", name: str) -> str:
        from mlflow.exceptions import MlflowException

        known = client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        # A server has its own place for artifacts; a database alone would put them into the working directory.
        place = None if self._uri.startswith("http") else self._artifacts.as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._experiment(client, name)  # another process was quicker

    def _log_and_register(self, client: "MlflowClient", experiment_id: str, facts: RunFacts, run_id: str) -> None:
        import mlflow.pyfunc
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus
        from mlflow.models import Model

        params = {_name(key): str(value)[:_PARAMETER_LENGTH] for key, value in facts.params.items()}
        logged = client.create_logged_model(experiment_id, name="model", source_run_id=run_id, params=params)
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        manifest = json.loads((facts.bundle / "bundle.json").read_text(encoding="utf-8"))
        model = Model(
            artifact_path=logged.artifact_location,
            run_id=run_id,
            model_uuid=logged.model_id,
            model_id=logged.model_id,
            signature=_signature(manifest["schema"]["columns"], facts.answers),
        )
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            path = Path(folder) / "model"
            mlflow.pyfunc.save_model(
                path=str(path),
                loader_module=_LOADER,
                data_path=str(facts.bundle),
                mlflow_model=model,
                input_example=_example(facts.example, manifest["schema"]["columns"]),
                pip_requirements=_requirements(manifest["libraries"]),
            )
            client.log_model_artifacts(logged.model_id, str(path))
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        made = self._version(
            client,
            facts.name,
            source=logged.artifact_location,
            run_id=run_id,
            tags={BUNDLE_TAG: facts.bundle_sha256},
            model_id=logged.model_id,
        )
        # How MLflow's own pages lead from the logged model to its version.
        link = json.dumps([{"name": facts.name, "version": int(made.version)}])
        client.set_logged_model_tags(logged.model_id, {"mlflow.modelVersions": link})

    def _version(self, client: "MlflowClient", name: str, **given: Any) -> "ModelVersion":
        """A version of a registered model, which is made with its first one."""
        from mlflow.exceptions import MlflowException

        try:
            return client.create_model_version(name, **given)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return client.create_model_version(name, **given)

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        """Errors of MLflow, its database and the network as ours."""
        import_quietly()
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            message = f"MLflow at {self._uri} could not {doing}: {reason_of(error, self._uri)}."
            # An address may carry a password.
            raise OutsideError(re.sub(r"//[^/@\s]*@", "//", message)) from error


def import_quietly() -> None:
    """Import MLflow so that it says nothing to anybody: no telemetry, no notes on standard error, no look at git."""
    for key, value in (
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("DO_NOT_TRACK", "true"),
        ("GIT_PYTHON_REFRESH", "quiet"),
        ("MLFLOW_UV_AUTO_DETECT", "false"),
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
        # A server that is away makes a candidate wait as pending: no reason to try again for minutes.
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
    ):
        os.environ.setdefault(key, value)
    with warnings.catch_warnings():
        # Types of MLflow's own that its import warns about.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
        import mlflow.pyfunc  # noqa: F401
    for name in ("mlflow", "alembic"):
        # Its errors come as exceptions too, whose one line we tell; the log would put a traceback before it.
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _knock(uri: str) -> None:
    """One request of a server, not sent again: each may wait ten seconds for a resolver that doesn't answer."""
    if not uri.startswith("http"):
        return
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    ask: Callable[..., object] = http_request
    who: Callable[[str], object] = get_default_host_creds
    ask(who(uri), "/health", "GET", max_retries=0, raise_on_status=False)


def _signature(columns: list[dict[str, Any]], answers: list[Any]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_column_type(column), column["name"], required=_is_required(column)) for column in columns
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec(_answer_type(answers))]))


def _is_required(column: Mapping[str, Any]) -> bool:
    # MLflow knows a type that takes anything only as an optional one; the schema's own check refuses what is missing.
    return not _has_gaps(column) and _column_type(column) != _any_type()


def _has_gaps(column: Mapping[str, Any]) -> bool:
    """Whether null is promised; that a model happens to take one is not, and would cost the column its type."""
    return bool(column["nullable"]) and not column.get("is_found_nullable", False)


def _column_type(column: Mapping[str, Any]) -> Any:
    """MLflow's type of a column; anything where it has none that takes all that the schema takes."""
    from mlflow.types import DataType

    types = column["types"]
    # A double of MLflow's refuses 3, a long half of UInt64; pandas holds whole numbers with gaps as floats, truths with
    # gaps as objects; a string's gap may become the text "<NA>", and categories are no strings to it.
    if len(types) > 1 or _has_gaps(column) or column["dtype"] in ("UInt64", "Int128", "UInt128", "Categorical"):
        return _any_type()
    known = {"text": DataType.string, "integer": DataType.long, "boolean": DataType.boolean}
    return known.get(types[0], _any_type())


def _any_type() -> Any:
    from mlflow.types.schema import AnyType

    return AnyType()  # type: ignore[no-untyped-call]


def _answer_type(answers: list[Any]) -> Any:
    from mlflow.types import DataType

    kinds = {type(answer) for answer in answers}
    if kinds == {bool}:
        return DataType.boolean
    if kinds == {int}:
        return DataType.long
    return DataType.string if str in kinds else DataType.double


def _example(rows: list[dict[str, Any]], columns: list[dict[str, Any]]) -> Any:
    """The input example as a table; None without rows, or where times would need a form that JSON has not."""
    import pandas as pd

    if not rows or any("datetime" in column["types"] for column in columns):
        return None
    return pd.DataFrame(rows, columns=[column["name"] for column in columns])


def _requirements(libraries: Mapping[str, str]) -> list[str]:
    """What an environment needs to load the bundle: ourselves, and the libraries that training imported."""
    owners = packages_distributions()
    imported = {owners[name][0]: found for name, found in libraries.items() if name in owners}
    pinned = {name: version(name) for name in _REQUIRED} | imported
    return [f"{name}=={found}" for name, found in sorted(pinned.items())]


def _quoted(name: str) -> str:
    """A name as MLflow's searches take it."""
    quote = '"' if "'" in name else "'"
    return f"{quote}{name}{quote}"


def _name(key: str) -> str:
    """A key as MLflow takes it: letters, digits, and a few signs."""
    return re.sub(r"[^\w.\-/ ]", "_", key)
