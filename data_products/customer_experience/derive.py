"""Customer experience: what the sampled sessions of a cell and service say of all of them."""

import polars as pl

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.periods import GRANULARITIES
from semantic_layer.services import ServiceCatalogue

_KEYS = ("cell_dn", "service", "period_start")
_QUALITY = (
    "subscribers_count",
    "setup_failure_share",
    "drop_share",
    "satisfied_share",
    "under_floor_share",
    "throughput_dl_p05_mbps",
    "throughput_dl_p50_mbps",
    "round_trip_p95_ms",
)


def derive(sessions: pl.LazyFrame, granularity: str, services: ServiceCatalogue) -> pl.LazyFrame:
    """Return the rows of `customer_experience` for one granularity, without scope and lineage.

    Shares and quantiles are weighted by the sessions that each sampled one stands for. A session
    that was never set up has no rate and no delay; it is not satisfied. Of a service that nobody
    defined, satisfaction is null: there is nothing to keep.

    Args:
        sessions: as `service_sessions` has them; whole periods of `granularity`.
        granularity: `hour` or `day`.
        services: each service's limits, and the smallest group that may be told apart.

    Returns:
        One row a cell, service and period in which a session was sampled. Where fewer subscribers
        than allowed were seen, `is_withheld` is true and the columns of quality are null.

    Raises:
        InputError: the granularity is unknown.
    """
    if granularity not in ("hour", "day"):
        raise InputError(f"No granularity {granularity!r} of customer experience; hour or day.")
    seconds = GRANULARITIES[granularity]
    # A session that stands in the data twice is one session.
    rows = (
        sessions.unique("session_id", keep="last", maintain_order=True)
        .with_columns(pl.col("started_at").dt.truncate(f"{seconds}s").alias("period_start"))
        .join(_limits(services), on="service", how="left")
        .with_columns(_is_satisfied().alias("_is_satisfied"))
    )
    weight = pl.col("weight")
    is_setup = pl.col("is_setup")
    told = rows.group_by(*_KEYS).agg(
        weight.sum().alias("sessions_count"),
        pl.len().cast(pl.Int64).alias("sampled_sessions_count"),
        pl.col("subscriber_id").n_unique().cast(pl.Int64).alias("subscribers_count"),
        _share(~is_setup).alias("setup_failure_share"),
        _share(pl.col("is_dropped"), is_setup).alias("drop_share"),
        _share(pl.col("_is_satisfied")).alias("satisfied_share"),
        _share(pl.col("throughput_dl_mbps") < pl.col("floor_throughput_dl_mbps"), is_setup).alias(
            "under_floor_share"
        ),
        _weighted_quantile("throughput_dl_mbps", 0.05).alias("throughput_dl_p05_mbps"),
        _weighted_quantile("throughput_dl_mbps", 0.5).alias("throughput_dl_p50_mbps"),
        _weighted_quantile("round_trip_ms", 0.95).alias("round_trip_p95_ms"),
        (pl.col("volume_dl_mbit") * weight).sum().alias("volume_dl_mbit"),
    )
    few = pl.col("subscribers_count") < services.fewest_subscribers
    return told.with_columns(
        few.alias("is_withheld"),
        *(pl.when(~few).then(pl.col(name)).alias(name) for name in _QUALITY),
    ).with_columns(pl.col("period_start").cast(TIME), pl.lit(granularity).alias("granularity"))


def _limits(services: ServiceCatalogue) -> pl.LazyFrame:
    columns = (
        "floor_throughput_dl_mbps",
        "floor_throughput_ul_mbps",
        "ceiling_round_trip_ms",
        "ceiling_packet_loss_share",
    )
    return pl.LazyFrame(
        {"service": [service.name for service in services.services]}
        | {name: [getattr(service, name) for service in services.services] for name in columns},
        schema={"service": pl.String} | dict.fromkeys(columns, pl.Float64),
    )


def _is_satisfied() -> pl.Expr:
    kept = (
        (pl.col("throughput_dl_mbps") >= pl.col("floor_throughput_dl_mbps"))
        & (pl.col("throughput_ul_mbps") >= pl.col("floor_throughput_ul_mbps"))
        & (pl.col("round_trip_ms") <= pl.col("ceiling_round_trip_ms"))
        & (pl.col("packet_loss_share") <= pl.col("ceiling_packet_loss_share"))
    )
    is_held = pl.col("is_setup") & ~pl.col("is_dropped")
    is_defined = pl.col("floor_throughput_dl_mbps").is_not_null()
    return pl.when(is_defined).then(pl.when(is_held).then(kept).otherwise(pl.lit(value=False)))


def _share(condition: pl.Expr, among: pl.Expr | None = None) -> pl.Expr:
    """Return the weighted share of rows that meet a condition, of those that can tell."""
    counted = condition if among is None else pl.when(among).then(condition)
    total = pl.when(counted.is_not_null()).then(pl.col("weight")).sum()
    return pl.when(total > 0).then(pl.when(counted).then(pl.col("weight")).sum() / total)


def _weighted_quantile(column: str, share: float) -> pl.Expr:
    """Return the lowest value at which `share` of the weight is reached; null without any."""
    value = pl.col(column)
    known = value.is_not_null() & (pl.col("weight") > 0)
    ordered = value.filter(known).sort()
    reached = pl.col("weight").filter(known).sort_by(value.filter(known)).cum_sum()
    return ordered.filter(reached >= share * reached.last()).first()
