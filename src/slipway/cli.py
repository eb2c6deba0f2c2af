"""The command line, a thin command a verb: parse, call, print, exit code. What a verb means stands in the workspace."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer import Argument, Option

from slipway.errors import BusyError, ProjectError

if TYPE_CHECKING:
    from slipway.terminal import Terminal
    from slipway.workspace import Workspace

app = typer.Typer(
    name="slipway",
    help="From raw data to a model that is served, monitored, retrained when its data drifts, and rolled back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

ProjectDir = Annotated[Path, Option("-C", help="The project's folder.", show_default="this one")]
Quiet = Annotated[bool, Option("--quiet", "-q", help="No progress on standard error.")]
AsJson = Annotated[bool, Option("--json", help="One JSON object on standard output.")]
Version = Annotated[int | None, Argument(help="A version's number; the candidate, if not given.")]
Why = Annotated[str, Option(help="Recorded in the ledger.")]
Host = Annotated[str, Option(help="The address to listen on.")]
Port = Annotated[int, Option(help="0 takes a free one.", min=0, max=65535)]

HERE = Path()
CHECK_SAID_NO = 1


def _open(folder: Path) -> "Workspace":
    from slipway.workspace import open_project

    return open_project(folder)


def _terminal(quiet: bool, as_json: bool = False) -> "Terminal":
    from slipway.terminal import Terminal

    return Terminal(is_quiet=quiet, as_json=as_json)


@app.command(rich_help_panel="Start")
def new(
    name: Annotated[str, Argument(help="The project's name; its folder is made here.")],
    source: Annotated[Path | None, Option("--from", help="A CSV or Parquet file to learn from.")] = None,
    target: Annotated[str | None, Option(help="The column to predict.")] = None,
    example: Annotated[str | None, Option(help="An example instead: linear or housing.")] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Make a whole working project from a table, or from an example."""
    from slipway.new.write import new_example, new_project

    if (source is None) == (example is None):
        raise ProjectError("Say --from FILE --target COLUMN, or --example linear|housing.")
    if example is not None and target is not None:
        raise ProjectError("--target goes with --from FILE: an example has its own.")
    folder = project_dir / name
    made = new_project(folder, source, target) if source is not None else new_example(folder, example or "")
    _terminal(quiet).created(made)


