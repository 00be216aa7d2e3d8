"""What was published into an Iceberg table, and what became of it: told by snapshots.

Each publish leaves its facts in its snapshot's summary. Snapshots expire; before they do, their
facts go into the table `anops.history`, so that the history of a table is never shortened.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import polars as pl
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.transforms import IdentityTransform
from sqlalchemy.exc import IntegrityError

from data_products.lineage import Lineage
from data_products.publication import HISTORY_SCHEMA, scope_text
from semantic_layer.periods import Window
from tasks.adapters.iceberg_commits import Replacement, SharedMetadataTransaction
from tasks.adapters.iceberg_files import written_files
from tasks.adapters.iceberg_scans import rows_of
from tasks.adapters.iceberg_schemas import STORE_PROPERTIES, table_schema

HISTORY = ("anops", "history")
_TABLE = "table_name"
_SCHEMA: dict[str, pl.DataType] = {_TABLE: pl.String(), **HISTORY_SCHEMA}


def publish_facts(
    window: Window, scope: Mapping[str, str], rows: int, lineage: Lineage
) -> dict[str, str]:
    """Return what a publish's snapshot says of it."""
    return {
        "anops.publish": uuid4().hex,
        "anops.run_id": lineage.run_id,
        "anops.window_start": window.start.isoformat(),
        "anops.window_end": window.end.isoformat(),
        "anops.scope": scope_text(scope),
        "anops.rows": str(rows),
    }


def rewriting_facts(head: Snapshot) -> dict[str, str]:
    """Return what a snapshot says that changes files and no row."""
    return {"anops.rewriting": "1", "anops.rows": facts_of(head).get("anops.rows", "0")}


def facts_of(snapshot: Snapshot) -> Mapping[str, str]:
    """Return what a snapshot says."""
    return dict(snapshot.summary.additional_properties) if snapshot.summary else {}


def is_rewriting(snapshot: Snapshot) -> bool:
    """Tell whether a snapshot changed files only."""
    return "anops.rewriting" in facts_of(snapshot)


def window_of(snapshot: Snapshot) -> Window | None:
    """Return the window that a snapshot's publish replaced."""
    facts = facts_of(snapshot)
    start, end = facts.get("anops.window_start"), facts.get("anops.window_end")
    if start is None or end is None:
        return None
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


def history_rows(snapshots: Iterable[Snapshot]) -> pl.DataFrame:
    """Return one row a publish, in the order of `snapshots`."""
    found: dict[str, dict[str, object]] = {}
    for snapshot in snapshots:
        if is_rewriting(snapshot):
            continue
        facts, window = facts_of(snapshot), window_of(snapshot)
        found[facts.get("anops.publish", str(snapshot.snapshot_id))] = {
            "snapshot_id": snapshot.snapshot_id,
            "committed_at": datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
            "run_id": facts.get("anops.run_id"),
            "window_start": window.start if window else None,
            "window_end": window.end if window else None,
            "scope": facts.get("anops.scope"),
            "rows": int(facts.get("anops.rows", 0)),
        }
    return pl.DataFrame(list(found.values()), schema=HISTORY_SCHEMA)


def whole_history(catalog: Catalog, name: str, target: Table | None) -> pl.DataFrame:
    """Return one row a publish of the table `name`, expired or not, oldest first."""
    standing = history_rows(target.metadata.snapshots if target else [])
    kept = _kept(catalog, name)
    return pl.concat([kept.join(standing, on="snapshot_id", how="anti"), standing])


def keep_history(catalog: Catalog, name: str, expiring: Iterable[Snapshot]) -> None:
    """Write down the publishes of snapshots that will expire; twice is as once."""
    leaving = history_rows(expiring)
    if leaving.is_empty():
        return
    store = _store(catalog)
    kept = _kept(catalog, name)
    rows = pl.concat([kept.join(leaving, on="snapshot_id", how="anti"), leaving])
    rows = rows.sort("committed_at", maintain_order=True)
    mine = EqualTo(term=_TABLE, value=name)
    with SharedMetadataTransaction(store) as transaction:
        added = written_files(
            rows.select(pl.lit(name).alias(_TABLE), *HISTORY_SCHEMA),
            transaction.table_metadata,
            store.io,
        )
        taken = [task.file for task in store.scan(row_filter=mine).plan_files()]
        Replacement(transaction, {"anops.rows": str(rows.height)}, mine).replace(taken, added)


def _kept(catalog: Catalog, name: str) -> pl.DataFrame:
    try:
        store = catalog.load_table(HISTORY)
    except NoSuchTableError:
        return pl.DataFrame(schema=HISTORY_SCHEMA)
    found = rows_of(
        store, list(store.scan(row_filter=EqualTo(term=_TABLE, value=name)).plan_files())
    )
    return found.filter(pl.col(_TABLE) == name).select(HISTORY_SCHEMA.keys()).collect()


def _store(catalog: Catalog) -> Table:
    with suppress(NoSuchTableError):
        return catalog.load_table(HISTORY)
    with suppress(NamespaceAlreadyExistsError, IntegrityError):  # another writer made it first
        catalog.create_namespace(HISTORY[0])
    schema = table_schema(_SCHEMA)
    spec = PartitionSpec(
        PartitionField(
            source_id=schema.find_field(_TABLE).field_id,
            field_id=1000,
            transform=IdentityTransform(),
            name=f"{_TABLE}_part",
        )
    )
    properties = STORE_PROPERTIES | {f"write.metadata.metrics.column.{_TABLE}": "full"}
    return catalog.create_table_if_not_exists(
        HISTORY, schema=schema, partition_spec=spec, properties=properties
    )
