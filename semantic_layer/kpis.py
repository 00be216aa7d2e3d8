"""KPIs: two sums of measurements and a unit; as definitions, and compiled to Polars.

A KPI is never averaged. Over time and space its numerator and denominator are added, then
divided. A gauge (`aggregation: mean`) enters a sum multiplied by the seconds it covers. A row
with a null in any part of a KPI enters neither of its sums: no data is no evidence. Suspect
periods are the caller's to leave out.
"""

from collections.abc import Iterable, Sequence

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.kpi_definitions import DEFAULT_PROFILE, Kpi
from semantic_layer.kpi_terms import (
    SECONDS,
    home_classes,
    is_gauge,
    row_classes_differ,
    weighted_terms,
)
from semantic_layer.measurements import OBSERVED_TIME, Definitions

__all__ = [
    "DEFAULT_PROFILE",
    "Kpi",
    "aggregate_kpis",
    "kpi_rows",
    "quotient",
    "row_sums",
    "sum_of_terms",
    "term_integral",
]

_ELEMENT = "managed_element_dn"


def kpi_rows(
    measurements: pl.LazyFrame, kpis: Sequence[Kpi], catalogue: Definitions
) -> pl.LazyFrame:
    """Return `measurements` with a column a KPI added: one row in, one row out.

    A KPI is null where a part is null or absent, where its denominator is zero, and where its
    measurements stand on rows of several classes (see `aggregate_kpis`).

    Args:
        measurements: `granularity_s` and measurement columns, each by its definition's `.column`.
        kpis: the definitions to compute.
        catalogue: where their measurements are defined.
    """
    present = frozenset(measurements.collect_schema().names())
    sums = {kpi.column: row_sums(kpi, present, catalogue) for kpi in kpis}
    return measurements.with_columns(
        _null(column) if pair is None else quotient(*pair, kpi.factor).alias(column)
        for kpi, (column, pair) in zip(kpis, sums.items(), strict=True)
    )


def aggregate_kpis(
    measurements: pl.LazyFrame,
    kpis: Sequence[Kpi],
    by: Sequence[str],
    catalogue: Definitions,
    extra: Sequence[pl.Expr] = (),
) -> pl.LazyFrame:
    """Return one row a group: sums added over the group's rows, then divided.

    A KPI whose measurements stand on rows of several classes (site energy and cell volumes) is
    first added up within each managed element and period; a period enters its sums only when
    every row there that should tell a part does. A cell that sent no row at all cannot be seen
    here: complete the rows first where that matters.

    Args:
        measurements: rows as `pm_measurements` has them.
        kpis: the definitions to compute.
        by: columns that name a group.
        catalogue: where their measurements are defined.
        extra: further aggregations of a group, such as a count of periods.

    Returns:
        `by`, the aliases of `extra`, and a column a KPI, null where no row could enter.

    Raises:
        InputError: columns that place a row are missing.
    """
    present = frozenset(measurements.collect_schema().names())
    _require(present, by)
    same_row = [kpi for kpi in kpis if not row_classes_differ(kpi, catalogue)]
    found = _summed(measurements, same_row, by, catalogue, extra)
    across = [kpi for kpi in kpis if row_classes_differ(kpi, catalogue)]
    if across:
        _require(present, (_ELEMENT, "period_start", SECONDS, "object_class"))
        rolled_up = _summed_across(measurements, across, by, catalogue)
        found = found.join(rolled_up, on=list(by), how="left", nulls_equal=True)
    return found.select(
        *by, *(item.meta.output_name() for item in extra), *(kpi.column for kpi in kpis)
    )


def _summed(
    measurements: pl.LazyFrame,
    kpis: Sequence[Kpi],
    by: Sequence[str],
    catalogue: Definitions,
    extra: Sequence[pl.Expr],
) -> pl.LazyFrame:
    present = frozenset(measurements.collect_schema().names())
    above: list[pl.Expr] = []
    below: list[pl.Expr] = []
    for kpi in kpis:
        pair = row_sums(kpi, present, catalogue, integrated=True)
        if pair is not None:
            is_whole = pair[0].is_not_null() & pair[1].is_not_null()
            above.append(pl.when(is_whole).then(pair[0]).sum().alias(f"above:{kpi.column}"))
            below.append(pl.when(is_whole).then(pair[1]).sum().alias(f"below:{kpi.column}"))
    known = {item.meta.output_name() for item in above}
    return (
        measurements.group_by(*by)
        .agg(*extra, *above, *below)
        .with_columns(
            quotient(
                pl.col(f"above:{kpi.column}"), pl.col(f"below:{kpi.column}"), kpi.factor
            ).alias(kpi.column)
            if f"above:{kpi.column}" in known
            else _null(kpi.column)
            for kpi in kpis
        )
    )


