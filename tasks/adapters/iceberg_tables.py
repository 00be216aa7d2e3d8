"""Published tables on Apache Iceberg: SQLite catalogue and local folder unless told otherwise.

A publish is one commit of the catalogue: schema additions, removal of the window's old rows and
the new files become visible together or not at all. Rows are removed by rewriting files, never
by delete files, so readers scan the planned Parquet files as they are.
"""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import polars as pl
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import (
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableUpdate
from sqlalchemy.exc import IntegrityError

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
from tasks.adapters.iceberg_errors import TableStoreError, iceberg_errors
from tasks.adapters.iceberg_schemas import (
    partitions,
    polars_schema,
    replaced_rows,
    table_properties,
    table_schema,
    window_rows,
)

_LOG = logging.getLogger(__name__)
_LOCK_WAIT_S = 30


class IcebergTables:
    """Implements `TableStore`.

    Args:
        catalog: where table metadata is found and committed.
        described: what a table's contract says, by its full name.
        where: the catalogue's address without password, for messages.
    """

    def __init__(
        self, catalog: Catalog, described: Callable[[str], ProductTable], where: str
    ) -> None:
        self._catalog = catalog
        self._described = described
        self._where = where

    @classmethod
    def at(
        cls,
        root: Path,
        catalogue: str | None = None,
        warehouse: str | None = None,
        *,
        described: Callable[[str], ProductTable] = registered_table,
    ) -> "IcebergTables":
        """Open the store.

        Args:
            root: folder of the default catalogue and warehouse; made if absent.
            catalogue: `sqlite:///...`, `postgresql+psycopg://...` or, for REST, `https://...`.
            warehouse: a folder or `s3://...`; S3 keys come from the environment.
            described: what a table's contract says, by its full name.

        Raises:
            TableStoreError: the folder or the catalogue cannot be used.
        """
        folder = root / "tables"
        uri = catalogue or f"sqlite:///{folder / 'catalogue.db'}?timeout={_LOCK_WAIT_S}"
        where = _without_password(uri)
        kind = "rest" if urlsplit(uri).scheme in {"http", "https"} else "sql"
        properties = {"type": kind, "uri": uri}
        with iceberg_errors(f"Opening the tables under {root}", where):
            if catalogue is None or warehouse is None:
                folder.mkdir(parents=True, exist_ok=True)
            if warehouse is not None or kind == "sql":
                properties["warehouse"] = _as_uri(warehouse or str(folder / "warehouse"))
            return cls(load_catalog("anops", **properties), described, where)

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
        with iceberg_errors(f"Publishing {window} of {table!r}", self._where):
            target = self._opened(shape) or self._created(shape)
            refuse_changed_types(table, polars_schema(target.schema()), dict(rows.schema))
            self._replace(target, shape, window, parts, rows, lineage)
            snapshot = target.current_snapshot()
        if snapshot is None:
            raise TableStoreError(f"Publishing {window} of {table!r} left no snapshot.")
        _LOG.info("Published %s rows of %s for %s.", rows.height, table, window)
        return Snapshot(table, snapshot.snapshot_id, rows.height)

    def _replace(
        self,
        target: Table,
        shape: ProductTable,
        window: Window,
        scope: Mapping[str, str],
        rows: pl.DataFrame,
        lineage: Lineage,
    ) -> None:
        properties = {
            "anops.publish": uuid4().hex,
            "anops.run_id": lineage.run_id,
            "anops.window_start": window.start.isoformat(),
            "anops.window_end": window.end.isoformat(),
            "anops.scope": scope_text(scope),
            "anops.rows": str(rows.height),
        }
        arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        with warnings.catch_warnings(), _PublishTransaction(target) as transaction:
            warnings.filterwarnings("ignore", message="Delete operation did not match any records")
            if set(rows.columns) - set(target.schema().column_names):
                with transaction.update_schema() as update:
                    update.union_by_name(table_schema(dict(rows.schema)))
            transaction.overwrite(
                arrow,
                overwrite_filter=replaced_rows(shape, window, scope),
                snapshot_properties=properties,
            )

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
        with iceberg_errors(f"Reading {table!r}", self._where):
            source = self._opened(shape)
            if source is None or source.current_snapshot() is None:
                if snapshot_id:
                    raise InputError(f"Table {table!r} has no snapshot {snapshot_id}; it is new.")
                return chosen_columns(table, pl.LazyFrame(schema=shape.schema), columns)
            rows = _scanned(source, shape, window, snapshot_id or None)
        return chosen_columns(table, rows, columns)

    def snapshot(self, table: str) -> Snapshot:
        """Return the newest snapshot; id 0 when the table was never published."""
        with iceberg_errors(f"Reading {table!r}", self._where):
            source = self._opened(self._described(table))
            newest = source.current_snapshot() if source else None
        if newest is None or newest.summary is None:
            return Snapshot(table, 0, 0)
        return Snapshot(table, newest.snapshot_id, int(newest.summary["anops.rows"] or 0))

    def history(self, table: str) -> pl.DataFrame:
        """Return one row a publish, oldest first; see `TableStore.history`."""
        with iceberg_errors(f"Reading {table!r}", self._where):
            source = self._opened(self._described(table))
        found: dict[str, dict[str, object]] = {}
        for snapshot in source.metadata.snapshots if source else []:
            facts = snapshot.summary.additional_properties if snapshot.summary else {}
            found[facts.get("anops.publish", str(snapshot.snapshot_id))] = {
                "snapshot_id": snapshot.snapshot_id,
                "committed_at": datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
                "run_id": facts.get("anops.run_id"),
                "window_start": _moment(facts.get("anops.window_start")),
                "window_end": _moment(facts.get("anops.window_end")),
                "scope": facts.get("anops.scope"),
                "rows": int(facts.get("anops.rows", 0)),
            }
        return pl.DataFrame(list(found.values()), schema=HISTORY_SCHEMA)

    def bounds(self, table: str) -> Window | None:
        """Return the window from the first to just past the last time, None when empty."""
        time = self._described(table).time_column
        return past_last(self.read(table, columns=[time]), time)

    def _opened(self, shape: ProductTable) -> Table | None:
        try:
            return self._catalog.load_table(_identifier(shape.name))
        except NoSuchTableError:
            return None

    def _created(self, shape: ProductTable) -> Table:
        schema = table_schema(shape.schema)
        identifier = _identifier(shape.name)
        try:
            self._catalog.create_namespace(identifier[0])
        except (NamespaceAlreadyExistsError, IntegrityError):  # another writer made it first
            _LOG.debug("Namespace %s exists.", identifier[0])
        try:
            return self._catalog.create_table(
                identifier,
                schema=schema,
                partition_spec=partitions(shape, schema),
                properties=table_properties(shape),
            )
        except TableAlreadyExistsError:
            return self._catalog.load_table(identifier)


class _PublishTransaction(Transaction):
    """A transaction that works out its metadata once a change, not at each of some 40 looks.

    PyIceberg copies every snapshot of the table at each look: at 300 snapshots that is most of
    what a publish costs.
    """

    _known: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The table's metadata with the changes staged so far."""
        base, staged = self._table.metadata, self._updates
        if self._known is None or self._known[0] is not base or self._known[1] is not staged:
            self._known = (base, staged, super().table_metadata)
        return self._known[2]


def _scanned(
    source: Table, shape: ProductTable, window: Window | None, snapshot_id: int | None
) -> pl.LazyFrame:
    if snapshot_id is not None and source.snapshot_by_id(snapshot_id) is None:
        raise InputError(
            f"Table {shape.name!r} has no snapshot {snapshot_id}; it may have expired."
        )
    scan = source.scan(
        row_filter=window_rows(shape, window) if window else AlwaysTrue(), snapshot_id=snapshot_id
    )
    schema = polars_schema(source.schema())
    tasks = list(scan.plan_files())
    paths = [task.file.file_path for task in tasks]
    if not paths:
        rows = pl.LazyFrame(schema=schema)
    elif all(map(_is_local, paths)) and not any(task.delete_files for task in tasks):
        rows = pl.scan_parquet(
            [path.removeprefix("file://") for path in paths],
            schema=schema,
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
        )
    else:
        rows = pl.LazyFrame(scan.to_arrow()).cast(pl.Schema(schema))
    newer = {name: dtype for name, dtype in shape.schema.items() if name not in schema}
    rows = rows.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in newer.items())
    if window is None:
        return rows
    time = pl.col(shape.time_column)
    return rows.filter(time >= window.start, time < window.end)


def _identifier(table: str) -> tuple[str, str]:
    product, _, second = table.partition(".")
    return product, second or product


def _is_local(path: str) -> bool:
    return urlsplit(path).scheme in {"", "file"}


def _as_uri(warehouse: str) -> str:
    if urlsplit(warehouse).scheme:
        return warehouse
    return f"file://{Path(warehouse).expanduser().resolve()}"


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
