"""A stack in, a file for each secret that its services read out: made once, never shown, readable by them alone."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.errors import OutsideError
from slipway.files import Draft, write_text
from slipway.project.stack import Stack
from slipway.serve.access.tokens import PREFIX
from slipway.settings import look_up
from slipway.stack.running.dotenv import FILE as DOTENV
from slipway.stack.running.dotenv import add_lines, read_dotenv
from slipway.stack.running.owner import Owner, give_folder, owner_of, share

FOLDER = "secrets"
API_TOKEN = "api_token"  # noqa: S105
AWS = "aws_credentials"

_FILE_MODE = 0o440
_FOLDER_MODE = 0o755
"""Its names are no secret; and what hides the folder in a container has its mode there, where DVC looks into it."""
_RANDOM_BYTES = 32
_AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a stack's secrets. No value is in it."""

    made: tuple[str, ...]
    """Names of those that were made now."""
    given: tuple[str, ...]
    """Of these, the ones that the environment gave."""
    there: tuple[str, ...]
    """Names of those that were there."""
    notes: tuple[str, ...]
    """What a person should know: a value that was not taken, one that only they can give."""

    def lines(self) -> list[str]:
        """The same in words, a secret a line."""
        made = [
            f"{FOLDER}/{name}  {'made of what the environment gave' if name in self.given else 'made'}"
            for name in self.made
        ]
        return [*made, *(f"{FOLDER}/{name}  there" for name in self.there), *self.notes]

    def to_json(self) -> dict[str, Any]:
        """What `stack secrets --json` prints: names of files, no values."""
        return {key: list(value) for key, value in asdict(self).items()}


def secret_names(stack: Stack) -> tuple[str, ...]:
    """The secrets that a stack's services read, each a file `secrets/NAME`."""
    postgres = stack.one("postgres")
    names: list[str] = []
    if postgres is not None:
        names += ["slipway_password"] if postgres.external else ["postgres_password", "slipway_password"]
        for kind, name in (("api", "slipway_api"), ("mlflow", "mlflow"), ("prefect", "prefect")):
            if any(service.kind == kind and not service.external for service in stack.services.values()):
                names.append(f"{name}_password")
    if stack.of("api"):
        names.append(API_TOKEN)
    if "s3" in stack.remotes:
        names.append(AWS)
    return tuple(names)


def make_secrets(folder: Path, stack: Stack, environment: Mapping[str, str] | None = None) -> Kept:
    """Make the secrets that are missing, and give the stack's containers the right to read them.

    A variable of a secret's own name in capitals, in the environment or in `.env`, is what it begins with:
    `POSTGRES_PASSWORD` is `secrets/postgres_password`, the superuser's. `aws_credentials` begins with
    `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. Else a secret is random.

    Raises:
        OutsideError: the disk, or the file system's rights, are against it.
    """
    owner = owner_of(folder)
    place = folder / FOLDER
    values = read_dotenv(folder) | {name: found for name in _variables(stack) if (found := look_up(name, environment))}
    made, given, there, notes = [], [], [], []
    _make_folder(place, owner)
    for name in secret_names(stack):
        path, value = place / name, _value(name, values)
        if path.exists() and not (name == AWS and value and not path.stat().st_size):
            there.append(name)
            notes += _difference(path, value, name)
            _give(path, owner)
            continue
        if value is None and _only_theirs(stack, name):
            notes.append(_to_be_given(stack, name))
            continue
        _write(path, _new(name) if value is None else value, owner)
        made.append(name)
        if value is not None:
            given.append(name)
        elif name == AWS:
            notes.append(
                f"{FOLDER}/{AWS} is empty: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and call `slipway stack "
                "secrets`, or write the file as AWS has it; a remote that needs none works as it is."
            )
    notes += _owners(folder, owner)
    if stack.volumes == "folders":
        give_folder(folder / ".slipway", folder, owner)  # mounted into the API alone, which no other container precedes
        if owner.is_roots:
            share(folder, owner)
    return Kept(tuple(made), tuple(given), tuple(there), tuple(notes))


