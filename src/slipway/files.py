"""Files that are replaced in one step, and locks between processes.

Every file that Slipway writes is written in a `Draft`: a folder of its own beside the file's place, which is renamed to
that place once it is whole. Readers see the old content or the new one, and two writers never share a draft.
"""

import contextlib
import errno
import fcntl
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from slipway.errors import BusyError, OutsideError, ProjectError
from slipway.file_rights import create_private

PREFIX = ".slipway-"
"""What the names of drafts begin with; no artifact may have such a name."""

_DRAFT = re.compile(r"\.slipway-[0-9a-f]{16}\.draft")
_POLL_SECONDS = 0.02

log = logging.getLogger(__name__)


def is_draft(name: str) -> bool:
    """Return whether a folder of this name holds a file that is not finished, and thus is nobody's data."""
    return name.startswith(PREFIX) and _DRAFT.fullmatch(name) is not None


def place_of(path: Path) -> Path:
    """Return where a draft's file will be; a path that is in no draft is given back as it is."""
    return path.parent.with_name(path.name) if is_draft(path.parent.name) else path


class Draft:
    """A file or folder that is being made, beside the place where it will be.

    It has the name of its place, within a folder whose name nothing else has, so that two files of one folder never
    meet, whatever their names are. What killed processes left in the same folder is removed first; a lock on each
    draft, which the system drops with its process, tells it from a living writer's. Leaving the `with` block discards
    what was not committed:

        with Draft(path) as draft:
            table.write_parquet(draft.path)
            draft.commit()

    Args:
        path: the place. Its folder is made where it is missing.
        mode: the file's permissions; what the process's umask leaves unless given. A mode that is for the owner alone
            holds from the first byte on.
        is_durable: whether a committed file survives a loss of power: it, and its name, are on disk before `commit`
            returns. Without it the file may then be the old one, or empty.

    Raises:
        OSError: the folder can't be written to.
    """

    def __init__(self, path: Path, *, mode: int | None = None, is_durable: bool = False) -> None:
        self.place = path = path.resolve() if path.name in ("", "..") else path
        self._mode = mode
        self._is_durable = is_durable
        try:
            self._folder, self._handle = _new_folder(path.parent, is_private=mode is not None and not mode & 0o077)
        except OSError as error:
            error.filename = str(path)
            raise
        self.path = self._folder / path.name
        """Where to write."""

    def commit(self) -> None:
        """Put what was written at `path` in its place, instead of what is there.

        A file replaces a file in one step. A folder can't: whoever looks between two renames finds none.

        Raises:
            FileNotFoundError: nothing was written.
            OSError: the disk does not take it; what was there is there still.
        """
        is_folder = self.path.is_dir()
        if self._mode is not None and not is_folder:
            self.path.chmod(self._mode)
        if self._is_durable:
            _sync_all(self.path)
        if is_folder or (self.place.is_dir() and not self.place.is_symlink()):
            self._exchange()
        else:
            self.path.replace(self.place)
        if self._is_durable:
            _sync(self.place.parent)
        self.discard()

    def discard(self) -> None:
        """Remove the draft and all that is in it; nothing happens where it was committed or discarded before."""
        if self._handle is None:
            return
        try:
            self._folder.rmdir()
        except OSError:
            remove(self._folder)
        finally:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError) and str(error.filename or "").startswith(str(self._folder)):
            error.filename, error.filename2 = str(self.place), None  # the draft's own name tells nobody anything
        self.discard()

    def _exchange(self) -> None:
        if not os.path.lexists(self.place):
            self.path.rename(self.place)
            return
        before = self._folder / f"{self.place.name}.before"
        self.place.rename(before)
        try:
            self.path.rename(self.place)
        except BaseException:
            before.rename(self.place)
            raise


def write_bytes(path: Path, content: bytes, *, mode: int | None = None, is_durable: bool = False) -> None:
    """Write a file in one step. The arguments, and what is raised, are `Draft`'s."""
    with Draft(path, mode=mode, is_durable=is_durable) as draft:
        _write(draft.path, content, 0o666 if mode is None else mode)
        draft.commit()


def write_text(path: Path, text: str, *, mode: int | None = None, is_durable: bool = False) -> None:
    """Write a text as UTF-8, with the line ends it has, in one step. See `Draft`."""
    write_bytes(path, text.encode(), mode=mode, is_durable=is_durable)


