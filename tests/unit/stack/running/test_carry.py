import io
import tarfile

import pytest

from registry import Registry
from slipway.errors import CheckRefused, OutsideError, ProjectError
from slipway.records import Prediction, Truth
from slipway.release.ledger import record
from slipway.settings import read_settings
from slipway.stack.running.carry import pack, receive
from slipway.workspace import Workspace


def packed(flats) -> io.BytesIO:
    stream = io.BytesIO()
    pack(flats.settings, stream)
    stream.seek(0)
    return stream


@pytest.fixture
def arrive(tmp_path, flats):
    """A stack's own workspace of the same project, empty; called, it takes over what the laptop has."""
    opened = []

    def at(name: str = "stack", registry: Registry | None = None) -> Workspace:
        workspace = Workspace(flats.project, read_settings(tmp_path / name, {"SLIPWAY_USER": "stack"}))
        workspace.__dict__["tracker"] = registry or Registry()
        opened.append(workspace)
        return workspace

    yield at
    for workspace in opened:
        workspace.close()


def journalled(flats, count: int) -> None:
    rows = [Prediction(f"p{n}", float(n), 1, {"area": "50 m2"}, "cheap1") for n in range(count)]
    flats.storage.journal.append([*rows, Truth("t0", "p0", 9.0, "dear1", "user:tester")])


def test_versions_ledger_and_journal_arrive_and_the_live_one_answers(flats, arrive):
    flats.release(1)
    bundle = flats.release(2)
    journalled(flats, 3)
    stack = arrive()
    imported = receive(stack, packed(flats))
    assert (imported.live, imported.versions, imported.entries) == (2, 2, 6)
    assert (imported.predictions, imported.truths) == (3, 1)
    assert stack.storage.ledger.entries() == flats.storage.ledger.entries()
    assert stack.live_scorer().bundle.sha256 == bundle
    assert stack.tracker.pointed("flats", "production") == 2
    assert stack.ledger(against_anchor=True).ok


def test_a_second_time_nothing_is_new(flats, arrive):
    flats.release(1)
    journalled(flats, 2)
    stack = arrive()
    receive(stack, packed(flats))
    again = receive(stack, packed(flats))
    assert (again.entries, again.predictions, again.truths) == (0, 0, 0)
    assert again.sentence() == "nothing was new; version 1 is live"


def test_what_the_laptop_did_since_is_brought_and_what_the_stack_did_since_stays(flats, arrive):
    flats.release(1)
    stack = arrive()
    receive(stack, packed(flats))
    record(stack.storage.ledger, "settled", 1, bundle=stack.standing().bundles[1], by="stack", why="")
    assert receive(stack, packed(flats)).entries == 0
    assert len(stack.storage.ledger.entries()) == 4
    other = arrive("other")
    receive(other, packed(flats))
    flats.release(2)
    assert (receive(other, packed(flats)).entries, other.standing().live) == (3, 2)


def test_a_stack_with_a_history_of_its_own_is_left_alone(flats, arrive, tmp_path, make_flats):
    flats.release(1)
    stack, registry = arrive(), Registry()
    record(stack.storage.ledger, "candidate", 1, bundle="0" * 64, by="stack", why="")
    stack.__dict__["tracker"] = registry
    with pytest.raises(CheckRefused) as refused:
        receive(stack, packed(flats))
    assert str(refused.value).startswith("The stack's ledger is another one: its entry 1 (candidate of version 1, ")
    assert "`slipway stack down --volumes`" in str(refused.value)
    assert registry.bundles == {}
    assert not list(stack.settings.bundles.glob("*"))


def test_the_registry_counts_as_the_ledger_does(flats, arrive):
    first, third = flats.release(1), flats.release(3)
    registry = Registry()
    receive(arrive(registry=registry), packed(flats))
    assert (registry.bundles[1], registry.bundles[3]) == (first, third)
    assert registry.bundles[2] == f"skipped-2-{third[:12]}"


def test_a_registry_that_counts_otherwise_is_refused_before_the_ledger_is_there(flats, arrive):
    flats.release(1)
    registry = Registry()
    registry.bundles[1] = "somebody's"
    stack = arrive(registry=registry)
    with pytest.raises(ProjectError, match="MLflow calls version 2 what the ledger calls version 1: its registry has"):
        receive(stack, packed(flats))
    assert stack.storage.ledger.entries() == []


def test_a_tracker_that_is_away_leaves_the_stack_without_a_history_and_the_next_call_makes_it(flats, arrive):
    flats.release(1)
    stack = arrive()
    stack.tracker.is_away = True
    with pytest.raises(OutsideError, match="the tracking server does not answer"):
        receive(stack, packed(flats))
    assert stack.storage.ledger.entries() == []
    stack.tracker.is_away = False
    assert receive(stack, packed(flats)).live == 1


def test_what_arrives_in_part_is_refused_and_nothing_of_it_is_left(flats, arrive):
    flats.release(1)
    stack = arrive()
    half = io.BytesIO(packed(flats).read()[:9000])
    with pytest.raises(OutsideError, match="What was to be imported did not arrive whole"):
        receive(stack, half)
    assert [path.name for path in stack.settings.state.iterdir()] == []


def test_nobody_is_told_whose_the_files_are_and_nothing_half_made_goes_along(flats):
    flats.release(1)
    (flats.settings.bundles / ".building-x").mkdir()
    (flats.settings.spool).mkdir(exist_ok=True)
    with tarfile.open(fileobj=packed(flats)) as archive:
        members = archive.getmembers()
    assert {(each.uid, each.gid, each.uname) for each in members} == {(0, 0, "")}
    assert {each.name.split("/")[0] for each in members} == {"state.db", "bundles"}
    assert not any(".building" in each.name for each in members)
