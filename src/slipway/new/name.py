"""A folder in, a project's name out: the folder's own, made of what a model's name and its addresses can hold."""

import re
from pathlib import Path

from slipway.errors import ProjectError
from slipway.project.read import NAME


def project_name(folder: Path) -> str:
    """The folder's name; what a project's name can't hold becomes a hyphen.

    Raises:
        ProjectError: nothing is left of it.
    """
    given = folder.resolve().name
    name = re.sub(r"[^\w .-]+", "-", given)
    name = re.sub(r"^[\W_]+|[ -]+$", "", name)
    if not re.fullmatch(NAME, name):
        raise ProjectError(
            f"{folder}: a project is named after its folder, and {given!r} has no letter or digit to begin with. "
            "Give the folder another name."
        )
    return name
