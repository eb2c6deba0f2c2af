"""The tree of errors: each says what happened, where, and what to do, and knows the exit code of its kind."""

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 20
"""Names that a message lists at most; a table can have hundreds of columns."""


class SlipwayError(Exception):
    """Something that a person has to read; `exit_code` is what a command line ends with."""

    exit_code = 70


class CheckRefused(SlipwayError):
    """A check said no: a gate, a threshold, the ledger's chain."""

    exit_code = 1


class ProjectError(SlipwayError):
    """The project, the command or its arguments are wrong."""

    exit_code = 2


class NothingLive(ProjectError):
    """No version is live yet: what needs one may find one later."""


class DataError(ProjectError):
    """A table, a file or a body is not what it has to be."""


class StageError(ProjectError):
    """A stage of the user's raised, or gave something that it did not promise."""


class BundleError(ProjectError):
    """A bundle is damaged, unreadable or written by a newer version: nothing of it was loaded."""


class OutsideError(SlipwayError):
    """Something outside failed: a service, a disk, a lock that nobody gives back."""

    exit_code = 3


class BusyError(SlipwayError):
    """Somebody else is doing this now."""

    exit_code = 4


class BadRequest(Exception):
    """Raised by a project's own `request` function: the body is wrong; the message goes to the caller."""


def near_miss(name: str, known: Iterable[str], *, listed: int | None = _LISTED) -> str:
    """Return a sentence that suggests the known name meant by `name`, or lists them; empty when none is known.

    Args:
        listed: how many names it lists at most; None for all.
    """
    names = sorted(known)
    # Case is the commonest slip, and the one that a comparison of letters takes for a wholly different name.
    by_folded = {known_name.casefold(): known_name for known_name in reversed(names)}
    close = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    if close:
        return f" Did you mean `{by_folded[close[0]]}`?"
    more = f" and {len(names) - listed} more" if listed is not None and len(names) > listed else ""
    return f" Known here: {', '.join(names[:listed])}{more}." if names else ""
