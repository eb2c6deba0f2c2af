"""Job: what the container of one service of `[stack]` does."""

from typing import TYPE_CHECKING, Annotated

from typer import Argument

from slipway.cli.shared import HERE, AsJson, ProjectDir, Quiet, app, opened, terminal

if TYPE_CHECKING:
    from slipway.jobs import Done


@app.command(rich_help_panel="Stack")
def job(
    name: Annotated[str, Argument(help="A service of [stack.services], of kind job or data.")],
    project_dir: ProjectDir = HERE,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Do what a service's container does: its stages, then gate and release where they make the model; or its data."""
    from slipway.jobs import job as do_job
    from slipway.jobs import service_to_run
    from slipway.schedule.prefect import as_flow

    show = terminal(quiet, as_json)
    with opened(project_dir) as project:

        def work() -> "Done":
            return do_job(project, name, on_progress=show.progress, say=show.note)

        service_to_run(project.project, name)
        show.job(as_flow(project, name, work, lambda done: done.sentence()))
