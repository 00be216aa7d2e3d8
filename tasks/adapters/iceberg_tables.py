"""Published tables on Apache Iceberg: SQLite catalogue and local folder unless told otherwise.

A publish is one commit of the catalogue: schema additions, removal of the window's old rows and
the new files become visible together or not at all. Rows are removed by rewriting files, never
by delete files, so readers scan the planned Parquet files as they are.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import (
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.table import Table
from sqlalchemy.exc import IntegrityError

from data_products.lineage import Lineage, Snapshot
from data_products.product import ProductTable
from data_products.publication import (
    chosen_columns,
    past_last,
    prepared_rows,
    refuse_changed_types,
)
from data_products.registry import table as registered_table
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.iceberg_commits import SharedMetadataCatalog
from tasks.adapters.iceberg_errors import TableStoreError, iceberg_errors
from tasks.adapters.iceberg_history import whole_history
from tasks.adapters.iceberg_replacing import replace
from tasks.adapters.iceberg_scans import scanned
from tasks.adapters.iceberg_schemas import (
    partitions,
    polars_schema,
    table_properties,
    table_schema,
)

_LOG = logging.getLogger(__name__)
_LOCK_WAIT_S = 30
_SQL_CATALOG = f"{SharedMetadataCatalog.__module__}.{SharedMetadataCatalog.__qualname__}"


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

    @property
    def catalog(self) -> Catalog:
        """Where table metadata is found and committed; for maintenance."""
        return self._catalog

    @property
    def where(self) -> str:
        """The catalogue's address without password."""
        return self._where

    def opened(self, table: str) -> tuple[Table | None, ProductTable]:
        """Return the table as it stands, None before its first publish, and its description."""
        shape = self._described(table)
        return self._opened(shape), shape

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
        # pyiceberg imports the class by this name; a REST catalogue commits at its server
        engine = {"type": "rest"} if kind == "rest" else {"py-catalog-impl": _SQL_CATALOG}
        properties = {**engine, "uri": uri}
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
            replace(target, shape, window, parts, rows, lineage)
            snapshot = target.current_snapshot()
        if snapshot is None:
            raise TableStoreError(f"Publishing {window} of {table!r} left no snapshot.")
        _LOG.info("Published %s rows of %s for %s.", rows.height, table, window)
        return Snapshot(table, snapshot.snapshot_id, rows.height)

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
            rows = scanned(source, shape, window, snapshot_id or None)
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
            return whole_history(self._catalog, table, source)

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


def _identifier(table: str) -> tuple[str, str]:
    product, _, second = table.partition(".")
    return product, second or product


def _as_uri(warehouse: str) -> str:
    if urlsplit(warehouse).scheme:
        return warehouse
    return f"file://{Path(warehouse).expanduser().resolve()}"


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
