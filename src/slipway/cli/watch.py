"""Watch: a window against its reference, drifted data, the loop."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from slipway.cli.shared import (
    CHECK_SAID_NO,
    HERE,
    AsJson,
    ProjectDir,
    Quiet,
    Why,
    app,
    opened,
    terminal,
)
from slipway.errors import BusyError, ProjectError


@app.command(rich_help_panel="Watch")
def monitor(
    data: Annotated[Path | None, Option(help="Score this file instead of reading the journal.")] = None,
    hours: Annotated[float | None, Option(help="The predictions of the last hours.")] = None,
    last: Annotated[int | None, Option(help="The last N predictions.", min=1)] = None,
    html: Annotated[Path | None, Option(help="Write the report as a page.")] = None,
    fail_on: Annotated[str | None, Option(help="Exit with 1 on alarm (or worse) or retrain.")] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """What came in against what the live version learnt from."""
    if fail_on not in (None, "alarm", "retrain"):
        raise ProjectError(f"--fail-on {fail_on}: expected alarm or retrain.")
    if sum(option is not None for option in (data, hours, last)) > 1:
        raise ProjectError("--data, --hours and --last each name a window: give one of them.")
    if hours is not None and not hours > 0:
        raise ProjectError(f"--hours {hours:g}: expected a number above 0.")
    with opened(project_dir) as project:
        found = project.monitor(data=data, hours=hours, last=last)
    if html is not None:
        from slipway.monitor.page import write_page

        write_page(found, html)
    terminal(quiet, as_json).monitored(found, html)
    reached = {"none": (), "too small": (), "alarm": ("alarm",), "retrain": ("alarm", "retrain")}[found.report.decision]
    if fail_on in reached:
        raise typer.Exit(CHECK_SAID_NO)


@app.command(rich_help_panel="Watch")
def simulate(
    file: Annotated[Path, Argument(help="A CSV or Parquet file.")],
    output: Annotated[Path, Option("-o", "--output", help="Where the drifted data goes.")],
    scale: Annotated[list[str] | None, Option(help="Age=1.1: multiplied.")] = None,
    shift: Annotated[list[str] | None, Option(help="C=5: added.")] = None,
    noise: Annotated[list[str] | None, Option(help="C=0.03: normal noise, in standard deviations.")] = None,
    nulls: Annotated[list[str] | None, Option(help="C=0.2: this share becomes null.")] = None,
    category: Annotated[list[str] | None, Option(help="C=new:0.3: this share becomes the category.")] = None,
    sample: Annotated[
        list[str] | None, Option(help="C=value:0.5: resampled, so that the value has this share.")
    ] = None,
    flip: Annotated[list[str] | None, Option(help="TARGET=0.1: this share of the labels is swapped.")] = None,
    seed: Annotated[int, Option(help="The same seed gives the same data.")] = 42,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Make drifted data from a file."""
    from slipway.monitor.simulate import simulate_file

    changes: dict[str, Any] = {
        "scale": scale, "shift": shift, "noise": noise, "nulls": nulls,
        "category": category, "sample": sample, "flip": flip,
    }  # fmt: skip
    given = {name: options for name, options in changes.items() if options}
    terminal(quiet).simulated(output, simulate_file(file, output, given, seed=seed))


@app.command(rich_help_panel="Watch")
def loop(
    once: Annotated[bool, Option("--once", help="One tick.")] = False,
    every: Annotated[str | None, Option(help="A tick each 30s, 15m, 2h, 1d.")] = None,
    data: Annotated[Path | None, Option(help="Check this file instead of the journal.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Check and decide; change and record nothing.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Check, decide, retrain, gate, promote, watch, roll back: an open watch is judged first."""
    from slipway.loop import keep_ticking, tick_seconds
    from slipway.schedule.prefect import as_flow

    if once == (every is not None):
        raise ProjectError("Say --once, or --every 15m.")
    seconds = None if every is None else tick_seconds(every)
    show = terminal(quiet, as_json)
    with opened(project_dir) as project:

        def tick() -> set[tuple[str, str]]:
            work = partial(project.loop, data=data, is_dry=dry_run, report=show.decision)
            result = work() if dry_run else as_flow(project, "loop", work, lambda tick: tick.sentence())
            show.looped(result)
            return {(decision.step, decision.outcome) for decision in result.decisions}

        if seconds is not None:
            keep_ticking(tick, seconds, show.failed)
            return
        outcomes = tick()
    _end(outcomes)


@app.command(rich_help_panel="Watch")
def retrain(
    why: Why = "",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Retrain with the labels there are, gate, promote: the loop's own steps, asked for by a person.

    Neither a check nor the cool-down has a say. Ends with 1 where the gate refuses the candidate, with 4 where somebody
    else is retraining.
    """
    from slipway.schedule.prefect import as_flow

    show = terminal(quiet, as_json)
    with opened(project_dir) as project:
        result = as_flow(
            project, "retrain", partial(project.retrain, why=why, report=show.decision), lambda done: done.sentence()
        )
        show.looped(result)
    _end({(decision.step, decision.outcome) for decision in result.decisions})


def _end(outcomes: set[tuple[str, str]]) -> None:
    """End with the exit code that the outcomes of a tick ask for."""
    if ("retrain", "busy") in outcomes:
        raise BusyError("a retraining is under way; there is one at a time.")
    if ("promote", "lost") in outcomes:
        raise BusyError("the lease was lost while this one was stopped: nothing was put live.")
    if outcomes & {("gate", "refused"), ("promote", "refused")}:
        raise typer.Exit(CHECK_SAID_NO)
