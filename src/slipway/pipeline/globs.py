"""A pattern such as `data/raw/*.csv` in; the files that it names, one digest of them, and what DVC is told out."""

import glob
import os
from pathlib import Path, PurePosixPath

from slipway.errors import ProjectError
from slipway.pipeline.contents import Contents, tree_md5
from slipway.pipeline.folders import files_in
from slipway.project.facts import FILE, Project, Source


def files_of(project: Project, source: Source) -> list[str]:
    """The files that a source's pattern names, in the order of their names, relative to the project's folder.

    Raises:
        ProjectError: one of them is made by the project itself.
    """
    pattern = str(source.path)
    found = sorted(
        path.replace(os.sep, "/")
        for path in glob.iglob(pattern, root_dir=project.root, recursive=True)  # noqa: PTH207 - it skips hidden files
        if (project.root / path).is_file()
    )
    made = {
        str(artifact.path): artifact.maker or f"source {artifact.name}"
        for artifact in project.artifacts.values()
        if artifact.maker is not None or project.sources[artifact.name].is_snapshot
    }
    own = next((path for path in found if path in made), None)
    if own is not None:
        raise ProjectError(
            f"{FILE}: [sources] {source.name} = '{pattern}' takes {own}, too, which `{made[own]}` makes: name the "
            f"files more narrowly, or move them into a folder of their own."
        )
    return found


def folder_of(source: Source) -> PurePosixPath:
    """The folder below which everything stands that a pattern could name."""
    parts = source.path.parts
    plain = next(place for place, part in enumerate(parts) if any(sign in part for sign in "*?["))
    return PurePosixPath(*parts[:plain])


def as_dependencies(project: Project, source: Source) -> list[str]:
    """The files, or their folder where the pattern takes all that is in it: then DVC sees a new one by itself."""
    files, folder = files_of(project, source), folder_of(source)
    if not files or folder == PurePosixPath():
        return files
    inside = {f"{folder}/{path}" for path, _ in files_in(str(project.root), str(project.root / folder))}
    return [str(folder)] if inside == set(files) else files


def source_md5(project: Project, source: Source, contents: Contents) -> str | None:
    """The MD5 of a source's file, folder or snapshot; of several files one of contents and names; None without any."""
    if not source.is_pattern:
        content = contents.content(str(source.path))
        return content[0] if content is not None else None
    found = {path: contents.content(path) for path in files_of(project, source)}
    members = {path: content[0] for path, content in found.items() if content is not None}
    return tree_md5(members) if members else None


def existing_files(project: Project, source: Source) -> list[Path]:
    """The files to read, one at least.

    Raises:
        ProjectError: the pattern names none.
    """
    files = files_of(project, source)
    if not files:
        raise ProjectError(
            f"{FILE}: [sources] {source.name} = '{source.path}': no file is named so. Put one into "
            f"{project.root / folder_of(source)}, or correct the pattern."
        )
    return [project.root / path for path in files]
