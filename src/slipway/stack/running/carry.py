"""A laptop's versions, ledger and journal packed into one stream; the stream, in a container, into the stack's own.

The stream goes through the container's standard input: the files on the laptop are their owner's alone, which a mount
of theirs would be too, and the engine may be on another machine.
"""

import json
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from slipway.errors import CheckRefused, OutsideError, ProjectError
from slipway.files import Draft, write_bytes
from slipway.model.store import BundleStore
from slipway.pipeline.made import read_made
from slipway.records import LedgerEntry, Waiting
from slipway.release.ledger import holding
from slipway.release.pending import Registering, run_facts
from slipway.settings import Settings
from slipway.stack.running.build import Say
from slipway.stack.running.engine import Engine
from slipway.stack.running.up import error_of
from slipway.storage import open_storage
from slipway.workspace import Workspace

_STATE = "state.db"
_FOLDERS = ("bundles", "gates", "runs")
"""What a version is made of and rests on, besides the state."""
_SKIPPED = "skipped-"


@dataclass(frozen=True, slots=True)
class Imported:
    """How much of a laptop's history was new to the stack."""

    live: int | None
    """In the stack, now."""
    versions: int
    """That the laptop's ledger knows."""
    entries: int
    predictions: int
    truths: int

    def to_json(self) -> dict[str, Any]:
        """What `stack receive --json` prints."""
        return asdict(self)

    def sentence(self) -> str:
        """What was imported, in words."""
        live = "nothing is live yet" if self.live is None else f"version {self.live} is live"
        if not self.entries and not self.predictions and not self.truths:
            return f"nothing was new; {live}"
        journal = f"predictions {self.predictions:,}, truths {self.truths:,}"
        return f"versions {self.versions}, entries of their ledger {self.entries}, {journal}; {live}"


def send(workspace: Workspace, engine: Engine, service: str, say: Say) -> Imported:
    """Bring what stands in a project's own folder into its stack, through one container of a service.

    Raises:
        ProjectError: there is nothing to bring, or the stack has a history of its own.
        OutsideError: the container could not be started, or ended otherwise.
    """
    entries = _history(workspace)
    workspace.ship()  # what waits in the spool is of the journal, too
    say(service, f"takes over versions up to {max(entry.version for entry in entries)} from this folder")
    command = engine.compose("run", "--rm", "--no-deps", "-T", service, "slipway", "stack", "receive", "--json")
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        with subprocess.Popen(command, cwd=engine.folder, stdin=subprocess.PIPE, stdout=told, stderr=said) as process:
            assert process.stdin is not None
            try:
                with process.stdin as stream:
                    pack(workspace.settings, stream)
            except BrokenPipeError:
                pass  # it has ended, and says why
        said.seek(0)
        told.seek(0)
        if process.returncode:
            lines = said.read().decode("utf-8", "replace").splitlines()
            raise error_of(process.returncode, lines, "Nothing of the stack was started but what the import needs.")
        return Imported(**json.loads(told.read().splitlines()[-1]))


