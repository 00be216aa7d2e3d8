"""Verdicts as people gave them become rows: of the finding that they are about, each named once."""

import hashlib
import json
from datetime import UTC, datetime

import polars as pl

from data_products.product import TIME

GIVEN_SCHEMA: dict[str, pl.DataType] = {
    "anomaly_id": pl.String(),
    "verdict": pl.String(),
    "fault_kind": pl.String(),
    "author": pl.String(),
    "given_at": TIME,
    "comment": pl.String(),
    "source": pl.String(),
}
"""Columns of a verdict as it was given."""

VERDICT_COLUMNS = (
    "verdict_id", "anomaly_id", "cell_dn", "anomaly_start", "verdict", "fault_kind", "author",
    "given_at", "comment", "source", "received_at",
)  # fmt: skip
"""Columns of the product, in order, before its scope and lineage."""


def verdict_id(anomaly_id: str, author: str, given_at: datetime) -> str:
    """Return the same id for the same finding, author and moment, however often it is told.

    Authors are the same person in any case of letters.
    """
    moment = given_at.astimezone(UTC).isoformat(timespec="microseconds")
    told = json.dumps([anomaly_id, author.casefold(), moment])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def derive(given: pl.DataFrame, findings: pl.DataFrame, received_at: datetime) -> pl.DataFrame:
    """Return verdicts as rows of the product, each once, in order of time.

    Args:
        given: columns of `GIVEN_SCHEMA`; verdicts about findings that are not there are left out.
        findings: anomaly_id, cell_dn, anomaly_start; one row a finding.
        received_at: when they were taken in.
    """
    whole = given.with_columns(
        pl.lit(received_at, dtype=TIME).alias("received_at"),
        pl.Series("verdict_id", _ids(given), dtype=pl.String),
    )
    return (
        whole.join(findings, on="anomaly_id", how="inner", maintain_order="left")
        .unique("verdict_id", keep="first", maintain_order=True)
        .sort("given_at", "verdict_id")
        .select(VERDICT_COLUMNS)
    )


def _ids(given: pl.DataFrame) -> list[str]:
    named = given.select("anomaly_id", "author", "given_at")
    return [verdict_id(finding, author, moment) for finding, author, moment in named.iter_rows()]
