"""Maintenance of tables in memory: nothing lies in files, so only deletion has something to do."""

from collections.abc import Sequence
from datetime import datetime

from data_products.lineage import Lineage, Snapshot
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ports import StoredFile, StoreSize


class InMemoryMaintenance:
    """Implements `TableMaintenance` on `InMemoryTables`."""

    def __init__(self, tables: InMemoryTables) -> None:
        self._tables = tables

    def files(self, table: str) -> list[StoredFile]:
        """Return nothing: no files are kept."""
        self._tables.snapshot(table)
        return []

    def rewrite(self, table: str, paths: Sequence[str], kind: str) -> bool:  # noqa: ARG002
        """Return False: no file was there to rewrite."""
        self._tables.snapshot(table)
        return False

    def expire(self, table: str, before: datetime) -> int:
        """Give up states that were made before that moment, but not the newest."""
        return self._tables.forget(table, before)

    def remove_orphans(self, table: str, before: datetime) -> int:  # noqa: ARG002
        """Return 0: no file is ever left behind."""
        self._tables.snapshot(table)
        return 0

    def delete(self, table: str, window: Window, lineage: Lineage) -> Snapshot:
        """Delete the rows of `window` in all scopes; see `TableMaintenance.delete`."""
        return self._tables.delete(table, window, lineage)

    def problems(self, table: str) -> list[str]:
        """Return nothing: memory does not lose files."""
        self._tables.snapshot(table)
        return []

    def size(self, table: str) -> StoreSize:
        """Return what the states of the table take."""
        rows = self._tables.read(table).collect(engine="in-memory")
        size = int(rows.estimated_size()) if not rows.is_empty() else 0
        snapshots = self._tables.kept_states(table)
        return StoreSize(0, size, 0, size, snapshots)
