"""Ticks of the loop over a real project, its journal filled as a service would have."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from commands import Slipway
from slipway.errors import BusyError, OutsideError, ProjectError
from slipway.journal.labels import gather
from slipway.loop import LEASE
from slipway.monitor.window import monitor_journal
from slipway.new.write import new_project
from slipway.pipeline.run import run_lock
from slipway.records import Decision, Prediction, Step, Truth, new_id
from slipway.results import Looped
from slipway.workspace import Workspace, latest_drift, open_project


def houses(rows: int, seed: int, *, factor: float = 2.0, shift: float = 0.0) -> pl.DataFrame:
    """Houses whose price grows with their area and falls with their age."""
    rng = np.random.default_rng(seed)
    area = rng.uniform(50, 200, rows) + shift
    age = rng.uniform(0, 60, rows)
    price = factor * area - age + rng.normal(0, 5, rows)
    return pl.DataFrame({"area": area.round(1), "age": age.round(1), "price": price.round(1)})


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with version 1 live. Nobody may write into it."""
    folder = tmp_path_factory.mktemp("first")
    houses(600, seed=1).write_csv(folder / "houses.csv")
    root = new_project(folder / "houses", folder / "houses.csv", "price").root
    toml = root / "slipway.toml"
    # Prices of houses twice as large may be missed by more: here that is no reason to keep what knows none of them.
    text = re.sub(r"max = [0-9.]+", "max = 60", toml.read_text())
    toml.write_text(text + "watch_rows = 60\n")
    with open_project(root) as project:
        assert project.run().candidate == 1
        project.release(why="first")
        project.settle(1, "by hand")
    return root


