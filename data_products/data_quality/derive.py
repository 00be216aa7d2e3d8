"""Data quality as rows: a verdict a check, and every rejected row with its reasons."""

from collections.abc import Sequence

import polars as pl

from data_products.checks import Check, CheckVerdict
from data_products.measuring import REASON, SplitRows, shown
from data_products.product import TIME, ProductTable
from semantic_layer.periods import Window

FAILING_KEYS = 20
"""How many failing keys a verdict shows; the quarantine holds them all."""

_QUARANTINE_TEXTS = ("source_file", "place", "key", "content")


def verdict_rows(
    table: ProductTable,
    window: Window,
    checks: Sequence[Check],
    verdicts: Sequence[CheckVerdict],
    split: SplitRows,
) -> pl.DataFrame:
    """Return one row of `data_quality` a check, without its scope columns.

    Args:
        table: what was judged.
        window: the published window.
        checks: in the order of `verdicts`.
        verdicts: the validator's.
        split: the rows, to name the keys of those that fail.
    """
    is_accepted = accepted(checks, verdicts)
    keys = split.failing.select(_key(table, split.failing)).to_series()
    return pl.DataFrame(
        [
            {
                "window_start": window.start,
                "window_end": window.end,
                "check_id": check.id,
                "kind": check.kind,
                "columns": ",".join(check.columns),
                "evaluated_count": verdict.evaluated_count,
                "failed_count": verdict.failed_count,
                "failed_share": verdict.failed_count / max(verdict.evaluated_count, 1),
                "limit_share": verdict.limit_share,
                "is_passed": verdict.is_passed,
                "is_blocking": check.is_blocking,
                "is_accepted": is_accepted,
                "failing_keys": _some(keys, split.broken_by.get(check.id)),
                "source": check.source,
            }
            for check, verdict in zip(checks, verdicts, strict=True)
        ],
        schema=_VERDICT_SCHEMA,
    )


def accepted(checks: Sequence[Check], verdicts: Sequence[CheckVerdict]) -> bool:
    """Tell whether no blocking check failed."""
    return all(
        verdict.is_passed or not check.is_blocking
        for check, verdict in zip(checks, verdicts, strict=True)
    )


def quarantine_rows(
    table: ProductTable, window: Window, failing: pl.DataFrame, brought: pl.DataFrame | None
) -> pl.DataFrame:
    """Return rows of `data_quality.quarantine`, without its scope columns.

    Args:
        table: the table that the rows were meant for.
        window: the published window; a row whose own time lies elsewhere stands at its start.
        failing: rows that broke checks, with `reason`.
        brought: what the producer could not use, with `reason` and what else is known of it.
    """
    content = pl.struct(pl.exclude(REASON)).struct.json_encode().alias("content")
    file = pl.col("source_file") if "source_file" in failing.columns else pl.lit(None)
    rows = failing.select(
        _time(failing, table.time_column, window),
        file.cast(pl.String).alias("source_file"),
        pl.lit(None, dtype=pl.String).alias("place"),
        _key(table, failing).alias("key"),
        pl.col(REASON),
        content,
    )
    if brought is not None and not brought.is_empty():
        told = brought.select(
            _time(brought, "period_start", window),
            *(
                (pl.col(name) if name in brought.columns else pl.lit(None))
                .cast(pl.String)
                .alias(name)
                for name in _QUARANTINE_TEXTS
            ),
            pl.col(REASON),
        )
        rows = pl.concat([rows, told.select(rows.columns)])
    return rows.with_columns(pl.lit(window.start, dtype=TIME).alias("window_start"))


def held_back_row(window: Window, rows: int, broken: Sequence[str]) -> pl.DataFrame:
    """Return the quarantine's note on the good rows of a refused product."""
    return pl.DataFrame(
        {
            "place": [str(window)],
            REASON: [
                f"{rows} good rows were held back: the product broke {', '.join(broken)}. "
                "The rows published before stand; publish the window again once it is mended."
            ],
        }
    )


def _time(frame: pl.DataFrame, column: str, window: Window) -> pl.Expr:
    start = pl.lit(window.start, dtype=TIME)
    if column not in frame.columns:
        return start.alias("period_start")
    time = pl.col(column).cast(TIME)
    is_inside = (time >= window.start) & (time < window.end)
    return pl.when(is_inside).then(time).otherwise(start).alias("period_start")


def _key(table: ProductTable, frame: pl.DataFrame) -> pl.Expr:
    names = [name for name in table.key if name in frame.columns]
    if not names:
        return pl.lit(None, dtype=pl.String)
    return pl.concat_str([shown(frame, name).fill_null("null") for name in names], separator=" ")


def _some(keys: pl.Series, broken: pl.Series | None) -> list[str]:
    return [] if broken is None else keys.filter(broken).head(FAILING_KEYS).to_list()


_VERDICT_SCHEMA = {
    "window_start": TIME,
    "window_end": TIME,
    "check_id": pl.String(),
    "kind": pl.String(),
    "columns": pl.String(),
    "evaluated_count": pl.Int64(),
    "failed_count": pl.Int64(),
    "failed_share": pl.Float64(),
    "limit_share": pl.Float64(),
    "is_passed": pl.Boolean(),
    "is_blocking": pl.Boolean(),
    "is_accepted": pl.Boolean(),
    "failing_keys": pl.List(pl.String()),
    "source": pl.String(),
}
