"""From what the network said about alarms to the alarms: raised, changed, ended, in order of time.

A pure function of notifications: they may come late, twice, or in any order of delivery. Of one
alarm (`KEY`), read in order of its own times:

- told as new while it is active: the same told twice if within `REPEATED_WITHIN_S` of what was
  last told, else raised again, which ends the one before (`superseded`);
- told as changed while it is not active: it is active, and its raising was lost;
- told as cleared while it is not active: the same clearing told twice if within
  `REPEATED_WITHIN_S` of the last, else the clearing of a raising that was lost, kept as a row;
- told as acknowledged: counted, and changes nothing.

Times are the equipment's and are never rewritten; `clock_skew_s` says how far off they may be.
"""

import polars as pl

from data_products.product import TIME
from semantic_layer.identity import (
    cell_dn_expression,
    managed_element_expression,
    object_class_expression,
)
from semantic_layer.loading import Catalogue

KEY = ("source", "alarm_id", "managed_object_dn")
"""What makes two notifications be about one alarm; an alarm id is unique to its system only."""

REPEATED_WITHIN_S = 300
"""Seconds within which a raising or clearing told again is the same one (our choice: collectors
send again within seconds, people and schedules raise again later)."""

FLAPPING_RAISES = 3
FLAPPING_WITHIN_S = 900
"""An alarm flaps when it is raised so often within so many seconds (our choice, in the range that
element managers offer for suppressing toggling alarms)."""

SEVERITY_RANK = {"CRITICAL": 4, "MAJOR": 3, "MINOR": 2, "WARNING": 1, "INDETERMINATE": 0}

_ORDER = {"NEW": 0, "CHANGED": 1, "ACKNOWLEDGED": 2, "CLEARED": 3}
_DEFINED = ("probable_cause", "specific_problem", "alarm_type")
_LIFE = "life"


