"""What ingestion cannot use: one row a file, element or value, ready for the quarantine."""

import polars as pl

from data_products.product import TIME

FINDING_SCHEMA: dict[str, pl.DataType] = {
    "period_start": TIME,
    "source_file": pl.String(),
    "place": pl.String(),
    "key": pl.String(),
    "reason": pl.String(),
    "content": pl.String(),
}
"""Columns of a finding: the time it is about, the file, where in it, which object, why, and the
raw content as far as it is worth keeping."""


def no_findings() -> pl.DataFrame:
    """Return an empty frame of findings."""
    return pl.DataFrame(schema=FINDING_SCHEMA)
