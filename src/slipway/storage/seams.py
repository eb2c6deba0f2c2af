"""What the steps of the flow need kept, as small Protocols; a file a backend beside this one implements them.

Appends rest on unique keys alone, never on a transaction across tables: not every database has one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from slipway.records import DamagedRecord, Decision, LedgerEntry, Prediction, Step, Token, Truth, Waiting

if TYPE_CHECKING:
    import polars as pl


class Journal(Protocol):
    """Predictions and truths, each kept once however often it is shipped.

    A record that can't be read is set aside by whoever finds it, and counted: every other one is still there.
    """

    def append(self, records: Iterable[Prediction | Truth]) -> None:
        """Keep the records in order; one whose id is there already is passed over."""

    def last(self, rows: int, *, version: int | None = None) -> list[Prediction]:
        """The predictions that came last, oldest first; failed rows included.

        In the order in which they came, of one call of `append` in that of time: whatever a clock said meanwhile.
        """

    def since(self, at: float, *, until: float | None = None, version: int | None = None) -> list[Prediction]:
        """The predictions from one Unix time up to another, both included, oldest first."""

    def parts(self, rows: int) -> Iterator[list[Prediction]]:
        """All predictions in the order in which they came, so many at a time."""

    def find(self, ids: Sequence[str]) -> dict[str, Prediction]:
        """Predictions by id; unknown ids are absent."""

    def present(self, ids: Sequence[str]) -> set[str]:
        """Which of these predictions are here, also of those that can't be read."""

    def truths(self, ids: Sequence[str] | None = None) -> list[Truth]:
        """Truths in the order they came, of these predictions or of all."""

    def truth_parts(self, rows: int) -> Iterator[list[Truth]]:
        """All truths in the order they came, so many at a time."""

    def count(self) -> tuple[int, int]:
        """How many predictions and how many truths there are, without the damaged ones."""

    def newest(self) -> float | None:
        """When the prediction was made that came last, as a Unix time; None where there is none."""

    def count_damaged(self) -> int:
        """How many records could not be read, and are set aside."""

    def damaged(self, rows: int) -> list[DamagedRecord]:
        """The newest of them, oldest first."""

    def remove(self, ids: Sequence[str]) -> tuple[int, int]:
        """Remove predictions and their truths for good, their bytes too; how many of each there were.

        Those that were set aside are removed, and counted, too.
        """

    def remove_before(self, at: float, *, until: float | None = None) -> tuple[int, int]:
        """The same of every prediction before a Unix time, and of truths that came before it for none.

        Args:
            until: what is later is of a clock that was ahead; it goes when what came after it would.
        """


class Ledger(Protocol):
    """The chain of entries. What it means is in `release/`; a backend only keeps it."""

    def append(self, entry: LedgerEntry) -> bool:
        """Keep the entry; False when its sequence number is taken already."""

    def entries(self) -> list[LedgerEntry]:
        """All of them, by sequence number."""

    def head(self) -> LedgerEntry | None:
        """The newest one; cheap, since a server asks every second."""


class Pending(Protocol):
    """Candidates whose version the tracking server has still to give."""

    def add(self, waiting: Waiting) -> bool:
        """Keep one; False when its bundle waits already."""

    def remove(self, bundle: str) -> bool:
        """Forget the one with this bundle; False when there is none."""

    def all(self) -> list[Waiting]:
        """All of them, in the order they were added."""


class Decisions(Protocol):
    """What the loop decided."""

    def append(self, decision: Decision) -> None:
        """Keep one decision."""

    def last(self, count: int) -> list[Decision]:
        """The newest ones, oldest first."""

    def latest(
        self,
        step: Step,
        *,
        outcomes: Sequence[str] = (),
        version: int | None = None,
        until: str | None = None,
        other_than: str | None = None,
    ) -> Decision | None:
        """The newest decision of a step, however many were made since.

        Args:
            outcomes: one of these; any, if none is given.
            version: the one that its figures name.
            until: ISO 8601 in UTC, to pass over what a clock that was ahead has noted.
            other_than: a tick whose decisions are passed over.
        """


class Lease(Protocol):
    """The right to do a thing alone, which lapses unless its holder says that it lives."""

    def acquire(self, name: str, holder: str, seconds: float) -> bool:
        """Take the lease, or lengthen one's own; False while somebody else's has not lapsed."""

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        """Lengthen one's own; False once it has lapsed, even if nobody has taken it since."""

    def release(self, name: str, holder: str) -> None:
        """Give it back; nothing happens if it is not the holder's."""

    def holder(self, name: str) -> str | None:
        """Who has it now."""


class Tokens(Protocol):
    """Who may ask the service for what."""

    def add(self, token: Token) -> bool:
        """Keep the token; False when its name is taken already."""

    def remove(self, name: str) -> bool:
        """Forget the token of this name; False when there is none."""

    def all(self) -> list[Token]:
        """All of them, by name; cheap, since a server asks twice a second."""


class Tables(Protocol):
    """The project's own database: what stages publish and SQL sources read."""

    def publish(self, name: str, table: "pl.DataFrame", key: Sequence[str]) -> None:
        """Replace a table's content atomically; rows that stay (by key, or content) keep `id` and `created_at`."""

    def query(self, sql: str) -> "pl.DataFrame":
        """The rows of one SELECT."""

    def batches(self, sql: str) -> "Iterator[pl.DataFrame]":
        """The same rows a part at a time, at least one part; all parts have the same columns and types."""
