"""KPIs of each cell by granularity: sums added over the periods, then divided."""

import polars as pl

from data_products.kpi_sums import KpiShape, kpis_of
from semantic_layer.errors import InputError
from semantic_layer.kpi_terms import measured_columns
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.periods import GRANULARITIES

SOURCE = "pm_measurements"
"""What `source` says on rows that are computed here, unlike those that a delivery brings."""

TECHNOLOGIES = ("NR", "LTE")
"""What cells and their sites belong to; KPIs of anything else stand in `core_kpis`."""

_ELEMENT_CLASS = "ManagedElement"
_PLACED = (
    "cell_dn",
    "managed_element_dn",
    "object_class",
    "period_start",
    "granularity_s",
    "is_suspect",
)


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
    rows = needed_rows(measurements, catalogue).collect()
    return told(kpis_of(rows, granularity, shape_of(catalogue)), granularity, catalogue).lazy()


def needed_rows(measurements: pl.LazyFrame, catalogue: Catalogue) -> pl.LazyFrame:
    """Return measurements with the columns that the KPIs ask for."""
    present = measurements.collect_schema().names()
    needed = {*_PLACED, *measured_columns(cell_kpis(catalogue), catalogue)}
    return measurements.select(name for name in present if name in needed)


def shape_of(catalogue: Catalogue) -> KpiShape:
    """Return what is summed by cell, and by the managed element for each of its cells."""
    kpis = cell_kpis(catalogue)
    return KpiShape(
        "cell_dn",
        tuple(kpi for kpi in kpis if kpi.object_class != _ELEMENT_CLASS),
        tuple(kpi for kpi in kpis if kpi.object_class == _ELEMENT_CLASS),
        catalogue,
    )


def told(kpis: pl.DataFrame, granularity: str, catalogue: Catalogue) -> pl.DataFrame:
    """Return KPIs of cells as rows of the product."""
    return kpis.select(
        "cell_dn",
        "managed_element_dn",
        "object_class",
        "period_start",
        pl.lit(granularity).alias("granularity"),
        "periods_count",
        *(kpi.column for kpi in cell_kpis(catalogue)),
    )


def cell_kpis(catalogue: Catalogue) -> list[Kpi]:
    """Return the KPIs that the product holds, in the catalogue's order."""
    return [kpi for kpi in catalogue.kpis.values() if kpi.technology in TECHNOLOGIES]