def read_text(path: Path) -> str:
    """Read a text file that a person keeps; a byte order mark, which some editors put first, is no part of it.

    Raises:
        FileNotFoundError: it is missing.
        ProjectError: it is not UTF-8, or can't be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: not UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    except OSError as error:
        raise ProjectError(f"{path}: can't be read: {error.strerror}.") from error


def read_state(path: Path, shape: Any) -> Any:
    """Read JSON that Slipway wrote, and can make anew; None, with a word in the log, where it is not what was written.

    Args:
        shape: what the values have to be; see `fits`.
    """
    import json

    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s: it can't be read (%s), so it is made anew", path, getattr(error, "strerror", None) or error)
        return None
    if not fits(values, shape):
        log.warning("%s: its content is not what Slipway writes, so it is made anew", path)
        return None
    return values


def fits(value: Any, shape: Any) -> bool:
    """Return whether a JSON value has a shape.

    Args:
        shape: a type; a tuple of shapes, one of which has to fit; `[shape]`, a list of such; `{"name": shape}`, an
            object that has these names at least; `{str: shape}`, an object of any names. `float` takes whole numbers
            too, and no number is a `bool`.
    """
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(each, shape[0]) for each in value)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return False
        if str in shape:
            return all(fits(each, shape[str]) for each in value.values())
        return all(name in value and fits(value[name], each) for name, each in shape.items())
    if shape in (int, float):
        return isinstance(value, int if shape is int else int | float) and not isinstance(value, bool)
    return value is None if shape is None else isinstance(value, shape)


def rewrite_text(path: Path, text: str) -> None:
    """Change the text of a file that a person keeps; see `rewrite_bytes`."""
    rewrite_bytes(path, text.encode())


def rewrite_bytes(path: Path, content: bytes, *, mode_of_new: int | None = None) -> None:
    """Change the content of a file that a person keeps, such as `params.yaml` or `.env`.

    It stays as open or as closed to others as it is, and a link stays a link; it is durable. One that is not there yet
    is made.

    Raises:
        OSError: as `Draft`.
    """
    try:
        path = path.resolve()
        before = path.stat()
    except FileNotFoundError:
        write_bytes(path, content, mode=mode_of_new, is_durable=True)
        return
    except RuntimeError as error:  # of a link that leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    with Draft(path, is_durable=True) as draft:
        _write(draft.path, content, 0o600)
        mode = before.st_mode & 0o777
        with contextlib.suppress(PermissionError):
            os.chown(draft.path, before.st_uid if os.geteuid() == 0 else -1, before.st_gid)
        if draft.path.stat().st_gid != before.st_gid:
            mode &= ~0o070  # it was meant for another group
        draft.path.chmod(mode)
        draft.commit()


@contextlib.contextmanager
def locked(path: Path, *, wait_seconds: float = 10.0, busy: str = "", note: str = "") -> Iterator[None]:
    """Hold a lock against every other process and thread while the block runs.

    Whoever reads a file and writes it again, changed, holds its lock meanwhile, so that no change is lost. The lock is
    on a file of its own, which stays: the file itself is replaced, and a lock on it would be on the old one.

    Args:
        path: the lock's file, such as `.slipway/locks/run.lock`; made where it is missing.
        wait_seconds: how long to wait for somebody else.
        busy: the message where that was not long enough; `{holder}` in it is what the holder noted.
        note: who holds it, for the message of whoever has to wait.

    Raises:
        BusyError: somebody else held it all the time.
        OutsideError: this disk has no locks.
        OSError: the lock's file can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    while True:
        with os.fdopen(create_private(path, os.O_RDWR | os.O_APPEND), "a+", encoding="utf-8", errors="replace") as file:
            _lock(file, path, deadline, busy or f"{path}: held by another process for {wait_seconds:g} s. Try again.")
            if not _is_at(file, path):
                continue  # somebody removed the file while we waited: whoever comes now would lock another
            if note:
                file.truncate(0)
                file.write(note)
                file.flush()
            yield
            return


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        import shutil

        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the drafts that killed processes left in a folder.

    A living writer's stays, and so does each where the disk has no locks to tell by, or that belongs to another user.
    """
    left = []
    with contextlib.suppress(PermissionError), os.scandir(folder) as entries:  # it may be written to and not listed
        left = [entry.path for entry in entries if is_draft(entry.name) and entry.is_dir(follow_symlinks=False)]
    for path in left:
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(Path(path))
            finally:
                os.close(handle)


def _new_folder(parent: Path, *, is_private: bool) -> tuple[Path, int | None]:
    """A new draft's folder, and the handle that holds its lock."""
    parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(parent)
    while True:
        folder = parent / f"{PREFIX}{os.urandom(8).hex()}.draft"
        folder.mkdir(0o700 if is_private else 0o777)
        # Until it is locked, somebody who removes leftovers may take it for one; then there is another.
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _is_locked(handle) and folder.exists():
                return folder, handle
            os.close(handle)


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks, where nobody removes leftovers either
        return True
    return True


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - made with its mode
            file.write(content)
    except OSError as error:
        error.filename = str(path)
        raise


def _sync_all(path: Path) -> None:
    """Bring a file, or all that is in a folder, to the disk."""
    for folder, _, names in os.walk(path):
        for name in names:
            _sync(Path(folder, name))
        _sync(Path(folder))
    if not path.is_dir():
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(file: TextIO, path: Path, deadline: float, busy: str) -> None:
    pause = 0.001
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.seek(0)
                raise BusyError(busy.replace("{holder}", file.read().strip() or "another process")) from None
            time.sleep(pause)
            pause = min(2 * pause, _POLL_SECONDS)
        except OSError as error:
            raise OutsideError(
                f"{path.parent}: this disk has no locks ({error.strerror}); put it on another one."
            ) from error


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
