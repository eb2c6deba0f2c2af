"""Files that stages write and read in, a name for each as an artifact or a source out."""

import re
from collections.abc import Container, Iterable, Mapping
from pathlib import PurePosixPath

from slipway.project.facts import Source, Stage

TABLES = (".csv", ".parquet")
LABELLED = PurePosixPath("data/labelled")
"""Where a run keeps the labelled production rows of each source: no source, and often not there."""


def name_files(paths: Iterable[PurePosixPath], given: Mapping[str, PurePosixPath]) -> dict[PurePosixPath, str]:
    """A name for each file: the one that `[artifacts]` gives it, else its own without folder and suffix.

    Of several that would be named alike the first one is; the others are named after their whole path.
    """
    chosen = {path: name for name, path in given.items()}
    found: dict[PurePosixPath, str] = {}
    for path in paths:
        found[path] = chosen.get(path) or free_name(path, {*given, *found.values()})
    return found


def free_name(path: PurePosixPath, taken: Container[str]) -> str:
    stem = re.sub(r"\W", "_", path.stem)
    return stem if stem not in taken else re.sub(r"\W", "_", str(path))


def inner_files(
    stages: Mapping[str, Stage], paths: Mapping[str, PurePosixPath], taken: Container[str]
) -> dict[str, PurePosixPath]:
    """The files that commands read in folders that stages make, each with a name of its own.

    Args:
        paths: what the stages make, by artifact.
        taken: names that others have.
    """
    made, found = {*paths.values()}, dict[PurePosixPath, str]()
    for stage in stages.values():
        for path in stage.command.files if stage.command is not None else ():
            if path not in found and path not in made and made.intersection(path.parents):
                name = free_name(path, {*found.values()})
                found[path] = name if name not in taken else re.sub(r"\W", "_", str(path))
    return {name: path for path, name in found.items()}


def implied_sources(
    stages: Mapping[str, Stage], sources: Mapping[str, Source], paths: Mapping[str, PurePosixPath]
) -> dict[str, Source]:
    """The tables that commands read, no stage makes and `[sources]` does not name."""
    made = {*paths.values()}
    known = {source.path for source in sources.values()}
    taken = {*sources, *paths, *stages}
    found: dict[str, Source] = {}
    for stage in stages.values():
        for path in stage.command.files if stage.command is not None else ():
            is_part = bool({*path.parents} & (made | known))
            is_pattern = any(source.is_pattern and path.match(str(source.path)) for source in sources.values())
            if path.suffix not in TABLES or path in made | known or is_part or is_pattern or LABELLED in path.parents:
                continue
            name = free_name(path, taken)
            known.add(path)
            taken.add(name)
            found[name] = Source(name, path)
    return found
