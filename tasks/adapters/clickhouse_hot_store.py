"""The hot copy of the newest rows in ClickHouse: a server by URL, or its engine in this process.

ClickHouse has no transactions across tables, so the mark of a copy is taken away before rows
change and set afterwards; a reader looks at it before and after it reads.
"""

import logging
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import pyarrow as pa

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ports import HotMark

_LOG = logging.getLogger(__name__)
_MARKS = "anops_marks"
_IN_PROCESS = "chdb://"
_TYPES: dict[pl.DataType, str] = {
    TIME: "DateTime64(6, 'UTC')",
    pl.String(): "String",
    pl.Float64(): "Float64",
    pl.Float32(): "Float32",
    pl.Int64(): "Int64",
    pl.Int32(): "Int32",
    pl.Boolean(): "Bool",
    pl.Date(): "Date32",
}
_AT_ONCE = "SETTINGS lightweight_deletes_sync = 2"


class ClickHouseError(Exception):
    """The engine refused or did not answer."""


class Engine(Protocol):
    """The three things that the copy needs of ClickHouse."""

    def command(self, sql: str) -> None:
        """Do it."""
        ...

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows, column by name."""
        ...

    def select(self, sql: str) -> pa.Table:
        """Return what it finds."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class ClickHouseHotStore:
    """Implements `HotStore` on ClickHouse. Tables with lists or structs are not held.

    Args:
        url: `clickhouse://user:password@host:8123/database` (`clickhouses://` for TLS), or
            `chdb:///folder` for the engine in this process.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._held: Engine | None = None

    def can_hold(self, schema: Mapping[str, pl.DataType]) -> bool:
        """Tell whether all columns are plain: ClickHouse cannot tell no list from an empty one."""
        return all(dtype in _TYPES for dtype in schema.values())

    def mark(self, table: str) -> HotMark | None:
        """Return how far the copy of a table has come."""
        try:
            return self._mark(table)
        except ClickHouseError as error:
            self._give_up("look at", table, error)
            return None

    def _mark(self, table: str) -> HotMark | None:
        found = self._frame(
            f"SELECT snapshot_id, since, token FROM {_MARKS} WHERE table_name = {_text(table)}"  # noqa: S608 - escaped
        )
        if found.is_empty():
            return None
        row = found.with_columns(pl.col("since").cast(TIME)).row(0)
        return HotMark(row[0], row[1], row[2])

    def update(
        self,
        table: str,
        time_column: str,
        schema: Mapping[str, pl.DataType],
        pieces: Iterable[tuple[Window, pl.DataFrame]],
        mark: HotMark,
    ) -> bool:
        """Replace the rows of each window, then set the mark; see `HotStore.update`."""
        name, unmark = _quoted(table), f"DELETE FROM {_MARKS} WHERE table_name = {_text(table)}"  # noqa: S608
        try:
            engine = self._engine()
            engine.command(f"{unmark} {_AT_ONCE}")
            self._shaped(engine, table, time_column, schema)
            for window, rows in pieces:
                inside = _condition(time_column, window)
                engine.command(f"DELETE FROM {name} WHERE {inside} {_AT_ONCE}")  # noqa: S608
                if not rows.is_empty():
                    arrow = rows.select(list(schema)).to_arrow(compat_level=pl.CompatLevel.oldest())
                    engine.insert(table, arrow)
            old = f"{_quoted(time_column)} < {_moment(mark.since)}"
            engine.command(f"DELETE FROM {name} WHERE {old} {_AT_ONCE}")  # noqa: S608
            values = f"{_text(table)}, {mark.snapshot_id}, {_moment(mark.since)}"
            engine.command(f"INSERT INTO {_MARKS} VALUES ({values}, {_text(mark.token)})")  # noqa: S608
        except ClickHouseError as error:
            self._give_up("feed", table, error)
            return False
        return True

    def _shaped(
        self, engine: Engine, table: str, time_column: str, schema: Mapping[str, pl.DataType]
    ) -> None:
        """Make the table anew unless it has these columns."""
        wanted = {name: f"Nullable({_TYPES[dtype]})" for name, dtype in schema.items()}
        found = self._frame(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() "  # noqa: S608
            f"AND table = {_text(table)} ORDER BY position"
        )
        if dict(found.rows()) == wanted and found.height == len(wanted):
            return
        columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in wanted.items())
        engine.command(f"DROP TABLE IF EXISTS {_quoted(table)} SYNC")
        engine.command(
            f"CREATE TABLE {_quoted(table)} ({columns}) ENGINE = MergeTree "
            f"ORDER BY {_quoted(time_column)} SETTINGS allow_nullable_key = 1"
        )

    def read(
        self,
        table: str,
        mark: HotMark,
        time_column: str,
        window: Window,
        columns: Mapping[str, pl.DataType],
    ) -> pl.DataFrame | None:
        """Return these columns of the rows of `window`, None unless `mark` stands."""
        chosen = ", ".join(map(_quoted, columns))
        inside = _condition(time_column, window)
        sql = f"SELECT {chosen} FROM {_quoted(table)} WHERE {inside}"  # noqa: S608 - quoted
        found = self.query(sql, {table: mark})
        return None if found is None else found.cast(pl.Schema(columns))

    def query(self, sql: str, marks: Mapping[str, HotMark]) -> pl.DataFrame | None:
        """Return what SQL over the copies finds, None unless all of `marks` stand."""
        try:
            if any(self._mark(table) != mark for table, mark in marks.items()):
                return None
            found = self._frame(sql)
            if any(self._mark(table) != mark for table, mark in marks.items()):
                return None
        except ClickHouseError as error:
            self._give_up("read", ", ".join(marks), error)
            return None
        return found

    def close(self) -> None:
        """Let go of the engine; the next call takes it again."""
        if self._held is not None:
            with suppress(ClickHouseError):
                self._held.close()
            self._held = None

    def _frame(self, sql: str) -> pl.DataFrame:
        found = pl.from_arrow(self._engine().select(sql))
        if not isinstance(found, pl.DataFrame):
            raise ClickHouseError(f"ClickHouse answered with no table: {sql[:80]}")
        return found

    def _engine(self) -> Engine:
        if self._held is None:
            is_here = self._url.startswith(_IN_PROCESS)
            made = InProcess(self._url.removeprefix(_IN_PROCESS)) if is_here else Server(self._url)
            made.command(
                f"CREATE TABLE IF NOT EXISTS {_MARKS} (table_name String, snapshot_id Int64, "
                "since DateTime64(6, 'UTC'), token String) ENGINE = MergeTree ORDER BY table_name"
            )
            self._held = made
        return self._held

    def _give_up(self, doing: str, table: str, error: ClickHouseError) -> None:
        _LOG.info(
            "Could not %s the hot copy of %s; the table store answers: %s", doing, table, error
        )
        self.close()


class InProcess:
    """ClickHouse's engine in this process, by the package chdb."""

    def __init__(self, folder: str) -> None:
        try:
            from chdb.session import Session
        except ImportError as error:
            raise InputError(
                "A hot store of chdb:// needs the package chdb; install anops[dev]."
            ) from error
        self._session: Any = Session(folder)  # type: ignore[no-untyped-call]
        self.command("CREATE DATABASE IF NOT EXISTS anops ENGINE = Atomic")
        self.command("USE anops")

    def command(self, sql: str) -> None:
        """Do it."""
        self._asked(sql, "CSV")

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows by way of a file: the engine reads Arrow from files only."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.arrow"
            with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, rows.schema) as writer:
                writer.write_table(rows)
            source = f"file({_text(str(file))}, 'Arrow')"
            self.command(f"INSERT INTO {_quoted(table)} SELECT * FROM {source}")  # noqa: S608

    def select(self, sql: str) -> pa.Table:
        """Return what it finds."""
        asked = (
            f"{sql} SETTINGS output_format_arrow_string_as_string = 1, "
            "output_format_arrow_compression_method = 'none'"
        )
        return pa.ipc.open_stream(self._asked(asked, "ArrowStream").bytes()).read_all()

    def close(self) -> None:
        """Let go."""
        self._session.close()

    def _asked(self, sql: str, form: str) -> Any:  # noqa: ANN401 - chdb has no types
        try:
            return self._session.query(sql, form)
        except RuntimeError as error:
            raise ClickHouseError(str(error)) from error


