"""Maintenance of Iceberg tables: compaction, expiry, orphan files, checks.

PyIceberg expires snapshots but deletes no file and compacts nothing; both are done here. Files
younger than the moment given are never touched: a writer may be about to commit them.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot as IcebergSnapshot
from pyiceberg.table.update.snapshot import ExpireSnapshots
from pyiceberg.types import TimestamptzType

from data_products.lineage import Lineage, Snapshot
from data_products.product import ProductTable
from data_products.publication import prepared_rows
from semantic_layer.periods import Window
from tasks.adapters.iceberg_commits import Replacement, SharedMetadataTransaction
from tasks.adapters.iceberg_errors import TableStoreError, iceberg_errors
from tasks.adapters.iceberg_files import COLD, FRESH, WARM, Kind, rewritten_file
from tasks.adapters.iceberg_history import keep_history, rewriting_facts
from tasks.adapters.iceberg_replacing import replace
from tasks.adapters.iceberg_scans import rows_of
from tasks.adapters.iceberg_tables import IcebergTables
from tasks.ports import StoredFile, StoreSize

_LOG = logging.getLogger(__name__)
_ATTEMPTS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS: dict[str, Kind] = {"warm": WARM, "cold": COLD}


class IcebergMaintenance:
    """Implements `TableMaintenance` on the tables of an `IcebergTables`."""

    def __init__(self, tables: IcebergTables) -> None:
        self._tables = tables

    def files(self, table: str) -> list[StoredFile]:
        """Return the files of the table as it stands."""
        with self._translated("Listing files of", table):
            target, shape = self._tables.opened(table)
            if target is None:
                return []
            return [_stored(task.file, target, shape) for task in target.scan().plan_files()]

    def rewrite(self, table: str, paths: Sequence[str], kind: str) -> bool:
        """Put the rows of these files into one new file; see `TableMaintenance.rewrite`."""
        with self._translated("Compacting", table):
            target, shape = self._tables.opened(table)
            head = target.current_snapshot() if target else None
            if target is None or head is None:
                return False
            wanted = set(paths)
            tasks = [task for task in target.scan().plan_files() if task.file.file_path in wanted]
            if not wanted or len(tasks) != len(wanted):
                return False
            return _rewritten(target, head, tasks, shape, _KINDS[kind])

    def expire(self, table: str, before: datetime) -> int:
        """Give up snapshots made before that moment; see `TableMaintenance.expire`."""
        with self._translated("Expiring snapshots of", table):
            for attempt in range(1, _ATTEMPTS + 1):
                target, _ = self._tables.opened(table)
                if target is None:
                    return 0
                try:
                    return self._expired(target, table, before)
                except CommitFailedException:  # a publish was first
                    if attempt == _ATTEMPTS:
                        raise
        return 0

    def _expired(self, target: Table, table: str, before: datetime) -> int:
        held = {ref.snapshot_id for ref in target.metadata.refs.values()}
        limit = before.timestamp() * 1000
        old = [
            snapshot
            for snapshot in target.metadata.snapshots
            if snapshot.timestamp_ms < limit and snapshot.snapshot_id not in held
        ]
        if not old:
            return 0
        keep_history(self._tables.catalog, table, old)
        with SharedMetadataTransaction(target) as transaction:
            expiry = ExpireSnapshots(transaction)
            expiry.by_ids([snapshot.snapshot_id for snapshot in old])
            expiry.commit()
        _LOG.info("Gave up %s snapshots of %s.", len(old), table)
        return len(old)

    def remove_orphans(self, table: str, before: datetime) -> int:
        """Delete old files that no snapshot needs; see `TableMaintenance.remove_orphans`."""
        with self._translated("Removing orphan files of", table):
            target, _ = self._tables.opened(table)
            if target is None:
                return 0
            listed = list(_kept_files(target))  # before the metadata is read again: see the module
            target.refresh()
            needed = {_plain(path) for path in _needed_files(target)}
            removed = 0
            for found in listed:
                if found.mtime < before and found.path not in needed:
                    delete_file(target, found.path)
                    removed += 1
            if removed:
                _LOG.info("Removed %s orphan files of %s.", removed, table)
            return removed

    def delete(self, table: str, window: Window, lineage: Lineage) -> Snapshot:
        """Delete the rows of `window` in all scopes; see `TableMaintenance.delete`."""
        with self._translated(f"Deleting {window} of", table):
            target, shape = self._tables.opened(table)
            if target is None:
                return Snapshot(table, 0, 0)
            nothing = prepared_rows(shape, window, {}, pl.DataFrame(schema=shape.schema), lineage)
            replace(target, shape, window, {}, nothing, lineage)
        _LOG.warning(
            "Deleted the rows of %s for %s: they are beyond their lifetime.", table, window
        )
        return self._tables.snapshot(table)

    def problems(self, table: str) -> list[str]:
        """Return a sentence for each file that is not what the table says."""
        with self._translated("Checking", table):
            target, _ = self._tables.opened(table)
            tasks = target.scan().plan_files() if target else []
            found = (_problem(target, task.file) for task in tasks if target)
            return [problem for problem in found if problem]

    def size(self, table: str) -> StoreSize:
        """Return what the table takes."""
        with self._translated("Measuring", table):
            target, _ = self._tables.opened(table)
            if target is None:
                return StoreSize(0, 0, 0, 0, 0)
            live = [task.file.file_size_in_bytes for task in target.scan().plan_files()]
            kept = [found.size for found in _kept_files(target)]
            snapshots = len(target.metadata.snapshots)
            return StoreSize(len(live), sum(live), len(kept), sum(kept), snapshots)

    def _translated(self, doing: str, table: str) -> AbstractContextManager[None]:
        return iceberg_errors(f"{doing} {table!r}", self._tables.where)


def delete_file(target: Table, path: str) -> None:
    """Delete one file of the table's folder."""
    _filesystem(target).delete_file(path)


