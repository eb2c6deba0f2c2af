"""Two schemas → the gate's line on whether every request that production takes is taken by the candidate too."""

from slipway.gate.lines import TO_COMPARE, Line
from slipway.model.schema import Column, Schema

CHECK = "schema"
ASKED = "takes the requests that production takes"


def same_requests(candidate: Schema, production: Schema | None, absent: str) -> Line:
    """Fields that came or went, or take less, would break callers; a field that takes more is shown."""
    if production is None:
        return Line(CHECK, ASKED, absent, "cannot tell", "", TO_COMPARE, counts=False)
    new = {column.name: column for column in candidate.columns}
    old = {column.name: column for column in production.columns}
    # Also one that production takes without using it: callers that leave it out would be refused.
    breaking = [f"`{name}` is asked for now" for name in new if name not in old]
    breaking += [f"`{name}` is refused now" for name in old if name not in new and name not in candidate.unused]
    wider = []
    for name in [name for name in new if name in old]:
        if not _takes(new[name]) >= _promised(old[name]):
            breaking.append(f"`{name}` was {_words(old[name])}, is {_words(new[name])}")
        elif _takes(new[name]) > _takes(old[name]):
            wider.append(f"`{name}` was {_words(old[name])}, is {_words(new[name])}")
    if breaking:
        change = "the fields that production has, each taking what it takes there"
        return Line(CHECK, ASKED, "; ".join(breaking), "failed", "", change)
    change = "a field that comes, goes, or takes less fails"
    return Line(CHECK, ASKED, "; ".join(wider) or f"the same {len(new)} fields", "passed", "", change)


def _takes(column: Column) -> frozenset[str]:
    # Every whole number is a number.
    integers = {"integer"} if "number" in column.types else set()
    return frozenset({*column.types, *integers, *(["null"] if column.nullable else [])})


def _promised(column: Column) -> frozenset[str]:
    """What callers may count on: that a model happens to answer where a field is null is no promise."""
    return _takes(column) - {"null"} if column.is_found_nullable else _takes(column)


def _words(column: Column) -> str:
    return " | ".join([*column.types, *(["null"] if column.nullable else [])])
