"""Sessions made whole: rates from volume and duration where a probe tells no rate."""

import polars as pl


def derive(sessions: pl.LazyFrame) -> pl.LazyFrame:
    """Return `sessions` with throughput filled from volume over duration where it is missing.

    A session of no duration has no rate: it stays null, for no data is no evidence. A rate that was
    told stands, since a probe that knows when data flowed knows better than the mean.
    """
    lasted = pl.when(pl.col("duration_s") > 0).then(pl.col("duration_s"))
    return sessions.with_columns(
        pl.coalesce(f"throughput_{way}_mbps", pl.col(f"volume_{way}_mbit") / lasted).alias(
            f"throughput_{way}_mbps"
        )
        for way in ("dl", "ul")
    )
