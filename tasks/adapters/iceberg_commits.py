"""Commits to Iceberg whose cost does not grow with the table's past.

PyIceberg reads a table's metadata again for each look and copies every snapshot at each change.
Metadata files never change once written, so one reading of each is enough; metadata values are
never changed in place, so no copy is needed. A replacement is one snapshot: files out, files in.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pyiceberg.catalog import Catalog, MetastoreCatalog
from pyiceberg.catalog.sql import IcebergTables as TableRow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.io import FileIO, load_file_io
from pyiceberg.manifest import DataFile, ManifestContent, ManifestEntry, ManifestFile
from pyiceberg.table import (
    CommitTableResponse,
    StagedTable,
    Table,
    Transaction,
)
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import (
    TableRequirement,
    TableUpdate,
    _apply_table_update,
    _TableMetadataUpdateContext,
    _update_table_metadata_log,
)
from pyiceberg.table.update.snapshot import _ManifestMergeManager, _OverwriteFiles
from pyiceberg.table.update.validate import _validate_data_files_exist

_NO_SNAPSHOTS = '"snapshots":[]'
_SnapshotTexts = dict[tuple[int, int | None], str]
_FULL_MANIFEST = 96  # files
_SMALL_MANIFESTS = 8


class SharedMetadataCatalog(SqlCatalog):
    """A SQL catalogue that reads each metadata file once and copies or spells nothing again."""

    def __init__(self, name: str, **properties: str) -> None:
        super().__init__(name, **properties)
        self._known: dict[tuple[str, ...], tuple[str, TableMetadata]] = {}
        self._texts: dict[str, _SnapshotTexts] = {}

    def _convert_orm_to_iceberg(self, orm_table: TableRow) -> Table:
        identifier = (
            *Catalog.identifier_to_tuple(orm_table.table_namespace),
            orm_table.table_name,
        )
        location, known = self._known.get(identifier, ("", None))
        if known is None or location != orm_table.metadata_location:
            table: Table = super()._convert_orm_to_iceberg(orm_table)
            self._known[identifier] = (table.metadata_location, table.metadata)
            return table
        return Table(
            identifier=identifier,
            metadata=known,
            metadata_location=location,
            io=self._load_file_io(known.properties, location),
            catalog=self,
        )

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        """Commit as every SQL catalogue does, and remember what was written."""
        response = super().commit_table(table, requirements, updates)
        self._known[table.name()] = (response.metadata_location, response.metadata)
        return response

    def _write_metadata(  # type: ignore[override]
        self, metadata: TableMetadata, io: FileIO, metadata_path: str
    ) -> None:
        texts = self._texts.get(metadata.location, {})
        texts = {
            key: texts.get(key) or snapshot.model_dump_json(exclude_none=True)
            for snapshot in metadata.snapshots
            for key in [(snapshot.snapshot_id, snapshot.parent_snapshot_id)]
        }
        self._texts[metadata.location] = texts
        rest = metadata.model_copy(update={"snapshots": []}).model_dump_json(exclude_none=True)
        before, found, after = rest.partition(_NO_SNAPSHOTS)
        if not found:
            super()._write_metadata(metadata, io, metadata_path)
            return
        whole = f"{before}{_NO_SNAPSHOTS[:-1]}{','.join(texts.values())}]{after}"
        with io.new_output(metadata_path).create() as stream:
            stream.write(whole.encode())

    def _update_and_stage_table(
        self,
        current_table: Table | None,
        table_identifier: tuple[str, ...],
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> StagedTable:
        if current_table is None:
            return super()._update_and_stage_table(None, table_identifier, requirements, updates)
        for requirement in requirements:
            requirement.validate(current_table.metadata)
        changed = updated(current_table.metadata, updates, current_table.metadata_location)
        version = MetastoreCatalog._parse_metadata_version(current_table.metadata_location) + 1  # noqa: SLF001
        location = load_location_provider(
            changed.location, changed.properties
        ).new_table_metadata_file_location(version)
        return StagedTable(
            identifier=table_identifier,
            metadata=changed,
            metadata_location=location,
            io=load_file_io({**self.properties, **changed.properties}, location),
            catalog=self,
        )


def updated(
    base: TableMetadata, updates: tuple[TableUpdate, ...], logged_location: str = ""
) -> TableMetadata:
    """Return metadata with the updates applied, sharing all that did not change.

    Args:
        base: what they are applied to; it stays as it is.
        updates: in order.
        logged_location: the file of `base`, to be entered in the metadata log; empty for none.
    """
    context = _TableMetadataUpdateContext()
    changed = base
    for update in updates:
        changed = _apply_table_update(update, changed, context)
    if context.has_changes() and logged_location:
        changed = _update_table_metadata_log(changed, logged_location, base.last_updated_ms)
    changed.spec().check_compatible(changed.schema())
    return changed


class SharedMetadataTransaction(Transaction):
    """A transaction that works out its metadata once a change, without copies."""

    _seen: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The table's metadata with the changes staged so far."""
        base, staged = self._table.metadata, self._updates
        if self._seen is None or self._seen[0] is not base or self._seen[1] is not staged:
            self._seen = (base, staged, updated(base, staged))
        return self._seen[2]


