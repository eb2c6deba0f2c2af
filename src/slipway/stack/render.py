"""A project in, every file of its stack out: path → content. Pure: the same project gives the same bytes."""

import re
from collections.abc import Mapping
from pathlib import Path

from slipway.project import find_project, read_project
from slipway.project.facts import Project
from slipway.stack import kinds
from slipway.stack.compose import bodies, whole
from slipway.stack.dump import dump
from slipway.stack.environment import env_example
from slipway.stack.graph import stack_of
from slipway.stack.heading import comment
from slipway.stack.images import locks, wheel
from slipway.stack.images.dockerfile import dockerfiles
from slipway.stack.images.dockerignore import dockerignore
from slipway.stack.images.parts import images
from slipway.stack.overlays import overlaid
from slipway.stack.pins import read_pins
from slipway.stack.readme import readmes


def render(project: Project, pins: Mapping[str, str] | None = None) -> dict[str, str | bytes]:
    """All files of a project's stack.

    Args:
        pins: by each tag of a public image, the same with its digest.

    Raises:
        ProjectError: the project has no stack, or its services or files wait for each other.
    """
    stack = stack_of(project)
    built = images(project)
    composed = whole(stack, project, built)
    rendered = {path: comment("[stack]") + dump(body) for path, body in composed.items()}
    for overlay in stack.overlays.values():
        body = overlaid(stack, overlay, project, built)
        rendered[overlay.file] = comment(f"[stack.overlays.{overlay.name}]") + dump(body)
    example = env_example(stack, rendered.values())
    rendered |= dockerfiles(project, built)
    rendered = {path: pinned(text, pins or {}) for path, text in rendered.items()}
    for service in stack.services.values():
        if not service.external:
            rendered |= kinds.files(service, stack, project)
    rendered |= readmes(stack, project, bodies(stack, project, built))
    rendered |= {".env.example": example, ".dockerignore": dockerignore(project), "secrets/.gitignore": "*\n"}
    name, content = wheel.wheel()
    return {**rendered, **locks.locks(project, built), f"docker/{name}": content}


def read_rendered(folder: Path) -> tuple[Path, dict[str, str | bytes]]:
    """The project in a folder, or in the nearest one above it: where it is, and all files of its stack."""
    root = find_project(folder)
    return root, render(read_project(root), read_pins(root))


def pinned(text: str, pins: Mapping[str, str]) -> str:
    """A text with each tag that has a pin in the pin's words."""
    for tag, digest in pins.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(tag)}(?![\w.@-])", digest, text)
    return text
