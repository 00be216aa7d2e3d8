"""What must be published so that a table says what deliveries say: the days that differ. Pure.

Records are states that change for weeks: a run publishes just the days whose rows, or whose
rejected rows, would differ from what stands. A run that finds nothing new publishes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import polars as pl

from data_products.checks import compiled_checks
from data_products.data_quality.derive import quarantine_rows
from data_products.lineage import LINEAGE_COLUMNS
from data_products.measuring import REASON, applicable, is_of_table, measure, split_rows
from data_products.product import ProductTable
from data_products.publication import typed
from semantic_layer.periods import Window
from tasks.ingestion.findings import FINDING_SCHEMA

_MOST_WINDOWS = 4
_TOLD = ["period_start", "source_file", "place", "key", REASON]
_SOURCE = "source"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """Days to publish, and what belongs into them."""

    windows: Sequence[Window]
    rows: pl.DataFrame
    findings: pl.DataFrame

    def of(self, window: Window, time_column: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows and findings of one of the windows."""
        return _inside(self.rows, time_column, window), _inside(
            self.findings, "period_start", window
        )


def changed_days(
    shape: ProductTable,
    source: str,
    told: tuple[pl.DataFrame, pl.DataFrame],
    standing: tuple[pl.DataFrame, pl.DataFrame],
    moment: datetime,
) -> ChangedDays:
    """Return the days of the table in which what is told differs from what stands.

    Args:
        shape: of the table.
        source: whose rows.
        told: every row that the source's deliveries give, without `source`, and the findings.
        standing: the source's published rows, and its rows in the quarantine.
        moment: where a finding stands that names no time and was not told before.
    """
    rows, findings = told
    timed = _timed(findings, standing[1], moment)
    named = typed(shape, rows.with_columns(pl.lit(source).alias(_SOURCE)))
    good, rejected = _judged(shape, named, timed)
    days = {*_different(good, standing[0], shape.time_column)}
    days |= {*_different(rejected, standing[1].select(_TOLD), "period_start")}
    return ChangedDays(touched_windows(days), named.drop(_SOURCE), timed)


def touched_windows(days: Iterable[date]) -> list[Window]:
    """Return few windows of whole days that cover the days: near ones share a window."""
    ordered = sorted(set(days))
    gaps = sorted(
        (later - earlier for earlier, later in pairwise(ordered)),
        reverse=True,
    )
    widest = gaps[_MOST_WINDOWS - 1] if len(gaps) >= _MOST_WINDOWS else _DAY
    runs: list[list[date]] = []
    for day in ordered:
        if runs and day - runs[-1][-1] <= max(widest, _DAY):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [Window(_midnight(run[0]), _midnight(run[-1]) + _DAY) for run in runs]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _inside(rows: pl.DataFrame, column: str, window: Window) -> pl.DataFrame:
    return rows.filter(pl.col(column) >= window.start, pl.col(column) < window.end)


def _timed(findings: pl.DataFrame, kept: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return findings with a time each: their own, that at which they were first told, or now."""
    words = ["source_file", "place", "key", REASON]
    before = kept.select(*words, pl.col("period_start").alias("told_at")).unique(words)
    found = findings.join(before, on=words, how="left", nulls_equal=True, maintain_order="left")
    when = pl.coalesce("period_start", "told_at", pl.lit(moment, FINDING_SCHEMA["period_start"]))
    return found.with_columns(when.alias("period_start")).select(*FINDING_SCHEMA)


def _judged(
    shape: ProductTable, rows: pl.DataFrame, findings: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that keep the contract, and the quarantine that the door will make."""
    times = pl.concat([rows[shape.time_column], findings["period_start"]]).drop_nulls()
    if times.is_empty():
        return rows, findings.select(_TOLD)
    window = Window(times.min(), times.max() + _DAY)  # type: ignore[operator, arg-type]
    checks = [check for check in applicable(compiled_checks(shape), rows) if not is_of_table(check)]
    split = split_rows(rows, checks, measure(rows, checks, window), window)
    return split.good, quarantine_rows(shape, window, split.failing, findings).select(_TOLD)


def _different(wanted: pl.DataFrame, standing: pl.DataFrame, time_column: str) -> list[date]:
    """Return the days of the rows that only one of the two has."""
    names = [name for name in wanted.columns if name not in LINEAGE_COLUMNS]
    marked = pl.concat(
        [
            _comparable(wanted, names).with_columns(side=pl.lit(1)),
            _comparable(standing, names).with_columns(side=pl.lit(-1)),
        ]
    )
    balance = marked.group_by(names).agg(pl.col("side").sum())
    days = balance.filter(pl.col("side") != 0)[time_column].drop_nulls().dt.date()
    found: list[date] = days.unique().to_list()
    return found


def _comparable(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return the columns as values that can be grouped by: lists as text."""
    return rows.select(_flat(rows, name) for name in names)


def _flat(rows: pl.DataFrame, name: str) -> pl.Expr:
    if name not in rows.columns:
        return pl.lit(None).alias(name)
    dtype = rows.schema[name]
    if not isinstance(dtype, pl.List):
        return pl.col(name)
    element = pl.element().cast(pl.String)
    if isinstance(dtype.inner, pl.Struct):
        element = pl.element().struct.json_encode()
    return pl.col(name).list.eval(element).list.join("\x1f", ignore_nulls=False)
