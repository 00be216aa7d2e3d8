"""Cells too young to be judged: told apart before any model is fitted, by days of data alone.

A KPI is judged from `fewest_history_days` of data on. A cell that has rows on fewer days has no
such KPI, so it abstains, and a network in its first week costs next to nothing to score.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.anomaly.plan import Plan
from tasks.anomaly.score_rows import (
    HISTORY_TOO_SHORT,
    NO_DATA,
    STOPPED_REPORTING,
    abstained_rows,
    silent_rows,
)


def young_cells(rows: pl.LazyFrame, cells: Sequence[str], plan: Plan) -> list[str]:
    """Return the cells with rows on fewer days of the training than a KPI must have, sorted."""
    begins = plan.grid.start
    ends = plan.grid.start_of(plan.training_periods)
    grown = (
        rows.filter(
            pl.col("granularity") == plan.granularity,
            pl.col("period_start").is_between(begins, ends, closed="left"),
        )
        .group_by("cell_dn")
        .agg(pl.col("period_start").dt.date().n_unique().alias("days"))
        .filter(pl.col("days") >= plan.rules.fewest_history_days)
        .select("cell_dn")
        .collect()
    )
    return sorted(set(cells) - set(grown["cell_dn"]))


def abstained(rows: pl.LazyFrame, cells: Sequence[str], plan: Plan) -> pl.DataFrame:
    """Return rows of `cell_anomalies.scores` that say why nothing is said of these cells."""
    if not cells:
        return silent_rows([], plan)
    first = plan.grid.start_of(plan.first_scored)
    told = (
        rows.filter(
            pl.col("granularity") == plan.granularity,
            pl.col("period_start") >= first,
            pl.col("cell_dn").is_in(list(cells)),
        )
        .with_columns(pl.col(kpi.column).is_finite() for kpi in plan.kpis)
        .select(
            "cell_dn",
            "period_start",
            pl.any_horizontal(kpi.column for kpi in plan.kpis).fill_null(value=False).alias("has"),
        )
        .filter("has")
        .collect()
    )
    seen = told.group_by("cell_dn", "period_start").agg(pl.lit(1.0).alias("has"))
    return _reasoned(seen, sorted(cells), plan)


def _reasoned(seen: pl.DataFrame, cells: list[str], plan: Plan) -> pl.DataFrame:
    starts = plan.window_starts()
    places = pl.DataFrame({"cell_dn": cells}).with_row_index("row")
    periods = pl.DataFrame({"period_start": starts}).with_row_index("period")
    at = seen.join(places, on="cell_dn").join(periods, on="period_start")
    reasons = np.full((len(cells), len(starts)), NO_DATA, object)
    reasons[at["row"].to_numpy(), at["period"].to_numpy()] = HISTORY_TOO_SHORT
    reasons[~(reasons == HISTORY_TOO_SHORT).any(axis=1)] = STOPPED_REPORTING
    return abstained_rows(cells, reasons, plan)
