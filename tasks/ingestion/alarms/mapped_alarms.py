"""Rows of a person's alarm table, as its mapping made them, become notifications.

A row that says when an alarm was raised is a state: it tells of raising, of change and of clearing,
each at its time. A row that says when something was notified is a notification already.
"""

import polars as pl

from data_products.product import TIME
from tasks.ingestion.alarms.notifications import ALARM_TYPES, NOTIFICATION_SCHEMA, SEVERITIES

_MOMENTS = {"NEW": "raised_at", "CHANGED": "changed_at", "CLEARED": "cleared_at"}
_AS_GIVEN = ("alarm_type", "perceived_severity", "specific_problem", "probable_cause",
             "reporting_entity", "received_at", "additional_text")  # fmt: skip


def notifications_of_rows(rows: pl.DataFrame, source_file: str = "") -> pl.DataFrame:
    """Return what the rows tell, in the columns of `NOTIFICATION_SCHEMA`, by time.

    Args:
        rows: columns named as those of `alarms` or `alarms.notifications`, of which
            `managed_object_dn` and one time at least; others may lack. Without `alarm_id`, object,
            cause and problem make an alarm (ITU-T X.733).
        source_file: where rows come from that do not say it themselves.
    """
    whole = _whole(rows, source_file)
    if "raised_at" not in rows.columns:
        return _typed(whole.with_columns(pl.col("told").alias("notification_id")))
    told = [
        whole.filter(pl.col(time).is_not_null()).with_columns(
            pl.col(time).cast(TIME).alias("notified_at"),
            pl.lit(kind).alias("notification_type"),
            pl.format("{}.{}", "told", pl.lit(kind.lower())).alias("notification_id"),
            (pl.lit("CLEARED") if kind == "CLEARED" else pl.col("perceived_severity")).alias(
                "perceived_severity"
            ),
        )
        for kind, time in _MOMENTS.items()
        if time in rows.columns
    ]
    return _typed(pl.concat(told))


def _whole(rows: pl.DataFrame, source_file: str) -> pl.DataFrame:
    """Return the rows with every column that notifications have, and what names each row."""
    found = rows.with_columns(
        *(
            pl.lit(None, dtype=NOTIFICATION_SCHEMA[name]).alias(name)
            for name in _AS_GIVEN
            if name not in rows.columns
        ),
        *([] if "source_file" in rows.columns else [pl.lit(source_file).alias("source_file")]),
    )
    cause = pl.col("probable_cause").fill_null("")
    problem = pl.col("specific_problem").fill_null("")
    made = pl.format("{}|{}|{}", "managed_object_dn", cause, problem)
    given = [pl.col("alarm_id")] if "alarm_id" in rows.columns else []
    number = pl.int_range(1, pl.len() + 1).over("source_file")
    told = pl.format("{}#row {}", pl.col("source_file").fill_null(""), number)
    if "notification_id" in rows.columns:
        told = pl.coalesce("notification_id", told)
    if "notification_type" not in rows.columns:
        is_cleared = pl.col("perceived_severity").str.to_uppercase() == "CLEARED"
        kind = pl.when(is_cleared).then(pl.lit("CLEARED")).otherwise(pl.lit("NEW"))
        found = found.with_columns(kind.alias("notification_type"))
    return found.with_columns(
        pl.coalesce(*given, made).alias("alarm_id"),
        told.alias("told"),
        _spelt("perceived_severity", SEVERITIES),
        _spelt("alarm_type", ALARM_TYPES),
    )


def _spelt(name: str, known: tuple[str, ...]) -> pl.Expr:
    """Return the standard's spelling; what is none stays for the door to judge."""
    words = [word.replace("_", "").lower() for word in known]
    letters = pl.col(name).str.to_lowercase().str.replace_all("[^a-z]", "")
    return letters.replace_strict(words, list(known), default=pl.col(name), return_dtype=pl.String)


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    chosen = rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in NOTIFICATION_SCHEMA.items()
    )
    return chosen.sort("notified_at", "notification_id")
