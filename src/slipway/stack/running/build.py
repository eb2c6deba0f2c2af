"""Services in, their images built out; BuildKit's own account of it told step by step."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from slipway.errors import OutsideError
from slipway.stack.running.engine import Engine, Planned

Say = Callable[[str, str], None]
"""Called with a service's name and what happens to it."""

_STEP = re.compile(r"#(\d+) \[(.*)\] (.+)")
_DONE = re.compile(r"#(\d+) DONE (\d+(?:\.\d+)?)s")
_NAMED = re.compile(r"#\d+ naming to (\S+).* done")
_TOLD = 2.0
"""Seconds from which on a step is worth a line."""
_SHOWN = 100
_KEPT = 40
"""Lines of a failed build that the error has at most."""


def build(engine: Engine, services: Sequence[Planned], say: Say) -> None:
    """Build the images of those services that have a Dockerfile; an image of several is built once.

    Raises:
        OutsideError: a build failed; what it said last is in the message.
    """
    of_image: dict[str, list[str]] = {}
    for service in services:
        if service.dockerfile is not None:
            of_image.setdefault(service.image or service.name, []).append(service.name)
    if not of_image:
        return
    first = [names[0] for names in of_image.values()]
    for names in of_image.values():
        say(names[0], f"builds{_also(names)}")
    lines: list[str] = []
    steps: dict[str, tuple[str, str]] = {}
    began = time.monotonic()
    with subprocess.Popen(
        # One image after the other: Docker 20.10 can end with a panic over two that share steps.
        engine.compose("--parallel", "1", "build", *_source(engine), *first), cwd=engine.folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                _tell(line.rstrip(), steps, of_image, first, say, began)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise OutsideError(failed_build(first, lines))


def failed_build(services: Sequence[str], lines: Sequence[str]) -> str:
    """What a failed build said, from where it names the step that failed; its last word first."""
    said = [line for line in lines if line.strip()]
    last = said[-1] if said else "it said nothing"
    marks = [at for at, line in enumerate(said) if line.startswith("------")]
    block = said[marks[0] + 1 : marks[-1]] if len(marks) > 1 else said[-_KEPT:-1]
    who = ", ".join(f"`{each}`" for each in services)
    return "\n".join([f"Building the images of {who} failed: {last}", *(f"  {line}" for line in block[-_KEPT:])])


def _source(engine: Engine) -> list[str]:
    """The commit, for the images to say and for runs to be tagged with; nothing where git does not tell it."""
    found = engine.said(["git", "rev-parse", "HEAD"]) if shutil.which("git") is not None else None
    return ["--build-arg", f"SLIPWAY_COMMIT={found.stdout.strip()}"] if found and found.returncode == 0 else []


def _tell(
    line: str,
    steps: dict[str, tuple[str, str]],
    of_image: Mapping[str, Sequence[str]],
    built: Sequence[str],
    say: Say,
    began: float,
) -> None:
    if (step := _STEP.fullmatch(line)) is not None:
        who, _, where = step[2].partition(" ")
        # With one image to build, BuildKit leaves out whose step it is.
        service, place = (who, where) if who in built else (built[0], step[2])
        steps[step[1]] = service, " ".join(f"{place} {step[3]}".split())
    elif (done := _DONE.match(line)) is not None:
        if float(done[2]) >= _TOLD and done[1] in steps:
            service, what = steps[done[1]]
            say(service, f"{what[:_SHOWN]}, {float(done[2]):.0f} s")
    elif (named := _NAMED.match(line)) is not None:
        for image, names in of_image.items():
            if named[1].removesuffix(":latest").endswith(image.removesuffix(":latest")):
                say(names[0], f"built in {time.monotonic() - began:.0f} s{_also(names)}")


def _also(names: Sequence[str]) -> str:
    return f", the image of {', '.join(names[1:])} too" if len(names) > 1 else ""
