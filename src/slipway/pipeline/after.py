"""A run that is done in; what it leaves for the next one and for DVC out: the shortcut, the cache, what others ran."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipway.pipeline.dvc_cache import Cache
from slipway.pipeline.dvcignore import ignore_files
from slipway.pipeline.globs import folder_of
from slipway.pipeline.graph import order
from slipway.pipeline.lock import LOCK, STAGES, Ran, is_metrics, uncached
from slipway.pipeline.proposed import FILE as MARK
from slipway.pipeline.proposed import is_proposed
from slipway.pipeline.snapshots import fresh_until, snapshot_facts
from slipway.pipeline.unchanged import remember
from slipway.project.facts import FILE as PROJECT
from slipway.project.facts import Project
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.pipeline.book import Book
    from slipway.pipeline.contents import Contents


def remember_unchanged(project: Project, settings: Settings, book: "Book", cache: Cache | None, began_at: int) -> None:
    """Spare the next run that changes nothing even the reading of the project."""
    # It is looked for in one place; and a run whose candidate is still to be registered has something left to do.
    if settings.state != project.root / ".slipway" or not is_proposed(project, settings):
        return
    until = fresh_until(project, settings)
    if until is not None and until <= time.time():
        return
    ran = book.ran()
    present = {PROJECT, STAGES, LOCK, str(settings.state / MARK), *book.marks()}
    left = uncached(project)
    for each in ran.values():
        present.update((*each["deps"], *each["outs"], *each["params"]))
        if cache is not None:
            present.update(str(cache.place(content[0])) for path, content in each["outs"].items() if path not in left)
    for source in project.sources.values():
        if source.is_snapshot:
            present.add(str(snapshot_facts(settings.state, source.name)))
        elif source.is_pattern:  # a new file shows in its folder alone
            present.add(str(folder_of(source)))
    absent = [str(project.labelled(name)) for name in project.sources if not project.labelled(name).is_file()]
    for path in ignore_files(str(project.root), {path for each in ran.values() for path in each["outs"]}):
        (present.add if os.path.exists(path) else absent.append)(path)  # noqa: PTH110
    if cache is None:
        absent.append(".dvc")
    for read in project.read_from or (project.module,):
        (present.add if (project.root / read).is_file() else absent.append)(str(read))
    scripts = (str(project.scripts),) if project.scripts is not None else ()
    metrics = project.artifacts.get(project.model.metrics)
    shown = str(metrics.path) if metrics is not None and is_metrics(project, metrics.name) else None
    remember(str(project.root), list(ran), shown, sorted(present), absent, began_at, until, scripts)


def adopt_locked(project: Project, book: "Book", names: Sequence[str], params: Mapping[str, Any]) -> None:
    """Take over from dvc.lock what somebody else ran: after `git clone` and `dvc pull` nothing is done again.

    A command, which `dvc repro` executes without us, is taken over anew, too; of a function only we know its libraries.
    """
    ran = book.ran()
    commands = [name for name in names if name in project.stages and project.stages[name].command is not None]
    stale = [name for name in names if name not in ran or (name in commands and book.reasons(name, params))]
    if not stale or not (project.root / LOCK).is_file():
        return
    from slipway.pipeline.locked import read_lock

    locked = read_lock(project)
    for name in stale:
        book.adopt(name, params, locked.get(name))


def fill_cache(project: Project, contents: "Contents", cache: Cache, ran: Mapping[str, Ran]) -> None:
    """Store what the cache lacks: it has come later, has been emptied, or its disk was full."""
    from slipway.pipeline.dvc_cache import cache_file, cache_folder

    left = uncached(project)
    for name in set(ran) & set(order(project)):
        for path, content in ran[name]["outs"].items():
            if content is None or path in left or cache.has(content[0]):
                continue
            file = project.root / path
            if file.is_dir():
                members = contents.members(path)
                for member in members:
                    cache_file(cache, file / member)
                cache_folder(cache, members)
            elif file.is_file():
                cache_file(cache, file)


def migrate_dvc2(project: Project, contents: "Contents", cache: Cache, ran: Mapping[str, Ran]) -> None:
    """Bring `.dvc` files of what stages read to DVC 3, where they are DVC 2's."""
    read = {path for each in ran.values() for path in each["deps"]}
    if any(os.path.exists(f"{project.root}/{path}.dvc") for path in read):  # noqa: PTH110
        from slipway.pipeline.tracked import migrate_trackers

        migrate_trackers(project, read, cache, contents)
