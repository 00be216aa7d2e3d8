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

NEEDED = (
    *KEY, "notified_at", "notification_id", "notification_type", "perceived_severity",
    "probable_cause", "specific_problem", "alarm_type", "alarm_name", "reporting_entity",
    "received_at",
)  # fmt: skip
"""The columns of notifications that alarms are derived from."""

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
    alarms = _alarms(lives)
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
    kind, at = pl.col("notification_type"), pl.col("notified_at")
    is_said = kind != "ACKNOWLEDGED"
    said = pl.when(is_said).then
    # Rows of one alarm lie together: the row before tells, if it is of the same alarm.
    before = told.with_columns(_alarm_number()).with_columns(
        said(kind).forward_fill().shift(1).alias("last"),
        said(at).forward_fill().shift(1).alias("last_at"),
        said("number").forward_fill().shift(1).eq_missing(pl.col("number")).alias("has_last"),
        pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(name).shift(1))
            for name in ("number", "notification_type", "notified_at", "perceived_severity")
        ).alias("is_same"),
    )
    is_active = pl.col("has_last") & pl.col("last").is_in(["NEW", "CHANGED"])
    since = (at - pl.col("last_at")).dt.total_microseconds()
    is_near = pl.col("has_last") & (since <= REPEATED_WITHIN_S * 1_000_000)
    is_cleared_again = is_near & (pl.col("last") == "CLEARED")
    begins = (
        pl.when(kind == "NEW").then(~(is_active & is_near))
        .when(kind == "CHANGED").then(~is_active)
        .when(kind == "CLEARED").then(~is_active & ~is_cleared_again)
        .otherwise(pl.lit(value=False))
    ).fill_null(value=True)  # fmt: skip
    is_known = kind.is_in(["NEW", "CLEARED"]) & ~((kind == "CLEARED") & is_active)
    lives = before.with_columns(begins.alias("begins"), is_known.alias("is_known"))
    count = pl.col("begins").cum_sum().cast(pl.Int64)
    is_first = pl.col("number") != pl.col("number").shift(1).fill_null(-1)
    counted_before = pl.when(is_first).then(count - pl.col("begins").cast(pl.Int64)).forward_fill()
    return lives.with_columns(
        # What precedes the first raising, an acknowledgement, belongs to it.
        (count - counted_before).clip(lower_bound=1).alias(_LIFE),
        ((pl.col("is_known") | pl.col("is_same")) & ~pl.col("begins")).alias("is_repeated"),
    )


def _alarm_number() -> pl.Expr:
    """Number the alarms of rows that lie in their order."""
    changes = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in KEY]
    return pl.any_horizontal(changes).cum_sum().cast(pl.Int64).alias("number")


def _alarms(lives: pl.DataFrame) -> pl.DataFrame:
    kind, at = pl.col("notification_type"), pl.col("notified_at")
    felt = pl.when(pl.col("perceived_severity") != "CLEARED").then("perceived_severity")
    said = lives.with_columns(
        pl.when(kind != "ACKNOWLEDGED").then(at).alias("said_at"),
        pl.when(kind == "CHANGED").then(at).alias("changed_at"),
        pl.when(kind == "CLEARED").then(at).alias("cleared_at"),
        kind.is_in(["NEW", "CHANGED"]).alias("is_raising"),
        felt.alias("perceived_severity"),
        felt.replace_strict(SEVERITY_RANK, default=None, return_dtype=pl.Int8).alias("rank"),
    )
    last = ("perceived_severity", *_DEFINED, "alarm_name")
    return (
        said.group_by("number", _LIFE, maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in KEY),
            pl.coalesce(pl.col("said_at").min(), at.min()).alias("raised_at"),
            pl.col("changed_at").max(),
            pl.col("cleared_at").min(),
            (pl.col("cleared_at").count() > 0).alias("has_clearing"),
            pl.col("is_raising").any(),
            pl.col("rank").max(),
            *(pl.col(name).last(ignore_nulls=True) for name in last),
            pl.col("reporting_entity").first(ignore_nulls=True),
            pl.len().cast(pl.Int32).alias("notifications_count"),
            pl.col("is_repeated").sum().cast(pl.Int32).alias("duplicates_count"),
        )
        .with_columns(
            (pl.col("has_clearing") & ~pl.col("is_raising")).alias("is_clear_without_raise")
        )
    )


def _flapping(alarms: pl.DataFrame) -> pl.DataFrame:
    """Add how often an alarm was raised just before, and whether it flaps around this raising."""
    within = pl.duration(seconds=FLAPPING_WITHIN_S)
    last = FLAPPING_RAISES - 1
    real = alarms.filter(~pl.col("is_clear_without_raise")).select("number", _LIFE, "raised_at")

    def apart(first: int, then: int) -> pl.Expr:
        """Tell whether two raisings, by how many rows they follow this one, are close."""
        is_one = pl.col("number").shift(-first) == pl.col("number").shift(-then)
        return is_one & (pl.col("raised_at").shift(-then) - pl.col("raised_at").shift(-first)
                         <= within)  # fmt: skip

    bursts = [apart(-k, last - k) for k in range(FLAPPING_RAISES)]
    near = real.with_columns(
        pl.any_horizontal(bursts).fill_null(value=False).alias("is_flapping"),
        (apart(-1, 0) | apart(0, 1)).fill_null(value=False).alias("is_near"),
        pl.lit(1).alias("one"),
    ).filter("is_near")
    window = f"{FLAPPING_WITHIN_S}s"
    counted = pl.col("one").rolling_sum_by("raised_at", window_size=window, closed="both")
    flaps = near.select(
        "number",
        _LIFE,
        "is_flapping",
        (counted.over("number") - 1).cast(pl.Int32).alias("flaps_count"),
    )
    return alarms.join(flaps, on=["number", _LIFE], how="left", maintain_order="left").with_columns(
        pl.col("is_flapping").fill_null(value=False), pl.col("flaps_count").fill_null(0)
    )


def _ended(alarms: pl.DataFrame) -> pl.DataFrame:
    is_again = pl.col("number") == pl.col("number").shift(-1)
    again = pl.when(is_again).then(pl.col("raised_at").shift(-1))
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
