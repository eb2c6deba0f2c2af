"""Names of imported libraries in, the versions that are installed out; and a cheap check that they still are."""

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

_NAMED_OTHERWISE = {"sklearn": "scikit-learn", "skimage": "scikit-image", "yaml": "PyYAML", "PIL": "pillow"}
"""Spares the common ones a look into every installed distribution, which takes a tenth of a second."""


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """The version of each library by the name it is imported under; "not installed" where there is none."""
    return {name: _version(name)[0] for name in sorted(names)}


def version_marks(names: Iterable[str]) -> dict[str, int]:
    """Files of the installed libraries with their times: while all stay, so do the versions."""
    marks = {sys.prefix: sys.hexversion}
    for name in names:
        path = _version(name)[1]
        if path is not None:
            marks[path] = Path(path).stat().st_mtime_ns
    return marks


def are_current(marks: Mapping[str, int]) -> bool:
    """Whether the libraries are those of `version_marks`, found by looking at times alone."""
    if marks.get(sys.prefix) != sys.hexversion:  # another interpreter, or another environment
        return False
    try:
        return all(path == sys.prefix or Path(path).stat().st_mtime_ns == time for path, time in marks.items())
    except OSError:
        return False


@cache
def _version(name: str) -> tuple[str, str | None]:
    from importlib import metadata

    try:
        found = metadata.distribution(_NAMED_OTHERWISE.get(name, name))
    except metadata.PackageNotFoundError:
        named = distributions_by_name().get(name)
        if not named:
            return "not installed", None
        found = metadata.distribution(named[0])
    path = getattr(found, "_path", None)  # where a distribution is stands in no public attribute
    return found.version, str(path) if isinstance(path, Path) and path.exists() else None


@cache
def distributions_by_name() -> Mapping[str, list[str]]:
    """The installed distributions by the names that are imported of them."""
    from importlib import metadata

    return metadata.packages_distributions()
