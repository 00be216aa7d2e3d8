"""KPIs: two sums of measurements and a unit; as definitions, and compiled to Polars.

A KPI is never averaged. Over time and space its numerator and denominator are added, then
divided. A gauge (`aggregation: mean`) enters a sum multiplied by the seconds it covers. A row
with a null in any part of a KPI enters neither of its sums: no data is no evidence. Suspect
periods are the caller's to leave out.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.errors import InputError
from semantic_layer.managed_objects import Technology
from semantic_layer.measurements import OBSERVED_TIME, Measurement, UnitText, signed
from semantic_layer.units import Unit, parse_unit

if TYPE_CHECKING:
    from semantic_layer.loading import Catalogue

DEFAULT_PROFILE = "default"
_SECONDS = "granularity_s"
_ELEMENT = "managed_element_dn"


class Kpi(BaseModel):
    """One key performance indicator.

    Attributes:
        name: ours; unique.
        title: for people.
        category: what it tells of the service.
        technology: NR, LTE, 5GC, transport, or any.
        object_class: the class whose rows it describes.
        numerator, denominator: measurements that are added; a leading `-` subtracts.
        unit: of the quotient.
        better: which way is good; `neither` for loads and volumes.
        low, high: inclusive bounds of a plausible value.
        thresholds: profile to `warning` and `critical`.
        is_scored: whether a detector should look at it.
        factor: from the quotient of sums to `unit`; worked out by the loader.
        source: document, and clause where confirmed.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    title: str
    category: Literal[
        "accessibility",
        "retainability",
        "mobility",
        "integrity",
        "utilization",
        "availability",
        "energy_efficiency",
        "synchronization",
    ]
    technology: Technology
    object_class: str
    numerator: tuple[str, ...] = Field(min_length=1)
    denominator: tuple[str, ...] = Field(min_length=1)
    unit: UnitText
    better: Literal["higher", "lower", "neither"]
    low: float | None = None
    high: float | None = None
    thresholds: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    is_scored: bool
    factor: float = 1.0
    source: str
    description: str

    @cached_property
    def parsed_unit(self) -> Unit:
        """The unit, parsed."""
        return parse_unit(self.unit)

    @property
    def column(self) -> str:
        """Its column in every table."""
        return self.parsed_unit.column(self.name)

    @property
    def terms(self) -> tuple[tuple[int, str], ...]:
        """Every term of both sums: sign and measurement name."""
        return tuple(signed(term) for term in self.numerator + self.denominator)

    def threshold(self, profile: str, severity: Literal["warning", "critical"]) -> float | None:
        """Return a limit of a profile, of `default` where the profile has none of its own."""
        limits = self.thresholds.get(profile) or self.thresholds.get(DEFAULT_PROFILE) or {}
        return limits.get(severity)


