"""Periods in which a cell saved energy: what it gave then tells nothing of how well it works."""

from collections.abc import Sequence

import polars as pl

SAVING_COLUMNS = ("energy_saving_share_pct", "energy_saving_on_air_share_pct")
"""Shares of time off the air, and on the air with fewer chains or less power."""


def saves_energy(columns: Sequence[str]) -> pl.Expr:
    """Return whether a row of `cell_kpis` has a period in which its cell saved energy.

    Args:
        columns: of the table; one without `SAVING_COLUMNS` knows of no saving.
    """
    known = [pl.col(name) > 0 for name in SAVING_COLUMNS if name in columns]
    return pl.any_horizontal(known).fill_null(value=False) if known else pl.lit(value=False)


def without_saving(rows: pl.LazyFrame, kpi_columns: Sequence[str]) -> pl.LazyFrame:
    """Return rows of `cell_kpis` without these KPIs where the cell saved energy.

    No data is no evidence: a cell that was put to sleep is no cell that fell asleep.

    Args:
        rows: of `cell_kpis`; those of tables that know of no saving stay as they are.
        kpi_columns: to be null in such periods; those that `rows` lack are left out.
    """
    columns = rows.collect_schema().names()
    kept = [name for name in kpi_columns if name in columns and name not in SAVING_COLUMNS]
    serves = ~saves_energy(columns)
    return rows.with_columns(pl.when(serves).then(pl.col(name)).alias(name) for name in kept)
