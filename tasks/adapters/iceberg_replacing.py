"""Replacing the rows of a window and scope in an Iceberg table, whatever others do meanwhile.

Rows of other windows or scopes, and files that maintenance rewrote, are no conflict: the change
is planned again on what stands now. Another writer of the same rows is one.
"""

from collections.abc import Mapping

import polars as pl
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from data_products.lineage import Lineage
from data_products.product import ProductTable
from data_products.publication import scope_text
from semantic_layer.periods import Window
from tasks.adapters.iceberg_commits import Replacement, SharedMetadataTransaction
from tasks.adapters.iceberg_files import rewritten_file, written_files
from tasks.adapters.iceberg_history import facts_of, is_rewriting, publish_facts, window_of
from tasks.adapters.iceberg_scans import WholeFiles, rows_of
from tasks.adapters.iceberg_schemas import replaced_rows, table_schema
from tasks.adapters.window_filters import replaced_rows as is_replaced

_ATTEMPTS = 12


def replace(
    target: Table,
    shape: ProductTable,
    window: Window,
    scope: Mapping[str, str],
    rows: pl.DataFrame,
    lineage: Lineage,
) -> None:
    """Replace exactly the rows of `window` and `scope` by `rows`, in one snapshot.

    Raises:
        ValidationException: another writer changed the same rows.
        CommitFailedException: others kept committing first.
    """
    change = _Change(shape, window, scope, rows, publish_facts(window, scope, rows.height, lineage))
    for attempt in range(1, _ATTEMPTS + 1):
        base = target.current_snapshot()
        try:
            change.commit(target)
        except (ValidationException, CommitFailedException):
            target.refresh()
            if attempt == _ATTEMPTS or not _is_about_other_rows(target, base, window, scope):
                raise
        else:
            return


class _Change:
    """One replacement, which may have to be planned more than once."""

    def __init__(
        self,
        shape: ProductTable,
        window: Window,
        scope: Mapping[str, str],
        rows: pl.DataFrame,
        facts: Mapping[str, str],
    ) -> None:
        self._shape, self._window, self._scope = shape, window, scope
        self._rows, self._facts = rows, facts
        self._is_replaced = is_replaced(shape, window, scope)
        self._written: tuple[int, list[DataFile]] | None = None

    def commit(self, target: Table) -> None:
        old = replaced_rows(self._shape, self._window, self._scope)
        with SharedMetadataTransaction(target) as transaction:
            if set(self._rows.columns) - set(target.schema().column_names):
                with transaction.update_schema() as update:
                    update.union_by_name(table_schema(dict(self._rows.schema)))
            metadata = transaction.table_metadata
            snapshot = Replacement(transaction, self._facts, old)
            added = [*self._new_files(target, metadata)]
            taken, whole = [], WholeFiles(metadata, old)
            for task in target.scan(row_filter=old).plan_files():
                count = (
                    task.file.record_count if task.file in whole else self._replaced(target, task)
                )
                if not count:
                    continue
                taken.append(task.file)
                if count < task.file.record_count:
                    left = rows_of(target, [task]).filter(~self._is_replaced)
                    kept = rewritten_file(left, task.file, metadata, target.io, "fresh")
                    added += [kept] if kept else []
            snapshot.replace(taken, added)

    def _new_files(self, target: Table, metadata: TableMetadata) -> list[DataFile]:
        schema_id = metadata.current_schema_id
        if self._written is None or self._written[0] != schema_id:
            self._written = (schema_id, written_files(self._rows, metadata, target.io))
        return self._written[1]

    def _replaced(self, target: Table, task: FileScanTask) -> int:
        found = rows_of(target, [task]).select(self._is_replaced.sum()).collect()
        return int(found.item())


def _is_about_other_rows(
    target: Table, base: Snapshot | None, window: Window, scope: Mapping[str, str]
) -> bool:
    """Tell whether all that others committed since `base` left the window and scope alone."""
    mine = scope_text(scope)
    seen = begun = base.sequence_number or 0 if base else 0
    since = [
        snapshot
        for snapshot in target.metadata.snapshots
        if (snapshot.sequence_number or 0) > begun
    ]
    for snapshot in sorted(since, key=lambda one: one.sequence_number or 0):
        seen += 1
        if snapshot.sequence_number != seen:
            return False  # one has expired already: nobody can tell what it changed
        theirs, other = window_of(snapshot), facts_of(snapshot).get("anops.scope", "")
        if is_rewriting(snapshot):
            continue
        if theirs is None or (_meet(theirs, window) and (not mine or other in {mine, ""})):
            return False
    return True


def _meet(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end
