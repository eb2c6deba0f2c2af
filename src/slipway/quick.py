"""`slipway run` with nothing changed, answered by the standard library alone; everything else is left to the CLI."""

import sys

FLAGS = frozenset({"--quiet", "-q", "--json", "--why"})


def unchanged_run(argv: list[str]) -> bool:
    """Answer a plain `run` of a project in which nothing changed. False, and nothing was done, where it is not one.

    Typer, Rich and a table library cost several times what it takes to see that nothing is to be done.
    """
    folder = _folder(argv)
    if folder is None:
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


def _folder(argv: list[str]) -> str | None:
    """The project's folder, if the arguments are those of a plain `run`."""
    if argv[:1] != ["run"]:
        return None
    folder, rest = ".", argv[1:]
    while rest:
        if rest[0] == "-C" and len(rest) > 1:
            folder, rest = rest[1], rest[2:]
        elif rest[0] in FLAGS:
            rest = rest[1:]
        else:
            return None
    return folder
