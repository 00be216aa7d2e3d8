"""One table store of two tiers: the tables of record, and a hot copy of their newest rows.

A read is answered by the hot copy only when the copy has come exactly as far as the tables; what
was published since is copied first if it is little. Otherwise, and for rows older than the copy,
for wide rows, earlier snapshots and without a window, the tables of record answer. `warm_up` fills
the copy.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import polars as pl
from polars.io.plugins import register_io_source

from data_products.lineage import Lineage, Snapshot
from data_products.product import ProductTable
from data_products.publication import chosen_columns
from semantic_layer.periods import Window, floor_to
from tasks.ports import HotMark, HotStore, TableStore

_LOG = logging.getLogger(__name__)
_DAY = timedelta(days=1)
_NEVER = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
_LITTLE = 5_000_000
"""Values (rows times columns) that a read may copy before it answers: some tenths of a second."""

_NARROW = 32
"""Columns of a read that the copy answers. Wider ones stream from compacted files: measured, they
take a third of the time there, and their memory stays bounded."""


@dataclass(frozen=True, slots=True)
class _State:
    """A table as it stands in both tiers."""

    snapshot_id: int
    schema: dict[str, pl.DataType]
    mark: HotMark


class TieredTables:
    """Implements `TableStore` on the tables of record and a hot copy of their newest rows.

    Args:
        warm: the tables of record.
        hot: the copy.
        hot_days: how many days of a table the copy holds, by the table's name; 0 for none.
        described: what a table's contract says, by its full name.
    """

    def __init__(
        self,
        warm: TableStore,
        hot: HotStore,
        hot_days: Callable[[str], int],
        described: Callable[[str], ProductTable],
    ) -> None:
        self._warm, self._hot = warm, hot
        self._hot_days, self._described = hot_days, described
        self._seen: dict[str, _State] = {}

    def publish(
        self,
        table: str,
        window: Window,
        frame: pl.DataFrame,
        lineage: Lineage,
        scope: Mapping[str, str] | None = None,
    ) -> Snapshot:
        """Publish to the tables of record; the copy follows when it is read or warmed up."""
        return self._warm.publish(table, window, frame, lineage, scope)

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        columns: Sequence[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of `window` from the nearest tier; see `TableStore.read`."""
        state = self._state(table, snapshot_id, _LITTLE) if window is not None else None
        if state is None or window is None or window.start < state.mark.since:
            return self._warm.read(table, window, columns=columns, snapshot_id=snapshot_id)
        if len(state.schema if columns is None else columns) > _NARROW:
            return self._warm.read(table, window, columns=columns, snapshot_id=snapshot_id)
        return chosen_columns(table, self._lazy(table, window, state), columns)

    def snapshot(self, table: str) -> Snapshot:
        """Return the newest snapshot; id 0 when the table was never published."""
        return self._warm.snapshot(table)

    def history(self, table: str) -> pl.DataFrame:
        """Return one row a publish, oldest first; see `TableStore.history`."""
        return self._warm.history(table)

    def bounds(self, table: str) -> Window | None:
        """Return the window from the first to just past the last time, None when empty."""
        return self._warm.bounds(table)

    def warm_up(self, table: str) -> bool:
        """Bring the hot copy of a table as far as the table, however much that is.

        Returns:
            Whether the copy now answers for its newest days.
        """
        return self._state(table, None, None) is not None

    def hot_rows(self, sql: str, tables: Sequence[str], window: Window) -> pl.DataFrame | None:
        """Return what SQL over hot copies finds, None unless each of `tables` is hot in `window`.

        Args:
            sql: in the dialect of the hot store; tables named as here, in double quotes.
            tables: that the SQL reads.
            window: that the SQL keeps to.
        """
        marks = {}
        for table in tables:
            state = self._state(table, None, _LITTLE)
            if state is None or window.start < state.mark.since:
                return None
            marks[table] = state.mark
        return self._hot.query(sql, marks)

    def _lazy(self, table: str, window: Window, state: _State) -> pl.LazyFrame:
        time = self._described(table).time_column

        def batches(
            columns: list[str] | None,
            predicate: pl.Expr | None,
            rows: int | None,
            _batch_size: int | None,
        ) -> Iterator[pl.DataFrame]:
            chosen = {name: state.schema[name] for name in columns or state.schema}
            found = self._hot.read(table, state.mark, time, window, chosen)
            if found is None:  # the copy went on, or another process holds it
                found = self._warm.read(
                    table, window, columns=list(chosen), snapshot_id=state.snapshot_id
                ).collect()
            if predicate is not None:
                found = found.filter(predicate)
            yield found if rows is None else found.head(rows)

        return register_io_source(batches, schema=pl.Schema(state.schema), is_pure=True)

    def _state(self, table: str, snapshot_id: int | None, limit: int | None) -> _State | None:
        """Return the table when both tiers agree, after copying at most `limit` values."""
        days = self._hot_days(table)
        if days <= 0 or (limit is not None and self._hot.mark(table) is None):
            return None
        newest = self._warm.snapshot(table)
        if newest.id == 0 or (snapshot_id and snapshot_id != newest.id):
            return None
        seen = self._seen.get(table)
        if (
            seen is not None
            and seen.snapshot_id == newest.id
            and self._hot.mark(table) == seen.mark
        ):
            return seen
        history = self._warm.history(table)
        schema = dict(self._warm.read(table, _NEVER).collect_schema())
        if self._warm.snapshot(table).id != newest.id or not self._hot.can_hold(schema):
            return None
        mark = self._caught_up(table, newest.id, history, schema, limit, days)
        if mark is None:
            return None
        self._seen[table] = _State(newest.id, schema, mark)
        return self._seen[table]

    def _caught_up(
        self,
        table: str,
        snapshot_id: int,
        history: pl.DataFrame,
        schema: dict[str, pl.DataType],
        limit: int | None,
        days: int,
    ) -> HotMark | None:
        told = history.drop_nulls(["window_start", "window_end"])
        last, end = int(history["snapshot_id"][-1]), told["window_end"].max()
        if not isinstance(end, datetime):
            return None
        since = floor_to(end - days * _DAY, "day")
        print_of_schema = sha256(repr(schema).encode()).hexdigest()[:12]
        standing = self._hot.mark(table)
        is_kin = standing is not None and standing.token.startswith(print_of_schema)
        if standing is not None and is_kin and standing.snapshot_id == last:
            return standing
        pending = told
        if standing is not None and is_kin and standing.since <= since:
            place = history["snapshot_id"].index_of(standing.snapshot_id)
            if place is not None:
                pending = told.filter(
                    pl.col("snapshot_id").is_in(history["snapshot_id"][place + 1 :].implode())
                )
        pending = pending.filter(pl.col("window_end") > since)
        is_all = pending.height == told.filter(pl.col("window_end") > since).height
        if limit is not None and (is_all or pending["rows"].sum() * len(schema) > limit):
            return None
        windows = [Window(since, end)] if is_all else _merged(pending, since)
        mark = HotMark(last, since, f"{print_of_schema}-{uuid4().hex}")
        time = self._described(table).time_column
        pieces = (
            (day, self._warm.read(table, day, snapshot_id=snapshot_id).collect())
            for window in windows
            for day in _days(window)
        )
        return mark if self._hot.update(table, time, schema, pieces, mark) else None


def _merged(pending: pl.DataFrame, since: datetime) -> list[Window]:
    """Return the windows of publishes as few windows that do not overlap."""
    found: list[Window] = []
    for start, end in (
        pending.select("window_start", "window_end").unique().sort("window_start").rows()
    ):
        begin = max(start, since)
        if found and begin <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, end))
        else:
            found.append(Window(begin, end))
    return found


def _days(window: Window) -> Iterator[Window]:
    for day in window.split("day"):
        yield Window(max(day.start, window.start), min(day.end, window.end))
