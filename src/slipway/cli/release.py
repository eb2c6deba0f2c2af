"""Release: candidates held against production, what is live changed and recorded."""

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from slipway.cli.shared import CHECK_SAID_NO, HERE, AsJson, ProjectDir, Quiet, Version, Why, app, opened, terminal

if TYPE_CHECKING:
    from slipway.records import LedgerEntry
    from slipway.terminal import Terminal
    from slipway.workspace import Workspace

FOLLOW_SECONDS = 3.0
"""How long a command waits for the services on this machine to follow what it has changed."""


@app.command(rich_help_panel="Release")
def gate(
    version: Version = None, project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False
) -> None:
    """Hold a candidate against what the project asks, and against production; without one, the live version's table."""
    with opened(project_dir) as project:
        report = project.gate(version)
    terminal(quiet, as_json).gate(report)
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
    with opened(project_dir) as project:
        entry = project.release(version, why=why, override=override)
        untold = project.notices.entered(entry)
        show = terminal(quiet, as_json)
        show.entry(entry, untold)
        if entry is not None:
            _tell_services(project, entry, show)


@app.command(rich_help_panel="Release")
def rollback(
    to: Annotated[int | None, Option(help="The version to return to; the one before, if not given.")] = None,
    why: Why = "",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Put an earlier version back, or a later one that was: loaded and tested before anything switches."""
    with opened(project_dir) as project:
        entry = project.rollback(to, why=why)
        untold = project.notices.entered(entry)
        show = terminal(quiet, as_json)
        show.entry(entry, untold)
        _tell_services(project, entry, show)


@app.command(rich_help_panel="Release")
def ledger(
    verify: Annotated[
        bool, Option("--verify", help="Compare it with what the tracker keeps of it; exit with 1 when it was changed.")
    ] = False,
    accept: Annotated[
        bool, Option("--accept", help="Take it as it stands for the right one, after a copy was put back on purpose.")
    ] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """What was live when, by whom, why, and on what evidence."""
    with opened(project_dir) as project:
        view = project.accept_ledger() if accept else project.ledger(against_anchor=verify)
    terminal(quiet, as_json).ledger(view)
    if verify and not view.ok:
        raise typer.Exit(CHECK_SAID_NO)


@app.command(rich_help_panel="Release")
def gc(
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be removed; remove nothing.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Remove what nothing refers to: bundles that the ledger does not name, leftovers, predictions beyond keep_days."""
    with opened(project_dir) as project:
        terminal(quiet, as_json).collected(project.gc(is_dry=dry_run))


def _tell_services(project: "Workspace", entry: "LedgerEntry", show: "Terminal") -> None:
    """Say when the services on this machine have followed an entry."""
    from slipway.serve.presence import wait_for_services

    show.followed(wait_for_services(project.settings.state, entry.seq, FOLLOW_SECONDS), entry)
