"""Steps of documents: what people wrote becomes published sections, a version at a time."""

import logging
from pathlib import Path

import polars as pl

from data_products.lineage import Snapshot
from data_products.operations_documents.derive import derive
from semantic_layer.periods import Window
from tasks.ingestion.documents.document_files import delivered_sections
from tasks.ingestion.records.record_states import horizon_of
from tasks.ingestion.records.steps import publish_changed_days, standing_rows
from tasks.step import step

_LOG = logging.getLogger(__name__)
_TABLE, _SOURCE = "operations_documents", "documents"


@step
def ingest_documents(folder: Path, window: Window) -> list[Snapshot]:
    """Publish documents that are new or changed, each since when it holds; nothing else."""
    delivered = delivered_sections(folder)
    standing = standing_rows(_TABLE, _SOURCE)
    horizon = horizon_of(window.end, [standing["valid_from"]])
    rows = derive(delivered.sections, standing, window.start)
    due = rows.filter(pl.col("valid_from") < horizon)
    _LOG.info("%s documents, %s sections.", delivered.documents, delivered.sections.height)
    return publish_changed_days(_TABLE, _SOURCE, (due, delivered.findings), window)