def with_definitions(notifications: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return notifications with `alarm_name`, the definition each is about; null where none is."""
    told = notifications.select(_DEFINED).unique()
    names = [
        found.name
        if (found := catalogue.alarm_of(cause or "", problem or "", kind or ""))
        else None
        for cause, problem, kind in told.iter_rows()
    ]
    named = told.with_columns(pl.Series("alarm_name", names, dtype=pl.String))
    return notifications.drop("alarm_name", strict=False).join(
        named, on=_DEFINED, how="left", nulls_equal=True
    )


def derive(notifications: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return the alarms that notifications tell of, by time of raising.

    Args:
        notifications: as `alarms.notifications` has them; all of each alarm that is wanted.
        catalogue: says which layer an alarm belongs to, and its type where nobody told it.

    Returns:
        The columns of `alarms`, without lineage.
    """
    lives = _lives(_in_order(notifications))
    alarms = _alarms(lives).sort(*KEY, "raised_at")
    alarms = _ended(_flapping(alarms))
    skews = clock_skews(notifications)
    day = pl.col("raised_at").dt.truncate("1d").alias("day")
    alarms = alarms.with_columns(day).join(
        skews, on=["source", "reporting_entity", "day"], how="left"
    )
    return _described(alarms, catalogue).sort("raised_at", *KEY)


def clock_skews(notifications: pl.DataFrame) -> pl.DataFrame:
    """Return by source, reporter and day how many seconds its clock is ahead of the collector's.

    The median over what it told that day, so that a few late deliveries do not count.
    """
    ahead = (pl.col("notified_at") - pl.col("received_at")).dt.total_microseconds() / 1e6
    return (
        notifications.filter(pl.col("received_at").is_not_null())
        .group_by(
            "source", "reporting_entity", pl.col("notified_at").dt.truncate("1d").alias("day")
        )
        .agg(ahead.median().round(3).alias("clock_skew_s"))
    )


def _in_order(notifications: pl.DataFrame) -> pl.DataFrame:
    """Return notifications in order of what happened; at one time, raising before clearing."""
    order = pl.col("notification_type").replace_strict(_ORDER, return_dtype=pl.Int8)
    return notifications.with_columns(order.alias("order")).sort(
        *KEY, "notified_at", "order", "notification_id"
    )


def _lives(told: pl.DataFrame) -> pl.DataFrame:
    """Number the lives of each alarm from 1, and mark what only repeats what was said."""
    kind = pl.col("notification_type")
    is_said = kind != "ACKNOWLEDGED"
    last = (
        pl.when(is_said).then(kind).forward_fill().shift(1).over(KEY).alias("last"),
        pl.when(is_said).then("notified_at").forward_fill().shift(1).over(KEY).alias("last_at"),
        (pl.struct(kind, "notified_at", "perceived_severity").rle_id().over(KEY)).alias("saying"),
    )
    is_active = pl.col("last").is_in(["NEW", "CHANGED"]).fill_null(value=False)
    since = (pl.col("notified_at") - pl.col("last_at")).dt.total_microseconds()
    is_near = (since <= REPEATED_WITHIN_S * 1_000_000).fill_null(value=False)
    is_cleared_again = (pl.col("last") == "CLEARED").fill_null(value=False) & is_near
    begins = (
        pl.when(kind == "NEW").then(~(is_active & is_near))
        .when(kind == "CHANGED").then(~is_active)
        .when(kind == "CLEARED").then(~is_active & ~is_cleared_again)
        .otherwise(pl.lit(value=False))
    )  # fmt: skip
    is_known = kind.is_in(["NEW", "CLEARED"]) & ~begins & ~((kind == "CLEARED") & is_active)
    is_same = pl.col("saying") == pl.col("saying").shift(1).over(KEY)
    return told.with_columns(last).with_columns(
        # What precedes the first raising, an acknowledgement, belongs to it.
        begins.cum_sum().over(KEY).clip(lower_bound=1).alias(_LIFE),
        (is_known | (is_same.fill_null(value=False) & ~begins)).alias("is_repeated"),
    )


def _alarms(lives: pl.DataFrame) -> pl.DataFrame:
    kind, at = pl.col("notification_type"), pl.col("notified_at")
    is_said = kind != "ACKNOWLEDGED"
    felt = pl.col("perceived_severity").filter(pl.col("perceived_severity") != "CLEARED")
    rank = felt.replace_strict(SEVERITY_RANK, default=None, return_dtype=pl.Int8)
    return lives.group_by(*KEY, _LIFE, maintain_order=True).agg(
        at.filter(is_said).first().fill_null(at.first()).alias("raised_at"),
        at.filter(kind == "CHANGED").last().alias("changed_at"),
        at.filter(kind == "CLEARED").first().alias("cleared_at"),
        kind.filter(is_said).first().eq("CLEARED").fill_null(value=False)
        .alias("is_clear_without_raise"),
        felt.last().alias("perceived_severity"),
        rank.max().alias("rank"),
        *(pl.col(name).drop_nulls().last() for name in (*_DEFINED, "alarm_name")),
        pl.col("reporting_entity").drop_nulls().first(),
        pl.len().cast(pl.Int32).alias("notifications_count"),
        pl.col("is_repeated").sum().cast(pl.Int32).alias("duplicates_count"),
    )  # fmt: skip


def _flapping(alarms: pl.DataFrame) -> pl.DataFrame:
    """Add how often an alarm was raised just before, and whether it flaps around this raising."""
    within = pl.duration(seconds=FLAPPING_WITHIN_S)
    last = FLAPPING_RAISES - 1
    bursts = [
        (pl.col("raised_at").shift(k - last) - pl.col("raised_at").shift(k)).over(KEY) <= within
        for k in range(FLAPPING_RAISES)
    ]
    real = alarms.filter(~pl.col("is_clear_without_raise")).with_columns(pl.lit(1).alias("one"))
    window = f"{FLAPPING_WITHIN_S}s"
    counted = (
        pl.col("one").rolling_sum_by("raised_at", window_size=window, closed="both").over(KEY) - 1
    )
    flaps = real.select(
        *KEY,
        _LIFE,
        pl.any_horizontal(bursts).fill_null(value=False).alias("is_flapping"),
        counted.cast(pl.Int32).alias("flaps_count"),
    )
    return alarms.join(flaps, on=[*KEY, _LIFE], how="left", maintain_order="left").with_columns(
        pl.col("is_flapping").fill_null(value=False), pl.col("flaps_count").fill_null(0)
    )


def _ended(alarms: pl.DataFrame) -> pl.DataFrame:
    again = pl.col("raised_at").shift(-1).over(KEY)
    ended_by = (
        pl.when(pl.col("cleared_at").is_not_null()).then(pl.lit("cleared"))
        .when(again.is_not_null()).then(pl.lit("superseded"))
    )  # fmt: skip
    ended = alarms.with_columns(ended_by.alias("ended_by"), again.alias("again"))
    return ended.with_columns(
        pl.coalesce("cleared_at", "again").cast(TIME).alias("cleared_at"),
        pl.when(pl.col("ended_by").is_null())
        .then(pl.lit("ACTIVE"))
        .otherwise(pl.lit("CLEARED"))
        .alias("state"),
    )


def _described(alarms: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    definitions = pl.DataFrame(
        [(it.name, it.layer, it.alarm_type) for it in catalogue.alarms.values()],
        schema={"alarm_name": pl.String, "layer": pl.String, "defined_type": pl.String},
        orient="row",
    )
    name_of = {rank: name for name, rank in SEVERITY_RANK.items()}
    found = alarms.join(definitions, on="alarm_name", how="left").with_columns(
        pl.coalesce("alarm_type", "defined_type").alias("alarm_type"),
        pl.col("rank")
        .replace_strict(name_of, default=None, return_dtype=pl.String)
        .alias("highest_severity"),
        object_class_expression("managed_object_dn").alias("object_class"),
        cell_dn_expression("managed_object_dn").alias("cell_dn"),
        managed_element_expression("managed_object_dn").alias("managed_element_dn"),
    )
    return found.select(_COLUMNS)


_COLUMNS = (
    "alarm_id", "managed_object_dn", "raised_at", "changed_at", "cleared_at", "ended_by", "state",
    "object_class", "cell_dn", "managed_element_dn", "alarm_name", "layer", "alarm_type",
    "probable_cause", "perceived_severity", "highest_severity", "specific_problem",
    "notifications_count", "duplicates_count", "flaps_count", "is_flapping",
    "is_clear_without_raise", "clock_skew_s", "reporting_entity", "source",
)  # fmt: skip
