"""Changes that have ended become rows: each once, as it ended, in order of time."""

import polars as pl

from data_products.product import TIME

OUTCOME_SCHEMA: dict[str, pl.DataType] = {
    "proposal_id": pl.String(),
    "use_case": pl.String(),
    "proposed_by": pl.String(),
    "decided_by": pl.String(),
    "hypothesis": pl.String(),
    "probability": pl.Float64(),
    "cell_dn": pl.String(),
    "cell_dns": pl.List(pl.String()),
    "trigger_ids": pl.List(pl.String()),
    "change_digest": pl.String(),
    "operations_count": pl.Int64(),
    "outcome": pl.String(),
    "effect": pl.String(),
    "proposed_at": TIME,
    "prepared_at": TIME,
    "applied_at": TIME,
    "measured_until": TIME,
    "ended_at": TIME,
    "kpi": pl.String(),
    "kpi_before": pl.Float64(),
    "kpi_after": pl.Float64(),
    "kpi_expected": pl.Float64(),
    "gain_share": pl.Float64(),
    "gain_low_share": pl.Float64(),
    "gain_high_share": pl.Float64(),
    "controls_count": pl.Int64(),
    "reason": pl.String(),
}
"""Columns of the product, in order, before its lineage."""


def derive(ended: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the product.

    Args:
        ended: columns of `OUTCOME_SCHEMA`; of a change told twice the row that ended last counts.
    """
    return (
        ended.sort("ended_at", "proposal_id", maintain_order=True)
        .unique("proposal_id", keep="last", maintain_order=True)
        .select(*OUTCOME_SCHEMA)
    )
