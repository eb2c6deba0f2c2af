"""A project's file sources in; the small `.dvc` files by which DVC carries what no stage makes, completed, out."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from os.path import relpath
from pathlib import Path
from shutil import which
from typing import Any

from slipway.errors import ProjectError
from slipway.files import read_text
from slipway.pipeline.after import uncached
from slipway.pipeline.contents import Content, Contents
from slipway.pipeline.dvc_cache import Cache, cache_file, cache_folder
from slipway.pipeline.globs import as_dependencies, folder_of
from slipway.pipeline.lock import LOCK, replace_text
from slipway.pipeline.locked import read_lock
from slipway.project.facts import Project, Source

TRACKED = ".dvc"
"""The ending of the file beside one that DVC tracks."""


def track_missing(project: Project) -> list[str]:
    """Give DVC the sources that are not here, by what `dvc.lock` says the last run read of them; their paths.

    A clone that has the lock alone can be filled from a remote then.
    """
    read = _read(project)
    found = []
    for path in _paths(project, read):
        if path in read and not (project.root / path).exists() and not _tracker(project.root, path):
            _write(project.root, path, read[path])
            found.append(path)
    return found


def track_present(project: Project, cache: Cache) -> list[str]:
    """Give DVC the sources that are here and in no repository of git, with their contents; their paths.

    What is tracked already stays as it is, but for what the last run has read in another state.
    """
    read, contents = _read(project), Contents(project.root, {})
    wanted = [path for path in _paths(project, read) if (project.root / path).exists()]
    found = []
    for path in sorted(set(wanted) - _in_git(project.root, wanted)):
        tracker = _tracker(project.root, path)
        if tracker is not None and tracker != project.root / (path + TRACKED):
            continue  # a folder above it is tracked as a whole
        content = contents.content(path)
        if content is None or (tracker is not None and (content[0] != _md5(read, path) or _says(tracker, content))):
            continue
        _keep(project.root / path, cache, contents.members(path) if len(content) > 2 else None)
        _write(project.root, path, content)
        found.append(path)
    return found


def missing(project: Project) -> list[str]:
    """What the lock and `.dvc` files name as DVC's to bring and that is not here, relative to the project's folder."""
    left = uncached(project)  # metrics, which git keeps
    outs = [path for ran in _locked(project).values() for path in ran["outs"] if path not in left]
    tracked = [str(path.relative_to(project.root)).removesuffix(TRACKED) for path in _trackers(project.root)]
    return sorted({path for path in (*outs, *tracked) if not (project.root / path).exists()})


def lacking_sources(project: Project) -> list[Source]:
    """The sources whose files are not here, and which nothing that we do would bring."""
    return [source for source in _files(project) if not _is_here(project, source)]


def _is_here(project: Project, source: Source) -> bool:
    if source.is_pattern:
        return any((project.root / path).exists() for path in as_dependencies(project, source))
    return (project.root / source.path).exists()


def _files(project: Project) -> Iterator[Source]:
    for source in project.sources.values():
        if not source.is_snapshot and not source.path.is_absolute():
            yield source


def _locked(project: Project) -> dict[str, Any]:
    return read_lock(project) if (project.root / LOCK).is_file() else {}


def _read(project: Project) -> dict[str, Content]:
    """What stages have read of files, by the lock."""
    return {path: tuple(content) for ran in _locked(project).values() for path, content in ran["deps"].items()}


def _paths(project: Project, read: Mapping[str, Content]) -> list[str]:
    """The files and folders of sources, and labelled rows that were learnt from, relative to the project's folder."""
    found: list[str] = []
    made = {str(artifact.path) for artifact in project.artifacts.values() if artifact.maker is not None}
    for source in _files(project):
        if source.is_pattern:
            folder = f"{folder_of(source)}/"
            inside = [path for path in read if f"{path}/".startswith(folder) and path not in made]
            found += as_dependencies(project, source) or inside
        else:
            found.append(str(source.path))
    for name in project.sources:
        labelled = str(project.labelled(name).relative_to(project.root))
        if labelled in read:
            found.append(labelled)
    return list(dict.fromkeys(found))


def _tracker(root: Path, path: str) -> Path | None:
    """The `.dvc` file of a path, or of a folder that it is in."""
    place = root / path
    for each in (place, *place.parents):
        if each == root:
            return None
        tracker = each.with_name(each.name + TRACKED)
        if tracker.is_file():
            return tracker
    return None


def _trackers(root: Path) -> Iterator[Path]:
    for tracker in root.glob(f"**/*{TRACKED}"):
        if tracker.is_file() and not any(part.startswith(".") for part in tracker.relative_to(root).parts[:-1]):
            yield tracker


def _md5(read: Mapping[str, Content], path: str) -> str | None:
    return read[path][0] if path in read else None


def _says(tracker: Path, content: Content) -> bool:
    return content[0] in read_text(tracker)


def _write(root: Path, path: str, content: Content) -> None:
    tracker = root / (path + TRACKED)
    md5, size, *files = content
    count = f"  nfiles: {files[0]}\n" if files else ""
    try:
        tracker.parent.mkdir(parents=True, exist_ok=True)
        name = tracker.name.removesuffix(TRACKED)
        replace_text(tracker, f"outs:\n- md5: {md5}\n  size: {size}\n{count}  hash: md5\n  path: {name}\n")
    except OSError as error:
        raise ProjectError(f"{tracker}: can't be written ({error.strerror}); DVC needs it to carry {path}.") from error


def _keep(place: Path, cache: Cache, members: Mapping[str, str] | None) -> None:
    if members is None:
        cache_file(cache, place)
        return
    for member in members:
        cache_file(cache, place / member)
    cache_folder(cache, members)


def _in_git(root: Path, paths: Iterable[str]) -> set[str]:
    """Those that a repository of git keeps; all of them where there is one that can't be asked."""
    paths = list(paths)
    if not paths or not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return set()
    if which("git") is not None:
        asked = subprocess.run(
            ["git", "ls-files", "-z", "--", *paths], cwd=root, capture_output=True, text=True, check=False
        )
        listed = asked.stdout.split("\0") if asked.returncode == 0 else paths
    else:  # as in an image: DVC brings a reader of its own along
        try:
            from dulwich.errors import NotGitRepository
            from dulwich.repo import Repo
        except ImportError:
            return set(paths)
        try:
            repository = Repo.discover(str(root))
        except NotGitRepository:
            return set(paths)
        listed = [relpath(Path(repository.path) / name.decode(), root) for name in repository.open_index()]
    return {path for path in paths if any(name == path or name.startswith(f"{path}/") for name in listed)}
