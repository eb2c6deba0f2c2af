"""A project in, the locks of its images out: `docker/locks/PART.txt` with every version and its hashes."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from slipway.project.facts import Project
from slipway.stack.images.parts import Image, images

FOLDER = "docker/locks"
_HEAD = "# Rendered by Slipway: {what}, each version with the hashes of its files.\n"


def locks(project: Project, built: Iterable[Image] | None = None) -> dict[str, str]:
    """The locks of all parts of all images, by path; those of further packages are made by `slipway stack lock`.

    Args:
        built: the project's images, where the caller has them: finding them reads all of the project's code.
    """
    found: dict[str, str] = {}
    for image in images(project) if built is None else built:
        for number, part in enumerate(image.parts):
            found[path_of(image, part)] = text_of(part, over=image.parts[:number])
    return found


def path_of(image: Image, part: str) -> str:
    """Where a part's lock stands. A server's own image holds all that it needs; a unified one has most of it."""
    name = f"{part}-{image.content}" if part == "mlflow" and image.content == "unified" else part
    return f"{FOLDER}/{name}.txt"


def text_of(part: str, over: Iterable[str] = ()) -> str:
    """A part's lock without what those that it is installed on top of hold already."""
    below = {pin for lower in over for pin in entries(_read(lower))}
    what = f"the part `{part}` of an image" + (f", over {', '.join(over)}" if below else "")
    return _HEAD.format(what=what) + "".join(e for pin, e in entries(_read(part)).items() if pin not in below)


def entries(lock: str) -> dict[str, str]:
    """A lock's text by `name==version`."""
    found: dict[str, str] = {}
    pin = ""
    for line in lock.splitlines(keepends=True):
        if line[0] not in " #":
            pin = line.split(" ")[0].strip()
        if line[0] != "#":
            found[pin] = found.get(pin, "") + line
    return found


def distribution(requirement: str) -> str:
    """The name that a requirement such as `XGBoost>=2` is of, as registries compare names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]).lower()


@cache
def _read(part: str) -> str:
    return (files("slipway.stack") / "files" / "locks" / f"{part}.txt").read_text(encoding="utf-8")
