"""KPIs of objects that are no cells, by granularity: sums added over the periods, then divided."""

import polars as pl

from data_products.kpi_sums import KpiShape, kpis_of
from semantic_layer.errors import InputError
from semantic_layer.kpi_terms import home_classes, measured_columns
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.periods import GRANULARITIES

SOURCE = "pm_measurements"
"""What `source` says on rows that are computed here, unlike those that a delivery brings."""

TECHNOLOGIES = ("5GC", "transport", "any")
"""What the product's KPIs belong to; those of cells and their sites stand in `cell_kpis`."""

_PLACED = (
    "managed_object_dn",
    "managed_element_dn",
    "object_class",
    "period_start",
    "granularity_s",
    "is_suspect",
)


def derive(measurements: pl.LazyFrame, granularity: str, catalogue: Catalogue) -> pl.LazyFrame:
    """Return the rows of `core_kpis` for one granularity, without scope and lineage.

    An object that told none of the KPIs' measurements in a period has no row there: no data is no
    evidence. A KPI that brings rows of several classes together has no value of one object.

    Args:
        measurements: as `pm_measurements` has them; whole periods of `granularity`. Suspect rows
            enter no sum, nor do rows that cover more time than the granularity.
        granularity: `15min`, `hour` or `day`.
        catalogue: definitions of measurements and KPIs.

    Returns:
        managed_object_dn, managed_element_dn, object_class, period_start, granularity,
        periods_count and a column a KPI, null where nothing could enter.

    Raises:
        InputError: the granularity is unknown.
    """
    if granularity not in GRANULARITIES:
        raise InputError(f"No granularity {granularity!r}; known are {', '.join(GRANULARITIES)}.")
    rows = needed_rows(measurements, catalogue).collect()
    return told(kpis_of(rows, granularity, shape_of(catalogue)), granularity, catalogue).lazy()


def needed_rows(measurements: pl.LazyFrame, catalogue: Catalogue) -> pl.LazyFrame:
    """Return the rows that told something of the KPIs, with the columns that these ask for."""
    present = measurements.collect_schema().names()
    kpis = core_kpis(catalogue)
    needed = {*_PLACED, *measured_columns(kpis, catalogue)}
    return measurements.filter(
        pl.col("object_class").is_in(_classes(kpis, catalogue)),
        _tells_any(measurements, kpis, catalogue),
    ).select(name for name in present if name in needed)


def shape_of(catalogue: Catalogue) -> KpiShape:
    """Return what is summed by managed object."""
    return KpiShape("managed_object_dn", tuple(core_kpis(catalogue)), (), catalogue)


def told(kpis: pl.DataFrame, granularity: str, catalogue: Catalogue) -> pl.DataFrame:
    """Return KPIs of objects as rows of the product."""
    return kpis.select(
        "managed_object_dn",
        "managed_element_dn",
        "object_class",
        "period_start",
        pl.lit(granularity).alias("granularity"),
        "periods_count",
        *(kpi.column for kpi in core_kpis(catalogue)),
    )


def core_kpis(catalogue: Catalogue) -> list[Kpi]:
    """Return the KPIs that the product holds, in the catalogue's order."""
    return [kpi for kpi in catalogue.kpis.values() if kpi.technology in TECHNOLOGIES]


def _classes(kpis: list[Kpi], catalogue: Catalogue) -> list[str]:
    return sorted(
        {
            name
            for kpi in kpis
            for _, term in kpi.terms
            for name in home_classes(kpi, term, catalogue)
        }
    )


def _tells_any(measurements: pl.LazyFrame, kpis: list[Kpi], catalogue: Catalogue) -> pl.Expr:
    present = set(measurements.collect_schema().names())
    told = [
        pl.col(name).is_not_null() for name in measured_columns(kpis, catalogue) if name in present
    ]
    return pl.any_horizontal(told) if told else pl.lit(value=False)
