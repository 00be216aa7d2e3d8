"""Published tables in memory: for unit tests, and for judging a file without keeping it.

It passes the suite of every `TableStore`; what it holds ends with the process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

import polars as pl

from data_products.lineage import Lineage, Snapshot
from data_products.product import ProductTable
from data_products.publication import (
    HISTORY_SCHEMA,
    chosen_columns,
    past_last,
    prepared_rows,
    refuse_changed_types,
    scope_text,
)
from data_products.registry import table as registered_table
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.window_filters import replaced_rows, window_rows
from tasks.ports import Clock


@dataclass(slots=True)
class _Kept:
    """Every state of one table, and what made it."""

    states: list[pl.DataFrame | None] = field(default_factory=list)
    made_by: list[dict[str, Any]] = field(default_factory=list)


class InMemoryTables:
    """Implements `TableStore`.

    Args:
        clock: tells when a snapshot was made.
        described: what a table's contract says, by its full name.
    """

    def __init__(
        self, clock: Clock, described: Callable[[str], ProductTable] = registered_table
    ) -> None:
        self._clock = clock
        self._described = described
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def publish(
        self,
        table: str,
        window: Window,
        frame: pl.DataFrame,
        lineage: Lineage,
        scope: Mapping[str, str] | None = None,
    ) -> Snapshot:
        """Replace exactly the rows of `window` and `scope`; see `TableStore.publish`."""
        shape = self._described(table)
        parts = shape.scoped(scope)
        rows = prepared_rows(shape, window, parts, frame, lineage)
        return self._replace(shape, window, parts, rows, lineage)

    def _replace(
        self,
        shape: ProductTable,
        window: Window,
        parts: Mapping[str, str],
        rows: pl.DataFrame,
        lineage: Lineage,
    ) -> Snapshot:
        with self._lock:
            kept = self._kept.setdefault(shape.name, _Kept())
            newest = kept.states[-1] if kept.states else None
            standing = newest if newest is not None else pl.DataFrame(schema=shape.schema)
            refuse_changed_types(shape.name, dict(standing.schema), dict(rows.schema))
            left = standing.filter(~replaced_rows(shape, window, parts))
            kept.states.append(pl.concat([left, rows], how="diagonal"))
            kept.made_by.append(
                {
                    "snapshot_id": len(kept.states),
                    "committed_at": self._clock.now(),
                    "run_id": lineage.run_id,
                    "window_start": window.start,
                    "window_end": window.end,
                    "scope": scope_text(parts),
                    "rows": rows.height,
                }
            )
            return Snapshot(shape.name, len(kept.states), rows.height)

    def delete(self, table: str, window: Window, lineage: Lineage) -> Snapshot:
        """Delete the rows of `window` in all scopes, for `InMemoryMaintenance`."""
        shape = self._described(table)
        if table not in self._kept:
            return Snapshot(table, 0, 0)
        nothing = prepared_rows(shape, window, {}, pl.DataFrame(schema=shape.schema), lineage)
        return self._replace(shape, window, {}, nothing, lineage)

    def forget(self, table: str, before: datetime) -> int:
        """Give up states made before that moment, but not the newest; return how many."""
        self._described(table)
        kept = self._kept.get(table, _Kept())
        old = [
            place
            for place, made in enumerate(kept.made_by[:-1])
            if made["committed_at"] < before and kept.states[place] is not None
        ]
        for place in old:
            kept.states[place] = None
        return len(old)

    def kept_states(self, table: str) -> int:
        """Return how many states of the table can be read."""
        self._described(table)
        return sum(state is not None for state in self._kept.get(table, _Kept()).states)

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        columns: Sequence[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of `window`, as of `snapshot_id`; see `TableStore.read`."""
        shape = self._described(table)
        states = self._kept.get(table, _Kept()).states
        if snapshot_id and not 0 < snapshot_id <= len(states):
            raise InputError(f"Table {table!r} has no snapshot {snapshot_id}.")
        rows = pl.LazyFrame(schema=shape.schema)
        if states:
            chosen = states[(snapshot_id or len(states)) - 1]
            if chosen is None:
                raise InputError(f"Table {table!r} has no snapshot {snapshot_id}; it has expired.")
            rows = chosen.lazy()
        if window is not None:
            rows = rows.filter(window_rows(shape, window))
        return chosen_columns(table, rows, columns)

    def snapshot(self, table: str) -> Snapshot:
        """Return the newest snapshot; id 0 when the table was never published."""
        self._described(table)
        made_by = self._kept.get(table, _Kept()).made_by
        return Snapshot(table, len(made_by), made_by[-1]["rows"] if made_by else 0)

    def history(self, table: str) -> pl.DataFrame:
        """Return one row a publish, oldest first; see `TableStore.history`."""
        self._described(table)
        return pl.DataFrame(self._kept.get(table, _Kept()).made_by, schema=HISTORY_SCHEMA)

    def bounds(self, table: str) -> Window | None:
        """Return the window from the first to just past the last time, None when empty."""
        return past_last(self.read(table), self._described(table).time_column)
