"""Serve: the API, files scored, truths, tokens, the journal."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from slipway.cli.shared import (
    HERE,
    AsJson,
    Host,
    Port,
    ProjectDir,
    Quiet,
    app,
    opened,
    terminal,
)
from slipway.errors import ProjectError


@app.command(rich_help_panel="Serve")
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, Option(help="Processes.", min=1)] = 1,
    log: Annotated[
        Literal["auto", "json", "text"], Option(help="Lines on standard error; auto: text in a terminal, else JSON.")
    ] = "auto",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Serve the live version; prints its address on standard output when ready."""
    with opened(project_dir) as project:
        project.serve(
            host=host, port=port, workers=workers, on_ready=_say_address, log_form=log, is_quiet=quiet
        )  # fmt: skip


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
    with opened(project_dir) as project:
        terminal(quiet).parts(project.predict_parts(file), output)


@app.command(rich_help_panel="Serve")
def feedback(
    file: Annotated[Path, Argument(help="A CSV or Parquet file with the columns id and truth.")],
    correct: Annotated[bool, Option("--correct", help="Another truth than before is a correction.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say what turned out to be true of predictions, by their ids."""
    with opened(project_dir) as project:
        terminal(quiet, as_json).feedback(project.feedback(file, is_correction=correct))


@app.command(rich_help_panel="Serve")
def tokens(
    action: Annotated[
        Literal["add", "revoke"] | None, Argument(help="add or revoke; they are listed, if not given.")
    ] = None,
    name: Annotated[str | None, Argument(help="Whose token it is, such as shop.")] = None,
    scopes: Annotated[
        list[str] | None, Option("--scope", help="What it may do: predict, feedback, read, operate (all); repeatable.")
    ] = None,
    days: Annotated[float | None, Option(help="Of a new token: refused after so many days.")] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Who may ask the service for what. A new token is printed once; only its digest is kept."""
    if action is not None and name is None:
        raise ProjectError(f"tokens {action}: say whose, such as `slipway tokens {action} shop`.")
    if (scopes or days is not None) and action != "add":
        raise ProjectError(f"{'--scope' if scopes else '--days'} goes with `slipway tokens add NAME`.")
    show = terminal(quiet, as_json)
    with opened(project_dir) as project:
        if action is None or name is None:
            show.tokens(project.tokens.all())
        elif action == "add":
            show.token(name, project.tokens.add(name, scopes or (), days=days))
        else:
            project.tokens.revoke(name)
            show.revoked(name, is_last=not project.tokens.all())


@app.command(rich_help_panel="Serve")
def journal(
    export: Annotated[Path | None, Option(help="Write predictions and truths to this CSV or Parquet file.")] = None,
    purge: Annotated[
        list[str] | None, Option(metavar="ID", help="Remove this prediction and its truths for good; repeatable.")
    ] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """What is journalled, who gave the labels, and what waits to be shipped."""
    if purge and export is not None:
        raise ProjectError("--purge and --export are two things: purge first, then export what is left.")
    show = terminal(quiet, as_json)
    with opened(project_dir) as project:
        if purge:
            show.purged(project.purge(purge))
            return
        if export is not None:
            show.table(project.journalled(), export, mode=0o600)
        show.journal(project.journal_state())
