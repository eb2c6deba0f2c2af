"""Stack: the project as services of Docker Compose, rendered, started, looked at, taken down."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from typer import Argument, Option

from slipway.cli.grouped import Grouped
from slipway.cli.shared import CHECK_SAID_NO, HERE, AsJson, ProjectDir, Quiet, app, opened, terminal
from slipway.errors import ProjectError

stack_app = typer.Typer(
    name="stack",
    help="The project as services of Docker Compose.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=Grouped,
)
app.add_typer(stack_app, rich_help_panel="Stack")

Services = Annotated[list[str] | None, Argument(metavar="[SERVICE]...", help="All without a profile, if not given.")]
Build = Annotated[
    bool, Option("--build/--no-build", help="Whether images are built first; what did not change is quick.")
]


@stack_app.command(rich_help_panel="Operate")
def up(
    services: Services = None,
    build: Build = True,
    imports: Annotated[
        bool, Option("--import", help="Take over the versions, the ledger and the journal of this folder first.")
    ] = False,
    timeout: Annotated[
        float | None, Option(min=1, help="Seconds until every service has to be ready; no limit, if not given.")
    ] = None,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Render, make secrets, check, build, start; wait until every service is ready, and say where each is."""
    from slipway.stack.running.operate import bring_up, operated

    show = terminal(quiet, as_json)
    stack = operated(project_dir)
    with _interrupted(show.note):
        found = bring_up(
            stack, services or (), is_built=build, imports=imports, timeout=timeout, say=show.progress, note=show.note
        )  # fmt: skip
    show.services(stack.stack.name, found)


@stack_app.command(rich_help_panel="Operate")
def down(
    volumes: Annotated[
        bool,
        Option("--volumes", help="Remove the volumes too, with the database, the versions and the journal in them."),
    ] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Stop and remove the stack's containers and networks; its volumes, and so its state, stay unless asked."""
    from slipway.stack.running.operate import operated, require_rendered, volumes_of

    stack = operated(project_dir)
    require_rendered(stack)
    words = ["--profile", "*", "down", "--remove-orphans"]
    if volumes:
        found = volumes_of(stack)
        told = f"These volumes go for good: {', '.join(found)}." if found else "There are no volumes to remove."
        terminal(quiet).note(f"{told} The project's folder stays as it is.")
        words.append("--volumes")
    stack.engine.become(*words)


@stack_app.command(rich_help_panel="Operate")
def status(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Every service: how it is, where, whom to log in as, which file has the secret. Exit code 1 if one is not well."""
    from slipway.stack.running.operate import look, operated

    project, found = look(operated(project_dir))
    terminal(quiet, as_json).services(project, found)
    if not all(each.is_right for each in found):
        raise typer.Exit(CHECK_SAID_NO)


@stack_app.command(rich_help_panel="Operate")
def logs(
    services: Services = None,
    follow: Annotated[bool, Option("--follow", "-f", help="Go on as long as there is more.")] = False,
    tail: Annotated[int | None, Option(min=0, help="Only so many last lines of each container.")] = None,
    project_dir: ProjectDir = HERE,
) -> None:
    """What services said."""
    from slipway.stack.running.operate import operated, require_rendered

    stack = operated(project_dir)
    require_rendered(stack)
    words = [*(["--follow"] if follow else []), *(["--tail", str(tail)] if tail is not None else [])]
    plain = [] if sys.stdout.isatty() else ["--ansi", "never"]  # else a pipe gets control codes, too
    stack.engine.become(*plain, "--profile", "*", "logs", *words, *(services or ()))


@stack_app.command("test", rich_help_panel="Operate")
def run_tests(
    service: Annotated[str | None, Argument(help="Of kind test; the only one, if not given.")] = None,
    build: Build = True,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Run the project's own tests in their container; the exit code is theirs."""
    from slipway.stack.running.operate import operated, ready_to_test

    show = terminal(quiet)
    stack = operated(project_dir)
    found = ready_to_test(stack, service, is_built=build, say=show.progress, note=show.note)
    stack.engine.become("run", "--rm", found.name)


@stack_app.command(rich_help_panel="Set up")
def render(
    check: Annotated[bool, Option("--check", help="Write nothing; exit with 1 if a file is not as rendered.")] = False,
    force: Annotated[bool, Option("--force", help="Write over files that were edited, or are not Slipway's.")] = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write the stack's files as slipway.toml says them; compose.override.yaml is never touched."""
    from slipway.stack.images.packages import read_lacking
    from slipway.stack.render import read_rendered
    from slipway.stack.written import difference, write

    root, rendered = read_rendered(project_dir)
    show = terminal(quiet, as_json)
    for sentence in read_lacking(root):
        show.note(sentence)
    if not check:
        done = write(root, rendered, force=force)
        show.told(done.to_json(), done.lines())
        return
    found = difference(root, rendered)
    show.told(found.to_json(), found.lines())
    if found.differing:
        raise typer.Exit(CHECK_SAID_NO)


@stack_app.command(rich_help_panel="Set up")
def dag(
    format: Annotated[str, Option(help="text, mermaid or svg.")] = "text",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """The graph of services: who waits for whom."""
    from slipway.stack.picture import read_picture

    terminal(quiet).text(read_picture(project_dir, format))


@stack_app.command(rich_help_panel="Set up")
def secrets(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Make the secrets that are missing, each a file that the stack's containers alone can read. None is printed."""
    from slipway.stack.running.operate import keep_secrets, operated

    kept = keep_secrets(operated(project_dir))
    terminal(quiet, as_json).told(kept.to_json(), kept.lines())


@stack_app.command(rich_help_panel="Set up")
def lock(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Find versions of the packages that [stack] asks for, beside those that its images have, with their hashes."""
    from slipway.stack.images.packages import lock_packages

    found = lock_packages(project_dir)
    terminal(quiet, as_json).told({"locked": found}, found)


@stack_app.command(rich_help_panel="Set up")
def pin(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Put the digest that each public image has now in its tag's place: in docker/pins.toml, which rendering reads."""
    from slipway.stack.running.operate import operated
    from slipway.stack.running.operate import pin as pin_images

    found = pin_images(operated(project_dir))
    terminal(quiet, as_json).told({"pins": found}, found.values())


@stack_app.command(hidden=True)
def receive(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Take over the history that standard input brings: what `up --import` calls in a container."""
    if sys.stdin.isatty():
        raise ProjectError("`stack receive` reads what `slipway stack up --import` sends; call that.")
    from slipway.stack.running.carry import receive as receive_history

    with opened(project_dir) as project:
        imported = receive_history(project, sys.stdin.buffer)
        terminal(quiet, as_json).told(imported.to_json(), [f"{imported.sentence()}."])


@contextmanager
def _interrupted(note: Callable[[str], None]) -> Iterator[None]:
    """Where a person or a supervisor ends us: what they should know of what goes on without us."""

    def ended(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ended)
    try:
        yield
    except KeyboardInterrupt:
        note("Interrupted. What has started goes on: `slipway stack status` shows it, `slipway stack down` ends it.")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