def pack(settings: Settings, stream: IO[bytes]) -> None:
    """Write the state, as it is at one moment, and the files of every version that it names."""
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        copy = Path(folder) / _STATE
        with closing(sqlite3.connect(settings.state_db)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # a server may be writing to it meanwhile
            target.execute("PRAGMA journal_mode = DELETE")
        with tarfile.open(mode="w|", fileobj=stream) as archive:
            archive.add(copy, _STATE, filter=_plain)
            for name in _FOLDERS:
                if (settings.state / name).is_dir():
                    archive.add(settings.state / name, name, filter=_plain)


def receive(workspace: Workspace, stream: IO[bytes]) -> Imported:
    """Take a packed history into this workspace's storage and tracker. A second time it changes nothing.

    Raises:
        CheckRefused: the history here is another one.
        ProjectError: the tracker numbers versions otherwise.
        OutsideError: storage or tracker is away.
    """
    from slipway.storage.carry import carry

    with _unpacked(workspace.settings, stream) as there:
        source = open_storage(there)
        try:
            entries, here = holding(source.ledger), holding(workspace.storage.ledger)
            _refuse_another(entries, here)
            _copy_files(there, workspace.settings, BundleStore(there.bundles), workspace.store)
            _register(workspace, entries)
            carried = carry(source, workspace.storage)
        finally:
            source.close()
    workspace.point_names()
    versions = sum(entry.action == "candidate" for entry in entries)
    return Imported(workspace.standing().live, versions, carried.entries, carried.predictions, carried.truths)


def _history(workspace: Workspace) -> list[LedgerEntry]:
    if not workspace.settings.state_db.is_file() or not (entries := holding(workspace.storage.ledger)):
        raise ProjectError(
            "There is nothing to import: no version was ever made in this folder. `slipway up` makes the first one "
            "here; `slipway stack up` without --import makes it in the stack."
        )
    return entries


def _refuse_another(entries: Sequence[LedgerEntry], here: Sequence[LedgerEntry]) -> None:
    """Pass where one of the two ledgers goes on from the other: before anything is registered."""
    for before, now in zip(entries, here, strict=False):
        if before.hash != now.hash:
            raise CheckRefused(
                f"The stack's ledger is another one: its entry {now.seq} ({now.action} of version {now.version}, "
                f"{now.at[:19]}) is not this folder's ({before.action} of version {before.version}, {before.at[:19]}). "
                "Nothing was imported. `slipway stack down --volumes` gives the stack up with its history; leave "
                "--import out to keep it."
            )


def _register(workspace: Workspace, entries: Sequence[LedgerEntry]) -> None:
    """Have the tracker call every version what the ledger calls it.

    A registry counts by itself, so the versions are registered in their order; a number that the ledger passes over is
    taken by a version whose tags say so, and which nothing refers to.
    """
    registering = Registering(
        workspace.project.name, workspace.storage.ledger, workspace.storage.pending, workspace.store, workspace.tracker
    )
    of_version = {entry.version: entry for entry in entries if entry.action == "candidate"}
    for version in range(1, max(of_version, default=0) + 1):
        entry = of_version.get(version)
        following = entry or of_version[min(v for v in of_version if v > version)]
        facts = run_facts(registering, _waiting(workspace.settings, following))
        if entry is None:
            tags = {**facts.tags, "slipway.skipped": f"the ledger has no version {version}"}
            facts = replace(facts, bundle_sha256=f"{_SKIPPED}{version}-{facts.bundle_sha256[:12]}", tags=tags)
        given = workspace.tracker.register(facts)
        if given != version:
            raise ProjectError(
                f"MLflow calls version {given} what the ledger calls version {version}: its registry has other "
                f"versions of `{workspace.project.name}` already. Nothing of the history was imported. Delete the "
                "registered model there, or take a new registry (`slipway stack down --volumes`), then import again."
            )


def _waiting(settings: Settings, entry: LedgerEntry) -> Waiting:
    """A version as it was when it waited to be registered; of one whose run is not known, what its entry says."""
    made = read_made(settings, entry.bundle)
    tags = {"slipway.imported": entry.at}
    if made is not None and made.commit is not None:
        tags["git.commit"] = made.commit
    return Waiting(
        bundle=entry.bundle,
        at=entry.at,
        by=entry.by,
        params={} if made is None else made.settings,
        metrics={} if made is None else made.metrics,
        tags=tags,
    )


def _copy_files(there: Settings, here: Settings, source: BundleStore, target: BundleStore) -> None:
    for bundle in sorted(there.bundles.iterdir()) if there.bundles.is_dir() else ():
        if not bundle.name.startswith("."):
            source.open(bundle.name)  # a damaged one is refused before anything is built on it
            target.put(bundle)
    for name in ("gates", "runs"):
        for file in sorted((there.state / name).glob("*")):
            place = here.state / name / file.name
            if not place.exists():
                write_bytes(place, file.read_bytes(), is_durable=True)


@contextmanager
def _unpacked(settings: Settings, stream: IO[bytes]) -> Iterator[Settings]:
    """The stream's files in a folder of their own beside the state: they may be larger than a container's /tmp."""
    with Draft(settings.state / "import", mode=0o700) as draft:
        try:
            with tarfile.open(mode="r|", fileobj=stream) as archive:
                archive.extractall(draft.path, filter="data")
        except tarfile.TarError as error:
            raise OutsideError(f"What was to be imported did not arrive whole: {error}.") from error
        yield replace(settings, state=draft.path, state_url=f"sqlite:///{draft.path / _STATE}")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without whose it is, and without what is under way."""
    if Path(member.name).name.startswith(".") or not (member.isfile() or member.isdir()):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member
