"""Alarms and changes as one kind of row: what happened when, on which objects, in one sentence.

Texts that others wrote stand in quotation marks, bounded, in one line and without characters that
could hide or reorder what is read.
"""

import polars as pl

from semantic_layer.identity import managed_element_expression
from tasks.anomaly.arrays import Schema
from tasks.anomaly.nearby.surroundings import Surroundings

_TIME = pl.Datetime("us", "UTC")
EVENTS: Schema = {
    "event": pl.UInt32,
    "evidence_kind": pl.String,
    "reference_id": pl.String,
    "happened_at": _TIME,
    "rank": pl.Int8,
    "hours_late": pl.Float64,
    "object_dn": pl.String,
    "cell_dn": pl.String,
    "detail": pl.String,
}
"""A row an event and object that it names; `rank` 0 is the severest, `hours_late` how much later
than it happened it may have been noticed."""

SEVERITIES = ("CRITICAL", "MAJOR", "MINOR", "WARNING")
_UNSEEN = (
    r"[\x00-\x1f\x7f-\x9f\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}"
    r"\x{fff9}-\x{fffb}]"
)
_LONGEST = 100
_LONGEST_NAME = 60
_MOMENT = "%Y-%m-%d %H:%M"


def near_events(around: Surroundings, dump_hours: float) -> pl.DataFrame:
    """Return everything that happened, each event as often as it names objects.

    An alarm raised over and over within an hour on one object is one event that says so.

    Args:
        around: what was told.
        dump_hours: how long an unplanned change of configuration may have gone unseen.
    """
    parts = (_alarms(around.alarms), _changes(around.changes), _drift(around.drift, dump_hours))
    numbered, first = [pl.DataFrame(schema=EVENTS)], 0
    for part in parts:
        events = part.with_row_index("event", offset=first)
        first += part.height
        numbered.append(
            events.explode("object_dn")
            .filter(pl.col("object_dn").is_not_null() & (pl.col("object_dn") != ""))
            .select(pl.col(name).cast(dtype) for name, dtype in EVENTS.items())
        )
    return pl.concat(numbered)


def clean(column: pl.Expr, length: int = _LONGEST) -> pl.Expr:
    """Return text in one line of at most `length` characters, without unseen ones; null stays."""
    plain = column.str.replace_all(_UNSEEN, " ").str.replace_all(r"\s+", " ").str.strip_chars()
    cut = plain.str.slice(0, length - 1).str.strip_chars_end() + "…"
    return pl.when(plain.str.len_chars() > length).then(cut).otherwise(plain)


def quoted(column: pl.Expr, length: int = _LONGEST) -> pl.Expr:
    """Return clean text in quotation marks that it cannot close; null where there is none."""
    said = clean(column, length).str.replace_all("[“”]", '"')
    return pl.when(said != "").then(pl.format("“{}”", said))


def moment(column: str) -> pl.Expr:
    """Return a time as `2026-03-01 14:15`."""
    return pl.col(column).dt.strftime(_MOMENT)


def _alarms(alarms: pl.DataFrame) -> pl.DataFrame:
    problem = pl.coalesce("alarm_name", "specific_problem", "probable_cause")
    told = (
        alarms.filter(~pl.col("is_clear_without_raise").fill_null(value=False))
        .with_columns(_hour=pl.col("raised_at").dt.truncate("1h"), _problem=problem)
        .sort("raised_at", "alarm_id", "managed_object_dn")
        .group_by("managed_object_dn", "_problem", "_hour", maintain_order=True)
        .agg(pl.all().first(), pl.len().alias("_times"), pl.col("cleared_at").last().alias("_end"))
    )
    severity = pl.col("perceived_severity").str.to_titlecase()
    name = pl.coalesce(
        clean(pl.col("alarm_name"), _LONGEST_NAME), quoted(pl.col("_problem")), pl.lit("unnamed")
    )
    again = pl.when(pl.col("_times") > 1).then(
        pl.format(", {} times within the hour", pl.col("_times"))
    )
    ended = pl.when(pl.col("_end").is_not_null()).then(
        pl.format(", cleared {}", moment("_end"))
    )  # fmt: skip
    return told.select(
        pl.lit("alarm").alias("evidence_kind"),
        pl.col("alarm_id").alias("reference_id"),
        pl.col("raised_at").alias("happened_at"),
        pl.col("perceived_severity")
        .replace_strict(SEVERITIES, range(len(SEVERITIES)), default=len(SEVERITIES))
        .alias("rank"),
        pl.lit(0.0).alias("hours_late"),
        pl.concat_list("managed_object_dn").alias("object_dn"),
        "cell_dn",
        pl.format(
            "{} alarm {} raised {}{}{}",
            clean(severity, 20).fill_null("Unrated"),
            name,
            moment("raised_at"),
            again.fill_null(""),
            ended.fill_null(", not cleared so far"),
        ).alias("detail"),
    )


