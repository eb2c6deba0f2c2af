"""`slipway run` with nothing changed, answered by the standard library alone; everything else is left to the CLI."""

import json
import sys
from pathlib import Path

FLAGS = frozenset({"--quiet", "-q", "--json", "--why"})


def unchanged_run(argv: list[str]) -> bool:
    """Answer a plain `run` of a project in which nothing changed. False, and nothing was done, where it is not one.

    Typer, Rich and a table library cost several times what it takes to see that nothing is to be done.
    """
    folder = _folder(argv)
    if folder is None:
        return False
    from slipway.workspace import open_project

    with open_project(folder) as project:
        ran = project.run_if_unchanged()
    if ran is None:
        return False
    if "--json" in argv:
        sys.stdout.write(json.dumps(ran.to_json()) + "\n")
    else:
        sys.stdout.writelines(f"  {stage.name:<20} unchanged\n" for stage in ran.report.stages)
    return True


def _folder(argv: list[str]) -> Path | None:
    """The project's folder, if the arguments are those of a plain `run`."""
    if argv[:1] != ["run"]:
        return None
    folder, rest = Path(), argv[1:]
    while rest:
        if rest[0] == "-C" and len(rest) > 1:
            folder, rest = Path(rest[1]), rest[2:]
        elif rest[0] in FLAGS:
            rest = rest[1:]
        else:
            return None
    return folder
