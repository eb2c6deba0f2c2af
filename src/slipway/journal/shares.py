"""How many labels each caller gave, and the greatest share of one, in; how many of each are learnt from out. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.records import Truth

USER, TOKEN, ANYBODY, FILE = "user:", "token:", "api", "file"
"""Sources of truths: a user of this machine, by name; a token, by name; whoever asks where no token is needed; and of
labelled rows, a file that was checked."""

FEW = 100
"""As many labels of a caller are always learnt from: a second one who gives three must not silence the first."""


@dataclass(frozen=True, slots=True)
class Share:
    """The labels of one source."""

    source: str
    labels: int
    learnt: int
    """How many of them are learnt from; the others are beyond the share that one caller may have."""

    @property
    def left_out(self) -> int:
        return self.labels - self.learnt

    def to_json(self) -> dict[str, Any]:
        return {"source": self.source, "labels": self.labels, "learnt": self.learnt, "left_out": self.left_out}


def shares(labels: Mapping[str, int], limit: float) -> tuple[Share, ...]:
    """What each source's labels come to under a limit, the source with the most first.

    Args:
        labels: how many labels each source gave.
        limit: the greatest share of all labels that are learnt from that one token's may be, from 0 to 1. An even
            share is always allowed, so it binds among several sources alone.

    Who is at this machine is not held to it: they can change the project anyway. Whoever asked without a token is, as
    soon as there are labels of tokens: then callers are told apart, and this one has no name.
    """
    is_capped = _capped(labels)
    learnt = dict(labels)
    allowed = max(limit, 1 / len(labels)) if labels else 1.0
    while True:
        # What one loses lowers the whole, and with it what another may have: until nothing changes.
        most = max(FEW, int(allowed * sum(learnt.values()) + 1e-9))
        capped = {source: min(count, most) if source in is_capped else count for source, count in labels.items()}
        if capped == learnt:
            break
        learnt = capped
    found = (Share(source, count, learnt[source]) for source, count in labels.items())
    return tuple(sorted(found, key=lambda share: (-share.labels, share.source)))


def newest_within(truths: Mapping[str, Truth], limit: float) -> dict[str, Truth]:
    """The truths by prediction id that count where they decide: of a caller with too great a share the newest."""
    found = shares(Counter(truth.source for truth in truths.values()), limit)
    beyond: set[str] = set()
    for share in found:
        if share.left_out:
            given = sorted((t for t in truths.values() if t.source == share.source), key=lambda truth: truth.at)
            beyond |= {truth.prediction_id for truth in given[: share.left_out]}
    return {key: truth for key, truth in truths.items() if key not in beyond}


def callers_beside_others(sources: Iterable[str]) -> tuple[str, ...]:
    """The sources that may not decide alone: tokens, and callers without one, where another source has labelled too."""
    several = sorted(set(sources))
    return tuple(filter(_is_caller, several)) if len(several) > 1 else ()


def _is_caller(source: str) -> bool:
    """Whether a source is not at this machine; one that says nothing of who it is, is not."""
    return source != FILE and not source.startswith(USER)


def _capped(sources: Iterable[str]) -> frozenset[str]:
    callers = frozenset(filter(_is_caller, sources))
    return callers if callers - {ANYBODY} else frozenset()


def in_words(found: tuple[Share, ...]) -> str:
    """ "token:shop 900 (of 1,200), user:ada 300"."""
    return ", ".join(
        f"{share.source} {share.learnt:,}" + (f" (of {share.labels:,})" if share.left_out else "") for share in found
    )
