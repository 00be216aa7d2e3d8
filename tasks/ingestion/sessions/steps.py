"""Steps of ingesting sessions: what probes delivered becomes rows of `service_sessions`."""

import logging
from pathlib import Path

import polars as pl

from data_products.lineage import Snapshot
from data_products.service_sessions.derive import derive
from semantic_layer.periods import Window
from tasks.ingestion.tables.mapped_records import mapped_records
from tasks.ingestion.tables.mapping_sources import RecordSource, record_sources
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_TABLE = "service_sessions"


@step
def ingest_service_sessions(folder: Path, window: Window) -> list[Snapshot]:
    """Publish the sessions of the window that the folder's mapped tables hold, a source each."""
    sources = record_sources(folder, services().settings.mapping_folder, _TABLE)
    return [_ingested(source, window) for source in sources]


def _ingested(source: RecordSource, window: Window) -> Snapshot:
    read = mapped_records(source.folder, source.mapping, window)
    if read.rows.is_empty() and read.findings.is_empty() and not _stands(source.name, window):
        return services().tables.snapshot(_TABLE)
    _LOG.info(
        "%s: %s sessions of %s, %s cannot be used.",
        source.name, read.rows.height, window, read.findings.height,
    )  # fmt: skip
    rows = derive(_whole(read.rows).lazy()).collect()
    return services().door.publish(
        _TABLE, window, rows, [], run_id(), read.findings, {"source": source.name}
    )


def _whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the columns that rates come from, null where nobody delivers them."""
    needed = ("throughput_dl_mbps", "throughput_ul_mbps", "volume_dl_mbit", "volume_ul_mbit")
    lacking = [name for name in (*needed, "duration_s") if name not in rows.columns]
    return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in lacking)


def _stands(source: str, window: Window) -> bool:
    """Tell whether rows of this source were published in the window, so that they must go."""
    standing = services().tables.read(_TABLE, window, columns=["source"])
    return not standing.filter(pl.col("source") == source).head(1).collect().is_empty()
