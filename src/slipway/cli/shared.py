"""What the commands share: the app, the options that several take, the project and the terminal that they open."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from slipway.cli.grouped import Grouped

if TYPE_CHECKING:
    from slipway.terminal import Terminal
    from slipway.workspace import Workspace

app = typer.Typer(
    name="slipway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=Grouped,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from platform import python_version

        from slipway import __version__

        typer.echo(f"slipway {__version__}, Python {python_version()}")
        raise typer.Exit


@app.callback()
def slipway(
    version: Annotated[
        bool, Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """From raw data to a model that is served, monitored, retrained when its data drifts, and rolled back."""


ProjectDir = Annotated[Path, Option("-C", help="The project's folder.", show_default="this one")]
Quiet = Annotated[bool, Option("--quiet", "-q", help="No progress on standard error.")]
AsJson = Annotated[bool, Option("--json", help="One JSON object on standard output.")]
Version = Annotated[int | None, Argument(help="A version's number; the candidate, if not given.")]
Why = Annotated[str, Option(help="Recorded in the ledger.")]
Host = Annotated[str, Option(help="The address to listen on.")]
Port = Annotated[int, Option(help="0 takes a free one.", min=0, max=65535)]

HERE = Path()
CHECK_SAID_NO = 1


def opened(folder: Path) -> "Workspace":
    """The project in a folder; imported late, since `--help` has no need of it."""
    from slipway.workspace import open_project

    return open_project(folder)


def terminal(quiet: bool, as_json: bool = False) -> "Terminal":
    """Where a command says what it found."""
    from slipway.terminal import Terminal

    return Terminal(is_quiet=quiet, as_json=as_json)
