"""Metric queries: any KPI by any dimension and grain, planned from definitions at run time.

A query is names; a plan is what they mean: which rows, which columns, by which of them, under which
conditions. One plan is computed by Polars or written as SQL, with the same answer. Which tables
hold the rows, and the place of each object, is the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import polars as pl

from semantic_layer.errors import InputError, did_you_mean
from semantic_layer.kpi_sql import SqlRows, aggregate_sql
from semantic_layer.kpi_sql_text import identifier, period_of, text
from semantic_layer.kpi_terms import home_classes, measured_columns, row_classes_differ
from semantic_layer.kpis import Kpi, aggregate_kpis
from semantic_layer.loading import Catalogue
from semantic_layer.metric_queries_conditions import (
    Condition,
    Every,
    conjuncts,
    parsed_condition,
    subjects_of,
)
from semantic_layer.metric_queries_names import (
    DIMENSIONS,
    Dimension,
    dimension_named,
    kpi_named,
    subjects,
)
from semantic_layer.metric_queries_predicates import polars_predicate, sql_predicate
from semantic_layer.periods import GRANULARITIES, Window

Grain = Literal["15min", "hour", "day", "none"]
GRAINS: tuple[Grain, ...] = get_args(Grain)
ROWS = "rows_count"
"""The column of an answer that counts the rows which each group is made of."""

PERIOD = "period_start"
_PERIOD = "answered period"
_WHOLE = "whole network"


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question in names.

    Attributes:
        kpis: names of KPIs; also titles, columns and known synonyms.
        by: names of dimensions.
        grain: `15min`, `hour`, `day`, or `none` for one value over the whole window.
        where: a condition on dimensions and KPIs, see `metric_queries_conditions`.
        window: None takes what the answerer takes for newest.
    """

    kpis: tuple[str, ...]
    by: tuple[str, ...] = ()
    grain: Grain = "none"
    where: str = ""
    window: Window | None = None


@dataclass(frozen=True)
class MetricPlan:
    """A question in definitions.

    Attributes:
        kpis: those asked, then those that only the condition names.
        by: dimensions.
        grain: of the answer.
        row_condition: on rows, before sums; None takes all.
        group_condition: on groups, after division.
        row_classes: the classes of rows that can tell the KPIs.
        measured: columns of measurements that the KPIs need.
    """

    kpis: tuple[Kpi, ...]
    by: tuple[Dimension, ...]
    grain: Grain
    row_condition: Condition | None
    group_condition: Condition | None
    row_classes: tuple[str, ...]
    measured: tuple[str, ...]

    @property
    def grain_s(self) -> int | None:
        """The seconds of a period of the answer; None for the whole window."""
        return GRANULARITIES.get(self.grain)

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every dimension that rows must have: asked or in a condition."""
        compared = {subject.name for subject in subjects_of(self.row_condition)}
        return tuple(
            item for item in DIMENSIONS.values() if item in self.by or item.name in compared
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of an answer, in order."""
        period = (PERIOD,) if self.grain_s else ()
        names = (item.name for item in self.by)
        return (*names, *period, ROWS, *(kpi.column for kpi in self.kpis))


def planned(query: MetricQuery, catalogue: Catalogue) -> MetricPlan:
    """Return what a query means.

    Raises:
        InputError: a name is unknown, a KPI has no value by a dimension, or the condition cannot
            be read.
    """
    if query.grain not in GRAINS:
        raise InputError(
            f"No grain {query.grain!r}{did_you_mean(query.grain, GRAINS)} Known are "
            f"{', '.join(GRAINS)}."
        )
    asked = {kpi.name: kpi for kpi in (kpi_named(name, catalogue) for name in query.kpis)}
    if not asked:
        raise InputError("A metric query names at least one KPI.")
    by = tuple(dict.fromkeys(dimension_named(name) for name in query.by))
    condition = parsed_condition(query.where, subjects(catalogue))
    on_rows, on_groups = _divided(condition, by)
    valued = {it.name: catalogue.kpi(it.name) for it in subjects_of(on_groups) if it.is_number}
    kpis = tuple((asked | valued).values())
    plan = MetricPlan(
        kpis=kpis,
        by=by,
        grain=query.grain,
        row_condition=on_rows,
        group_condition=on_groups,
        row_classes=_row_classes(kpis, catalogue),
        measured=measured_columns(kpis, catalogue),
    )
    for kpi in kpis:
        for dimension in plan.dimensions:
            _refuse_meaningless(kpi, dimension, catalogue)
    return plan


