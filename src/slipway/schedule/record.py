"""What happens to one flow run in, told to Prefect in its order by a thread out: the work never waits for Prefect."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Any
from uuid import uuid4

from slipway.errors import OutsideError
from slipway.schedule.server import PrefectAway, PrefectServer

LINES = 20_000
"""Lines that wait at most for a server that is away; of more the oldest are left out."""
AT_ONCE = 200
LONGEST_LINE = 10_000
AGAIN_SECONDS = 2.0
_INFO = 20


@dataclass(frozen=True, slots=True)
class State:
    """How a run or a task is doing."""

    type: str
    """PENDING, RUNNING, COMPLETED, FAILED, CANCELLED or CRASHED."""
    message: str = ""
    name: str | None = None
    """As a page shows it; the type's own if None."""

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "name": self.name or self.type.capitalize(), "message": self.message}


@dataclass(frozen=True, slots=True)
class Task:
    """One step of the run."""

    id: str
    name: str
    after: tuple[str, ...]
    """The ids of the tasks whose results it takes."""
    began: datetime


class Record:
    """One flow run as Prefect is told of it. What can't be told yet is told when Prefect is back, as of when it was."""

    def __init__(
        self,
        server: PrefectServer,
        flow: str,
        name: str,
        complain: Callable[[str], None],
        *,
        scheduled: str | None = None,
    ) -> None:
        self._server = server
        self._new = {"name": name, "state": {"type": "PENDING"}, "idempotency_key": uuid4().hex}
        self._flow = flow
        self._complain = complain
        self._run = scheduled
        """Its id; None until Prefect has given it one."""
        self._has_begun = False
        self._events: deque[dict[str, Any]] = deque()
        self._lines: deque[dict[str, Any]] = deque(maxlen=LINES)
        self._end: State | None = None
        self._until = 0.0
        """When to give up, once the end has come."""
        self._is_told = False
        self._is_away = False
        self._changed = Condition()
        self._thread = Thread(target=self._tell, daemon=True, name="slipway-prefect")
        self._thread.start()

    def begin(self, name: str, after: Sequence[str] = ()) -> Task:
        """A task of the run begins."""
        task = Task(str(uuid4()), name, tuple(after), datetime.now(UTC))
        self._put(_event(task, State("RUNNING"), task.began))
        return task

    def end(self, task: Task, state: State) -> None:
        """It ended."""
        self._put(_event(task, state, datetime.now(UTC)))

    def line(self, text: str, task: Task | None) -> None:
        """A line that the work printed; of a task, or of the run as a whole."""
        now, owner = datetime.now(UTC).isoformat(), None if task is None else task.id
        found = {"name": "slipway", "level": _INFO, "message": text[:LONGEST_LINE], "timestamp": now}
        with self._changed:
            self._lines.append({**found, "task_run_id": owner})

    def close(self, state: State, patience: float) -> bool:
        """The run ended. Waits until everything is told, at most so many seconds; whether it is."""
        with self._changed:
            self._end, self._until = state, time.monotonic() + patience
            self._changed.notify()
        self._thread.join(patience + self._server.timeout)
        return self._is_told

    def _put(self, event: dict[str, Any]) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify()

    def _tell(self) -> None:
        while not self._is_told:
            try:
                self._tell_next()
                if self._is_away:
                    self._is_away = False
                    self._complain(f"Prefect at {self._server.url} is back.")
            except PrefectAway as away:
                if not self._is_away:
                    self._is_away = True
                    self._complain(f"{away} The work goes on without it.")
                if self._end is not None and time.monotonic() + AGAIN_SECONDS > self._until:
                    return
                time.sleep(AGAIN_SECONDS)
            except OutsideError as refused:
                self._complain(f"{refused} The work goes on without it.")
                return

    def _tell_next(self) -> None:
        if not self._has_begun:
            self._begin_run()
        with self._changed:
            # Lines alone wake nobody: they go with the next step, or within a second.
            self._changed.wait_for(lambda: bool(self._events) or self._end is not None, timeout=1.0)
        self._send(self._events, "/events", self._event_of_run)
        self._send(self._lines, "/logs/", lambda line: {**line, "flow_run_id": self._run})
        if self._end is not None and not self._events and not self._lines:
            self._set(self._end)
            self._is_told = True

    def _begin_run(self) -> None:
        if self._run is None:
            flow = self._server.post("/flows/", {"name": self._flow})
            self._run = str(self._server.post("/flow_runs/", {**self._new, "flow_id": flow["id"]})["id"])
        self._set(State("RUNNING"))
        self._has_begun = True

    def _set(self, state: State) -> None:
        self._server.post(f"/flow_runs/{self._run}/set_state", {"state": state.to_json(), "force": True})

    def _event_of_run(self, event: dict[str, Any]) -> dict[str, Any]:
        return {**event, "related": [{"prefect.resource.id": f"prefect.flow-run.{self._run}", **_ROLE}]}

    def _send(self, waiting: deque[dict[str, Any]], path: str, of_run: Callable[[dict[str, Any]], Any]) -> None:
        with self._changed:
            taken = [waiting.popleft() for _ in range(min(AT_ONCE, len(waiting)))]
        if not taken:
            return
        try:
            self._server.post(path, [of_run(each) for each in taken])
        except PrefectAway:
            with self._changed:
                waiting.extendleft(reversed(taken))
            raise


_ROLE = {"prefect.resource.role": "flow-run"}


def _event(task: Task, state: State, at: datetime) -> dict[str, Any]:
    """A change of a task's state as Prefect's own clients tell it: with the time at which it was so."""
    times: dict[str, Any] = {"start_time": task.began.isoformat(), "expected_start_time": task.began.isoformat()}
    if state.type != "RUNNING":
        times |= {"end_time": at.isoformat(), "total_run_time": (at - task.began).total_seconds()}
    inputs = {"after": [{"input_type": "task_run", "id": each} for each in task.after]} if task.after else {}
    made = {"name": task.name, "task_key": task.name, "dynamic_key": task.id, "task_inputs": inputs, "run_count": 1}
    shown = state.to_json()
    return {
        "id": str(uuid4()),
        "occurred": at.isoformat(),
        "event": f"prefect.task-run.{shown['name']}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task.id}",
            "prefect.resource.name": task.name,
            "prefect.state-name": shown["name"],
            "prefect.state-type": state.type,
            "prefect.state-message": state.message,
            "prefect.state-timestamp": at.isoformat(),
            "prefect.orchestration": "client",
        },
        "payload": {
            "intended": {"from": None, "to": state.type},
            "initial_state": None,
            "validated_state": {**shown, "state_details": {}, "data": None},
            "task_run": {**made, **times},
        },
    }