class Replacement(_OverwriteFiles):
    """One snapshot that takes files out and puts files in.

    Args:
        transaction: it becomes part of.
        properties: what the snapshot's summary says.
        replaced: the rows that are replaced: what another writer changes among them is a
            conflict. None when rows stay as they are and only files change; then only the loss
            of a file that is taken out is a conflict.
    """

    def __init__(
        self,
        transaction: Transaction,
        properties: Mapping[str, str],
        replaced: BooleanExpression | None,
    ) -> None:
        table = transaction._table  # noqa: SLF001
        has_parent = transaction.table_metadata.current_snapshot() is not None
        super().__init__(
            Operation.OVERWRITE if has_parent else Operation.APPEND,
            transaction,
            table.io,
            uuid4(),
            dict(properties),
            MAIN_BRANCH,
        )
        self._isolation_operation = Operation.OVERWRITE
        self._keeps_rows = replaced is None
        if replaced is not None:
            self.delete_by_predicate(replaced)

    def replace(self, taken: list[DataFile], added: list[DataFile]) -> None:
        """Stage the files and register the snapshot with the transaction."""
        for file in taken:
            self.delete_data_file(file)
        for file in added:
            self.append_data_file(file)
        self.commit()

    def _existing_manifests(self) -> list[ManifestFile]:
        if self._deleted_data_files:
            found = super()._existing_manifests()
        else:
            head = self._transaction.table_metadata.snapshot_by_name(MAIN_BRANCH)
            found = list(head.manifests(io=self._io)) if head else []
        return [kept for kept in found if kept.has_added_files() or kept.has_existing_files()]

    def _deleted_entries(self) -> list[ManifestEntry]:
        return super()._deleted_entries() if self._deleted_data_files else []

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        """Bring small manifests together, so that few are opened and few entries written again."""
        small = [
            manifest
            for manifest in manifests
            if manifest.content == ManifestContent.DATA and _live_files(manifest) < _FULL_MANIFEST
        ]
        by_spec = {manifest.partition_spec_id for manifest in small}
        if len(small) < _SMALL_MANIFESTS or len(by_spec) > 1:
            return manifests
        merger: Any = _ManifestMergeManager(0, 0, True, self)  # noqa: FBT003
        merged = merger._create_manifest(by_spec.pop(), small)  # noqa: SLF001
        for manifest in small:
            if manifest.manifest_path in self._written_manifests:  # nobody else will ever read it
                self._io.delete(manifest.manifest_path)
                self._written_manifests.remove(manifest.manifest_path)
        return [merged, *(manifest for manifest in manifests if manifest not in small)]

    def _validate_concurrency(self) -> None:
        if not self._keeps_rows:
            super()._validate_concurrency()
            return
        window = self._commit_window
        if window is None or window.head is None or window.is_empty():
            return
        table = self._transaction._table  # noqa: SLF001
        _validate_data_files_exist(table, window.head, self._deleted_data_files, window.base)


def _live_files(manifest: ManifestFile) -> int:
    return (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)