def computed(plan: MetricPlan, rows: pl.LazyFrame, catalogue: Catalogue) -> pl.LazyFrame:
    """Return a plan's answer: a row a group, with the columns of `plan.columns`, in no order.

    Args:
        plan: what was asked.
        rows: measurement rows of the plan's classes, with a column for each of its dimensions.
            Suspect periods are the caller's to leave out.
        catalogue: where measurements are defined.
    """
    if plan.row_condition is not None:
        rows = rows.filter(polars_predicate(plan.row_condition))
    period = pl.col(PERIOD).dt.truncate(f"{plan.grain_s}s") if plan.grain_s else pl.lit(_WHOLE)
    counted = pl.len().cast(pl.Int64).alias(ROWS)
    by = [*(item.column for item in plan.by), _PERIOD]
    found = aggregate_kpis(
        rows.with_columns(period.alias(_PERIOD)), plan.kpis, by, catalogue, extra=[counted]
    )
    if plan.group_condition is not None:
        found = found.filter(polars_predicate(plan.group_condition))
    names = [pl.col(item.column).alias(item.name) for item in plan.by]
    period_column = [pl.col(_PERIOD).alias(PERIOD)] if plan.grain_s else []
    return found.select(*names, *period_column, ROWS, *(kpi.column for kpi in plan.kpis))


def metric_sql(plan: MetricPlan, rows: SqlRows, catalogue: Catalogue) -> str:
    """Return a SELECT that answers a plan as `computed` does.

    Args:
        plan: what was asked.
        rows: as `computed` takes them.
        catalogue: where measurements are defined.
    """
    dialect = rows.dialect

    def name(column: str) -> str:
        return identifier(column, dialect)

    period = period_of(PERIOD, plan.grain_s, dialect) if plan.grain_s else text(_WHOLE, dialect)
    timed = f"(SELECT *, {period} AS {name(_PERIOD)} FROM {rows.relation}) AS {name('timed')}"  # noqa: S608
    conditions = [f"({rows.where})"] if rows.where else []
    if plan.row_condition is not None:
        conditions.append(sql_predicate(plan.row_condition, dialect))
    source = SqlRows(timed, (*rows.columns, _PERIOD), dialect, " AND ".join(conditions) or None)
    by = [*(item.column for item in plan.by), _PERIOD]
    groups = aggregate_sql(source, plan.kpis, by, catalogue, rows_column=ROWS)
    kept = ""
    if plan.group_condition is not None:
        kept = f" WHERE {sql_predicate(plan.group_condition, dialect)}"
    chosen = [f"{name(item.column)} AS {name(item.name)}" for item in plan.by]
    if plan.grain_s:
        chosen.append(f"{name(_PERIOD)} AS {name(PERIOD)}")
    chosen += [name(ROWS), *(name(kpi.column) for kpi in plan.kpis)]
    return f"SELECT {', '.join(chosen)} FROM ({groups}) AS {name('groups')}{kept}"  # noqa: S608


def _divided(
    condition: Condition | None, by: Sequence[Dimension]
) -> tuple[Condition | None, Condition | None]:
    """Return what holds of rows and what holds of groups; whatever names a KPI is the latter."""
    on_rows: list[Condition] = []
    on_groups: list[Condition] = []
    names = {item.name for item in by}
    for part in conjuncts(condition):
        subjects = list(subjects_of(part))
        if not any(subject.is_number for subject in subjects):
            on_rows.append(part)
            continue
        lacking = sorted({it.name for it in subjects if not it.is_number} - names)
        if lacking:
            raise InputError(
                f"A condition that weighs a KPI against {', '.join(lacking)} needs the answer "
                f"split by it; add it to `by`, or part the two with `and`."
            )
        on_groups.append(part)
    return _joined(on_rows), _joined(on_groups)


def _joined(parts: Sequence[Condition]) -> Condition | None:
    if len(parts) > 1:
        return Every(tuple(parts))
    return parts[0] if parts else None


def _row_classes(kpis: Sequence[Kpi], catalogue: Catalogue) -> tuple[str, ...]:
    found = {
        name for kpi in kpis for _, term in kpi.terms for name in home_classes(kpi, term, catalogue)
    }
    return tuple(sorted(found))


def _refuse_meaningless(kpi: Kpi, dimension: Dimension, catalogue: Catalogue) -> None:
    classes = _row_classes([kpi], catalogue)
    if dimension.of == "cell" and not all(catalogue.object_classes[it].is_cell for it in classes):
        raise InputError(
            f"{kpi.name} tells of {' and '.join(classes)}, not of one cell: it has no value "
            f"by {dimension.name}; ask by site, managed_element, archetype or subnetwork."
        )
    if dimension.of == "object" and row_classes_differ(kpi, catalogue):
        raise InputError(
            f"{kpi.name} brings rows of {' and '.join(classes)} together: it has no value by "
            f"{dimension.name}; ask by site, managed_element, archetype or subnetwork."
        )
