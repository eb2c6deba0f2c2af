"""What made a candidate, kept as one file by its bundle: code, settings, sources, commit; and how two differ."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.files import fits, read_state, write_text
from slipway.pipeline import state as run_state
from slipway.pipeline.contents import Contents
from slipway.pipeline.fingerprint import Fingerprint, changes
from slipway.pipeline.globs import source_md5
from slipway.project.facts import Project
from slipway.settings import Settings

FORMAT = 1

_SHAPE = {
    "commit": (str, None), "metrics": {str: float}, "sources": {str: str}, "stages": {str: run_state.FINGERPRINT},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """One run, as it was when it made a candidate."""

    commit: str | None
    """Of git, where the project is in a repository."""
    metrics: Mapping[str, float]
    sources: Mapping[str, str]
    """MD5 of each file, folder or snapshot."""
    stages: Mapping[str, Fingerprint]
    """What each stage ran with; of its inputs, those that no stage makes."""

    @property
    def settings(self) -> dict[str, Any]:
        """By "stage.setting"."""
        return {f"{name}.{key}": value for name, stage in self.stages.items() for key, value in stage.settings.items()}


def keep_made(
    project: Project, settings: Settings, bundle: str, *, commit: str | None, metrics: Mapping[str, float]
) -> None:
    """Write down what the artifacts, as they are now, were made with.

    Args:
        bundle: SHA-256 of the candidate's bundle.
    """
    state = run_state.read_state(settings.state / "pipeline.json")
    contents = Contents(project.root, state.files)
    stages, sources = {}, {}
    for name, record in state.records.items():
        if name in project.stages or name in project.sources:
            kept = Fingerprint.from_json(record["fingerprint"]).to_json()
            kept["inputs"] = {
                key: md5
                for key, md5 in kept["inputs"].items()
                if key not in project.artifacts or project.artifacts[key].maker is None
            }
            stages[name] = kept
    for name, source in project.sources.items():
        md5 = source_md5(project, source, contents)
        if md5 is not None:
            sources[name] = md5
    values = {"format": FORMAT, "commit": commit, "metrics": dict(metrics), "sources": sources, "stages": stages}
    write_text(_path(settings, bundle), json.dumps(values), is_durable=True)


def read_made(settings: Settings, bundle: str) -> Made | None:
    """What is known of a candidate's run; None where nothing is, or what a newer version of Slipway wrote."""
    values = read_state(_path(settings, bundle), {"format": int})
    if values is None or values["format"] > FORMAT or not fits(values, _SHAPE):
        return None
    stages = {name: Fingerprint.from_json(kept) for name, kept in values["stages"].items()}
    return Made(values["commit"], values["metrics"], values["sources"], stages)


def differences(before: Made, now: Made) -> tuple[str, ...]:
    """How a run differs from one before it, in a person's words; a source is told once, whoever reads it."""
    return tuple(dict.fromkeys(_differences(before, now)))


def _differences(before: Made, now: Made) -> Iterator[str]:
    for name in dict.fromkeys([*before.sources, *now.sources]):
        old, new = before.sources.get(name), now.sources.get(name)
        if old != new:
            yield f"source {name}: {_short(old)} → {_short(new)}"
    for name in dict.fromkeys([*before.stages, *now.stages]):
        if name not in before.stages or name not in now.stages:
            yield f"stage `{name}` is {'new' if name in now.stages else 'gone'}"
            continue
        for change in changes(name, before.stages[name], now.stages[name]):
            if change.startswith("setting "):
                yield f"setting {name}.{change.removeprefix('setting ')}"
            elif change.removeprefix("input ").split()[0] not in {*before.sources, *now.sources}:
                yield change


def _short(md5: str | None) -> str:
    return "nothing" if md5 is None else md5[:8]


def _path(settings: Settings, bundle: str) -> Path:
    return settings.state / "runs" / f"{bundle}.json"
