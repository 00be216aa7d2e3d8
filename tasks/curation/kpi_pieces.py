"""A product of KPIs computed piece by piece: each measurement is read once for all granularities.

Quarters of an hour are divided row by row, hours are summed from the same rows, and a day from the
sums of its hours; so a day of a nation is read, summed and published in pieces that memory holds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data_products.kpi_sums import KpiRows, KpiShape, KpiSums, added, divided, kpis_of
from data_products.pm_measurements.derive import derive as completed
from semantic_layer.kpi_terms import SECONDS
from semantic_layer.loading import Catalogue
from semantic_layer.periods import GRANULARITIES, Window
from tasks.curation.roll_ups import QUARTER, RollUps, common, together

_TIME = "period_start"


@dataclass(frozen=True, slots=True)
class KpiProduct:
    """A product whose rows are KPIs by granularity.

    Attributes:
        table: its name.
        needed: measurements with the rows and columns that its KPIs ask for.
        shape: what is summed.
        told: KPIs as rows of the product.
        catalogue: where everything is defined.
    """

    table: str
    needed: Callable[[pl.LazyFrame, Catalogue], pl.LazyFrame]
    shape: KpiShape
    told: Callable[[pl.DataFrame, str, Catalogue], pl.DataFrame]
    catalogue: Catalogue

    def rows(self, measurements: pl.LazyFrame) -> pl.DataFrame:
        """Return measurements in memory: what KPIs ask for, as far as anybody told it."""
        found = self.needed(measurements, self.catalogue).collect()
        placed = {self.shape.key, "managed_element_dn", "object_class", _TIME, SECONDS}
        found = found.select(
            column
            for column in found
            if column.name in {*placed, "is_suspect"} or column.null_count() < found.height
        )
        return completed(found.lazy(), self.catalogue).collect()

    def rows_by_hour(self, measurements: pl.LazyFrame) -> dict[datetime, int]:
        """Return how many rows each hour asks memory for."""
        hours = self.needed(measurements, self.catalogue).select(pl.col(_TIME).dt.truncate("1h"))
        return dict(hours.group_by(_TIME).len().collect().iter_rows())


def reach_of(measurements: pl.LazyFrame, window: Window) -> datetime:
    """Return the latest end of what was measured in the window, at least the window's own."""
    end = pl.col(_TIME) + pl.duration(seconds=pl.col(SECONDS))
    latest = measurements.select(end.max()).collect().item()
    return window.end if latest is None else max(window.end, latest)


def kpis_by_piece(
    product: KpiProduct,
    plan: RollUps,
    windows: Sequence[Window],
    read: Callable[[Window], pl.LazyFrame],
) -> Iterator[tuple[str, Window, pl.DataFrame]]:
    """Yield granularity, window and rows, each to be published by itself.

    Args:
        product: what is computed.
        plan: which periods.
        windows: pieces to read, in order.
        read: returns the measurements of a window.
    """
    summed_days: dict[Window, list[KpiSums]] = {day: [] for day in plan.days}
    for window in windows:
        rows = KpiRows(measured := product.rows(read(window)), product.shape)
        quarters = common(window, plan.quarters)
        if quarters is not None:
            part = measured.filter(_is_within(quarters)) if quarters != window else rows
            told = kpis_of(part, QUARTER, product.shape)
            yield QUARTER, quarters, product.told(told, QUARTER, product.catalogue)
            del part, told
        hours = [hour for hour in plan.hours if common(hour, window)]
        days = [day for day in plan.days if common(day, window)]
        if not hours and not days:
            continue
        sums = rows.summed("hour")
        parts = rows.longer(GRANULARITIES["hour"]).summed("day")
        del rows, measured
        for due in together(hours):
            told = divided(sums.within(_is_within(due)), product.shape)
            yield "hour", due, product.told(told, "hour", product.catalogue)
        for day in days:
            is_of_day = _is_within(day)
            summed_days[day] += [sums.within(is_of_day), parts.within(is_of_day)]
        del sums, parts
        done = [day for day in summed_days if day.end <= window.end]
        for due in together(done):
            parts_of = [part for day in done if common(day, due) for part in summed_days.pop(day)]
            told = divided(added(parts_of, "day"), product.shape)
            del parts_of
            yield "day", due, product.told(told, "day", product.catalogue)


def _is_within(window: Window) -> pl.Expr:
    return (pl.col(_TIME) >= window.start) & (pl.col(_TIME) < window.end)
