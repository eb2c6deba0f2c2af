"""The states of a version: where every one stands after the ledger's entries, and what may follow.

pending → candidate → refused | passed → live (watched) → live (settled) → retired; a live version → rolled back.

| from | by the entry | to | who makes it |
|---|---|---|---|
| (pending: it has no version yet, so no entry) | `candidate` | candidate | a run, or whoever comes next: `pending.py` |
| candidate, passed, refused | `refused` | refused | the gate; a run that gives an older model again |
| all but live | `passed` | passed | the gate |
| passed; any but live, where somebody answers for it | `released` | live (watched) | `release`, the loop |
| live, when another is released | (the other's) | retired | |
| live (watched) | `settled` | live (settled) | the loop's watch |
| was live before | `rolled back` | live (settled) | `rollback`, the loop's watch |
| live, when another is returned to | (the other's) | rolled back | |
| was rolled back from, and is later than what is live | `rolled forward` | live (settled) | `rollback --to` |
| live, when a later one is returned to | (the other's) | retired | |

Each entry is one append under a number that is taken once, so a crash leaves it made or not made. What comes with one
(the tracker's names and its anchor, a bundle's place among the pending) is an image of the ledger, made good by the
next call. `INVARIANTS` hold after every entry; `ledger.record` looks before it appends.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from slipway.errors import CheckRefused, ProjectError
from slipway.records import Action, LedgerEntry

State = Literal["candidate", "refused", "passed", "live (watched)", "live (settled)", "retired", "rolled back"]

LIVE: frozenset[State] = frozenset({"live (watched)", "live (settled)"})
WAITING: frozenset[State] = frozenset({"candidate", "passed"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the versions of a project stand."""

    live: int | None
    is_watched: bool
    """Whether the live version is still to be judged by its first window."""
    previous: int | None
    """The version that a rollback returns to: live before this one, and not rolled back since."""
    candidate: int | None
    """The newest version neither released nor refused. One older than what was released is not waited for."""
    states: Mapping[int, State]
    bundles: Mapping[int, str]
    """SHA-256 of each version's bundle."""
    was_live: frozenset[int]
    """Every version that ever was, whatever the gate said of it since."""
    line: tuple[int, ...] = ()
    """The versions that went live and were not rolled back since; the last one is live."""

    def direction(self, version: int) -> Action:
        """How a return to a version is recorded: forward to a later one that was rolled back, back to any other."""
        is_later = self.live is not None and version > self.live
        return "rolled forward" if is_later and version not in self.line else "rolled back"


def stand(entries: Iterable[LedgerEntry]) -> Standing:
    """Where the versions stand after these entries, oldest first.

    Raises:
        ProjectError: an entry does not follow from those before it, so the ledger can't be acted on.
    """
    states: dict[int, State] = {}
    bundles: dict[int, str] = {}
    line: list[int] = []  # versions that went live and were not rolled back; the last one is live
    was_live: set[int] = set()
    for entry in entries:
        version = entry.version
        _refuse_unknown(entry, states)
        bundles[version] = entry.bundle
        match entry.action:
            case "candidate":
                states[version] = "candidate"
            case "refused" | "passed":
                states[version] = entry.action
            case "released":
                if line and line[-1] != version:
                    states[line[-1]] = "retired"
                line = [*(v for v in line if v != version), version]
                states[version] = "live (watched)"
                was_live.add(version)
            case "settled":
                states[version] = "live (settled)"
            case "rolled back":
                if line:
                    states[line[-1]] = "rolled back"
                line = line[: line.index(version) + 1] if version in line else [*line[:-1], version]
                states[version] = "live (settled)"
            case "rolled forward":
                if line:
                    states[line[-1]] = "retired"
                line = [*line, version]
                states[version] = "live (settled)"
    live = line[-1] if line else None
    waiting = (v for v, state in states.items() if state in WAITING and v > max(was_live, default=0))
    return Standing(
        live=live,
        is_watched=live is not None and states[live] == "live (watched)",
        previous=line[-2] if len(line) > 1 else None,
        candidate=max(waiting, default=None),
        states=states,
        bundles=bundles,
        was_live=frozenset(was_live),
        line=tuple(line),
    )


