from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import CheckRefused, ProjectError, SlipwayError
from slipway.records import LedgerEntry
from slipway.release.ledger import record, verify
from slipway.release.states import LIVE, follow, stand

from .conftest import Entries


def after(*actions):
    """The standing after ("released", 2)-like pairs."""
    ledger = Entries()
    for action, version in actions:
        record(ledger, action, version, bundle=f"bundle {version}", by="ana", why="")
    return stand(ledger.entries())


def live(version):
    return [("candidate", version), ("passed", version), ("released", version)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["candidate", "refused", "passed", "released", "settled", "rolled back", "rolled forward"]),
        st.integers(1, 4),
        st.booleans(),
    ),
    max_size=40,
)


@given(steps)
@settings(deadline=None)
def test_whatever_is_tried_one_version_is_live_after_the_first_release_and_none_that_was_refused(steps):
    ledger = Entries()
    has_released = False
    answered_for = set()
    for action, version, is_override in steps:
        try:
            record(ledger, action, version, bundle="b", by="ana", why="", is_override=is_override)
        except SlipwayError:
            continue
        before = stand(ledger.entries()[:-1])
        has_released = has_released or action == "released"
        if action == "released" and is_override:
            answered_for.add(version)
        now = stand(ledger.entries())
        lives = [v for v, state in now.states.items() if state in LIVE]
        assert len(lives) == (1 if has_released else 0)
        assert now.live == (lives[0] if lives else None)
        if before.states.get(version) == "refused" and now.live == version:
            assert version in answered_for
        assert now.is_watched == (now.live is not None and now.states[now.live] == "live (watched)")
        assert now.previous != now.live or now.live is None
        assert now.previous is None or now.states[now.previous] in ("retired", "passed")
        assert now.candidate is None or now.states[now.candidate] in ("candidate", "passed")
    assert verify(ledger.entries()).ok


@given(steps)
@settings(deadline=None)
def test_what_was_live_and_stays_in_the_line_can_always_be_returned_to(steps):
    ledger = Entries()
    for action, version, is_override in steps:
        try:
            record(ledger, action, version, bundle="b", by="ana", why="", is_override=is_override)
        except SlipwayError:
            continue
    standing = stand(ledger.entries())
    if standing.previous is not None and standing.states[standing.previous] == "retired":
        entry = record(ledger, "rolled back", standing.previous, bundle="b", by="ana", why="")
        assert entry.previous == standing.live
        assert stand(ledger.entries()).live == standing.previous


def test_nothing_stands_at_first():
    standing = stand([])
    assert (standing.live, standing.candidate, standing.previous, standing.is_watched) == (None, None, None, False)
    assert not standing.states


def test_the_whole_life_of_two_versions():
    assert after(("candidate", 1)).candidate == 1
    first = after(*live(1))
    assert (first.live, first.is_watched, first.candidate, first.previous) == (1, True, None, None)
    assert not after(*live(1), ("settled", 1)).is_watched
    second = after(*live(1), ("settled", 1), *live(2))
    assert dict(second.states) == {1: "retired", 2: "live (watched)"}
    assert (second.live, second.previous) == (2, 1)
    back = after(*live(1), *live(2), ("rolled back", 1))
    assert dict(back.states) == {1: "live (settled)", 2: "rolled back"}
    assert (back.live, back.previous) == (1, None)
    assert back.bundles == {1: "bundle 1", 2: "bundle 2"}


def test_rolling_back_again_goes_further_back_and_not_to_what_failed():
    three = [*live(1), *live(2), *live(3)]
    assert after(*three, ("rolled back", 2)).previous == 1
    assert after(*three, ("rolled back", 2), ("rolled back", 1)).live == 1


def test_a_return_to_a_later_version_that_was_rolled_back_is_a_step_forward():
    there = [*live(1), *live(2), ("rolled back", 1)]
    assert (after(*there).direction(2), after(*live(1), *live(2)).direction(1)) == ("rolled forward", "rolled back")
    forward = after(*there, ("rolled forward", 2))
    assert dict(forward.states) == {1: "retired", 2: "live (settled)"}
    assert (forward.live, forward.previous) == (2, 1)  # and back once more is to version 1
    assert after(*there, ("rolled forward", 2), ("rolled back", 1)).live == 1


def test_undoing_the_release_of_an_older_version_is_no_step_forward():
    """Version 1 went live again after 2: what was before it is returned to, though its number is greater."""
    standing = after(*live(1), *live(2), ("passed", 1), ("released", 1))
    assert (standing.previous, standing.direction(2)) == (2, "rolled back")


