"""KPIs of each cell by granularity: sums added over the periods, then divided."""

import polars as pl

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.kpis import Kpi, aggregate_kpis, kpi_rows
from semantic_layer.loading import Catalogue
from semantic_layer.periods import GRANULARITIES

SOURCE = "pm_measurements"
"""What `source` says on rows that are computed here, unlike those that a delivery brings."""

TECHNOLOGIES = ("NR", "LTE")
"""What cells and their sites belong to; KPIs of anything else stand in `core_kpis`."""

_ELEMENT_CLASS = "ManagedElement"
_KEYS = ("cell_dn", "managed_element_dn", "object_class", "period_start", "granularity")
_PERIOD = "period"


def derive(measurements: pl.LazyFrame, granularity: str, catalogue: Catalogue) -> pl.LazyFrame:
    """Return the rows of `cell_kpis` for one granularity, without scope and lineage.

    KPIs of the managed element (site energy, backhaul) stand on each of its cells. A cell without
    a row that may enter has no row here: no data is no evidence.

    Args:
        measurements: as `pm_measurements` has them; whole periods of `granularity`. Suspect rows
            enter no sum, nor do rows that cover more time than the granularity.
        granularity: `15min`, `hour` or `day`.
        catalogue: definitions of measurements and KPIs.

    Returns:
        cell_dn, managed_element_dn, object_class, period_start, granularity, periods_count and a
        column a KPI, null where nothing could enter.

    Raises:
        InputError: the granularity is unknown.
    """
    if granularity not in GRANULARITIES:
        raise InputError(f"No granularity {granularity!r}; known are {', '.join(GRANULARITIES)}.")
    seconds = GRANULARITIES[granularity]
    rows = measurements.filter(
        ~pl.col("is_suspect").fill_null(value=False), pl.col("granularity_s") <= seconds
    ).with_columns(pl.col("period_start").dt.truncate(f"{seconds}s").alias(_PERIOD))
    kpis = cell_kpis(catalogue)
    of_element = [kpi for kpi in kpis if kpi.object_class == _ELEMENT_CLASS]
    of_cell = [kpi for kpi in kpis if kpi.object_class != _ELEMENT_CLASS]
    cells = _of_cells(rows.filter(pl.col("cell_dn").is_not_null()), of_cell, seconds, catalogue)
    if of_element:
        by = ["managed_element_dn", _PERIOD]
        placed = rows.filter(pl.col("managed_element_dn").is_not_null())
        elements = aggregate_kpis(placed, of_element, by, catalogue)
        cells = cells.join(elements, on=by, how="left")
    return cells.with_columns(
        pl.col(_PERIOD).cast(TIME).alias("period_start"), pl.lit(granularity).alias("granularity")
    ).select(*_KEYS, "periods_count", *(kpi.column for kpi in kpis))


def cell_kpis(catalogue: Catalogue) -> list[Kpi]:
    """Return the KPIs that the product holds, in the catalogue's order."""
    return [kpi for kpi in catalogue.kpis.values() if kpi.technology in TECHNOLOGIES]


def _of_cells(
    rows: pl.LazyFrame, kpis: list[Kpi], seconds: int, catalogue: Catalogue
) -> pl.LazyFrame:
    """Return one row a cell and period; rows that are one already are only divided, not added."""
    if _is_one_row_each(rows, seconds):
        return kpi_rows(rows, kpis, catalogue).with_columns(
            pl.lit(1, dtype=pl.Int32).alias("periods_count")
        )
    extra = (
        pl.col("managed_element_dn").first(),
        pl.col("object_class").first(),
        pl.len().cast(pl.Int32).alias("periods_count"),
    )
    return aggregate_kpis(rows, kpis, ["cell_dn", _PERIOD], catalogue, extra)


def _is_one_row_each(rows: pl.LazyFrame, seconds: int) -> bool:
    """Tell whether each row is alone in its cell and period, and covers all of it."""
    whole = (pl.col("granularity_s") == seconds).all()
    alone = pl.struct("cell_dn", _PERIOD).hash().n_unique() == pl.len()
    return bool(rows.select((whole & alone).alias("is so")).collect().item())
