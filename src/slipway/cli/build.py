"""Start and build: a project made, its stages run and looked at."""

from pathlib import Path
from typing import Annotated

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
from slipway.errors import CheckRefused, ProjectError

NoGit = Annotated[bool, Option("--no-git", help="Make no git repository.")]
NoDvc = Annotated[bool, Option("--no-dvc", help="Write no configuration of DVC.")]


@app.command(rich_help_panel="Start")
def new(
    name: Annotated[str, Argument(help="The project's name; its folder is made here.")],
    source: Annotated[Path | None, Option("--from", help="A CSV or Parquet file to learn from.")] = None,
    target: Annotated[str | None, Option(help="The column to predict.")] = None,
    example: Annotated[str | None, Option(help="An example instead: linear, housing or obesity.")] = None,
    no_git: NoGit = False,
    no_dvc: NoDvc = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Make a whole working project from a table, or from an example."""
    from slipway.new.write import new_example, new_project

    if (source is None) == (example is None):
        raise ProjectError("Say --from FILE --target COLUMN, or --example linear|housing|obesity.")
    if example is not None and target is not None:
        raise ProjectError("--target goes with --from FILE: an example has its own.")
    folder = project_dir / name
    if source is not None:
        made = new_project(folder, source, target, with_git=not no_git, with_dvc=not no_dvc)
    else:
        made = new_example(folder, example or "", with_git=not no_git, with_dvc=not no_dvc)
    terminal(quiet).created(made)


@app.command(rich_help_panel="Start")
def init(
    source: Annotated[Path | None, Option("--from", help="A CSV or Parquet file to learn from.")] = None,
    target: Annotated[str | None, Option(help="The column to predict.")] = None,
    kind: Annotated[str | None, Option(help="classification or regression, where it can't be told.")] = None,
    no_git: NoGit = False,
    no_dvc: NoDvc = False,
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """Make a project of a folder or repository that is there: from a table, its numbered scripts or its dvc.yaml.

    Nothing in it is written over.
    """
    from slipway.new.init import init_adopting, init_project

    if source is None:
        made = init_adopting(project_dir, target, kind, with_git=not no_git, with_dvc=not no_dvc)
    elif kind is not None:
        raise ProjectError("--kind is for stages that are there; of a table it is told from the target's values.")
    else:
        made = init_project(project_dir, source, target, with_git=not no_git, with_dvc=not no_dvc)
    terminal(quiet).created(made)


@app.command(rich_help_panel="Start")
def up(host: Host = "127.0.0.1", port: Port = 8000, project_dir: ProjectDir = HERE, quiet: Quiet = False) -> None:
    """Run, gate, release and serve, in one process; prints a request to copy, and its answer."""
    show = terminal(quiet)
    with opened(project_dir) as project:

        def progress(stage: str, event: str) -> None:
            show.progress(stage, event)
            if stage == project.project.model_stage.name:
                project.prepare_gate()

        ran = project.run(on_progress=progress)
        show.ran_first(ran)
        if ran.report.error is not None:
            raise ran.report.error
        show.stood_up(project.stand_up())
        project.serve(host=host, port=port, on_ready=lambda url: show.first_answer(url, project), is_quiet=quiet)


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
    from slipway.project.editor_schema import keep_schema

    show = terminal(quiet, as_json)
    with opened(project_dir) as project:
        keep_schema(project.project.root)
        ran = project.run(stages or (), force=force, sets=sets or (), jobs=jobs, on_progress=show.progress)
    show.ran(ran, with_why=why)
    if ran.report.error is not None:
        raise ran.report.error


@app.command(rich_help_panel="Build")
def stage(
    name: Annotated[str, Argument(help="The stage.")], project_dir: ProjectDir = HERE, quiet: Quiet = False
) -> None:
    """Execute one stage, whatever changed; this is what `dvc repro` calls."""
    with opened(project_dir) as project:
        project.stage(name)


@app.command(rich_help_panel="Build")
def status(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """What is stale and why, what is live, which candidate waits."""
    with opened(project_dir) as project:
        show, found = terminal(quiet, as_json), project.status()
        show.status(found)
        if found.ledger_problem is not None:
            raise CheckRefused(found.ledger_problem)
        if found.live is None and project.settings.live_file.exists():
            show.note(
                "A service over this folder has served a version that this ledger knows nothing of: a stack keeps its "
                "own, in its database. There, `docker compose run --rm JOB slipway status` says what is live."
            )


@app.command(rich_help_panel="Build")
def dag(
    format: Annotated[str, Option(help="text, mermaid or svg.")] = "text",
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
) -> None:
    """The graph of sources and stages."""
    with opened(project_dir) as project:
        terminal(quiet).text(project.dag(format))


@app.command(rich_help_panel="Build")
def runs(project_dir: ProjectDir = HERE, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """The versions that runs have made, with their settings and metrics side by side."""
    with opened(project_dir) as project:
        terminal(quiet, as_json).versions(project.runs())