@pytest.mark.parametrize(
    ("actions", "version"),
    [
        ([*live(1), *live(2)], 1),  # that is back
        ([*live(1), *live(2), *live(3), ("rolled back", 1)], 1),  # live already
        ([*live(1), ("candidate", 2)], 2),  # never live
    ],
)
def test_forward_is_only_to_a_later_version_that_was_live_and_rolled_back(actions, version):
    with pytest.raises(ProjectError):
        follow(after(*actions), "rolled forward", version)


def test_two_steps_back_leave_two_to_go_forward_to():
    back = [*live(1), *live(2), *live(3), ("rolled back", 1)]
    for version in (2, 3):
        assert after(*back).direction(version) == "rolled forward"
        assert after(*back, ("rolled forward", version)).live == version


def test_what_was_rolled_back_can_be_returned_to_by_name():
    standing = after(*live(1), *live(2), ("rolled back", 1), ("rolled back", 2))
    assert (standing.live, standing.states[1], standing.previous) == (2, "rolled back", None)


def test_what_was_live_can_be_returned_to_whatever_the_gate_has_said_of_it_since():
    standing = after(*live(1), *live(2), ("rolled back", 1), ("passed", 2))
    assert standing.states[2] == "passed"
    follow(standing, "rolled back", 2)
    with pytest.raises(ProjectError, match="Version 1 is live"):
        follow(standing, "rolled back", 1)


def test_what_was_retired_can_be_judged_and_released_again():
    standing = after(*live(1), *live(2), ("passed", 1), ("released", 1))
    assert (standing.live, standing.previous) == (1, 2)


def test_a_candidate_older_than_what_went_live_is_not_waited_for():
    assert after(("candidate", 1), *live(2)).candidate is None
    assert after(("candidate", 1), *live(2), ("candidate", 3), ("candidate", 4), ("refused", 4)).candidate == 3


def test_a_refused_version_may_be_judged_anew():
    assert after(("candidate", 1), ("refused", 1), ("passed", 1)).states[1] == "passed"


@pytest.mark.parametrize(
    ("before", "action", "version", "error", "message"),
    [
        ([], "released", 1, ProjectError, r"There is no version 1\. `slipway run` makes the first\."),
        ([("candidate", 1)], "released", 7, ProjectError, r"There is no version 7\. Known: 1\."),
        ([("candidate", 1)], "candidate", 1, ProjectError, "Version 1 is in the ledger already: candidate"),
        ([("candidate", 1)], "released", 1, CheckRefused, r"Version 1 is candidate and has not passed its gate"),
        ([("candidate", 1), ("refused", 1)], "released", 1, CheckRefused, "Version 1 was refused by its gate"),
        (live(1), "released", 1, ProjectError, "Version 1 is live already"),
        (live(1), "refused", 1, ProjectError, r"Version 1 is live \(watched\), so it can't be refused"),
        (live(1), "rolled back", 1, ProjectError, "Version 1 is live .*, so it can't be returned to"),
        ([*live(1), ("candidate", 2)], "rolled back", 2, ProjectError, "Return to a version that was live before"),
        ([("candidate", 1)], "settled", 1, ProjectError, "Version 1 is candidate, so it can't be settled"),
        ([*live(1), ("settled", 1)], "settled", 1, ProjectError, "A watch ends once"),
        ([*live(1), *live(2)], "released", 1, CheckRefused, "Version 1 is retired and has not passed its gate"),
    ],
)
def test_what_may_not_follow_is_said(before, action, version, error, message):
    standing = after(*before)
    with pytest.raises(error, match=message):
        follow(standing, action, version)


def test_somebody_may_answer_for_what_was_refused():
    follow(after(("candidate", 1), ("refused", 1)), "released", 1, is_override=True)


def test_a_ledger_whose_beginning_was_lost_is_not_acted_on():
    entries = Entries()
    record(entries, "candidate", 1, bundle="b", by="ana", why="")
    record(entries, "passed", 1, bundle="b", by="ana", why="")
    with pytest.raises(ProjectError, match=r"entry 2 \(passed\) is of version 1, which no entry before it made"):
        stand(entries.entries()[1:])


def test_an_action_that_nobody_knows_is_not_passed_over():
    first = LedgerEntry(1, "", "candidate", 1, None, "b", None, "", "", "", "")
    later = replace(first, seq=2, action="banana")
    with pytest.raises(ProjectError, match="entry 2 records 'banana', which this Slipway does not know"):
        stand([first, later])
