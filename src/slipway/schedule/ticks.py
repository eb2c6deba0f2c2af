"""A project and a time between ticks in; the loop as a deployment of Prefect's, each tick a flow run of it, out.

`python -P -m slipway.schedule.ticks --every 15m`. The deployment's page shows the ticks to come, and can ask for one
now. With Prefect away ticks go on, each after the same time.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from slipway import processes
from slipway.errors import OutsideError, SlipwayError
from slipway.loop import tick_seconds
from slipway.project import find_project, read_project
from slipway.project.facts import Project
from slipway.schedule.prefect import FLOW_RUN
from slipway.schedule.record import State
from slipway.schedule.server import PrefectServer
from slipway.settings import read_settings

ADDRESS = "PREFECT_API_URL"
ANCHOR = "2000-01-01T00:00:00+00:00"
"""Ticks are at round times, the same ones whenever the deployment is registered anew."""
POLL_SECONDS = 5.0
END_SECONDS = 20.0
"""How long a tick may take to end when it is told to: it is resumed by the next one."""


class Deployment:
    """The project's loop as Prefect knows it: its schedule, and the runs of it that are due."""

    def __init__(self, server: PrefectServer, project: Project, seconds: float) -> None:
        self._server = server
        self._project = project
        self._seconds = seconds
        self._id: str | None = None

    def register(self) -> None:
        """Make the deployment, or give the one that is there this schedule.

        Raises:
            PrefectAway: it does not answer.
        """
        name = self._project.name
        flow = self._server.post("/flows/", {"name": f"{name}-loop"})["id"]
        schedule = {"interval": self._seconds, "anchor_date": ANCHOR}
        made = {
            "flow_id": flow,
            "name": name,
            "description": "Drift, decision, retraining, gate, promotion, watch: a tick of Slipway's loop.",
            "schedules": [{"schedule": schedule, "active": True}],
            "entrypoint": "slipway loop --once",
            "enforce_parameter_schema": False,
        }
        self._id = self._server.post("/deployments/", made)["id"]

    def ask_for_one(self) -> None:
        """Have a tick scheduled for now."""
        self._server.post(f"/deployments/{self._id}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    def take_due(self) -> str | None:
        """The id of the flow run that is due, which is ours from now on; None when none is, or another has taken it.

        Of several that waited while nobody ticked the latest is taken: the others would find what it finds.
        """
        asked = {"deployment_ids": [self._id], "scheduled_before": datetime.now(UTC).isoformat()}
        due = [run["id"] for run in self._server.post("/deployments/get_scheduled_flow_runs", asked)]
        for passed in due[:-1]:
            self.set(passed, State("CANCELLED", "A later tick was due as well, and was taken.", "Skipped"))
        if not due:
            return None
        answer = self._server.post(f"/flow_runs/{due[-1]}/set_state", {"state": State("PENDING").to_json()})
        return str(due[-1]) if answer["status"] == "ACCEPT" else None

    def set(self, run: str, state: State) -> None:
        """Say how a flow run is doing."""
        self._server.post(f"/flow_runs/{run}/set_state", {"state": state.to_json(), "force": True})

    def close(self, run: str, code: int) -> None:
        """See that a run whose process has ended does not seem to go on: one that was killed could not say so."""
        if self._server.get(f"/flow_runs/{run}")["state"]["type"] in ("PENDING", "RUNNING"):
            self.set(run, State("CRASHED", f"The tick's process ended with {code}; the next tick goes on from there."))


class Ticking:
    """Ticks when Prefect says so, and by the clock where it can't say."""

    def __init__(
        self, deployment: Deployment, seconds: float, tick: Callable[[str | None], int], say: Callable[[str], None]
    ) -> None:
        self._deployment = deployment
        self._seconds = seconds
        self._tick = tick
        self._say = say
        self._is_known = False
        self._is_away = False
        self._last = -seconds
        """When the last tick began, by the monotonic clock."""

    def turn(self) -> None:
        """Look once whether a tick is due, and do it."""
        try:
            if not self._is_known:
                self._deployment.register()
                self._is_known = True
                if self._is_late():
                    self._deployment.ask_for_one()
            if self._is_away:
                self._is_away = False
                self._say("Prefect is back: ticks are its flow runs again.")
            run = self._deployment.take_due()
        except OutsideError as away:
            self._is_known = False
            if not self._is_away:
                self._is_away = True
                self._say(f"{away} Ticks go on without it.")
            if self._is_late():
                self._do(None)
            return
        if run is not None:
            code = self._do(run)
            try:
                self._deployment.close(run, code)
            except OutsideError:  # seen on the next turn
                self._is_known = False

    def _is_late(self) -> bool:
        return time.monotonic() - self._last >= self._seconds

    def _do(self, run: str | None) -> int:
        self._last = time.monotonic()
        return self._tick(run)


def main(arguments: list[str] | None = None) -> int:
    """Tick until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m slipway.schedule.ticks", description="The loop under Prefect.")
    parser.add_argument("-C", dest="folder", type=Path, default=Path(), help="the project's folder")
    parser.add_argument("--every", default="15m", help="between two ticks: 30s, 15m, 2h, 1d")
    given = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):  # a script's shell ignores SIGINT for what runs in the background
        signal.signal(number, signal.default_int_handler)
    try:
        _keep_ticking(find_project(given.folder), tick_seconds(given.every))
    except SlipwayError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


def _keep_ticking(root: Path, seconds: float) -> None:
    address = read_settings(root).orchestrator
    if address is None:
        raise OutsideError(f"{ADDRESS} is not set: `slipway loop --every 15m` ticks without Prefect.")
    deployment = Deployment(PrefectServer(address), read_project(root), seconds)
    ticking = Ticking(deployment, seconds, lambda run: _tick(root, run), _say)
    while True:
        ticking.turn()
        time.sleep(POLL_SECONDS)


def _tick(root: Path, run: str | None) -> int:
    """One tick in a process of its own: what it loads is given back, and what it does to its process is its own."""
    place = {FLOW_RUN: run} if run is not None else {ADDRESS: ""}
    arguments = ("-C", str(root), "loop", "--once")
    with processes.start("slipway", *arguments, root=root, more=place, stdin=None, stdout=None) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _say(text: str) -> None:
    sys.stderr.write(f"slipway: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