def _owners(folder: Path, owner: Owner) -> list[str]:
    """`.env` tells Compose whose the folder is; what is to be said of it."""
    wanted = {"SLIPWAY_UID": str(owner.uid), "SLIPWAY_GID": str(owner.gid)}
    there = add_lines(folder, wanted)
    if not owner.is_roots and not os.geteuid():
        os.chown(folder / DOTENV, owner.uid, owner.gid)  # root called; the file is theirs to edit
    return [
        f"{DOTENV} says {name}={value}, which stays; going by whose the folder is, it would be {wanted[name]}."
        for name, value in there.items()
    ]


def _variables(stack: Stack) -> list[str]:
    return [*_AWS_VARIABLES, *(name.upper() for name in secret_names(stack))]


def _value(name: str, values: Mapping[str, str]) -> str | None:
    """What a secret is to begin with; None where nobody has said."""
    if name != AWS:
        return values.get(name.upper()) or None
    lines = [f"{variable.lower()} = {values[variable]}" for variable in _AWS_VARIABLES if values.get(variable)]
    return "\n".join(["[default]", *lines, ""]) if lines else None


def _only_theirs(stack: Stack, name: str) -> bool:
    """Whether nobody but the user knows it: a role's password on a server that is not the stack's."""
    postgres = stack.one("postgres")
    return postgres is not None and postgres.external and name.endswith("_password")


def _to_be_given(stack: Stack, name: str) -> str:
    postgres = stack.one("postgres")
    assert postgres is not None
    role = name.removesuffix("_password")
    return (
        f"{FOLDER}/{name} is missing: `{postgres.name}` runs elsewhere, so only you know the password of its role "
        f"`{role}`: `{name.upper()}=… slipway stack secrets` keeps it."
    )


def _difference(path: Path, value: str | None, name: str) -> list[str]:
    if value is None:
        return []
    try:
        there = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return [f"{FOLDER}/{name} can't be read here, so whether the environment has the same value is not known."]
    if there.strip() == value.strip():
        return []
    variables = "AWS_…" if name == AWS else name.upper()
    return [
        f"{FOLDER}/{name} has another value than {variables} in the environment or {DOTENV}; the file stays. Remove "
        "the file and call `slipway stack up`, which renews what reads it, or take the variable away."
    ]


def _new(name: str) -> str:
    """Random letters and digits that no URL and no configuration file has to escape; nothing for keys of others."""
    if name == AWS:
        return ""
    return (PREFIX if name == API_TOKEN else "") + secrets.token_urlsafe(_RANDOM_BYTES)


def _make_folder(place: Path, owner: Owner) -> None:
    with _translated(place):
        place.mkdir(exist_ok=True)
        _give(place, owner, mode=_FOLDER_MODE)
        ignored = place / ".gitignore"
        if not ignored.exists():
            write_text(ignored, "*\n")


def _write(path: Path, value: str, owner: Owner) -> None:
    """Put a whole secret in its place, unless somebody else has meanwhile put one there."""
    with _translated(path), Draft(path, is_durable=True) as draft:
        with os.fdopen(os.open(draft.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="utf-8") as file:
            file.write(value)
        _give(draft.path, owner)
        if path.exists() and not path.stat().st_size:
            draft.commit()  # an empty one says nothing
            return
        try:
            os.link(draft.path, path)  # unlike a rename this fails where somebody was quicker
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            draft.commit()


def _give(path: Path, owner: Owner, *, mode: int = _FILE_MODE) -> None:
    """Let the containers' group read what is ours; what is somebody else's stays as it is, and a check tells."""
    with suppress(PermissionError):
        os.chown(path, -1 if owner.is_roots or os.geteuid() else owner.uid, owner.gid)
    with suppress(PermissionError):
        path.chmod(mode)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutsideError(f"{path}: the secret can't be kept: {error.strerror}.") from error