def _changes(changes: pl.DataFrame) -> pl.DataFrame:
    begun = changes.filter(pl.col("actual_start").is_not_null()).sort("actual_start", "change_id")
    ended = pl.when(pl.col("actual_end").is_not_null()).then(
        pl.format("to {}", moment("actual_end"))
    )  # fmt: skip
    title = quoted(pl.col("title"))
    return begun.select(
        pl.lit("change").alias("evidence_kind"),
        pl.col("change_id").alias("reference_id"),
        pl.col("actual_start").alias("happened_at"),
        pl.lit(0).alias("rank"),
        pl.lit(0.0).alias("hours_late"),
        pl.col("managed_object_dns").list.unique(maintain_order=True).alias("object_dn"),
        pl.lit(None, pl.String).alias("cell_dn"),
        pl.format(
            "Change {} {} executed {} {}",
            clean(pl.col("change_id"), _LONGEST_NAME),
            title.fill_null("without a title"),
            moment("actual_start"),
            ended.fill_null("with no end told"),
        ).alias("detail"),
    )


def _drift(drift: pl.DataFrame, dump_hours: float) -> pl.DataFrame:
    """Return unplanned changes; the same one on many objects of an element is one event."""
    alone = drift.filter(pl.col("kind") == "unplanned_change", pl.col("change_id").is_null())
    told = (
        alone.sort("detected_at", "managed_object_dn", "attribute")
        .with_columns(
            _said=_what_changed(), _element=managed_element_expression("managed_object_dn")
        )
        .group_by("_element", "attribute", "_said", "detected_at", maintain_order=True)
        .agg(pl.col("managed_object_dn").drop_nulls().unique(maintain_order=True))
    )
    many = pl.col("managed_object_dn").list.len()
    spread = pl.when(many > 1).then(pl.format(" on {} objects of the element", many))
    return told.select(
        pl.lit("change").alias("evidence_kind"),
        pl.format("unplanned {}", clean(pl.col("attribute"))).alias("reference_id"),
        pl.col("detected_at").alias("happened_at"),
        pl.lit(0).alias("rank"),
        pl.lit(dump_hours).alias("hours_late"),
        pl.col("managed_object_dn").alias("object_dn"),
        pl.lit(None, pl.String).alias("cell_dn"),
        pl.format(
            "{} without a request{}, first seen in the dump of {}",
            "_said",
            spread.fill_null(""),
            moment("detected_at"),
        ).alias("detail"),
    )


def _what_changed() -> pl.Expr:
    """Return which attribute is how now, or that the object itself came or went."""
    value = quoted(pl.col("actual_value"), _LONGEST_NAME)
    is_object = pl.col("attribute") == "objectClass"
    name = clean(pl.col("attribute"), _LONGEST_NAME).fill_null("an attribute")
    return (
        pl.when(is_object & value.is_null())
        .then(pl.lit("The object was removed"))
        .when(is_object)
        .then(pl.lit("The object appeared"))
        .otherwise(pl.format("{} became {}", name, value.fill_null("nothing")))
    )
