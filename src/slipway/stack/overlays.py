"""A stack's services without and with an overlay in, the Compose file that turns the one into the other out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Overlay, Stack
from slipway.stack.compose import Body, bodies, rebased, top_level
from slipway.stack.dump import Override, Reset
from slipway.stack.images.parts import Image


def overlaid(stack: Stack, overlay: Overlay, project: Project, built: Sequence[Image]) -> Body:
    """What stands in an overlay's file. Applied with `-f` after the stack's own file, and only after it.

    What differs is replaced as a whole, since Compose would add the one list to the other.
    """
    changed = replace(stack, services=overlay.services)
    before, after = bodies(stack, project, built), bodies(changed, project, built)
    services: Body = {name: Reset() for name in before if name not in after}
    services |= {
        name: _difference(before[name], body) if name in before else body
        for name, body in after.items()
        if before.get(name) != body
    }
    named = top_level({name: after[name] for name in services if name in after}, changed)
    # Paths are seen from the first of several files, wherever the others are.
    made: Body = rebased({"services": services, **named}, PurePosixPath(stack.file).parent)
    return made


def _difference(before: Body, after: Body) -> Body:
    found: dict[str, Any] = {key: Reset() for key in before if key not in after}
    for key, value in after.items():
        if key not in before or not isinstance(value, dict | list):
            found |= {key: value} if before.get(key) != value else {}
        elif before[key] != value:
            found[key] = Override(value)
    return found
