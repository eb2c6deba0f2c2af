"""The rules by which DVC passes over files: its own, and those of `.dvcignore` files, as DVC 3.67 applies them.

The standard library's lightest parts alone, unless a file has patterns: `unchanged.py` imports this.
"""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache

from slipway.errors import ProjectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

FILE = ".dvcignore"
OWN_FOLDERS = frozenset({".git", ".hg", ".dvc"})
"""Folders that DVC passes over without being told."""
_OWN = (".hg/", ".git/", ".git", ".dvc/")


Pattern = tuple[str, str]
"""One line of a `.dvcignore` file, as if it stood in the root of DVC's repository, and where it stands, such as
`.dvcignore:3`; empty for DVC's own."""


class Rules:
    """What DVC passes over in one folder; without patterns, only what it always does."""

    __slots__ = ("patterns", "root")

    def __init__(self, root: str, patterns: tuple[Pattern, ...] = ()) -> None:
        self.root = root
        self.patterns = patterns

    def ignores(self, path: str, is_folder: bool) -> bool:
        """Return whether the path, relative to the root, or a folder that it is in, is passed over."""
        return self.ignores_within(path) or self.ignores_entry(path, is_folder)

    def ignores_within(self, path: str) -> bool:
        """Return whether one of the folders that the path is in is passed over."""
        return bool(self.patterns) and any(self.ignores_entry(above, True) for above in _folders_above(path))

    def ignores_entry(self, path: str, is_folder: bool) -> bool:
        """Return whether the path itself, relative to the root, is passed over, whatever becomes of its folder."""
        if not self.patterns:
            name = path.rpartition("/")[2]
            return name in OWN_FOLDERS if is_folder else name == ".git"
        for regex, ignores, is_for_folders in _compiled(self.patterns):
            if is_for_folders and not is_folder:
                continue
            if regex.match(path) or (is_folder and regex.match(f"{path}/")):
                return ignores
        return False

    def pattern_of(self, path: str, is_folder: bool) -> Pattern | None:
        """Return the pattern of a `.dvcignore` file by which the path, relative to the root, is passed over."""
        for each, is_each_folder in [*((above, True) for above in _folders_above(path)), (path, is_folder)]:
            for count in range(len(self.patterns), 0, -1) if self.ignores_entry(each, is_each_folder) else ():
                if not Rules(self.root, self.patterns[: count - 1]).ignores_entry(each, is_each_folder):
                    return self.patterns[count - 1]
        return None

    def extended(self, folder: str) -> "Rules":
        """Return these rules with those of a folder's own `.dvcignore`, unless that is passed over itself.

        Args:
            folder: relative to the root; empty for the root itself.

        Raises:
            ProjectError: the file can't be read, or has a pattern that DVC refuses.
        """
        place = f"{folder}/{FILE}" if folder else FILE
        if self.ignores(place, False):
            return self
        added = tuple(_read(self.root, folder, place))
        if not added:
            return self
        known = self.patterns or tuple((text, "") for text in _OWN)
        return Rules(self.root, known + added)


def check_listing(folder: str, names: Iterable[str]) -> None:
    """Refuse an ignore file among the files of a folder that DVC is to track as a whole, which DVC refuses, too.

    Raises:
        ProjectError: there is one; the message says where.
    """
    found = next((name for name in names if name.endswith(FILE) and name.rpartition("/")[2] == FILE), None)
    if found is not None:
        raise ProjectError(
            f"{folder}/{found}: DVC takes no ignore file inside a folder that it tracks as a whole. Move its lines to "
            f"the {FILE} of a folder above, with the paths as they are seen from there."
        )


def dvc_root(root: str) -> str | None:
    """Return the folder of the DVC repository that a project's folder is in; None where there is none."""
    at = root
    while True:
        if os.path.isdir(f"{at}/.dvc"):  # noqa: PTH112 - asked with every look at a folder
            return at
        above = os.path.dirname(at)  # noqa: PTH120
        if above == at or os.path.exists(f"{at}/.git"):  # noqa: PTH110 - what lies above is another repository
            return None
        at = above


