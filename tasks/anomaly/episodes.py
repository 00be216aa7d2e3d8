"""Scores merged into episodes: with hysteresis, over short pauses, back to where they began."""

import hashlib
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.detection import Detection
from semantic_layer.periods import Window
from tasks.anomaly.arrays import Schema

_TIME = pl.Datetime("us", "UTC")
EPISODES: Schema = {
    "anomaly_id": pl.String,
    "window_start": _TIME,
    "window_end": _TIME,
    "cell_dn": pl.String,
    "anomaly_start": _TIME,
    "anomaly_end": _TIME,
    "is_ongoing": pl.Boolean,
    "peak_score": pl.Float64,
    "periods_count": pl.Int32,
}
"""The columns of an episode."""

HOT = "hot_starts"
"""One more column, not published: the periods at or above `score_begins`."""


def episodes(
    scores: pl.DataFrame, window: Window, granularity_s: int, rules: Detection
) -> pl.DataFrame:
    """Return the episodes that touch `window`, each from its true beginning.

    An episode is a run of periods at `score_ends` or above, pauses up to `longest_pause_hours`
    bridged, that reaches `score_begins` somewhere and is no shorter than `fewest_hours`. A period
    without a score is a pause: it neither ends an episode nor proves it.

    Args:
        scores: cell_dn, period_start, score; the window's and, for the beginnings, published
            ones from before it. Any order.
        window: what was scored.
        granularity_s: seconds of a period.
        rules: thresholds.

    Returns:
        One row an episode, sorted by cell and start: anomaly_id, window_start, window_end,
        cell_dn, anomaly_start, anomaly_end (of the last anomalous period so far), is_ongoing,
        peak_score, periods_count, and `HOT`.
    """
    period = timedelta(seconds=granularity_s)
    pause = timedelta(hours=rules.longest_pause_hours)
    by_cell = pl.col("cell_dn")
    since_last = pl.col("period_start") - pl.col("period_start").shift(1).over(by_cell)
    warm = (
        scores.filter(pl.col("score") >= rules.score_ends, pl.col("period_start") < window.end)
        .select("cell_dn", "period_start", "score")
        .sort("cell_dn", "period_start")
        .with_columns(run=(since_last > pause + period).fill_null(value=True).cum_sum())
    )
    found = (
        warm.group_by("cell_dn", "run", maintain_order=True)
        .agg(
            pl.col("period_start").min().alias("anomaly_start"),
            pl.col("period_start").max().alias("last_start"),
            pl.col("score").max().alias("peak_score"),
            pl.len().cast(pl.Int32).alias("periods_count"),
            pl.col("period_start").filter(pl.col("score") >= rules.score_begins).alias("hot"),
        )
        .filter(
            pl.col("peak_score") >= rules.score_begins,
            pl.col("periods_count") >= rules.fewest_periods(granularity_s),
            pl.col("last_start") >= window.start,
        )
        .sort("cell_dn", "anomaly_start")
    )
    return found.select(
        pl.struct("cell_dn", "anomaly_start")
        .map_elements(
            lambda key: anomaly_id(key["cell_dn"], key["anomaly_start"]), return_dtype=pl.String
        )
        .alias("anomaly_id"),
        pl.lit(window.start).cast(_TIME).alias("window_start"),
        pl.lit(window.end).cast(_TIME).alias("window_end"),
        "cell_dn",
        "anomaly_start",
        (pl.col("last_start") + period).alias("anomaly_end"),
        (pl.col("last_start") + period + pause >= window.end).alias("is_ongoing"),
        "peak_score",
        "periods_count",
        pl.col("hot").alias(HOT),
    )


def anomaly_id(cell_dn: str, anomaly_start: datetime) -> str:
    """Return the same id for the same cell and beginning, in whichever run it is seen."""
    text = f"{cell_dn}|{anomaly_start:%Y-%m-%dT%H:%M:%SZ}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
