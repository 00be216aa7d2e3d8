"""Checks: what a contract promises, as values that any engine can measure and judge."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from data_products.product import Column, ProductTable, Rule

TABLE_KINDS = ("row_count", "fresh")
"""Kinds that judge a table as a whole; all others judge each row."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise about one table, with the share of rows that may break it.

    Attributes:
        id: unique in its table, `kind:column` or `kind`.
        table: the table it guards.
        kind: `not_null`, `between`, `unique`, `in_set`, `matches`, `row_count`, `fresh`, ...
        columns: the columns it reads; empty for a check on the whole table.
        low, high: inclusive bounds for `between` and `row_count`; None leaves that side open.
        arguments: what the kind needs beyond bounds.
        limit_share: highest share of failing rows, 0 to 1, at which the check still passes.
        is_blocking: when it fails, the product is refused.
        source: where the promise stands: the contract's line or the definition's name.
    """

    id: str
    table: str
    kind: str
    columns: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    limit_share: float = 0.0
    is_blocking: bool = True
    source: str = ""


@dataclass(frozen=True, slots=True)
class CheckMetrics:
    """What was measured of one frame.

    Attributes:
        rows: rows seen.
        failed: rows that fail, per check id; 0 or 1 for a check on the whole table.
        evaluated: rows that could fail, per check id: those with a value, for a check on
            values, since no data is no evidence; 1 for a check on the whole table.
        values: what a check on the whole table measured, per check id.
    """

    rows: int
    failed: Mapping[str, int]
    evaluated: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)

    def failed_share(self, check_id: str) -> float:
        """Return the failing share, 0 to 1; of nothing, nothing fails."""
        return self.failed[check_id] / max(self.evaluated.get(check_id, self.rows), 1)


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """A judged check."""

    check_id: str
    is_passed: bool
    evaluated_count: int
    failed_count: int
    limit_share: float


_MOSTLY = 0.5


def compiled_checks(table: ProductTable) -> list[Check]:
    """Return every promise of a table's contract, and of the definitions it refers to, as checks.

    Rows outside the published window are always kept apart, since publishing them would touch
    windows that nobody asked to replace; when they are most of a delivery, the window is wrong and
    the product is refused rather than emptied.
    """
    checks = [
        Check(
            id=f"within_window:{table.time_column}",
            table=table.name,
            kind="within_window",
            columns=(table.time_column, *([table.end_column] if table.end_column else [])),
            limit_share=_MOSTLY,
            source="a publish owns its window",
        )
    ]
    for rule in table.rules:
        checks += _COMPILERS[rule.metric](table, rule)
    return list({check.id: check for check in checks}.values())


def _null_checks(table: ProductTable, rule: Rule) -> Iterator[Check]:
    for column in table.columns:
        if column.name in rule.columns or (not rule.columns and column.is_required):
            yield _check(table, rule, "not_null", (column,))


def _value_checks(table: ProductTable, rule: Rule) -> Iterator[Check]:
    for column in table.columns:
        if rule.columns and column.name not in rule.columns:
            continue
        if column.low is not None or column.high is not None:
            yield _check(table, rule, "between", (column,), low=column.low, high=column.high)
        elif column.dtype == pl.Float64():
            yield _check(table, rule, "finite", (column,))
        if column.allowed:
            yield _check(table, rule, "in_set", (column,), arguments={"values": column.allowed})
        if column.pattern:
            yield _check(table, rule, "matches", (column,), arguments={"pattern": column.pattern})


def _unique_checks(table: ProductTable, rule: Rule) -> Iterator[Check]:
    columns = [column for column in table.columns if column.name in rule.columns]
    yield _check(table, rule, "unique", columns)


def _row_count_checks(table: ProductTable, rule: Rule) -> Iterator[Check]:
    yield _check(table, rule, "row_count", (), low=rule.low, high=rule.high)


def _latency_checks(table: ProductTable, rule: Rule) -> Iterator[Check]:
    columns = [column for column in table.columns if column.name in rule.columns]
    yield _check(table, rule, "fresh", columns, high=rule.high)


_COMPILERS = {
    "nullValues": _null_checks,
    "invalidValues": _value_checks,
    "duplicateValues": _unique_checks,
    "rowCount": _row_count_checks,
    "latency": _latency_checks,
}


def _check(
    table: ProductTable,
    rule: Rule,
    kind: str,
    columns: Sequence[Column],
    *,
    low: float | None = None,
    high: float | None = None,
    arguments: Mapping[str, object] | None = None,
) -> Check:
    names = tuple(column.name for column in columns)
    is_of_values = kind in {"between", "finite", "in_set", "matches"}
    source = (columns[0].definition or columns[0].place) if is_of_values else rule.place
    return Check(
        id=":".join([kind, *names]),
        table=table.name,
        kind=kind,
        columns=names,
        low=low,
        high=high,
        arguments=arguments or {},
        limit_share=rule.limit_share,
        is_blocking=rule.is_blocking,
        source=source,
    )
