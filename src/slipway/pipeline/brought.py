"""The project's code in an image and a volume that hides it in; what changed in the image brought over, out.

A named volume is filled from the image once, when it is made. Without this a rebuilt image would run old code.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.files import locked, write_bytes
from slipway.project.facts import FILE
from slipway.project.read import find_project
from slipway.settings import look_up, not_writable

MANIFEST = ".slipway/code.json"
REPLACED = ".slipway/replaced"
"""What was changed in the volume and in the image: the image's is taken, and this is where the other one goes."""
_FORMAT = 1
_WAIT_SECONDS = 120.0
_BUSY = "another container brings newer code here, and was not done after two minutes. Start this one again."
_OWN = frozenset({".slipway", ".git", "mlruns", "secrets", "lost+found"})
_OF_A_NEW_VOLUME = frozenset({".slipway", "lost+found"})
_OWN_FILES = frozenset({"mlflow.db", ".dvc/config.local"})
_OWN_INSIDE = (".dvc/cache", ".dvc/tmp", ".dvc/site_cache_dir")

log = logging.getLogger(__name__)

Seen = Mapping[str, list[Any]]
"""By path: size, times of content and of the file's facts, and SHA-256, as they were in the image."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What was done in the volume; paths relative to it."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    """Of these, what had been changed in the volume, too."""


def project_root(folder: Path) -> Path:
    """The folder of the project in this one or above it; what its image has of newer code is in it then.

    Raises:
        ProjectError: there is none.
        OutsideError: it can't be written to, and there is newer code.
    """
    code = look_up("SLIPWAY_CODE")
    if code is not None:
        bring_code(Path(code), folder)
    return find_project(folder)


def bring_code(code: Path, folder: Path) -> Brought | None:
    """Bring into the project's folder what changed in the image's code since the last time; None where nothing did.

    What was changed here, and not in the image, stays: settings written by `run --set`, DVC's files. What changed on
    both sides becomes the image's, since somebody built that on purpose; the other one is kept beside, and it is said.
    Several containers may start at once.

    Args:
        code: the image's.
        folder: the volume, or a folder in it. Another project's folder, or a clone, is left alone.

    Raises:
        OutsideError: it can't be written to.
    """
    root = _root(code, folder)
    if root is None:
        return None
    seen = _look(code)
    known = _read(root)
    if known is not None and not _differs(code, root, seen, known):
        return None
    with _alone(root):
        known = _read(root)  # by now another container may have done it
        try:
            return _bring(code, root, seen, known)
        except OSError as error:
            raise not_writable(Path(error.filename2 or error.filename or root), error) from error


def _root(code: Path, folder: Path) -> Path | None:
    """The folder to bring code into; None where the one that is asked for is not this project's volume."""
    if not (code / FILE).is_file() or not folder.is_dir():
        return None
    folder = folder.resolve()
    if folder.is_relative_to(code.resolve()):
        return None
    for root in (folder, *folder.parents):
        if (root / FILE).is_file() or (root / MANIFEST).is_file():
            is_ours = (root / MANIFEST).is_file() or _name(root / FILE) == _name(code / FILE)
            return root if is_ours and not (root / ".git").exists() else None
    is_new = all(path.name in _OF_A_NEW_VOLUME for path in folder.iterdir())
    return folder if is_new and (folder.is_mount() or (folder / ".slipway").is_dir()) else None


def _name(path: Path) -> str | None:
    """The project's name, though the rest of the file may be wrong."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == "name"), None)


def _look(code: Path) -> dict[str, list[int]]:
    """Size and times of each file of the image's code."""
    found: dict[str, list[int]] = {}
    for path in sorted(_walk(str(code), "")):
        facts = os.stat(os.path.join(code, path))  # noqa: PTH116, PTH118 - some hundreds at each start of a command
        found[path] = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]
    return found


def _walk(root: str, inside: str) -> Iterator[str]:
    with os.scandir(os.path.join(root, inside)) as entries:  # noqa: PTH118
        for entry in entries:
            path = f"{inside}{entry.name}"
            if entry.name == "__pycache__" or path in _OWN or path in _OWN_FILES or path in _OWN_INSIDE:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, f"{path}/")
            elif entry.is_file():
                yield path


def _read(root: Path) -> dict[str, list[Any]] | None:
    try:
        kept = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        return kept["files"] if kept["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _differs(code: Path, root: Path, seen: Mapping[str, list[int]], known: Seen) -> bool:
    if seen.keys() != known.keys():
        return True
    return any(facts != known[path][:3] or not (root / path).exists() for path, facts in seen.items())


def _bring(code: Path, root: Path, seen: Mapping[str, list[int]], known: Seen | None) -> Brought | None:
    files: dict[str, list[Any]] = {}
    before = {path: entry[3] for path, entry in (known or {}).items()}
    changed, removed, replaced = [], [], []
    for path, facts in seen.items():
        is_known = known is not None and path in known and known[path][:3] == facts
        digest = before[path] if is_known else _digest(code / path)
        files[path] = [*facts, digest]
        if before.get(path) == digest and (root / path).exists():
            continue
        here = _digest(root / path)
        if here == digest:
            continue
        if here is not None and here != before.get(path):
            _keep(root, path)
            replaced.append(path)
        _copy(code / path, root / path)
        changed.append(path)
    for path in sorted(before.keys() - files.keys()):
        here = _digest(root / path)
        if here is None:
            continue
        if here != before[path]:
            _keep(root, path)
            replaced.append(path)
        (root / path).unlink()
        removed.append(path)
    write_bytes(root / MANIFEST, json.dumps({"format": _FORMAT, "files": files}).encode())
    if replaced:
        log.warning(
            "%s: changed here and in the image: the image's is taken now, and what was here is in %s.",
            ", ".join(replaced), REPLACED,
        )  # fmt: skip
    return Brought(tuple(changed), tuple(removed), tuple(replaced)) if changed or removed else None


def _digest(path: Path) -> str | None:
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _keep(root: Path, path: str) -> None:
    """Put a copy of the volume's own aside."""
    write_bytes(root / REPLACED / path, (root / path).read_bytes())


def _copy(source: Path, target: Path) -> None:
    write_bytes(target, source.read_bytes(), mode=source.stat().st_mode & 0o777 | 0o600)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(
                locked(root / ".slipway" / "locks" / "code.lock", wait_seconds=_WAIT_SECONDS, busy=f"{root}: {_BUSY}")
            )
        except OSError as error:
            raise not_writable(root / ".slipway", error) from error
        yield
