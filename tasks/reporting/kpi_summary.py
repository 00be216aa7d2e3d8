"""One KPI over the network, its worst groups and distribution: the content of `anops kpi NAME`.

A group's value is its counters' sums divided, never an average of its cells' values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.reporting.kpi_sources import KpiSource
from tasks.reporting.wording import clean, clipped, number

GROUPINGS = ("cell", "site", "band", "archetype", "subnetwork", "managed_element", "hour", "day")
"""What `--by` may say."""

_SHOWN = 15
_QUANTILES = (("lowest", 0.0), ("5 %", 0.05), ("25 %", 0.25), ("median", 0.5), ("75 %", 0.75),
              ("95 %", 0.95), ("highest", 1.0))  # fmt: skip


@dataclass(frozen=True, slots=True)
class KpiGroup:
    """One cell, site, band or hour, and the KPI's value there."""

    name: str
    value: float | None
    periods: int
    unit: str

    @property
    def text(self) -> str:
        """The value with its unit."""
        return number(self.value, self.unit)


@dataclass(frozen=True, slots=True)
class KpiSummary:
    """What is known of one KPI in a window.

    Attributes:
        kpi: its definition, source and counters.
        window: the time summed over.
        by: how rows are grouped.
        computed_from: `pm_measurements` (sums divided), or `cell_kpis` where a KPI was delivered
            ready-made: then a group's value is the median of its periods.
        groups: the worst first where the KPI has a better side, else the highest first; for
            hours and days in order of time.
        groups_count: all of them, those without data too.
        without_data: groups that have no value.
        distribution: of the groups' values, as (what, value with unit).
    """

    kpi: KpiSource
    window: Window
    by: str
    computed_from: str
    groups: tuple[KpiGroup, ...]
    groups_count: int
    without_data: int
    distribution: tuple[tuple[str, str], ...]

    @property
    def order(self) -> str:
        """How the groups are ordered, in words."""
        if self.by in {"hour", "day"}:
            return "in order of time"
        return {"higher": "lowest first", "lower": "highest first"}.get(
            self.kpi.better, "highest first"
        )


def kpi_summary(
    kpi: KpiSource, values: pl.DataFrame, window: Window, by: str, computed_from: str
) -> KpiSummary:
    """Return the summary of a KPI from one value a group.

    Args:
        kpi: which.
        values: group (text or time), value, periods; null where nothing could be computed.
        window: the time the values are of.
        by: one of `GROUPINGS`.
        computed_from: the table they were computed from.
    """
    known = values.filter(pl.col("value").is_not_null() & pl.col("value").is_not_nan())
    if by in {"hour", "day"}:
        ordered, shown = known.sort("group"), 31 * 24
    else:
        ordered, shown = (
            known.sort("value", "group", descending=[kpi.better != "higher", False]),
            _SHOWN,
        )
    return KpiSummary(
        kpi=kpi,
        window=window,
        by=by,
        computed_from=computed_from,
        groups=tuple(
            KpiGroup(clipped(group, 160), value, periods, kpi.unit)
            for group, value, periods in ordered.head(shown)
            .select(pl.col("group").cast(pl.String), "value", "periods")
            .iter_rows()
        ),
        groups_count=values.height,
        without_data=values.height - known.height,
        distribution=tuple(
            (said, number(known["value"].quantile(share, "linear"), kpi.unit))
            for said, share in _QUANTILES
            if known.height
        ),
    )


def chosen_grouping(by: str) -> str:
    """Return the grouping that a person asked for.

    Raises:
        InputError: there is no such grouping.
    """
    wanted = clean(by).lower().replace("-", "_")
    if wanted not in GROUPINGS:
        raise InputError(f"No grouping {by!r}; known are {', '.join(GROUPINGS)}.")
    return wanted


def grouped_rows(
    rows: pl.LazyFrame, topology: pl.DataFrame, by: str, *, of_elements: bool
) -> pl.LazyFrame:
    """Return the rows with a `group` column, those that belong to no group left out.

    Args:
        rows: with cell_dn, managed_element_dn, period_start.
        topology: names sites, bands and the like, by cell.
        by: one of `GROUPINGS`.
        of_elements: rows describe managed elements, whose place is that of their cells.
    """
    if by in {"hour", "day"}:
        every = "1h" if by == "hour" else "1d"
        text = pl.col("period_start").dt.truncate(every).dt.strftime("%Y-%m-%d %H:%M")
        return rows.with_columns(text.alias("group"))
    key = "managed_element_dn" if of_elements else "cell_dn"
    if by in {"cell", "managed_element"}:
        column = "cell_dn" if by == "cell" and not of_elements else "managed_element_dn"
        return rows.with_columns(pl.col(column).alias("group")).drop_nulls("group")
    names = _place_names(topology, by, key)
    return rows.join(names.lazy(), on=key, how="inner").drop_nulls("group")


def _place_names(topology: pl.DataFrame, by: str, key: str) -> pl.DataFrame:
    columns: Sequence[str] = ("site_name", "site_id") if by == "site" else (by,)
    named = pl.coalesce(pl.col(column).replace("", None) for column in columns)
    return (
        topology.drop_nulls(key)
        .sort("cell_dn")
        .select(key, named.alias("group"))
        .unique(key, keep="first", maintain_order=True)
    )
