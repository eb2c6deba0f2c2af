"""A version's parts in, a folder with a checksum for each out; and such a folder in, a verified bundle out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256 as new_sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.errors import BundleError
from slipway.model.dtypes import column_type
from slipway.model.manifest import ESTIMATOR, STAGES, Manifest, read_manifest
from slipway.model.rows import Hashes, row_hashes
from slipway.model.schema import Schema

if TYPE_CHECKING:
    import polars as pl

    from slipway.profile.count import Profile

MANIFEST = "bundle.json"

_PROFILE = "profile.json"
_EXAMPLES = "examples.json"
_SAMPLE = "sample.json"
_TRAINED = "trained_rows.npy"
_TEST = "test.parquet"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a bundle keeps beside the model: what it learnt from, and what it has to answer."""

    profile: "Profile"
    examples: Sequence[Mapping[str, Any]]
    """Request rows, nulls and unseen categories among them."""
    answers: Sequence[Mapping[str, Any]]
    """`{"prediction", "probabilities"}` of each example."""
    trained_rows: Hashes
    test_rows: "pl.DataFrame"
    """Request rows with the target."""
    sample: Sequence[Mapping[str, Any]]
    """A few rows with the target, to look at."""


@dataclass(frozen=True, repr=False)
class Bundle:
    """A folder whose every file was found to be what its manifest says. Its parts are read when asked for."""

    folder: Path
    sha256: str
    """Of the manifest, which has the checksums of everything else: it names the bundle."""
    manifest: Manifest

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<Bundle {self.sha256[:12] or 'draft'} of {manifest.name}: {manifest.kind} of {manifest.target}>"

    @property
    def schema(self) -> Schema:
        return self.manifest.schema

    @property
    def texts(self) -> frozenset[str]:
        """Columns that are text in a file whatever they look like there, since training had text: "1.50", "True"."""
        are_texts = any(isinstance(label, str) for label in self.manifest.classes)
        target = {self.manifest.target} if are_texts else set()
        return frozenset(
            target | {column.name for column in self.schema.columns if column_type(column.dtype).kind == "text"}
        )

    @cached_property
    def profile(self) -> "Profile":
        """The reference that windows are compared with."""
        from slipway.profile.count import Profile

        return Profile.from_json(self._json(_PROFILE))

    def examples(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Request rows, and the answers that a working copy gives to them."""
        kept = self._json(_EXAMPLES)
        return kept["rows"], kept["answers"]

    def trained_rows(self) -> Hashes:
        """Hashes of the rows that the model learnt from, as `hashes` gives them; sorted."""
        hashes: Hashes = np.load(self.folder / _TRAINED, allow_pickle=False)
        return hashes

    def test_rows(self) -> "pl.DataFrame":
        """Rows that the model did not learn from, as requests have them, with the target."""
        import polars as pl

        return pl.read_parquet(self.folder / _TEST)

    def test_tags(self) -> dict[str, str]:
        """What a tracking server is told of the rows that the metrics are of: figures of others can't be compared."""
        return {"test.rows": str(self.test_rows().height), "test.sha256": self.manifest.files[_TEST]}

    def sample(self) -> list[dict[str, Any]]:
        """A few rows with the target, as JSON values."""
        rows: list[dict[str, Any]] = self._json(_SAMPLE)
        return rows

    def hashes(self, table: "pl.DataFrame") -> Hashes | None:
        """One hash a row, over this bundle's own columns and target, to be looked for in `trained_rows`.

        None where the table lacks one of them: then nobody can tell which rows the model knows.
        """
        columns = (*self.schema.names, self.manifest.target)
        if any(name not in table.columns for name in columns):
            return None
        return row_hashes(self.schema.take(table).with_columns(table[self.manifest.target]))

    def _json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_bytes())


def draft_bundle(folder: Path, manifest: Manifest, estimator: Path, stages: str) -> Bundle:
    """The answering half of a bundle, to be loaded while the evidence is gathered; it has no SHA-256 yet.

    `folder` has the frozen inputs under `frozen/` already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ESTIMATOR).write_bytes(estimator.read_bytes())
    (folder / STAGES).write_text(stages, encoding="utf-8")
    return Bundle(folder, "", replace(manifest, files=_checksums(folder)))


def write_bundle(draft: Bundle, evidence: Evidence) -> Bundle:
    """Complete a draft with its evidence and its manifest, and open it.

    Nothing in it depends on when or where it was written: the same parts give the same SHA-256.
    """
    folder = draft.folder
    _write_json(folder / _PROFILE, evidence.profile.to_json())
    _write_json(folder / _EXAMPLES, {"rows": list(evidence.examples), "answers": list(evidence.answers)})
    _write_json(folder / _SAMPLE, list(evidence.sample))
    np.save(folder / _TRAINED, np.sort(evidence.trained_rows), allow_pickle=False)
    evidence.test_rows.write_parquet(folder / _TEST)
    _write_json(folder / MANIFEST, replace(draft.manifest, files=_checksums(folder)).to_json())
    return open_bundle(folder)


def _checksums(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {name: _sha256(folder / name) for name in sorted(path.relative_to(folder).as_posix() for path in paths)}


def open_bundle(folder: Path, sha256: str | None = None) -> Bundle:
    """Open a bundle. Every file's checksum is compared before anything of it is loaded.

    Args:
        sha256: what the bundle is known by; its manifest has to be that very one.

    Raises:
        BundleError: something is missing, damaged, or written by a newer version.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder}: no bundle here: {MANIFEST} can't be read ({error.strerror}).") from error
    found = new_sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise BundleError(f"{folder}: this is bundle {found[:12]}, not {sha256[:12]}: nothing of it was loaded.")
    try:
        values = json.loads(content)
    except ValueError as error:
        raise BundleError(f"{folder / MANIFEST}: not JSON: {error}. Train again, or fetch it anew.") from error
    manifest = read_manifest(values if isinstance(values, dict) else {}, str(folder / MANIFEST))
    for name, expected in manifest.files.items():
        _verify(folder, name, expected)
    for name in (ESTIMATOR, STAGES, _PROFILE, _EXAMPLES, _SAMPLE, _TRAINED, _TEST):
        if name not in manifest.files:
            raise BundleError(f"{folder}: the bundle has no {name}: nothing of it was loaded.")
    return Bundle(folder, found, manifest)


def same_model(one: Bundle, other: Bundle) -> bool:
    """Whether both answer every request alike: estimator, online stages with what they take, schema and routes."""
    return _answering(one.manifest) == _answering(other.manifest)


def _answering(manifest: Manifest) -> tuple[Any, ...]:
    files = {name: digest for name, digest in manifest.files.items() if name.startswith("frozen/")}
    return (
        manifest.files[ESTIMATOR],
        manifest.files[STAGES],
        files,
        manifest.stages,
        manifest.features,
        manifest.schema,
        manifest.readings,
        manifest.routes,
    )


def _verify(folder: Path, name: str, expected: str) -> None:
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise BundleError(f"{folder}: the bundle names a file outside itself, {name}: nothing of it was loaded.")
    try:
        found = _sha256(folder / name)
    except OSError as error:
        raise BundleError(
            f"{folder / name}: can't be read ({error.strerror}): nothing of the bundle was loaded."
        ) from error
    if found != expected:
        raise BundleError(
            f"{folder / name}: its content is not what was registered (SHA-256 {found[:12]}, expected "
            f"{expected[:12]}): nothing of the bundle was loaded."
        )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    from hashlib import file_digest

    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
