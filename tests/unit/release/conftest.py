from dataclasses import dataclass, field

from fruit import bad, good, make_bundle, pipeline, rows, seal
from slipway.records import LedgerEntry

__all__ = ["bad", "good", "make_bundle", "pipeline", "rows", "seal"]


@dataclass
class Entries:
    """A ledger in a list, for tests that need hundreds."""

    kept: list[LedgerEntry] = field(default_factory=list)

    def append(self, entry):
        if any(entry.seq == other.seq for other in self.kept):
            return False
        self.kept.append(entry)
        return True

    def entries(self):
        return list(self.kept)

    def head(self):
        return self.kept[-1] if self.kept else None
