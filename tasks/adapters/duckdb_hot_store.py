"""The hot copy of the newest rows in one DuckDB file.

One process at a time holds the file. To all others it looks empty, and they read the table store.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import RLock

import duckdb
import polars as pl

from data_products.product import TIME
from semantic_layer.periods import Window
from tasks.ports import HotMark

_LOG = logging.getLogger(__name__)
_MARKS = "anops_marks"
_MEMORY = "1GB"


class DuckDbHotStore:
    """Implements `HotStore` in a file.

    Args:
        file: made if absent.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: duckdb.DuckDBPyConnection | None = None
        self._lock = RLock()

    def can_hold(self, schema: Mapping[str, pl.DataType]) -> bool:  # noqa: ARG002
        """Return True: DuckDB holds every type that tables have."""
        return True

    def mark(self, table: str) -> HotMark | None:
        """Return how far the copy of a table has come."""
        with self._lock:
            try:
                return self._mark(table) if self._held or self._file.exists() else None
            except duckdb.Error as error:
                self._give_up("look at", table, error)
                return None

    def _mark(self, table: str) -> HotMark | None:
        found = self._connection().execute(
            f"SELECT snapshot_id, epoch_us(since), token FROM {_MARKS} WHERE table_name = ?",  # noqa: S608
            [table],
        )
        rows = found.fetchall()
        return HotMark(rows[0][0], _moment(rows[0][1]), rows[0][2]) if rows else None

    def update(
        self,
        table: str,
        time_column: str,
        schema: Mapping[str, pl.DataType],
        pieces: Iterable[tuple[Window, pl.DataFrame]],
        mark: HotMark,
    ) -> bool:
        """Replace the rows of each window, then set the mark; see `HotStore.update`."""
        with self._lock:
            try:
                held = self._connection()
                with _transaction(held):
                    self._update(held, table, time_column, schema, pieces, mark)
            except duckdb.Error as error:
                self._give_up("feed", table, error)
                return False
        return True

    def _update(
        self,
        held: duckdb.DuckDBPyConnection,
        table: str,
        time_column: str,
        schema: Mapping[str, pl.DataType],
        pieces: Iterable[tuple[Window, pl.DataFrame]],
        mark: HotMark,
    ) -> None:
        name, time = quoted(table), quoted(time_column)
        self._shaped(held, table, schema)
        for window, rows in pieces:
            held.execute(f"DELETE FROM {name} WHERE {condition(time_column, window)}")  # noqa: S608
            if not rows.is_empty():
                held.register("anops_rows", rows.select(list(schema)).to_arrow())
                held.execute(f"INSERT INTO {name} SELECT * FROM anops_rows")  # noqa: S608
                held.unregister("anops_rows")
        held.execute(f"DELETE FROM {name} WHERE {time} < {literal(mark.since)}")  # noqa: S608
        held.execute(
            f"INSERT OR REPLACE INTO {_MARKS} VALUES (?, ?, {literal(mark.since)}, ?)",  # noqa: S608
            [table, mark.snapshot_id, mark.token],
        )

    def _shaped(
        self, held: duckdb.DuckDBPyConnection, table: str, schema: Mapping[str, pl.DataType]
    ) -> None:
        """Make the table anew unless it has these columns."""
        empty = pl.DataFrame(schema=schema).to_arrow()
        held.register("anops_rows", empty)
        wanted = held.execute("DESCRIBE SELECT * FROM anops_rows").fetchall()
        standing = held.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? "
            "ORDER BY column_index",
            [table],
        ).fetchall()
        if standing != [row[:2] for row in wanted]:
            held.execute(f"CREATE OR REPLACE TABLE {quoted(table)} AS FROM anops_rows")
        held.unregister("anops_rows")

    def read(
        self,
        table: str,
        mark: HotMark,
        time_column: str,
        window: Window,
        columns: Mapping[str, pl.DataType],
    ) -> pl.DataFrame | None:
        """Return these columns of the rows of `window`, None unless `mark` stands."""
        chosen = ", ".join(map(quoted, columns))
        inside = condition(time_column, window)
        sql = f"SELECT {chosen} FROM {quoted(table)} WHERE {inside}"  # noqa: S608 - quoted
        found = self.query(sql, {table: mark})
        return None if found is None else found.cast(pl.Schema(columns))

    def query(self, sql: str, marks: Mapping[str, HotMark]) -> pl.DataFrame | None:
        """Return what SQL over the copies finds, None unless all of `marks` stand."""
        with self._lock:
            try:
                if any(self._mark(table) != mark for table, mark in marks.items()):
                    return None
                found = pl.from_arrow(self._connection().sql(sql).to_arrow_table())
            except duckdb.Error as error:
                self._give_up("read", ", ".join(marks), error)
                return None
        return found if isinstance(found, pl.DataFrame) else None

    def close(self) -> None:
        """Let another process hold the file."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._held is None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise duckdb.IOException(str(error)) from error
            held = duckdb.connect(str(self._file), config={"memory_limit": _MEMORY})
            held.execute("SET TimeZone = 'UTC'")
            held.execute(
                f"CREATE TABLE IF NOT EXISTS {_MARKS} (table_name VARCHAR PRIMARY KEY, "
                "snapshot_id BIGINT, since TIMESTAMPTZ, token VARCHAR)"
            )
            self._held = held
        return self._held

    def _give_up(self, doing: str, table: str, error: duckdb.Error) -> None:
        _LOG.info(
            "Could not %s the hot copy of %s; the table store answers: %s", doing, table, error
        )
        if isinstance(error, duckdb.IOException | duckdb.FatalException | duckdb.InternalException):
            self._held = None


@contextmanager
def _transaction(held: duckdb.DuckDBPyConnection) -> Iterator[None]:
    held.execute("BEGIN")
    is_done = False
    try:
        yield
        held.execute("COMMIT")
        is_done = True
    finally:
        if not is_done:
            with suppress(duckdb.Error):
                held.execute("ROLLBACK")


def quoted(name: str) -> str:
    """Return a name as SQL names it."""
    return '"' + name.replace('"', '""') + '"'


def literal(moment: datetime) -> str:
    """Return a moment as SQL names it."""
    return f"TIMESTAMPTZ '{moment:%Y-%m-%d %H:%M:%S.%f}+00'"


def condition(time_column: str, window: Window) -> str:
    """Return what is true in SQL for rows of the window."""
    time = quoted(time_column)
    return f"{time} >= {literal(window.start)} AND {time} < {literal(window.end)}"


def _moment(micros: int) -> datetime:
    moment = pl.Series([micros]).cast(TIME)[0]
    assert isinstance(moment, datetime)  # noqa: S101 - tells mypy
    return moment
