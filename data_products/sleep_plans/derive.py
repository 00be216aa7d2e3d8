"""Plans as rows: of cells that save at any time, each period once, in order of cell and time."""

import polars as pl

from data_products.product import TIME

PLAN_SCHEMA: dict[str, pl.DataType] = {
    "plan_id": pl.String(),
    "cell_dn": pl.String(),
    "made_at": TIME,
    "period_start": TIME,
    "hours": pl.Float64(),
    "mode": pl.String(),
    "site_id": pl.String(),
    "candidate_dns": pl.List(pl.String()),
    "site_kwh": pl.Float64(),
    "saved_kwh": pl.Float64(),
    "saved_money": pl.Float64(),
    "saved_co2_kg": pl.Float64(),
    "promise": pl.String(),
    "decided_by": pl.String(),
    "gap_share": pl.Float64(),
    "goal": pl.String(),
}
"""Columns of the product, in order, before its lineage."""

COMPARED_SCHEMA: dict[str, pl.DataType] = {
    "plan_id": pl.String(),
    "made_at": TIME,
    "promise": pl.String(),
    "is_chosen": pl.Boolean(),
    "floor_mbps": pl.Float64(),
    "surge_factor": pl.Float64(),
    "saved_kwh": pl.Float64(),
    "saved_share": pl.Float64(),
    "saved_money": pl.Float64(),
    "saved_co2_kg": pl.Float64(),
    "most_asleep": pl.Int64(),
    "asleep_hours": pl.Float64(),
    "moved_share": pl.Float64(),
    "reduced_share": pl.Float64(),
    "gap_share": pl.Float64(),
    "solver": pl.String(),
    "seconds": pl.Float64(),
    "decided_by": pl.String(),
    "goal": pl.String(),
    "goal_json": pl.String(),
    "says": pl.List(pl.String()),
    "agent_run_id": pl.String(),
}
"""Columns of `sleep_plans.compared`."""

ACTIVE = "ACTIVE"


def derive(periods: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the product.

    Args:
        periods: columns of `PLAN_SCHEMA`, of all cells; those that stay ACTIVE through a plan are
            left out.
    """
    saves = (pl.col("mode") != ACTIVE).any().over("made_at", "cell_dn")
    return (
        periods.filter(saves)
        .unique(("cell_dn", "made_at", "period_start"), keep="last", maintain_order=True)
        .sort("made_at", "cell_dn", "period_start")
        .select(*PLAN_SCHEMA)
    )


def derive_compared(plans: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `sleep_plans.compared`, that saving most first.

    Args:
        plans: columns of `COMPARED_SCHEMA`.
    """
    return (
        plans.unique(("made_at", "promise"), keep="last", maintain_order=True)
        .sort(["made_at", "saved_kwh", "promise"], descending=[False, True, False])
        .select(*COMPARED_SCHEMA)
    )
