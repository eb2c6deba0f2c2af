"""What rendering gave and a project's folder in; which files differ and whose doing it is out, and those files written.

`docker/.rendered.json` has the digest of each file as it was written, so that a file that has been edited since can be
told from one that is out of date.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from slipway.errors import OutsideError, ProjectError
from slipway.files import Draft

MANIFEST = "docker/.rendered.json"
_FORMAT = 1
_MODE = 0o644
_FOLDER_MODE = 0o755
"""Whoever a container runs as reads what is mounted into it, whatever the umask is here."""

State = Literal["as rendered", "missing", "stale", "edited", "not Slipway's", "left over"]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the files, by their paths in the project's folder."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]
    """Edited since they were rendered, and left so."""
    removed: tuple[str, ...]
    """Rendered once, and no more."""

    def lines(self) -> list[str]:
        """A line a file that changed or was left, and a count of the others."""
        kept = [f"kept     {path}: edited since it was rendered; --force writes it anew" for path in self.kept]
        changed = [f"written  {path}" for path in self.written] + [f"removed  {path}" for path in self.removed]
        return [*changed, *kept, f"{len(self.unchanged)} files are as they were"]

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(paths) for name, paths in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Difference:
    """How each file stands that is not as rendered, by its path."""

    differing: Mapping[str, State]

    def lines(self) -> list[str]:
        return [f"{state:<12} {path}" for path, state in self.differing.items()]

    def to_json(self) -> dict[str, Mapping[str, State]]:
        return {"differing": self.differing}


def difference(root: Path, rendered: Mapping[str, str | bytes]) -> Difference:
    """What a folder's files are not as rendered. Nothing is written."""
    return Difference({path: state for path, state in states(root, rendered).items() if state != "as rendered"})


def states(root: Path, rendered: Mapping[str, str | bytes]) -> dict[str, State]:
    """How each rendered file stands, and each that was rendered once."""
    before = _read_manifest(root)
    found = {path: _state(root / path, _bytes(content), before.get(path)) for path, content in rendered.items()}
    for path in sorted(before.keys() - rendered.keys()):
        if (root / path).exists():
            is_ours = _digest((root / path).read_bytes()) == before[path]
            found[path] = "left over" if is_ours else "edited"
    return found


def write(root: Path, rendered: Mapping[str, str | bytes], *, force: bool = False) -> Written:
    """Write what differs; each file is whole or as it was. `compose.override.yaml` is never among them.

    Args:
        force: write over what was edited, or was there before.

    Raises:
        ProjectError: a file is there that Slipway did not write; nothing was written.
        OutsideError: the disk, or the file system's rights, are against it.
    """
    found = states(root, rendered)
    foreign = [path for path, state in found.items() if state == "not Slipway's"]
    if foreign and not force:
        raise ProjectError(
            f"{root / foreign[0]}: this file is not Slipway's, and rendering would write over it"
            f"{_others(foreign)}. Move it away, give [stack] another `file` or `dockerfile`, or say --force. "
            f"Nothing was written."
        )
    before = _read_manifest(root)
    kept = [path for path, state in found.items() if state == "edited" and not (force and path in rendered)]
    gone = [path for path, state in found.items() if state == "left over"]
    changed = [path for path in rendered if path not in kept and found[path] != "as rendered"]
    with _translated(root):
        _write_all({root / path: _bytes(rendered[path]) for path in changed})
        for path in gone:
            (root / path).unlink(missing_ok=True)
            _remove_empty(root, (root / path).parent)
        digests = {path: _digest(_bytes(rendered[path])) for path in rendered if path not in kept}
        digests |= {path: before[path] for path in kept if path in before}
        if digests != before:
            text = json.dumps({"format": _FORMAT, "files": dict(sorted(digests.items()))}, indent=1) + "\n"
            _write_all({root / MANIFEST: text.encode()})
    unchanged = [path for path in rendered if path not in kept and path not in changed]
    return Written(tuple(changed), tuple(unchanged), tuple(kept), tuple(gone))


def _state(path: Path, wanted: bytes, digest: str | None) -> State:
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise OutsideError(f"{path}: it can't be read: {error.strerror}.") from error
    if there == wanted:
        return "as rendered"
    if digest is None:
        # Without the note of what was written, an opening line of ours still tells that it was rendered.
        return "edited" if b"endered by " in there[:200] else "not Slipway's"
    return "stale" if _digest(there) == digest else "edited"


def _write_all(contents: Mapping[Path, bytes]) -> None:
    """All beside their places first: a full disk leaves every file as it was."""
    with ExitStack() as drafts:
        made = []
        for path, content in contents.items():
            _make_folder(path.parent)
            draft = drafts.enter_context(Draft(path, mode=_MODE))
            draft.path.write_bytes(content)
            made.append(draft)
        for draft in made:
            draft.commit()


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(_FOLDER_MODE)


def _remove_empty(root: Path, folder: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _read_manifest(root: Path) -> dict[str, str]:
    path = root / MANIFEST
    try:
        noted: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ProjectError(f"{path}: it can't be read ({error}). Remove it, then render again.") from error
    if not isinstance(noted, dict) or noted.get("format") != _FORMAT or not isinstance(noted.get("files"), dict):
        raise ProjectError(f"{path}: written by another version of Slipway. Remove it, then render again.")
    return {str(name): str(digest) for name, digest in noted["files"].items()}


def _others(paths: list[str]) -> str:
    return f", as it would over {', '.join(paths[1:])}" if paths[1:] else ""


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutsideError(
            f"{error.filename or root}: the stack's files can't be written: {error.strerror}."
        ) from error
