"""Checks measured on a frame in one pass of Polars, and the rows that fail them, with reasons.

Only counts leave this room: whether a count is acceptable is for the validator to judge.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from sys import float_info
from typing import cast

import numpy as np
import polars as pl

from data_products.checks import TABLE_KINDS, Check, CheckMetrics
from semantic_layer.periods import Window

REASON = "reason"
"""The column of reasons that `split_rows` adds to failing rows."""


@dataclass(frozen=True, slots=True)
class SplitRows:
    """A frame divided by its checks.

    Attributes:
        good: rows that keep every check on rows.
        failing: the others, with one sentence a broken check in `reason`.
        broken_by: per check id, which failing rows break it.
    """

    good: pl.DataFrame
    failing: pl.DataFrame
    broken_by: Mapping[str, pl.Series] = field(default_factory=dict)


def applicable(checks: Sequence[Check], frame: pl.DataFrame) -> list[Check]:
    """Return the checks that can say something about this frame.

    A column that the delivery lacks and the contract does not require holds nothing to judge;
    a required one that is absent is judged as null throughout.
    """
    present = set(frame.columns)
    return [
        check for check in checks if present.issuperset(check.columns) or check.kind == "not_null"
    ]


def measure(frame: pl.DataFrame, checks: Sequence[Check], window: Window) -> CheckMetrics:
    """Count the rows of `frame` that fail each check, in one pass.

    Args:
        frame: with the contract's types.
        checks: of the frame's table; a column that the frame lacks counts as null throughout.
        window: the window that is being published.
    """
    by_row = [check for check in checks if check.kind not in (*TABLE_KINDS, "unique")]
    present = [check for check in by_row if set(check.columns) <= set(frame.columns)]
    counts = _counts(frame, present, window)
    failed = {check.id: counts.get(f"failed {check.id}", frame.height) for check in by_row}
    evaluated = {
        check.id: counts.get(f"values {check.columns[0]}", frame.height) for check in by_row
    }
    for check in checks:
        if check.kind == "unique":
            failed[check.id] = _duplicates(frame, check.columns)
            evaluated[check.id] = frame.height
    values = {
        check.id: _table_value(frame, check, window) for check in checks if is_of_table(check)
    }
    for check in checks:
        if is_of_table(check):
            failed[check.id] = int(not _low(check) <= values[check.id] <= _high(check))
            evaluated[check.id] = 1
    return CheckMetrics(frame.height, failed, evaluated, values)


def is_of_table(check: Check) -> bool:
    """Tell whether the check judges the table as a whole rather than each row."""
    return check.kind in TABLE_KINDS


def split_rows(
    frame: pl.DataFrame, checks: Sequence[Check], metrics: CheckMetrics, window: Window
) -> SplitRows:
    """Divide `frame` into rows that keep all checks on rows, and rows that do not.

    Of rows with one key, the first that is otherwise good is kept; null key parts are no key.
    """
    broken = [check for check in checks if not is_of_table(check) and metrics.failed[check.id]]
    single = [check for check in broken if check.kind != "unique"]
    is_bad = _any_failing(frame, single, window)
    repeats = {
        check.id: _repeats(frame, check, is_bad) for check in broken if check.kind == "unique"
    }
    is_failing = is_bad
    for mask in repeats.values():
        is_failing = is_failing | mask
    failing = frame.filter(is_failing)
    masks = {check.id: _any_failing(failing, [check], window) for check in single}
    masks |= {name: mask.filter(is_failing) for name, mask in repeats.items()}
    reasons = [
        pl.when(pl.lit(masks[check.id])).then(_sentence(check, failing, window)) for check in broken
    ]
    told = pl.concat_str(reasons, separator=" ", ignore_nulls=True) if reasons else pl.lit("")
    return SplitRows(
        frame.filter(~is_failing) if len(failing) else frame,
        failing.with_columns(told.alias(REASON)),
        masks,
    )


def _counts(frame: pl.DataFrame, checks: Sequence[Check], window: Window) -> dict[str, int]:
    if not checks:
        return {}
    judged = {check.columns[0] for check in checks if check.kind not in _KINDS_OF_EVERY_ROW}
    counted = frame.lazy().select(
        *(_failures(check, frame, window).alias(f"failed {check.id}") for check in checks),
        *(pl.col(name).count().alias(f"values {name}") for name in judged),
    )
    return {name: int(count or 0) for name, count in counted.collect().row(0, named=True).items()}


def _any_failing(frame: pl.DataFrame, checks: Sequence[Check], window: Window) -> pl.Series:
    if not checks:
        return pl.repeat(value=False, n=frame.height, eager=True, dtype=pl.Boolean)
    masks = [
        _failing(check, frame, window).fill_null(value=False)
        if check.columns[0] in frame.columns
        else pl.repeat(value=True, n=frame.height, dtype=pl.Boolean)
        for check in checks
    ]
    return frame.select(pl.any_horizontal(masks).alias("is failing")).to_series()


def _failing(check: Check, frame: pl.DataFrame, window: Window) -> pl.Expr:
    """Return true for each row that fails; null or false where it does not."""
    return _FAILING[check.kind](check, frame, window)


def _failures(check: Check, frame: pl.DataFrame, window: Window) -> pl.Expr:
    """Return the number of rows that fail."""
    if check.kind == "between" and not frame.schema[check.columns[0]].is_nested():
        # No value is both too low and too high; two counts spare the pass that joins two masks.
        column = pl.col(check.columns[0])
        return (column < _low(check)).sum() + (column > _high(check)).sum()
    return _failing(check, frame, window).sum()


def _is_null(check: Check, _frame: pl.DataFrame, _window: Window) -> pl.Expr:
    return pl.col(check.columns[0]).is_null()


def _is_out_of_bounds(check: Check, frame: pl.DataFrame, _window: Window) -> pl.Expr:
    column = pl.col(check.columns[0])
    low, high = _low(check), _high(check)
    if isinstance(frame.schema[check.columns[0]], pl.List):
        return (column.list.min() < low) | (column.list.max() > high)
    return (column < low) | (column > high)


def _is_not_finite(check: Check, _frame: pl.DataFrame, _window: Window) -> pl.Expr:
    return ~pl.col(check.columns[0]).is_finite()


def _is_not_allowed(check: Check, _frame: pl.DataFrame, _window: Window) -> pl.Expr:
    values = cast("Sequence[str]", check.arguments["values"])
    return ~pl.col(check.columns[0]).is_in(list(values))


def _is_no_match(check: Check, _frame: pl.DataFrame, _window: Window) -> pl.Expr:
    return ~pl.col(check.columns[0]).str.contains(str(check.arguments["pattern"]))


def _is_outside(check: Check, _frame: pl.DataFrame, window: Window) -> pl.Expr:
    time = pl.col(check.columns[0])
    outside = (time < window.start) | (time >= window.end)
    if len(check.columns) > 1:
        outside |= pl.col(check.columns[1]) > window.end
    return outside


_KINDS_OF_EVERY_ROW = ("not_null", "within_window")

_FAILING: dict[str, Callable[[Check, pl.DataFrame, Window], pl.Expr]] = {
    "not_null": _is_null,
    "between": _is_out_of_bounds,
    "finite": _is_not_finite,
    "in_set": _is_not_allowed,
    "matches": _is_no_match,
    "within_window": _is_outside,
}


def _duplicates(frame: pl.DataFrame, key: Sequence[str]) -> int:
    """Return the rows beyond the first of each whole key.

    Distinct hashes prove distinct keys; only when some collide are the keys themselves compared.
    """
    if frame.is_empty() or not set(key) <= set(frame.columns):
        return 0
    whole = frame.lazy().select(key).drop_nulls()
    hashes = np.sort(whole.select(pl.struct(key).hash()).collect().to_series().to_numpy())
    if not (hashes[1:] == hashes[:-1]).any():
        return 0
    return int(len(hashes) - whole.select(pl.struct(key).n_unique()).collect().item())


def _repeats(frame: pl.DataFrame, check: Check, is_bad: pl.Series) -> pl.Series:
    """Tell for each row whether an earlier row, good so far, has the same whole key."""
    key = list(check.columns)
    is_counted = pl.all_horizontal(pl.col(name).is_not_null() for name in key) & ~pl.lit(is_bad)
    keyed = frame.select(*key, is_counted.alias("is counted"))
    order = pl.col("is counted").cum_sum().over(key)
    return keyed.select((pl.col("is counted") & (order > 1)).alias("is repeat")).to_series()


def _sentence(check: Check, frame: pl.DataFrame, window: Window) -> pl.Expr:
    """Return the sentence that says how a row breaks the check."""
    column = check.columns[0]
    if check.kind == "unique":
        return pl.lit(f"Another row has the same {', '.join(check.columns)}.")
    if check.kind == "not_null" or column not in frame.columns:
        return pl.lit(f"{column} is null.")
    return pl.format(f"{column} is {{}}, {_expectation(check, window)}.", shown(frame, column))


def shown(frame: pl.DataFrame, column: str) -> pl.Expr:
    """Return a column's values as people read them."""
    dtype = frame.schema[column]
    if isinstance(dtype, pl.List):
        return pl.col(column).cast(pl.List(pl.String)).list.join(" ")
    if isinstance(dtype, pl.Datetime):
        return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.col(column).cast(pl.String)


def _expectation(check: Check, window: Window) -> str:
    if check.kind == "between":
        low = "any" if check.low is None else f"{check.low:g}"
        high = "any" if check.high is None else f"{check.high:g}"
        return f"outside {low} to {high} ({check.source})"
    if check.kind == "in_set":
        return f"not one of {', '.join(cast('Sequence[str]', check.arguments['values']))}"
    if check.kind == "matches":
        return f"not of the form {check.arguments['pattern']}".replace("{", "{{").replace("}", "}}")
    if check.kind == "finite":
        return "no number"
    return f"outside the window {window}"


def _table_value(frame: pl.DataFrame, check: Check, window: Window) -> float:
    """Return rows for `row_count`; for `fresh`, seconds from newest time to the window's end."""
    if check.kind == "row_count":
        return float(frame.height)
    newest = frame[check.columns[0]].max() if check.columns[0] in frame.columns else None
    if newest is None:
        return inf
    end = pl.Series([window.end], dtype=pl.Datetime("us", "UTC"))[0]
    return float((end - newest).total_seconds())


def _low(check: Check) -> float:
    return -float_info.max if check.low is None else check.low


def _high(check: Check) -> float:
    return float_info.max if check.high is None else check.high