def _summed_across(
    measurements: pl.LazyFrame, kpis: Sequence[Kpi], by: Sequence[str], catalogue: Definitions
) -> pl.LazyFrame:
    present = frozenset(measurements.collect_schema().names())
    keys = list(dict.fromkeys([*by, _ELEMENT, "period_start", SECONDS]))
    parts = [_parts(kpi, present, catalogue) for kpi in kpis]
    sums = [part for kpi_parts in parts for part in kpi_parts]
    return (
        measurements.group_by(keys)
        .agg(*sums)
        .with_columns(
            expression
            for kpi in kpis
            for expression in (
                sum_of_terms(kpi.numerator, kpi, catalogue).alias(f"above:{kpi.column}"),
                sum_of_terms(kpi.denominator, kpi, catalogue).alias(f"below:{kpi.column}"),
            )
        )
        .with_columns(
            pl.when(
                pl.col(f"above:{kpi.column}").is_not_null()
                & pl.col(f"below:{kpi.column}").is_not_null()
            )
            .then(pl.col(f"{side}:{kpi.column}"))
            .alias(f"whole {side}:{kpi.column}")
            for kpi in kpis
            for side in ("above", "below")
        )
        .group_by(*by)
        .agg(
            quotient(
                pl.col(f"whole above:{kpi.column}").sum(),
                pl.col(f"whole below:{kpi.column}").sum(),
                kpi.factor,
            ).alias(kpi.column)
            for kpi in kpis
        )
    )


def _parts(kpi: Kpi, present: frozenset[str], catalogue: Definitions) -> list[pl.Expr]:
    """Return the sum of each term over the rows of its class; null when one of them lacks it."""
    parts = []
    for _, name in kpi.terms:
        alias = f"{kpi.column}:{name}"
        values = term_integral(name, present, catalogue)
        if values is None:
            parts.append(pl.lit(None, pl.Float64).alias(alias))
            continue
        is_home = pl.col("object_class").is_in(home_classes(kpi, name, catalogue))
        # Sums of columns: filtering within each group takes three times as long.
        is_whole = is_home.any() & ~(is_home & values.is_null()).any()
        told = pl.when(is_home).then(values).sum()
        parts.append(pl.when(is_whole).then(told).alias(alias))
    return list({part.meta.output_name(): part for part in parts}.values())


def sum_of_terms(terms: Sequence[str], kpi: Kpi, catalogue: Definitions) -> pl.Expr:
    """Return one sum of a KPI from columns `<KPI column>:<term>` that hold its terms."""
    return _added(
        (weight, pl.col(f"{kpi.column}:{name}"))
        for weight, name in weighted_terms(terms, catalogue)
    )


def row_sums(
    kpi: Kpi, present: frozenset[str], catalogue: Definitions, *, integrated: bool = False
) -> tuple[pl.Expr, pl.Expr] | None:
    """Return a KPI's two sums within a row, or None when the row cannot have them.

    Args:
        kpi: the definition.
        present: columns of the row.
        catalogue: where its measurements are defined.
        integrated: whether gauges are multiplied by their seconds, so that rows add up.
    """
    if row_classes_differ(kpi, catalogue):
        return None
    # Within one row the seconds of gauges cancel, and so need no multiplication.
    is_plain = not integrated and all(is_gauge(name, catalogue) for _, name in kpi.terms)
    sums = []
    for terms in (kpi.numerator, kpi.denominator):
        parts = []
        for weight, name in weighted_terms(terms, catalogue):
            value = _value(name, present, catalogue, is_plain=is_plain)
            if value is None:
                return None
            parts.append((weight, value))
        sums.append(_added(parts))
    return sums[0], sums[1]


def _value(
    name: str, present: frozenset[str], catalogue: Definitions, *, is_plain: bool
) -> pl.Expr | None:
    if not is_plain:
        return term_integral(name, present, catalogue)
    if name == OBSERVED_TIME:
        return pl.lit(1.0)
    column = catalogue.measurement(name).column
    return pl.col(column) if column in present else None


def term_integral(name: str, present: frozenset[str], catalogue: Definitions) -> pl.Expr | None:
    """Return what a term adds up to within a row: a gauge times its seconds; None when absent."""
    if name == OBSERVED_TIME:
        return pl.col(SECONDS).cast(pl.Float64) if SECONDS in present else None
    measurement = catalogue.measurement(name)
    if measurement.column not in present:
        return None
    value = pl.col(measurement.column)
    return value * pl.col(SECONDS) if measurement.aggregation == "mean" else value


def _added(parts: Iterable[tuple[float, pl.Expr]]) -> pl.Expr:
    total: pl.Expr | None = None
    for weight, value in parts:
        scaled = value if abs(weight) == 1.0 else value * abs(weight)
        if total is None:
            total = scaled if weight > 0 else -scaled
        else:
            total = total + scaled if weight > 0 else total - scaled
    return pl.lit(None, pl.Float64) if total is None else total


def quotient(above: pl.Expr, below: pl.Expr, factor: float) -> pl.Expr:
    """Return one sum divided by the other in the KPI's unit; null where nothing can be divided."""
    scaled = above if factor == 1.0 else above * factor
    return pl.when(below != 0).then(scaled / below)


def _null(column: str) -> pl.Expr:
    return pl.lit(None, pl.Float64).alias(column)


def _require(present: frozenset[str], needed: Iterable[str]) -> None:
    missing = [name for name in needed if name not in present]
    if missing:
        raise InputError(
            f"KPIs cannot be added up without the columns {', '.join(missing)}; "
            f"the frame has {', '.join(sorted(present))}."
        )