def _refuse_unknown(entry: LedgerEntry, states: Mapping[int, State]) -> None:
    if entry.action not in get_args(Action):
        raise ProjectError(
            f"The ledger's entry {entry.seq} records {entry.action!r}, which this Slipway does not know. See "
            "`slipway ledger --verify`; a newer version may have written it."
        )
    if entry.action != "candidate" and entry.version not in states:
        raise ProjectError(
            f"The ledger's entry {entry.seq} ({entry.action}) is of version {entry.version}, which no entry before it "
            "made a candidate. See `slipway ledger --verify`."
        )


def _one_is_live(standing: Standing) -> bool:
    lives = [version for version, state in standing.states.items() if state in LIVE]
    return lives == ([standing.live] if standing.was_live else [])


def _returns_to_what_was_live(standing: Standing) -> bool:
    to = standing.previous
    return to is None or (to in standing.was_live and to != standing.live and standing.states[to] not in LIVE)


def _waits_for_the_newest(standing: Standing) -> bool:
    waiting = standing.candidate
    return waiting is None or (standing.states[waiting] in WAITING and waiting > max(standing.was_live, default=0))


INVARIANTS: tuple[tuple[str, Callable[[Standing], bool]], ...] = (
    ("exactly one version is live after the first release, and none before it", _one_is_live),
    ("what is watched is live", lambda s: s.is_watched == any(v == "live (watched)" for v in s.states.values())),
    ("what a rollback returns to was live before, and is not now", _returns_to_what_was_live),
    ("the candidate waits, and is newer than all that was ever live", _waits_for_the_newest),
    ("every version has a bundle", lambda s: s.states.keys() == s.bundles.keys()),
)


def broken(standing: Standing) -> str | None:
    """The first invariant that does not hold, in words; None when all do."""
    return next((words for words, holds in INVARIANTS if not holds(standing)), None)


def follow(standing: Standing, action: Action, version: int, *, is_override: bool = False) -> None:
    """Pass where `action` may follow for `version`.

    Args:
        is_override: somebody answers for releasing what has not passed its gate.

    Raises:
        ProjectError: there is no such version, or the action makes no sense in its state.
        CheckRefused: a release of what has not passed its gate.
    """
    state = standing.states.get(version)
    if action == "candidate":
        if state is not None:
            raise ProjectError(f"Version {version} is in the ledger already: {state}.")
        return
    if state is None:
        known = ", ".join(map(str, sorted(standing.states)))
        hint = f"Known: {known}." if known else "`slipway run` makes the first."
        raise ProjectError(f"There is no version {version}. {hint}")
    if action in ("rolled back", "rolled forward") and standing.live is None:
        raise ProjectError("Nothing is live, so nothing can be rolled back. Release a version first.")
    if action == "released":
        _released(state, version, is_override)
    elif not _may_follow(standing, action, version, state):
        raise ProjectError(f"Version {version} is {state}, so it can't be {_SAID[action]}. {_REMEDY[action]}")


def _may_follow(standing: Standing, action: Action, version: int, state: State) -> bool:
    if action == "rolled back":  # to what was live before, in whatever state the gate has put it since
        return version in standing.was_live and version != standing.live
    if action == "rolled forward":
        return version in standing.was_live and standing.direction(version) == action
    return state in _FROM[action]


_FROM: Mapping[Action, frozenset[State]] = {
    "refused": frozenset({"candidate", "passed", "refused"}),
    # What was live once may be judged anew and released again; a refusal does not undo that it was live.
    "passed": frozenset({"candidate", "passed", "refused", "retired", "rolled back"}),
    "settled": frozenset({"live (watched)"}),
}
_SAID: Mapping[Action, str] = {
    "refused": "refused",
    "passed": "judged by the gate",
    "settled": "settled",
    "rolled back": "returned to",
    "rolled forward": "returned to as a later version",
}
_REMEDY: Mapping[Action, str] = {
    "refused": "The gate's outcome is recorded of versions that wait for it alone.",
    "passed": "The gate's outcome is recorded of versions that are not live.",
    "settled": "A watch ends once, for the version that is live.",
    "rolled back": "Return to a version that was live before; `slipway ledger` lists them.",
    "rolled forward": "That is for one that was rolled back, and is later than what is live.",
}


def _released(state: State, version: int, is_override: bool) -> None:
    if state in LIVE:
        raise ProjectError(f"Version {version} is live already.")
    if state == "passed" or is_override:
        return
    if state == "refused":
        raise CheckRefused(f"Version {version} was refused by its gate. `slipway gate {version}` says why.")
    raise CheckRefused(f"Version {version} is {state} and has not passed its gate. Run `slipway gate {version}`.")