def rules_for(root: str, folder: str) -> tuple[Rules, str]:
    """Return the rules that hold for a folder's entries, and the folder's path relative to their root.

    Args:
        root: the project's folder, which stands for the repository's where DVC is not set up.
        folder: one outside the repository has no rules but DVC's own.
    """
    root, inside = os.path.abspath(root), os.path.abspath(folder)  # noqa: PTH100
    top = dvc_root(root) or root
    rules = Rules(top)
    if inside != top and not inside.startswith(f"{top}{os.sep}"):
        return rules, inside
    relative = inside[len(top) + 1 :]
    for each in dict.fromkeys(("", *_folders_above(relative), relative)):
        if os.path.exists(f"{top}/{each}/{FILE}"):  # noqa: PTH110
            rules = rules.extended(each)
    return rules, relative


def ignore_files(root: str, paths: Iterable[str]) -> set[str]:
    """Return the absolute paths of all ignore files, there or not, that could name one of these.

    Args:
        root: the project's folder.
        paths: relative to it.
    """
    top = dvc_root(root) or root
    found = {f"{top}/{FILE}"}
    for path in paths:
        relative = os.path.relpath(f"{root}/{path}", top)
        found.update(f"{top}/{above}/{FILE}" for above in _folders_above(relative))
    return found


def _folders_above(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _read(root: str, folder: str, place: str) -> Iterator[Pattern]:
    try:
        with open(f"{root}/{place}", encoding="utf-8") as file:  # noqa: PTH123
            lines = file.readlines()
    except UnicodeDecodeError as error:
        raise ProjectError(f"{place}: not UTF-8 at byte {error.start}, which DVC refuses. Save it as UTF-8.") from error
    except OSError as error:
        raise ProjectError(f"{place}: can't be read: {error.strerror}.") from error
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not line.startswith("#"):
            _regex(line, f"{place}:{number}")  # as DVC reads it before it brings it to the root
            yield _rebased(line, folder) if folder else line, f"{place}:{number}"


def _rebased(line: str, folder: str) -> str:
    """Return a pattern of a folder's file as DVC writes it for the root: `dvc.pathspec_math.change_rule`."""
    from pathspec.util import normalize_file

    negation, rule = ("!", line[1:]) if line.startswith("!") else ("", line)
    is_anchored = "/" in rule[:-1] and not rule.startswith("**/")
    rule = rule.removeprefix("/" if is_anchored else "**/").removeprefix("\\")
    return normalize_file(f"{negation}/{folder}/{'' if is_anchored else '**/'}{rule}")


def _regex(text: str, place: str) -> tuple[str, bool] | None:
    """Return the expression of a pattern and whether it ignores what it matches; None for one that matches nothing."""
    import re

    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    try:
        regex, ignores = GitIgnoreSpecPattern.pattern_to_regex(text)
        if regex is None or ignores is None:
            return None
        plain = re.sub(r"\(\?P<\w+>", "(?:", regex)  # several in one expression can't have groups of one name
        _expression(plain)
    except (ValueError, re.error) as error:
        raise ProjectError(f"{place}: `{text}` is no pattern, and DVC ends with an error at it: correct it.") from error
    return plain, ignores


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[Pattern, ...]) -> "list[tuple[re.Pattern[str], bool, bool]]":
    """Return expressions, last first, each with whether it ignores and whether it is for folders alone."""
    from itertools import groupby

    read = [(_regex(text, place), text.endswith("/")) for text, place in patterns]
    known = [(found[1], is_for_folders, found[0]) for found, is_for_folders in read if found is not None]
    grouped = groupby(known, key=lambda each: each[:2])
    found = [(_expression("|".join(f"(?:{e[2]})" for e in group)), *kind) for kind, group in grouped]
    return found[::-1]


def _expression(text: str) -> "re.Pattern[str]":
    import re
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of `[` in a set, which a later Python may read otherwise
        return re.compile(text)