@app.command(rich_help_panel="Start")
def init(
    source: Annotated[Path | None, Option("--from", help="A CSV or Parquet file to learn from.")] = None,
    target: Annotated[str | None, Option(help="The column to predict.")] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """The same as `new` from a table, in a folder or repository that is there; nothing in it is written over."""
    from slipway.new.init import init_project

    if source is None:
        raise ProjectError("Say --from FILE --target COLUMN: the table to learn from, and what to predict of it.")
    _terminal(quiet).created(init_project(project_dir, source, target))


@app.command(rich_help_panel="Start")
def up(host: Host = "127.0.0.1", port: Port = 8000, project_dir: ProjectDir = HERE, quiet: Quiet = False) -> None:
    """Run, gate, release and serve, in one process; prints a request to copy, and its answer."""
    show = _terminal(quiet)
    with _open(project_dir) as project:
        ran = project.run(on_progress=show.progress)
        show.ran_first(ran)
        if ran.report.error is not None:
            raise ran.report.error
        show.stood_up(project.stand_up())
        project.serve(host=host, port=port, on_ready=lambda url: show.first_answer(url, project))


@app.command(rich_help_panel="Build")
def run(
    stages: Annotated[list[str] | None, Argument(help="Only these and what they read.", show_default=False)] = None,
    why: Annotated[bool, Option("--why", help="Say why each stage runs or does not.")] = False,
    force: Annotated[bool, Option("--force", help="Run them even if nothing changed.")] = False,
    sets: Annotated[list[str] | None, Option("--set", help="stage.key=value, written to params.yaml.")] = None,
    jobs: Annotated[int, Option(help="Stages at a time, where they do not need each other.", min=1)] = 1,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run the stages whose inputs changed; a run that makes the model registers a candidate."""
    show = _terminal(quiet, as_json)
    with _open(project_dir) as project:
        ran = project.run(stages or (), force=force, sets=sets or (), jobs=jobs, on_progress=show.progress)
    show.ran(ran, with_why=why)
    if ran.report.error is not None:
        raise ran.report.error


@app.command(rich_help_panel="Build")
def stage(
    name: Annotated[str, Argument(help="The stage.")], project_dir: ProjectDir = HERE, quiet: Quiet = False
) -> None:
    """Execute one stage, whatever changed; this is what `dvc repro` calls."""
    with _open(project_dir) as project:
        project.stage(name)


@app.command(rich_help_panel="Build")
def status(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """What is stale and why, what is live, which candidate waits."""
    with _open(project_dir) as project:
        _terminal(quiet, as_json).status(project.status())


@app.command(rich_help_panel="Build")
def dag(
    format: Annotated[str, Option(help="text, mermaid or svg.")] = "text",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """The graph of sources and stages."""
    with _open(project_dir) as project:
        _terminal(quiet).text(project.dag(format))


@app.command(rich_help_panel="Build")
def runs(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """The versions that runs have made, with their settings and metrics side by side."""
    with _open(project_dir) as project:
        _terminal(quiet, as_json).versions(project.runs())


@app.command(rich_help_panel="Release")
def gate(
    version: Version = None, project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False
) -> None:
    """Hold a candidate against what the project asks, and against production."""
    with _open(project_dir) as project:
        report = project.gate(version)
    _terminal(quiet, as_json).gate(report)
    if not report.passed:
        raise typer.Exit(CHECK_SAID_NO)


@app.command(rich_help_panel="Release")
def release(
    version: Version = None,
    why: Why = "",
    override: Annotated[
        str | None, Option(help="Release what the gate refuses, for this reason; recorded as such.")
    ] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run the gate, and make the version live if it passes."""
    with _open(project_dir) as project:
        entry = project.release(version, why=why, override=override)
    _terminal(quiet, as_json).entry(entry)


@app.command(rich_help_panel="Release")
def rollback(
    to: Annotated[int | None, Option(help="The version to return to; the one before, if not given.")] = None,
    why: Why = "",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Put an earlier version back: loaded and tested before anything switches."""
    with _open(project_dir) as project:
        entry = project.rollback(to, why=why)
    _terminal(quiet, as_json).entry(entry)


@app.command(rich_help_panel="Release")
def ledger(
    verify: Annotated[bool, Option("--verify", help="Exit with 1 when the chain was tampered with.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """What was live when, by whom, why, and on what evidence."""
    with _open(project_dir) as project:
        view = project.ledger()
    _terminal(quiet, as_json).ledger(view)
    if verify and not view.verified.ok:
        raise typer.Exit(CHECK_SAID_NO)


@app.command(rich_help_panel="Release")
def gc(
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be removed; remove nothing.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Remove the bundles that the ledger does not refer to, and what a killed process left behind."""
    with _open(project_dir) as project:
        _terminal(quiet, as_json).collected(project.gc(is_dry=dry_run))


@app.command(rich_help_panel="Serve")
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, Option(help="Processes.", min=1)] = 1,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Serve the live version; prints its address on standard output when ready."""
    with _open(project_dir) as project:
        project.serve(host=host, port=port, workers=workers, on_ready=_say_address)


def _say_address(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


@app.command(rich_help_panel="Serve")
def predict(
    file: Annotated[Path, Argument(help="A CSV or Parquet file of rows.")],
    output: Annotated[
        Path | None, Option("-o", "--output", help="CSV or Parquet; standard output if not given.")
    ] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Score a file through the same path as a request."""
    with _open(project_dir) as project:
        table = project.predict(file)
    _terminal(quiet).table(table, output)


@app.command(rich_help_panel="Serve")
def feedback(
    file: Annotated[Path, Argument(help="A CSV or Parquet file with the columns id and truth.")],
    correct: Annotated[bool, Option("--correct", help="Another truth than before is a correction.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say what turned out to be true of predictions, by their ids."""
    with _open(project_dir) as project:
        _terminal(quiet, as_json).feedback(project.feedback(file, is_correction=correct))


@app.command(rich_help_panel="Serve")
def tokens(
    action: Annotated[
        Literal["add", "revoke"] | None, Argument(help="add or revoke; they are listed, if not given.")
    ] = None,
    name: Annotated[str | None, Argument(help="Whose token it is, such as shop.")] = None,
    scopes: Annotated[
        list[str] | None, Option("--scope", help="What it may do: predict, feedback, read, operate (all); repeatable.")
    ] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Who may ask the service for what. A new token is printed once; only its digest is kept."""
    if action is not None and name is None:
        raise ProjectError(f"tokens {action}: say whose, such as `slipway tokens {action} shop`.")
    if scopes and action != "add":
        raise ProjectError("--scope goes with `slipway tokens add NAME`.")
    show = _terminal(quiet, as_json)
    with _open(project_dir) as project:
        if action is None or name is None:
            show.tokens(project.tokens.all())
        elif action == "add":
            show.token(name, project.tokens.add(name, scopes or ()))
        else:
            project.tokens.revoke(name)
            show.revoked(name)


@app.command(rich_help_panel="Serve")
def journal(
    export: Annotated[Path | None, Option(help="Write predictions and truths to this CSV or Parquet file.")] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """What is journalled, and what waits to be shipped."""
    with _open(project_dir) as project:
        show = _terminal(quiet, as_json)
        if export is not None:
            show.table(project.journalled(), export)
        show.journal(project.journal_state())


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
    with _open(project_dir) as project:
        found = project.monitor(data=data, hours=hours, last=last)
    if html is not None:
        from slipway.monitor.page import write_page

        write_page(found, html)
    _terminal(quiet, as_json).monitored(found, html)
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
    _terminal(quiet).simulated(output, simulate_file(file, output, given, seed=seed))


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

    if once == (every is not None):
        raise ProjectError("Say --once, or --every 15m.")
    seconds = None if every is None else tick_seconds(every)
    show = _terminal(quiet, as_json)
    with _open(project_dir) as project:

        def tick() -> set[tuple[str, str]]:
            result = project.loop(data=data, is_dry=dry_run, report=show.decision)
            show.looped(result)
            return {(decision.step, decision.outcome) for decision in result.decisions}

        if seconds is not None:
            keep_ticking(tick, seconds, show.failed)
            return
        outcomes = tick()
    if ("retrain", "busy") in outcomes:
        raise BusyError("a retraining is under way; there is one at a time.")
    if ("gate", "refused") in outcomes:
        raise typer.Exit(CHECK_SAID_NO)
