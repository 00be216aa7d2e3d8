"""Checks: what a contract promises, as values that any engine can measure and judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    source: str = ""


@dataclass(frozen=True, slots=True)
class CheckMetrics:
    """What was measured of one frame: rows seen and, per check id, how many rows fail it."""

    rows: int
    failed: Mapping[str, int]
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """A judged check."""

    check_id: str
    is_passed: bool
    evaluated_count: int
    failed_count: int
    limit_share: float
