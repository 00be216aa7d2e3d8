"""Protocols of every outside service, in our words. Adapters implement them; wiring chooses.

Each has an in-process default and passes one behaviour suite under tests/ports.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import polars as pl

from data_products.checks import Check, CheckMetrics, CheckVerdict
from data_products.lineage import Lineage, Snapshot
from semantic_layer.periods import Window

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class TableStore(Protocol):
    """Published tables: partitioned by time, replaced window by window, readable as they were.

    A table is named `product` or `product.table`; its time column and key come from its contract.
    """

    def publish(
        self, table: str, window: Window, frame: pl.DataFrame, lineage: Lineage
    ) -> Snapshot:
        """Replace exactly the rows of `window` by `frame`, atomically, and return the snapshot.

        Rows outside the window are refused; columns new to the table are added to it, nullable.
        An empty frame empties the window. The same call twice leaves the same rows.

        Raises:
            InputError: rows lie outside the window, or a column changed its type.
            TransientError: another writer changed the same window at the same time.
        """
        ...

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        columns: Sequence[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of `window` (all when None), as of `snapshot_id` (newest when None).

        A table that was never published reads as empty, with its contract's columns.

        Raises:
            InputError: no such snapshot or column.
        """
        ...

    def snapshot(self, table: str) -> Snapshot:
        """Return the newest snapshot; id 0 when the table was never published."""
        ...

    def history(self, table: str) -> pl.DataFrame:
        """Return one row a snapshot: snapshot_id, committed_at, run_id, window, rows."""
        ...

    def bounds(self, table: str) -> Window | None:
        """Return the window from the first to past the last published time, None when empty."""
        ...


class Validator(Protocol):
    """Judges measured facts of a frame against checks compiled from its contract."""

    def judge(self, checks: Sequence[Check], metrics: CheckMetrics) -> list[CheckVerdict]:
        """Return one verdict a check, in the order given."""
        ...


class WorkerPool(Protocol):
    """Calls a function on chunks of work, on one machine or many; order of results is kept."""

    def map(
        self,
        function: Callable[..., Result],
        chunks: Iterable[Chunk],
        *,
        shared: Mapping[str, Any] | None = None,
    ) -> list[Result]:
        """Return `function(chunk, **shared)` for each chunk.

        Args:
            function: importable by name; pure.
            chunks: small, picklable descriptions of work, such as index ranges.
            shared: large values sent to each worker once; prefer Arrow tables or NumPy arrays.

        Raises:
            TransientError: a worker was lost and the retries were used up.
        """
        ...

    def close(self) -> None:
        """Give the workers back; calling twice is harmless."""
        ...


class Clock(Protocol):
    """The one source of the present moment."""

    def now(self) -> datetime:
        """Return the moment, with its zone (UTC)."""
        ...
