"""A project's file sources in; the small `.dvc` files by which DVC carries what no stage makes, completed, out."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from shutil import which
from typing import Any

from slipway.errors import ProjectError
from slipway.files import read_text
from slipway.pipeline.contents import Content, Contents
from slipway.pipeline.dvc2_hash import dvc2_md5
from slipway.pipeline.dvc_cache import Cache, cache_file, cache_folder
from slipway.pipeline.globs import as_dependencies, folder_of
from slipway.pipeline.lock import LOCK, replace_text, uncached
from slipway.pipeline.locked import LockedFile, LockedStage, locked_file, read_lock
from slipway.project.facts import Project, Source
from slipway.project.yaml_text import block_lines

TRACKED = ".dvc"
"""The ending of the file beside one that DVC tracks."""
_OF_CONTENT = ("md5", "size", "nfiles", "hash", "files", "isexec")


def track_missing(project: Project) -> list[str]:
    """Give DVC the sources that are not here, by what `dvc.lock` says the last run read of them; their paths.

    A clone that has the lock alone can be filled from a remote then.
    """
    read = _read(project)
    found = []
    for path in _paths(project, read):
        is_told = path in read and read[path].md5 is not None
        if is_told and not (project.root / path).exists() and not _tracker(project.root, path):
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
        if content is None:
            continue
        if tracker is not None:
            is_read = path in read and content[0] == read[path].md5
            if not (is_read or _is_dvc2(project.root, tracker, path, contents)) or _says(tracker, path, content):
                continue
        _track(project.root, path, content, cache, contents)
        found.append(path)
    return found


def migrate_trackers(project: Project, paths: Iterable[str], cache: Cache, contents: Contents) -> list[str]:
    """Give DVC 3 what DVC 2 has tracked, where it is as it was then: hash, cache and `.dvc` file; their paths.

    Args:
        paths: files and folders that stages read, relative to the project's folder.
    """
    found = []
    for path in sorted(set(paths)):
        tracker = project.root / (path + TRACKED)
        if tracker.is_file() and _is_dvc2(project.root, tracker, path, contents):
            content = contents.content(path)
            assert content is not None
            _track(project.root, path, content, cache, contents)
            found.append(path)
    return found


def missing(project: Project) -> list[str]:
    """What the lock and `.dvc` files name as DVC's to bring and that is not here, relative to the project's folder."""
    left = uncached(project)  # metrics, which git keeps
    outs = [path for stage in _locked(project).values() for path in stage.outs if path not in left]
    tracked = [path for tracker in _trackers(project.root) for path in _tracked(project.root, tracker)]
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


def _locked(project: Project) -> dict[str, LockedStage]:
    return read_lock(project) if (project.root / LOCK).is_file() else {}


def _read(project: Project) -> dict[str, LockedFile]:
    """What stages have read of files, by the lock."""
    return {path: file for stage in _locked(project).values() for path, file in stage.deps.items()}


def _paths(project: Project, read: Mapping[str, LockedFile]) -> list[str]:
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


def _load(tracker: Path) -> dict[str, Any]:
    """What a `.dvc` file says, with `outs` as a list of tables.

    Raises:
        ProjectError: it is none.
    """
    import yaml

    from slipway.project.yaml12 import load_yaml

    try:
        values = load_yaml(read_text(tracker))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProjectError(f"{tracker}: not YAML: {' '.join(str(error).split())}. `dvc add` writes it anew.") from error
    outs = values.get("outs") if isinstance(values, dict) else None
    if not isinstance(outs, list) or not all(isinstance(out, dict) for out in outs):
        raise ProjectError(f"{tracker}: it names no `outs`. `dvc add` writes it anew.")
    found: dict[str, Any] = values
    return found


def _tracked(root: Path, tracker: Path) -> Iterator[str]:
    """The files and folders that a `.dvc` file tracks, relative to the project's folder."""
    values = _load(tracker)
    for out in values["outs"]:
        if out.get("cache", True) is not False and isinstance(out.get("path"), str):
            place = tracker.parent / str(values.get("wdir") or ".") / out["path"]
            yield normpath(relpath(place, root))


def _is_dvc2(root: Path, tracker: Path, path: str, contents: Contents) -> bool:
    """Whether DVC 2 has tracked a file that is as it was then, and that nobody but a person puts there."""
    if "hash:" in tracker.read_text(encoding="utf-8", errors="replace"):
        return False
    values = _load(tracker)
    if len(values["outs"]) != 1 or "deps" in values or "cmd" in values:  # an import, or a stage of DVC 0
        return False
    file, content = locked_file(values["outs"][0], str(tracker))[1], contents.content(path)
    if content is None or file.md5 is None or not file.is_dvc2:
        return False
    return content[0] == file.md5 or dvc2_md5(contents, root, path) == file.md5


def _says(tracker: Path, path: str, content: Content) -> bool:
    files = [locked_file(out, str(tracker))[1] for out in _load(tracker)["outs"]]
    return any(file.md5 == content[0] and not file.is_dvc2 for file in files)


def _track(root: Path, path: str, content: Content, cache: Cache, contents: Contents) -> None:
    members = contents.members(path) if len(content) > 2 else None
    for place in [root / path] if members is None else [root / path / member for member in members]:
        cache_file(cache, place)
    if members is not None:
        cache_folder(cache, members)
    md5, size, *files = content
    _write(root, path, LockedFile(md5, size, files[0] if files else None))


def _write(root: Path, path: str, file: LockedFile) -> None:
    """Write a `.dvc` file; what one that is there says besides of the file, such as `desc` and `meta`, stays."""
    tracker = root / (path + TRACKED)
    before = _load(tracker) if tracker.is_file() else {"outs": [{}]}
    said = {key: value for key, value in before["outs"][0].items() if key not in _OF_CONTENT}
    content = {"md5": file.md5, "size": file.size, "nfiles": file.files, "hash": None if file.is_dvc2 else "md5"}
    out = {**content, **said, "path": PurePosixPath(path).name}
    values = {**before, "outs": [{key: value for key, value in out.items() if value is not None}]}
    values.pop("md5", None)  # DVC 0's, of the file's own text
    try:
        tracker.parent.mkdir(parents=True, exist_ok=True)
        replace_text(tracker, "\n".join(block_lines(values)) + "\n")
    except OSError as error:
        raise ProjectError(f"{tracker}: can't be written ({error.strerror}); DVC needs it to carry {path}.") from error


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
