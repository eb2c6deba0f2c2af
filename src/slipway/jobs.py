"""The name of a service of `[stack]` in; what its container does, done: stages, gate and release, data moved."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import ProjectError, near_miss
from slipway.pipeline.part import lacking, part_of
from slipway.pipeline.run import run_lock
from slipway.project.facts import FILE, Project
from slipway.project.stack import Service
from slipway.release.pending import RegistrationPending
from slipway.results import Ran, StoodUp
from slipway.workspace import Workspace

if TYPE_CHECKING:
    from slipway.pipeline.remote import Carried

OTHERS_SECONDS = 3600.0
"""Jobs that need nothing of each other are started at once, and run one after another."""
TRACKER_SECONDS = 120.0
"""How long a candidate waits for a tracker that is away, before its job gives up."""
_AGAIN_SECONDS = 3.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What a service's work came to."""

    service: str
    ran: Ran | None = None
    stood: StoodUp | None = None
    """How what is live came to be so, where the job makes the model."""
    carried: "Carried | None" = None

    def sentence(self) -> str:
        """What is so now, in one line."""
        if self.stood is not None:
            gate = self.stood.gate
            refused = f"; the candidate is refused: {gate.sentence()}" if gate is not None and not gate.passed else ""
            return f"Version {self.stood.live} is live{refused}."
        return "Its stages are up to date." if self.ran is not None else "Its data are where they belong."

    def to_json(self) -> dict[str, Any]:
        """What `job --json` prints."""
        return {
            "service": self.service,
            "run": None if self.ran is None else self.ran.to_json(),
            "live": None if self.stood is None else self.stood.live,
            "released": self.stood is not None and self.stood.entry is not None,
            "gate": None if self.stood is None or self.stood.gate is None else self.stood.gate.to_json(),
            "carried": None if self.carried is None else self.carried.to_json(),
        }


def service_to_run(project: Project, name: str) -> Service:
    """The service whose work can be done here.

    Raises:
        ProjectError: there is none of this name, or it is of another kind.
    """
    services = project.stack.services
    if name not in services:
        raise ProjectError(f"{FILE}: no service is named `{name}`.{near_miss(name, services)}")
    service = services[name]
    if service.kind not in ("job", "data"):
        raise ProjectError(
            f"{FILE}: [stack.services.{name}] is of kind {service.kind}: `slipway job` does what those of kind job and "
            "data do."
        )
    return service


def job(
    workspace: Workspace,
    name: str,
    *,
    on_progress: Callable[[str, str], None] = lambda stage, event: None,
    say: Say = lambda text: None,
    tracker_seconds: float = TRACKER_SECONDS,
) -> Done:
    """Do what a service's container does.

    A job runs its own stages, and no other's. Where it made the model, the gate is held: the first version that passes
    goes live, so does a later one; one that is refused leaves live what is.

    Args:
        on_progress: called with a stage's name and what happens to it.
        say: told what else goes on.
        tracker_seconds: how long to wait for a tracker that is away.

    Raises:
        ProjectError: no such service, or it is of another kind; or what other jobs make is not there.
        SlipwayError: a stage's own error.
        CheckRefused: the gate refuses the candidate, and nothing is live.
        RegistrationPending: the tracker is away; the candidate is kept, and the next job or loop registers it.
    """
    service = service_to_run(workspace.project, name)
    if service.kind == "data":
        return Done(name, carried=_carry(workspace, service.do or "pull", say))
    ran = _run(workspace, service, on_progress, say, tracker_seconds)
    if ran.report.error is not None:
        raise ran.report.error
    makes_model = workspace.project.model_stage.name in service.stages
    stood = workspace.stand_up(why=f"job {name}") if makes_model else None
    carried = _carry(workspace, "push", say) if service.then == "push" else None
    return Done(name, ran, stood, carried)


def _run(
    workspace: Workspace,
    service: Service,
    on_progress: Callable[[str, str], None],
    say: Say,
    tracker_seconds: float,
) -> Ran:
    project = workspace.project
    stages, model = part_of(project, service.stages), project.model_stage.name

    def progress(stage: str, event: str) -> None:
        on_progress(stage, event)
        if stage == model and event.startswith("runs"):
            workspace.prepare_gate()  # what its process imports is imported beside the training

    deadline = time.monotonic() + tracker_seconds
    while True:
        _require_inputs(project, service, stages)
        try:
            return workspace.run(stages, is_alone=True, on_progress=progress, wait_seconds=OTHERS_SECONDS)
        except RegistrationPending as pending:
            if time.monotonic() + _AGAIN_SECONDS > deadline:
                raise
            say(f"{pending} Tried again for {max(0.0, deadline - time.monotonic()):.0f} s.")
            time.sleep(_AGAIN_SECONDS)


def _require_inputs(project: Project, service: Service, stages: list[str]) -> None:
    for each in lacking(project, stages):
        makers = [s.name for s in _jobs(project) if each.maker in part_of(project, s.stages)]
        remedy = (
            f"job `{makers[0]}` makes it: `docker compose run --rm {makers[0]}` (or `slipway job {makers[0]}`) first"
            if makers
            else f"no job of [stack] runs stage `{each.maker}`, which makes it: name it in the stages of one"
        )
        raise ProjectError(f"{each.path} is not here, which job `{service.name}` reads (`{each.artifact}`): {remedy}.")


def _jobs(project: Project) -> list[Service]:
    return project.stack.of("job")


def _carry(workspace: Workspace, way: str, say: Say) -> "Carried":
    from slipway.pipeline.remote import pull, push

    def work() -> "Carried":
        with run_lock(workspace.settings, OTHERS_SECONDS):
            return (pull if way == "pull" else push)(workspace.project, workspace.settings, say)

    return workspace.orchestrator.step(way, "what DVC keeps, and its remote", work)