def kpi_rows(
    measurements: pl.LazyFrame, kpis: Sequence[Kpi], catalogue: "Catalogue"
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
    sums = {kpi.column: _row_sums(kpi, present, catalogue) for kpi in kpis}
    return measurements.with_columns(
        _null(column) if pair is None else _quotient(*pair, kpi.factor).alias(column)
        for kpi, (column, pair) in zip(kpis, sums.items(), strict=True)
    )


def aggregate_kpis(
    measurements: pl.LazyFrame,
    kpis: Sequence[Kpi],
    by: Sequence[str],
    catalogue: "Catalogue",
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
    same_row = [kpi for kpi in kpis if not _row_classes_differ(kpi, catalogue)]
    found = _summed(measurements, same_row, by, catalogue, extra)
    across = [kpi for kpi in kpis if _row_classes_differ(kpi, catalogue)]
    if across:
        _require(present, (_ELEMENT, "period_start", _SECONDS, "object_class"))
        rolled_up = _summed_across(measurements, across, by, catalogue)
        found = found.join(rolled_up, on=list(by), how="left", nulls_equal=True)
    return found.select(
        *by, *(item.meta.output_name() for item in extra), *(kpi.column for kpi in kpis)
    )


def _summed(
    measurements: pl.LazyFrame,
    kpis: Sequence[Kpi],
    by: Sequence[str],
    catalogue: "Catalogue",
    extra: Sequence[pl.Expr],
) -> pl.LazyFrame:
    present = frozenset(measurements.collect_schema().names())
    above: list[pl.Expr] = []
    below: list[pl.Expr] = []
    for kpi in kpis:
        pair = _row_sums(kpi, present, catalogue, integrated=True)
        if pair is not None:
            is_whole = pair[0].is_not_null() & pair[1].is_not_null()
            above.append(pl.when(is_whole).then(pair[0]).sum().alias(f"above:{kpi.column}"))
            below.append(pl.when(is_whole).then(pair[1]).sum().alias(f"below:{kpi.column}"))
    known = {item.meta.output_name() for item in above}
    return (
        measurements.group_by(*by)
        .agg(*extra, *above, *below)
        .with_columns(
            _quotient(
                pl.col(f"above:{kpi.column}"), pl.col(f"below:{kpi.column}"), kpi.factor
            ).alias(kpi.column)
            if f"above:{kpi.column}" in known
            else _null(kpi.column)
            for kpi in kpis
        )
    )


def _summed_across(
    measurements: pl.LazyFrame, kpis: Sequence[Kpi], by: Sequence[str], catalogue: "Catalogue"
) -> pl.LazyFrame:
    present = frozenset(measurements.collect_schema().names())
    keys = list(dict.fromkeys([*by, _ELEMENT, "period_start", _SECONDS]))
    parts = [_parts(kpi, present, catalogue) for kpi in kpis]
    sums = [part for kpi_parts in parts for part in kpi_parts]
    return (
        measurements.group_by(keys)
        .agg(*sums)
        .with_columns(
            expression
            for kpi in kpis
            for expression in (
                _sum_of(kpi.numerator, kpi, catalogue).alias(f"above:{kpi.column}"),
                _sum_of(kpi.denominator, kpi, catalogue).alias(f"below:{kpi.column}"),
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
            _quotient(
                pl.col(f"whole above:{kpi.column}").sum(),
                pl.col(f"whole below:{kpi.column}").sum(),
                kpi.factor,
            ).alias(kpi.column)
            for kpi in kpis
        )
    )


def _parts(kpi: Kpi, present: frozenset[str], catalogue: "Catalogue") -> list[pl.Expr]:
    """Return the sum of each term over the rows of its class; null when one of them lacks it."""
    parts = []
    for _, name in kpi.terms:
        alias = f"{kpi.column}:{name}"
        values = _integral(name, present, catalogue)
        if values is None:
            parts.append(pl.lit(None, pl.Float64).alias(alias))
            continue
        is_home = pl.col("object_class").is_in(_home_classes(kpi, name, catalogue))
        rows = values.filter(is_home)
        parts.append(
            pl.when(rows.is_not_null().all() & (rows.len() > 0)).then(rows.sum()).alias(alias)
        )
    return list({part.meta.output_name(): part for part in parts}.values())


def _sum_of(terms: Sequence[str], kpi: Kpi, catalogue: "Catalogue") -> pl.Expr:
    return _added(
        (weight, pl.col(f"{kpi.column}:{name}")) for weight, name in _weighted(terms, catalogue)
    )


def _weighted(terms: Sequence[str], catalogue: "Catalogue") -> list[tuple[float, str]]:
    """Return each term's name with what brings it to the unit of the first, and its sign."""
    first = _factor(signed(terms[0])[1], catalogue)
    return [(sign * _factor(name, catalogue) / first, name) for sign, name in map(signed, terms)]


def _factor(name: str, catalogue: "Catalogue") -> float:
    return 1.0 if name == OBSERVED_TIME else _defined(name, catalogue).parsed_unit.factor


def _row_sums(
    kpi: Kpi, present: frozenset[str], catalogue: "Catalogue", *, integrated: bool = False
) -> tuple[pl.Expr, pl.Expr] | None:
    """Return a KPI's two sums within a row, or None when the row cannot have them."""
    if _row_classes_differ(kpi, catalogue):
        return None
    # Within one row the seconds of gauges cancel, and so need no multiplication.
    is_plain = not integrated and all(_is_gauge(name, catalogue) for _, name in kpi.terms)
    sums = []
    for terms in (kpi.numerator, kpi.denominator):
        parts = []
        for weight, name in _weighted(terms, catalogue):
            value = _value(name, present, catalogue, is_plain=is_plain)
            if value is None:
                return None
            parts.append((weight, value))
        sums.append(_added(parts))
    return sums[0], sums[1]


def _value(
    name: str, present: frozenset[str], catalogue: "Catalogue", *, is_plain: bool
) -> pl.Expr | None:
    if not is_plain:
        return _integral(name, present, catalogue)
    if name == OBSERVED_TIME:
        return pl.lit(1.0)
    column = _defined(name, catalogue).column
    return pl.col(column) if column in present else None


def _integral(name: str, present: frozenset[str], catalogue: "Catalogue") -> pl.Expr | None:
    if name == OBSERVED_TIME:
        return pl.col(_SECONDS).cast(pl.Float64) if _SECONDS in present else None
    measurement = _defined(name, catalogue)
    if measurement.column not in present:
        return None
    value = pl.col(measurement.column)
    return value * pl.col(_SECONDS) if measurement.aggregation == "mean" else value


def _added(parts: Iterable[tuple[float, pl.Expr]]) -> pl.Expr:
    total: pl.Expr | None = None
    for weight, value in parts:
        scaled = value if abs(weight) == 1.0 else value * abs(weight)
        if total is None:
            total = scaled if weight > 0 else -scaled
        else:
            total = total + scaled if weight > 0 else total - scaled
    return pl.lit(None, pl.Float64) if total is None else total


def _quotient(above: pl.Expr, below: pl.Expr, factor: float) -> pl.Expr:
    scaled = above if factor == 1.0 else above * factor
    return pl.when(below != 0).then(scaled / below)


def _null(column: str) -> pl.Expr:
    return pl.lit(None, pl.Float64).alias(column)


def _is_gauge(name: str, catalogue: "Catalogue") -> bool:
    return name == OBSERVED_TIME or _defined(name, catalogue).aggregation == "mean"


def _defined(name: str, catalogue: "Catalogue") -> Measurement:
    return catalogue.measurement(name)


def _row_classes_differ(kpi: Kpi, catalogue: "Catalogue") -> bool:
    return len({_row_class(kpi, name, catalogue) for _, name in kpi.terms}) > 1


def _row_class(kpi: Kpi, name: str, catalogue: "Catalogue") -> str:
    if name == OBSERVED_TIME:
        return catalogue.object_classes[kpi.object_class].row_class
    return catalogue.object_classes[_defined(name, catalogue).object_class].row_class


def _home_classes(kpi: Kpi, name: str, catalogue: "Catalogue") -> list[str]:
    home = catalogue.object_classes[_row_class(kpi, name, catalogue)]
    alike = [
        other.name
        for other in catalogue.object_classes.values()
        if home.is_cell and other.is_cell and other.technology == home.technology
    ]
    return alike or [home.name]


def _require(present: frozenset[str], needed: Iterable[str]) -> None:
    missing = [name for name in needed if name not in present]
    if missing:
        raise InputError(
            f"KPIs cannot be added up without the columns {', '.join(missing)}; "
            f"the frame has {', '.join(sorted(present))}."
        )
