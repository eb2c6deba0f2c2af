"""Arguments in; what needs no Typer and no Rich answered, everything else left to the CLI.

That is `slipway run` with nothing changed, by the standard library alone, and a plain `slipway stack render`.
"""

import os
import sys

FLAGS = frozenset({"--quiet", "-q", "--json", "--why"})
RENDER_FLAGS = frozenset({"--quiet", "-q", "--check"})


def unchanged_run(argv: list[str]) -> bool:
    """Answer a plain `run` of a project in which nothing changed. False, and nothing was done, where it is not one.

    Typer, Rich and a table library cost several times what it takes to see that nothing is to be done.
    """
    folder = _folder(argv, ("run",), FLAGS)
    # An image's code may be newer than its volume, and a server's state may not know of the last run; reading
    # the settings takes longer than all of this.
    if folder is None or os.environ.get("SLIPWAY_CODE") or os.environ.get("SLIPWAY_STATE_URL"):
        return False
    from slipway.pipeline.unchanged import unchanged

    found = unchanged(folder)
    if found is None:
        return False
    stages, metrics = found
    if "--json" in argv:
        sys.stdout.write(_json(stages, metrics))
    else:
        sys.stdout.writelines(f"  {name:<20} unchanged\n" for name in stages)
    return True


def _json(stages: list[str], metrics: str | None) -> str:
    import json

    from slipway.pipeline.reported import reported_metrics

    ran = [{"name": name, "outcome": "unchanged", "seconds": 0.0, "why": []} for name in stages]
    return json.dumps({"stages": ran, "candidate": None, "metrics": reported_metrics(metrics)}) + "\n"


def rendered(argv: list[str]) -> int | None:
    """Answer a plain `stack render`, and give its exit code. None, and nothing was done, where it is not one.

    Raises:
        SlipwayError: the project has no stack, or a file can't be written.
    """
    folder = _folder(argv, ("stack", "render"), RENDER_FLAGS)
    if folder is None:
        return None
    from pathlib import Path

    from slipway.stack.render import read_rendered
    from slipway.stack.written import Difference, Written, difference, write

    root, files = read_rendered(Path(folder))
    is_check = "--check" in argv
    told: Written | Difference = difference(root, files) if is_check else write(root, files)
    sys.stdout.writelines(f"  {line}\n" for line in told.lines())
    if (told.differing if isinstance(told, Difference) else told.written) and not {"--quiet", "-q"} & {*argv}:
        from slipway.stack.images.packages import read_lacking

        sys.stderr.writelines(f"  {sentence}\n" for sentence in read_lacking(root))
    return int(isinstance(told, Difference) and bool(told.differing))


def _folder(argv: list[str], verb: tuple[str, ...], flags: frozenset[str]) -> str | None:
    """The project's folder, if the arguments are the verb's with nothing but these flags."""
    if tuple(argv[: len(verb)]) != verb:
        return None
    folder, rest = ".", argv[len(verb) :]
    while rest:
        if rest[0] == "-C" and len(rest) > 1:
            folder, rest = rest[1], rest[2:]
        elif rest[0] in flags:
            rest = rest[1:]
        else:
            return None
    return folder