@pytest.fixture
def project(first: Path, tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "houses"
    shutil.copytree(first, root)
    with open_project(root) as opened:
        yield opened


def answer(project: Workspace, table: pl.DataFrame, *, version: int | None = None) -> list[Prediction]:
    """Journal what a version answers to a table."""
    scorer = project.live_scorer() if version is None else project.scorer(version)
    rows = table.drop("price")
    number = version or project.require_live()
    scores = scorer.score(scorer.bundle.schema.take(rows))
    made = [
        Prediction(new_id(), time.time(), number, row, prediction, None, 3.0)
        for row, prediction in zip(rows.to_dicts(), scores.predictions, strict=True)
    ]
    project.storage.journal.append(made)
    return made


def tell(project: Workspace, made: list[Prediction], truths: list[float]) -> None:
    given = zip(made, truths, strict=True)
    project.storage.journal.append([Truth(new_id(), p.id, time.time(), truth, "test") for p, truth in given])


def steps(looped: Looped) -> list[tuple[str, str]]:
    return [(d.step, d.outcome) for d in looped.decisions]


Drift = Callable[[Workspace], None]


def drifted(project: Workspace) -> None:
    """Larger houses than any before, whose prices came out higher than was answered."""
    table = houses(400, seed=5, factor=3.0, shift=120.0)
    tell(project, answer(project, table), table["price"].to_list())


def test_calm_is_decided_and_recorded(project: Workspace) -> None:
    answer(project, houses(300, seed=2))
    looped = project.loop()
    assert steps(looped) == [("check", "none"), ("decide", "nothing to do")]
    assert [d.step for d in project.storage.decisions.last(2)] == ["check", "decide"]
    assert looped.live == 1


def test_a_window_too_small_decides_nothing(project: Workspace) -> None:
    answer(project, houses(30, seed=2, shift=500.0))
    assert steps(project.loop()) == [("check", "too small"), ("decide", "nothing to do")]


def test_drift_with_truths_is_learnt_and_the_new_version_watched_until_it_settles(project: Workspace) -> None:
    drifted(project)
    looped = project.loop()
    assert steps(looped)[2:] == [("retrain", "candidate"), ("gate", "passed"), ("promote", "live"), ("watch", "opened")]
    assert looped.live == 2
    # The user's file is as it was; what production taught stands beside it.
    assert pl.read_csv(project.project.path("raw")).height == 600
    assert pl.read_parquet(project.project.labelled("raw")).height == 400

    table = houses(40, seed=6, factor=3.0, shift=120.0)
    tell(project, answer(project, table), table["price"].to_list())
    assert steps(project.loop())[0] == ("watch", "waiting")
    table = houses(40, seed=7, factor=3.0, shift=120.0)
    tell(project, answer(project, table), table["price"].to_list())
    assert steps(project.loop())[0] == ("watch", "settled")
    assert project.storage.ledger.head().action == "settled"  # type: ignore[union-attr]
    assert not project.standing().is_watched


def test_a_promoted_version_that_does_worse_is_rolled_back(project: Workspace) -> None:
    calm = houses(200, seed=8)
    tell(project, answer(project, calm), calm["price"].to_list())
    # Two thirds of the prices are noise: worse, and released all the same, by somebody who answers for it.
    spoilt = houses(600, seed=1).with_columns(pl.Series("price", np.random.default_rng(3).permutation(600) * 1.0))
    spoilt.write_csv(project.project.path("raw"))
    assert project.run().candidate == 2
    project.release(2, override="a test of the watch")
    table = houses(100, seed=9)
    tell(project, answer(project, table), table["price"].to_list())

    looped = project.loop()
    assert steps(looped)[:2] == [("watch", "worse"), ("rollback", "rolled back")]
    assert "mean absolute error" in looped.decisions[0].why
    assert looped.live == 1
    assert project.standing().states[2] == "rolled back"


def test_a_version_that_is_released_again_is_judged_by_what_it_answers_from_then_on(project: Workspace) -> None:
    calm = houses(200, seed=8)
    tell(project, answer(project, calm), calm["price"].to_list())
    assert project.run(sets=["model.trees=20"]).candidate == 2
    project.release(2, override="to be watched")
    made = answer(project, houses(100, seed=9))
    tell(project, made, answers(made, off=900.0))
    assert steps(project.loop())[:2] == [("watch", "worse"), ("rollback", "rolled back")]

    project.release(2, override="its truths were of another shop")
    looped = project.loop()
    assert steps(looped)[0] == ("watch", "waiting")
    assert looped.decisions[0].why.startswith("0 of ")
    assert looped.live == 2
    made = answer(project, houses(100, seed=10))
    tell(project, made, answers(made))
    assert steps(project.loop())[0] == ("watch", "settled")


def test_a_candidate_left_behind_by_a_crash_is_taken_up(project: Workspace) -> None:
    drifted(project)
    source = project.project.path("raw")
    houses(650, seed=1, factor=3.0, shift=60.0).write_csv(source)
    assert project.run().candidate == 2  # and nothing after it, as if the process had ended here
    looped = project.loop()
    candidate = next(d for d in looped.decisions if d.step == "retrain").detail["candidate"]
    assert looped.live == candidate == 3  # the truths that came made a newer one


def test_a_dry_run_changes_and_records_nothing(project: Workspace) -> None:
    drifted(project)
    before = project.storage.ledger.head()
    assert steps(project.loop(is_dry=True)) == [("check", "retrain"), ("decide", "retrain")]
    assert project.storage.ledger.head() == before
    assert project.storage.decisions.last(5) == []
    assert not project.project.labelled("raw").exists()


def test_one_retraining_at_a_time(project: Workspace) -> None:
    drifted(project)
    assert project.storage.lease.acquire(LEASE, "another tick", 60)
    assert steps(project.loop())[-1] == ("retrain", "busy")
    project.storage.lease.release(LEASE, "another tick")
    assert project.loop().live == 2


def test_two_loops_at_once_retrain_once(project: Workspace) -> None:
    drifted(project)
    command = [sys.executable, "-m", "slipway", "-C", str(project.settings.root), "loop", "--once"]
    loops = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [loop.communicate(timeout=120) for loop in loops]
    assert {loop.returncode for loop in loops} <= {0, BusyError.exit_code}, said
    entries = project.storage.ledger.entries()[4:]  # after the first version's
    assert [(e.action, e.version) for e in entries] == [("candidate", 2), ("passed", 2), ("released", 2)]
    assert project.storage.lease.holder(LEASE) is None


STOPPED = """
import os, signal, sys
from slipway.loop import Tick
from slipway.steps import Steps
from slipway.workspace import open_project

def tell(decision):
    print(decision.step, decision.outcome, flush=True)
    if (decision.step, decision.outcome) == ("gate", "passed"):
        os.kill(os.getpid(), signal.SIGSTOP)

with open_project(sys.argv[1]) as project:
    Tick(Steps(project, None), report=tell, lease_seconds=1.0).run()
"""


def test_a_loop_that_was_stopped_and_lost_its_lease_promotes_nothing(project: Workspace) -> None:
    drifted(project)
    command = [sys.executable, "-c", STOPPED, str(project.settings.root)]
    loop = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    _, status = os.waitpid(loop.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    deadline = time.monotonic() + 30
    while not project.storage.lease.acquire(LEASE, "another loop", 60):  # it lapses, and somebody takes it
        assert time.monotonic() < deadline
        time.sleep(0.1)
    loop.send_signal(signal.SIGCONT)
    said, _ = loop.communicate(timeout=60)
    assert said.splitlines()[-2:] == ["gate passed", "promote lost"]
    assert (project.standing().live, project.standing().states[2]) == (1, "passed")
    assert project.storage.lease.holder(LEASE) == "another loop"
    project.storage.lease.release(LEASE, "another loop")
    assert project.loop().live == 2  # what it made is taken up by the next tick


def test_with_the_tracker_away_a_candidate_is_pending_until_it_is_back(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted(project)
    slipway = Slipway(project.settings.root)
    slipway.environment |= {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    slipway("loop", "--once", code=OutsideError.exit_code)
    assert "The candidate is kept as pending (bundle " in slipway.said
    (waiting,) = project.storage.pending.all()
    assert slipway.json("status")["pending"] == [waiting.bundle]
    last = project.storage.decisions.last(1)[0]
    assert (last.step, last.outcome) == ("retrain", "pending")
    slipway("run", code=OutsideError.exit_code)  # nothing changed, and it is still to be registered
    assert project.gc().leftovers == []
    slipway("gate", "1")
    assert "pending" not in slipway.said, "another version need not wait for it"

    looped = project.loop()
    assert (looped.live, project.storage.pending.all()) == (2, [])
    assert project.standing().bundles[2] == waiting.bundle


def test_a_file_with_truths_is_checked_and_learnt_from(project: Workspace, tmp_path: Path) -> None:
    new = tmp_path / "february.csv"
    houses(400, seed=5, factor=3.0, shift=120.0).write_csv(new)
    assert project.monitor(data=new).quality["mae"] > 100
    assert project.loop(data=new).live == 2
    assert pl.read_parquet(project.project.labelled("raw")).height == 400
    assert project.monitor(data=new).quality["mae"] < 50


def test_a_second_run_waits_and_then_says_who_is_at_it(project: Workspace) -> None:
    with (
        run_lock(project.settings),
        pytest.raises(BusyError, match="runs this project"),
        run_lock(project.settings, wait_seconds=0.2),
    ):
        raise AssertionError("two at once")


def test_without_a_source_to_add_to_the_remedy_names_the_key(project: Workspace) -> None:
    toml = project.settings.root / "slipway.toml"
    toml.write_text(toml.read_text().replace('retrain_into = "raw"\n', ""))
    with open_project(project.settings.root) as without:
        drifted(without)
        last = without.loop().decisions[-1]
    assert last.outcome == "nothing to learn from"
    assert "retrain_into" in last.why


def test_the_same_model_again_makes_no_candidate(project: Workspace) -> None:
    assert project.run(force=True).candidate is None
    assert [e.action for e in project.storage.ledger.entries()] == ["candidate", "passed", "released", "settled"]
    with pytest.raises(ProjectError, match="No candidate waits"):
        project.release()


def test_a_setting_put_back_leaves_no_candidate_that_the_project_does_not_give(project: Workspace) -> None:
    assert project.run(sets=["model.trees=20"]).candidate == 2
    assert project.run(sets=["model.trees=100"]).candidate is None
    assert project.standing().candidate is None
    head = project.storage.ledger.head()
    assert head is not None
    assert (head.action, head.version, head.why) == ("refused", 2, "the project gives version 1 again")
    assert project.run(sets=["model.trees=20"]).candidate is None  # version 2's model, which is known
    assert project.gate(2).version == 2


def record(project: Workspace, step: Step, outcome: str, *, hours_ago: float, times: int = 1) -> None:
    at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    for _ in range(times):
        project.storage.decisions.append(Decision(new_id(), step, outcome, "", at, {}))


def with_key(project: Workspace, key: str, value: float) -> Workspace:
    """The project with a key of [monitor], whether it says one already or not."""
    toml = project.settings.root / "slipway.toml"
    lines = [line for line in toml.read_text().splitlines() if not line.startswith(f"{key} ")]
    toml.write_text("\n".join([*lines, f"{key} = {value}", ""]))
    return open_project(project.settings.root)


def cooling(project: Workspace) -> Workspace:
    return with_key(project, "cool_down_minutes", 1440)


def test_a_retraining_is_remembered_however_many_ticks_came_since(project: Workspace) -> None:
    record(project, "retrain", "candidate", hours_ago=23)
    record(project, "check", "none", hours_ago=1, times=300)
    record(project, "retrain", "nothing to learn from", hours_ago=1, times=300)
    with cooling(project) as slow:
        answer(slow, houses(400, seed=5, shift=120.0))
        assert steps(slow.loop())[-1] == ("decide", "cooling down")


@pytest.mark.parametrize("ahead_hours", [1, 24, 24 * 365])
def test_a_retraining_in_the_future_is_none_and_the_one_before_it_counts(
    project: Workspace, ahead_hours: float
) -> None:
    with cooling(project) as slow:
        answer(slow, houses(400, seed=5, shift=120.0))
        record(project, "retrain", "candidate", hours_ago=-ahead_hours)
        assert ("decide", "retrain") in steps(slow.loop())
        record(project, "retrain", "candidate", hours_ago=23)
        record(project, "retrain", "candidate", hours_ago=-ahead_hours)
        assert steps(slow.loop())[-1] == ("decide", "cooling down")


def give(project: Workspace, made: list[Prediction], truths: list[float], source: str) -> None:
    given = zip(made, truths, strict=True)
    project.storage.journal.append([Truth(new_id(), p.id, time.time(), truth, source) for p, truth in given])


def answers(made: list[Prediction], *, off: float = 0.0) -> list[float]:
    return [float(p.prediction or 0.0) + off + n % 3 for n, p in enumerate(made)]


def test_one_callers_truths_alone_raise_no_signal_beside_others(project: Workspace) -> None:
    made = answer(project, houses(400, seed=2))
    give(project, made[:100], answers(made[:100]), "token:shop")
    with with_key(project, "quality_drop", 0.5) as watched:
        assert watched.monitor().one_source is None
        give(project, made[100:140], answers(made[100:140], off=900.0), "token:other")
        found = watched.monitor()
        # Confirmed by another, it is one.
        give(project, made[140:240], answers(made[140:240], off=900.0), "token:shop")
        confirmed = watched.monitor()
    assert found.one_source == "token:other"
    assert "quality" not in {alert.column for alert in found.report.alerts}
    assert "By the truths of token:other alone the answers are worse" in found.sentence()
    assert found.to_json()["one_source"] == "token:other"
    assert ("quality" in {alert.column for alert in confirmed.report.alerts}, confirmed.one_source) == (True, None)


def test_the_truths_of_a_source_that_is_alone_raise_one(project: Workspace) -> None:
    made = answer(project, houses(400, seed=2))
    give(project, made[:40], answers(made[:40], off=900.0), "token:shop")
    with with_key(project, "quality_drop", 0.5) as watched:
        found = watched.monitor()
    assert ("quality" in {alert.column for alert in found.report.alerts}, found.one_source) == (True, None)


def test_false_truths_of_one_caller_roll_nothing_back(project: Workspace) -> None:
    calm = houses(200, seed=8)
    give(project, answer(project, calm), calm["price"].to_list(), "token:shop")
    assert project.run(sets=["model.trees=20"]).candidate == 2
    project.release(2, override="to be watched")
    made = answer(project, houses(60, seed=9))
    give(project, made[:50], answers(made[:50]), "token:shop")
    give(project, made[50:], answers(made[50:], off=5_000.0), "token:other")
    looped = project.loop()
    assert steps(looped)[0] == ("watch", "settled")
    assert "by the truths of token:other alone it would be" in looped.decisions[0].why
    assert looped.live == 2


def test_a_window_reads_its_own_truths_alone(project: Workspace) -> None:
    """However many there are: the page of a server, the monitor and an open watch all ask so."""
    old = answer(project, houses(900, seed=3))
    give(project, old, answers(old), "token:shop")
    made = answer(project, houses(150, seed=4))
    give(project, made[:50], answers(made[:50]), "token:shop")
    read: list[int] = []

    class Counted:
        """The journal, each answer of which is counted."""

        def __getattr__(self, name: str) -> Any:
            asked = getattr(project.storage.journal, name)

            def ask(*arguments: Any, **options: Any) -> Any:
                assert name in ("last", "since", "truths"), "nothing else is asked for a window"
                assert name != "truths" or arguments[0] is not None
                found = asked(*arguments, **options)
                read.append(len(found))
                return found

            return ask

    latest_drift(project.project, project.live_scorer(), 1, Counted())
    assert read == [1_000, 900]
    read.clear()
    monitor_journal(project.project, project.live_scorer(), 1, Counted(), hours=None, last=150)
    assert read == [150, 50]
    read.clear()
    monitor_journal(project.project, project.live_scorer(), 1, Counted(), hours=1, last=None)
    assert read == [1_050, 950]


def test_labels_for_a_retraining_are_gathered_a_part_at_a_time(project: Workspace, monkeypatch: Any) -> None:
    monkeypatch.setattr("slipway.journal.window._AT_ONCE", 7)
    made = answer(project, houses(60, seed=3))
    give(project, made[:40], answers(made[:40]), "token:shop")
    give(project, made[:10], answers(made[:10], off=1.0), "token:shop")  # says nothing of a correction
    found = project.journal_state()
    assert [(share.source, share.labels) for share in found.labels] == [("token:shop", 40)]
    path = project.project.labelled("raw")
    gathered = gather(project.storage.journal, project.live_scorer().bundle.schema, "price", path)
    assert (gathered.rows, pl.read_parquet(path)["price"].to_list()) == (40, answers(made[:40]))


@pytest.mark.parametrize("value", ["many", {"of": 1}, [1], 10**400], ids=["text", "object", "list", "beyond"])
def test_rows_that_fit_no_version_are_passed_over(project: Workspace, value: Any) -> None:
    """As a journal may hold them that somebody else has written to."""
    made = answer(project, houses(300, seed=2))
    odd = Prediction("odd", time.time(), 1, {**made[0].row, "area": value}, 1.0)
    project.storage.journal.append([odd])
    assert project.monitor().report.rows == 300
    assert steps(project.loop()) == [("check", "none"), ("decide", "nothing to do")]


def test_truths_that_show_answers_to_be_wrong_ask_for_a_retraining_by_themselves(
    project: Workspace,
) -> None:
    table = houses(400, seed=6)
    made = answer(project, table)
    tell(project, made, (table["price"] * 1.3).to_list())
    looped = project.loop(is_dry=True)
    assert steps(looped) == [("check", "retrain"), ("decide", "retrain")]
    check = looped.decisions[0]
    assert {alert["measure"] for alert in check.detail["alerts"]} >= {"quality_drop", "truth_drift"}
    assert re.search(r"answers \d+ % worse than on the test rows > 20 %", check.why)
    assert check.why.endswith(" Critical.")


def test_what_a_person_asks_for_is_learnt_gated_and_promoted_without_drift_and_cool_down(project: Workspace) -> None:
    toml = project.settings.root / "slipway.toml"
    toml.write_text(toml.read_text() + "cool_down_minutes = 600\n")
    table = houses(300, seed=2)
    tell(project, answer(project, table), table["price"].to_list())
    assert project.loop(is_dry=True).decisions[-1].outcome == "nothing to do"
    with open_project(project.settings.root) as cooling:
        looped = cooling.retrain(why="prices of May")
        again = cooling.retrain()
    assert steps(looped) == [
        ("decide", "retrain"), ("retrain", "candidate"), ("gate", "passed"), ("promote", "live"), ("watch", "opened"),
    ]  # fmt: skip
    assert looped.live == 2
    asked = looped.decisions[0]
    by = project.settings.user
    assert (asked.why, asked.detail) == (f"Asked for by {by}: prices of May", {"asked_by": by})
    head = project.storage.ledger.head()
    assert head is not None
    assert (head.action, head.why) == ("released", f"Asked for by {by}: prices of May")
    # Neither was it too soon, nor is there anything left to learn from.
    assert steps(again) == [("decide", "retrain"), ("retrain", "nothing to learn from")]
    assert again.decisions[-1].why.startswith("Nothing was learnt: no new truths")
    assert "POST /feedback" in again.decisions[-1].why
    recorded = [(d.step, d.why) for d in project.storage.decisions.last(7)]
    assert recorded[0] == ("decide", f"Asked for by {by}: prices of May")


def test_a_candidate_that_a_person_asked_for_and_the_gate_refuses_ends_with_one(project: Workspace) -> None:
    table = houses(400, seed=7)
    tell(project, answer(project, table), [float(price) for price in np.random.default_rng(3).normal(0, 900, 400)])
    slipway = Slipway(project.settings.root)
    told = slipway.json("retrain", "--why", "to see", code=1)
    assert [(d["step"], d["outcome"]) for d in told["decisions"]][-1] == ("gate", "refused")
    assert set(told["decisions"][0]) == {"step", "outcome", "why", "at", "detail"}
    assert told["live"] == 1


def test_a_person_who_asks_while_somebody_retrains_is_told_that_it_is_busy(project: Workspace) -> None:
    assert project.storage.lease.acquire(LEASE, "another", 60)
    slipway = Slipway(project.settings.root)
    told = slipway.json("retrain", code=BusyError.exit_code)
    assert told["decisions"][-1]["outcome"] == "busy"
    assert "another" in told["decisions"][-1]["why"]