class Server:
    """A ClickHouse server, by the package clickhouse-connect."""

    def __init__(self, url: str) -> None:
        try:
            import clickhouse_connect
            from clickhouse_connect.driver.exceptions import Error
        except ImportError as error:
            raise InputError(
                "A hot store of clickhouse:// needs the package clickhouse-connect; install "
                "anops[clickhouse]."
            ) from error
        self._errors: tuple[type[Exception], ...] = (Error, OSError)
        try:
            self._client: Any = clickhouse_connect.get_client(dsn=url)
        except self._errors as error:
            raise ClickHouseError(str(error)) from error

    def command(self, sql: str) -> None:
        """Do it."""
        self._asked(self._client.command, sql)

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows."""
        self._asked(self._client.insert_arrow, _quoted(table), rows)

    def select(self, sql: str) -> pa.Table:
        """Return what it finds."""
        return self._asked(self._client.query_arrow, sql)

    def close(self) -> None:
        """Let go."""
        self._asked(self._client.close)

    def _asked(self, call: Any, *given: Any) -> Any:  # noqa: ANN401 - the client has no types
        try:
            return call(*given)
        except self._errors as error:
            raise ClickHouseError(str(error)) from error


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _moment(moment: datetime) -> str:
    return f"toDateTime64('{moment:%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"


def _condition(time_column: str, window: Window) -> str:
    time = _quoted(time_column)
    return f"{time} >= {_moment(window.start)} AND {time} < {_moment(window.end)}"
