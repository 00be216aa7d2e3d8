"""How cells near a finding did in the same periods: sound, abnormal, or silent.

What all cells of a site do is the site's trouble; what one does alone is the cell's.
"""

from datetime import timedelta

import polars as pl

from semantic_layer.detection import Detection
from tasks.anomaly.arrays import Schema

STATES: Schema = {
    "finding": pl.UInt32,
    "neighbor_dn": pl.String,
    "relation": pl.String,
    "state": pl.String,
    "periods_count": pl.Int64,
    "abnormal_count": pl.Int64,
    "peak_score": pl.Float64,
    "happened_at": pl.Datetime("us", "UTC"),
}
"""A row a finding and cell near it. `periods_count` are the finding's that were looked at, and
`happened_at` is when the neighbor was first abnormal in them; null where it was not."""

_SHORTEST = timedelta(minutes=1)


def neighbor_states(
    placed: pl.DataFrame, cells: pl.DataFrame, scores: pl.DataFrame, rules: Detection
) -> pl.DataFrame:
    """Return the state of each cell near each finding, during the finding: `STATES`.

    A cell is abnormal when as many periods as make a finding are anomalous, silent when none was
    scored, else sound. Only periods that `scores` hold are looked at.

    Args:
        placed: as `nearness.placed_findings` returns them.
        cells: `surroundings.CELLS`.
        scores: cell_dn, period_start, score, is_anomalous of every cell; one granularity a cell.
        rules: how many hours make a finding.
    """
    pairs = _pairs(placed, cells)
    own = (
        scores.lazy()
        .join(pairs.lazy().select("neighbor_dn").unique(), left_on="cell_dn",
              right_on="neighbor_dn", how="semi")
        .select("cell_dn", "period_start", "score", "is_anomalous")
        .collect()
    )  # fmt: skip
    starts = pl.col("period_start")
    steps = own.group_by("cell_dn").agg(
        starts.n_unique().alias("_rows"), starts.min().alias("_from"), starts.max().alias("_to")
    )
    step = (pl.col("_to") - pl.col("_from")) / pl.max_horizontal(pl.col("_rows") - 1, 1)
    spans = (
        pairs.join(steps, left_on="neighbor_dn", right_on="cell_dn", how="left")
        .with_columns(
            _step=pl.max_horizontal(step, pl.lit(_SHORTEST)),
            _since=pl.max_horizontal("anomaly_start", "_from"),
        )
        .with_columns(_until=pl.min_horizontal("anomaly_end", pl.col("_to") + pl.col("_step")))
    )
    span = (pl.col("_until") - pl.col("_since")).dt.total_seconds()
    periods = (span / pl.col("_step").dt.total_seconds()).ceil().clip(0)
    due = pl.when(pl.col("_rows").is_not_null()).then(periods).otherwise(0)
    told = spans.with_columns(periods_count=due.cast(pl.Int64))
    return _with_state(told, own, rules)


def _with_state(spans: pl.DataFrame, own: pl.DataFrame, rules: Detection) -> pl.DataFrame:
    keys = ["finding", "neighbor_dn"]
    hot = _within(spans, own.filter(pl.col("is_anomalous"))).agg(
        pl.len().cast(pl.Int64).alias("abnormal_count"),
        pl.col("score").max().alias("peak_score"),
        pl.col("period_start").min().alias("happened_at"),
    )
    blank = _within(spans, own.filter(pl.col("score").is_null())).agg(
        pl.len().cast(pl.Int64).alias("_blank")
    )
    every = (
        spans.join(hot, on=keys, how="left", maintain_order="left")
        .join(blank, on=keys, how="left", maintain_order="left")
        .with_columns(pl.col("abnormal_count", "_blank").fill_null(0))
    )
    step_h = pl.col("_step").dt.total_seconds() / 3600
    fewest = (rules.fewest_hours / step_h).ceil().clip(1)
    is_abnormal = pl.col("abnormal_count") >= pl.min_horizontal(fewest, "periods_count")
    state = (
        pl.when(pl.col("_blank") >= pl.col("periods_count"))
        .then(pl.lit("silent"))
        .when(is_abnormal)
        .then(pl.lit("abnormal"))
        .otherwise(pl.lit("sound"))
    )
    return every.with_columns(state=state).select(
        pl.col(name).cast(dtype) for name, dtype in STATES.items()
    )


def _within(spans: pl.DataFrame, rows: pl.DataFrame) -> pl.dataframe.group_by.GroupBy:
    joined = spans.join(rows, left_on="neighbor_dn", right_on="cell_dn").filter(
        pl.col("period_start") >= pl.col("_since"), pl.col("period_start") < pl.col("_until")
    )
    return joined.group_by("finding", "neighbor_dn")


def _pairs(placed: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return each finding with the cells of its site and its neighbors elsewhere."""
    span = ["finding", "cell_dn", "site", "anomaly_start", "anomaly_end"]
    located = cells.select(
        pl.col("cell_dn").alias("neighbor_dn"),
        pl.coalesce("site_id", "managed_element_dn").alias("_site"),
    ).unique("neighbor_dn", keep="first", maintain_order=True)
    beside = placed.select(span).join(located, left_on="site", right_on="_site")
    elsewhere = (
        placed.select(*span, "neighbor_dns")
        .explode("neighbor_dns")
        .rename({"neighbor_dns": "neighbor_dn"})
        .join(located, on="neighbor_dn", how="left")
        .filter(
            pl.col("neighbor_dn").is_not_null(),
            pl.col("_site").is_null() | (pl.col("_site") != pl.col("site")).fill_null(value=True),
        )
        .drop("_site")
    )
    every = pl.concat(
        [
            beside.with_columns(relation=pl.lit("same_site")),
            elsewhere.with_columns(relation=pl.lit("neighbor_site")),
        ]
    )
    others = every.filter(pl.col("neighbor_dn") != pl.col("cell_dn"))
    return others.unique(["finding", "neighbor_dn"], keep="first", maintain_order=True)