def _rewritten(
    target: Table,
    head: IcebergSnapshot,
    tasks: Sequence[FileScanTask],
    shape: ProductTable,
    kind: Kind,
) -> bool:
    tasks = sorted(tasks, key=lambda task: (_first(target, shape, task.file), task.file.file_path))
    rows = rows_of(target, tasks)
    if kind == COLD:
        order = [*(name for name in shape.key if name != shape.time_column), shape.time_column]
        rows = rows.sort(order, nulls_last=False, maintain_order=True)
    new = rewritten_file(rows, tasks[0].file, target.metadata, target.io, kind)
    expected = sum(task.file.record_count for task in tasks)
    if (new.record_count if new else 0) != expected:
        raise TableStoreError(
            f"Compacting {shape.name!r} read {new.record_count if new else 0} of {expected} rows; "
            "the table stays as it is. Run the check of its files."
        )
    try:
        with SharedMetadataTransaction(target) as transaction:
            Replacement(transaction, rewriting_facts(head), None).replace(
                [task.file for task in tasks], [new] if new else []
            )
    except (ValidationException, CommitFailedException):
        if new:
            target.io.delete(new.file_path)
        return False
    return True


def _stored(file: DataFile, target: Table, shape: ProductTable) -> StoredFile:
    name = file.file_path.rpartition("/")[2]
    return StoredFile(
        path=file.file_path,
        partition=repr(file.partition),
        kind=next((kind for kind in (WARM, COLD) if name.startswith(f"{kind}-")), FRESH),
        rows=file.record_count,
        size=file.file_size_in_bytes,
        first=_bound(target, shape, file.lower_bounds),
        last=_bound(target, shape, file.upper_bounds),
    )


def _bound(target: Table, shape: ProductTable, bounds: dict[int, bytes] | None) -> datetime | None:
    field = target.schema().find_field(shape.time_column)
    packed = (bounds or {}).get(field.field_id)
    if packed is None:
        return None
    return _EPOCH + timedelta(microseconds=int(from_bytes(TimestamptzType(), packed)))


def _first(target: Table, shape: ProductTable, file: DataFile) -> datetime:
    return _bound(target, shape, file.lower_bounds) or datetime.min.replace(tzinfo=UTC)


def _needed_files(target: Table) -> Iterator[str]:
    metadata = target.metadata
    yield target.metadata_location
    yield from (entry.metadata_file for entry in metadata.metadata_log)
    yield from (statistics.statistics_path for statistics in metadata.statistics)
    seen: set[str] = set()
    for snapshot in metadata.snapshots:
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(target.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield manifest.manifest_path
            for entry in manifest.fetch_manifest_entry(target.io, discard_deleted=True):
                yield entry.data_file.file_path


def _kept_files(target: Table) -> Iterator[FileInfo]:
    selector = FileSelector(_plain(target.location()), allow_not_found=True, recursive=True)
    for found in _filesystem(target).get_file_info(selector):
        if found.type == FileType.File:
            yield found


def _problem(target: Table, file: DataFile) -> str:
    path = _plain(file.file_path)
    found = _filesystem(target).get_file_info(path)
    if found.type != FileType.File:
        return f"{path} is gone; restore it, or publish its window again."
    if found.size != file.file_size_in_bytes:
        return f"{path} has {found.size} bytes; the table says {file.file_size_in_bytes}."
    with _filesystem(target).open_input_file(path) as stream:
        try:
            rows = pq.ParquetFile(stream).metadata.num_rows
        except pa.ArrowInvalid as error:
            return f"{path} is no Parquet file: {error}"
    if rows != file.record_count:
        return f"{path} holds {rows} rows; the table says {file.record_count}."
    return ""


def _filesystem(target: Table) -> FileSystem:
    where = urlsplit(target.location())
    storage = target.io
    if not isinstance(storage, PyArrowFileIO):
        raise TableStoreError(f"Files of {target.location()} cannot be listed by {storage!r}.")
    return storage.fs_by_scheme(where.scheme or "file", where.netloc)


def _plain(path: str) -> str:
    _, _, found = PyArrowFileIO.parse_location(path)
    return found
