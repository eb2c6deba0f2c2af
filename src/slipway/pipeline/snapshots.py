"""A source that is asked in; what is known of its snapshot, how old that is, and why to ask again out.

One JSON file a source in Slipway's folder, written by whoever has asked. Losing it costs that the source is asked once
more. The standard library alone.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError
from slipway.files import fits, read_state, write_text
from slipway.pipeline.folders import path_signature
from slipway.project.facts import Project, Source
from slipway.settings import Settings

FORMAT = 1
FOLDER = "sources"
"""Below Slipway's own."""

_SHAPE = {
    "sha256": str, "rows": int, "taken": float, "asked": float, "seconds": float, "groups": [str], "signature": [int],
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a source gave when it was asked."""

    sha256: str
    """Of the columns' names and types and all values, however the file is written."""
    rows: int
    taken: float
    """When these rows came first, in seconds since 1970."""
    asked: float
    """When the source said last that they are its rows."""
    seconds: float
    """What asking took then."""
    groups: tuple[str, ...]
    """The same digest of each row group, so that what has not changed need not be written."""
    signature: tuple[int, ...]
    """Of the file, which shows whether somebody else has touched it."""

    def is_in(self, path: Path) -> bool:
        """Whether the file is the one that was written then."""
        return path_signature(str(path.parent), str(path)) == self.signature


def read_snapshot(state: Path, name: str) -> Snapshot | None:
    """What is known of a source's snapshot; None where nothing is.

    Args:
        state: Slipway's own folder.

    Raises:
        ProjectError: a newer version of Slipway wrote it.
    """
    path = snapshot_facts(state, name)
    values = read_state(path, {"format": int})
    if values is None:
        return None
    if values["format"] <= FORMAT:
        kept: Any = values.get("snapshot")
        if not fits(kept, _SHAPE):
            log.warning("%s: its content is not what Slipway writes, so the source is asked again", path)
            return None
        lists = {key: tuple(kept[key]) for key in ("groups", "signature")}
        return Snapshot(**{**{key: kept[key] for key in _SHAPE}, **lists})
    raise ProjectError(
        f"{path}: written by a newer Slipway (format {values['format']}, known here: {FORMAT}). Update Slipway."
    )


def write_snapshot(state: Path, name: str, snapshot: Snapshot) -> None:
    """Keep what is known; a reader sees the old facts or the new ones."""
    write_text(snapshot_facts(state, name), json.dumps({"format": FORMAT, "snapshot": asdict(snapshot)}))


def snapshot_facts(state: Path, name: str) -> Path:
    """The file of what is known."""
    return state / FOLDER / f"{name}.json"


def due(source: Source, snapshot: Snapshot | None, *, is_running: bool) -> Iterator[str]:
    """Why a source has to be asked again, whatever is known of its code and its inputs.

    Args:
        is_running: a run asks a query again where nothing else tells whether rows have come in.
    """
    if source.is_asked_always:
        if is_running:
            yield f"source `{source.name}` is asked on every run: it has no max_age"
    elif source.max_age is not None:
        if snapshot is None:
            yield f"nobody knows how old the snapshot of source `{source.name}` is"
        elif (age := time.time() - snapshot.asked) > source.max_age or age < 0:
            yield f"source `{source.name}` is {span(age)} old: max_age {span(source.max_age)}"


def fresh_until(project: Project, settings: Settings) -> float | None:
    """The moment until which no source has to be asked, in seconds since 1970; now where one has to be by then.

    None where time alone makes none of them due.
    """
    moments = []
    for source in project.sources.values():
        if source.is_asked_always:
            return 0.0
        if source.max_age is not None:
            snapshot = read_snapshot(settings.state, source.name)
            moments.append(snapshot.asked + source.max_age if snapshot is not None else 0.0)
    return min(moments, default=None)


@dataclass(frozen=True, slots=True)
class SourceState:
    """What `status` tells of a source that is asked."""

    name: str
    snapshot: Snapshot | None
    max_age: float | None

    @property
    def age(self) -> float | None:
        """Seconds since it was asked."""
        return None if self.snapshot is None else max(time.time() - self.snapshot.asked, 0.0)

    def to_json(self) -> dict[str, Any]:
        known = self.snapshot
        return {
            "name": self.name,
            "sha256": known.sha256 if known is not None else None,
            "rows": known.rows if known is not None else None,
            "taken": known.taken if known is not None else None,
            "asked": known.asked if known is not None else None,
            "seconds": round(known.seconds, 4) if known is not None else None,
            "max_age": self.max_age,
        }

    def __str__(self) -> str:
        if self.snapshot is None or self.age is None:
            return f"source {self.name}: not asked yet"
        until = f", max_age {span(self.max_age)}" if self.max_age is not None else ""
        return f"source {self.name}: {told(self.snapshot)}{until}"


def source_states(project: Project, settings: Settings) -> list[SourceState]:
    """The sources that are asked, with what is known of their snapshots."""
    return [
        SourceState(source.name, read_snapshot(settings.state, source.name), source.max_age)
        for source in project.sources.values()
        if source.is_snapshot
    ]


def told(snapshot: Snapshot, *, since: float | None = None) -> str:
    """A snapshot in a person's words, with its age since it was asked for, or since another moment."""
    rows = "1 row" if snapshot.rows == 1 else f"{snapshot.rows:,} rows"
    return f"{rows}, {span(time.time() - (snapshot.asked if since is None else since))} old"


def span(seconds: float) -> str:
    """A time in its largest unit: "3 h"."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{max(seconds, 0):.0f} s"
