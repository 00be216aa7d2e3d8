"""Which verdicts stand: the last of each author on each finding; who agrees, who contradicts."""

import polars as pl

from data_products.product import TIME
from semantic_layer.fault_kinds import FaultKinds

STANDING_SCHEMA: dict[str, pl.DataType] = {
    "anomaly_id": pl.String(),
    "cell_dn": pl.String(),
    "anomaly_start": TIME,
    "person": pl.String(),
    "verdict": pl.String(),
    "fault_kind": pl.String(),
    "given_at": TIME,
    "is_real": pl.Boolean(),
    "has_changed_mind": pl.Boolean(),
}
"""Columns of standing verdicts."""

CONTRADICTION_SCHEMA: dict[str, pl.DataType] = {
    "anomaly_id": pl.String(),
    "cell_dn": pl.String(),
    "anomaly_start": TIME,
    "contradiction": pl.String(),
    "said_real": pl.List(pl.String()),
    "said_not_real": pl.List(pl.String()),
    "given_at": TIME,
}
"""Columns of contradictions; `given_at` is that of the last verdict in it."""

AGREEMENT_SCHEMA: dict[str, pl.DataType] = {
    "person": pl.String(),
    "verdicts": pl.Int64(),
    "shared": pl.Int64(),
    "agreed": pl.Int64(),
    "changed": pl.Int64(),
}
"""Columns of authors' agreement."""


def says_real(verdict: str, kind: str | None, kinds: FaultKinds) -> bool:
    """Tell whether a verdict says that something was wrong.

    A relabeled finding is as real as the kind that it is given; one whose kind is no longer
    defined was given by somebody who saw a fault.
    """
    if verdict == "RELABELED" and kind is not None and kind in kinds:
        return kinds[kind].is_fault
    return verdict != "REJECTED"


def standing_verdicts(verdicts: pl.DataFrame, kinds: FaultKinds) -> pl.DataFrame:
    """Return each author's last verdict on each finding, by finding and author.

    Args:
        verdicts: columns of `finding_verdicts`, in any order; a verdict that stands twice is one.
        kinds: what a finding may be called, and what of it is a fault.

    Returns:
        Columns of `STANDING_SCHEMA`. `person` is the author in small letters; `has_changed_mind`
        where an earlier verdict of theirs said the other thing about something being wrong.
    """
    said = verdicts.select("verdict", "fault_kind").unique()
    real = said.with_columns(
        pl.Series(
            "is_real",
            [says_real(verdict, kind, kinds) for verdict, kind in said.iter_rows()],
            dtype=pl.Boolean,
        )
    )
    return (
        verdicts.unique("verdict_id", keep="first")
        .join(real, on=["verdict", "fault_kind"], how="left", nulls_equal=True)
        .with_columns(pl.col("author").str.to_lowercase().alias("person"))
        .sort("anomaly_id", "person", "given_at", "verdict_id")
        .group_by("anomaly_id", "person", maintain_order=True)
        .agg(
            pl.col("cell_dn", "anomaly_start", "verdict", "fault_kind", "given_at").last(),
            pl.col("is_real").last(),
            (pl.col("is_real").n_unique() > 1).alias("has_changed_mind"),
        )
        .select(*STANDING_SCHEMA)
        .cast(STANDING_SCHEMA)  # type: ignore[arg-type]
    )


def contradictions(standing: pl.DataFrame) -> pl.DataFrame:
    """Return findings about which authors disagree, or an author changed their mind, newest first.

    Args:
        standing: as `standing_verdicts` returns it.
    """
    real = pl.col("is_real")
    told = standing.group_by("anomaly_id", maintain_order=True).agg(
        pl.col("cell_dn", "anomaly_start").first(),
        (real.any() & ~real.all()).alias("is_disputed"),
        pl.col("has_changed_mind").any(),
        pl.col("person").filter(real).alias("said_real"),
        pl.col("person").filter(~real).alias("said_not_real"),
        pl.col("given_at").max(),
    )
    contradiction = (
        pl.when("is_disputed")
        .then(pl.lit("authors disagree"))
        .when("has_changed_mind")
        .then(pl.lit("an author changed their mind"))
        .alias("contradiction")
    )
    return (
        told.with_columns(contradiction)
        .filter(pl.col("contradiction").is_not_null())
        .sort("given_at", "anomaly_id", descending=[True, False])
        .select(*CONTRADICTION_SCHEMA)
        .cast(CONTRADICTION_SCHEMA)  # type: ignore[arg-type]
    )


def agreements(standing: pl.DataFrame) -> pl.DataFrame:
    """Return how far each author agrees with others about something being wrong, by author.

    Args:
        standing: as `standing_verdicts` returns it.

    Returns:
        Columns of `AGREEMENT_SCHEMA`: `verdicts` that stand; of those `shared` with others, and
        `agreed` with most of them (a tie is no agreement); findings on which they `changed` their
        mind.
    """
    real, alike = pl.col("is_real"), pl.col("is_real").cast(pl.Int64).sum().over("anomaly_id")
    others = pl.len().over("anomaly_id").cast(pl.Int64) - 1
    like_me = pl.when(real).then(alike - 1).otherwise(others - alike)
    return (
        standing.with_columns(
            (others > 0).alias("is_shared"), (2 * like_me > others).alias("is_agreed")
        )
        .group_by("person")
        .agg(
            pl.len().alias("verdicts"),
            pl.col("is_shared").sum().alias("shared"),
            (pl.col("is_shared") & pl.col("is_agreed")).sum().alias("agreed"),
            pl.col("has_changed_mind").sum().alias("changed"),
        )
        .sort("person")
        .cast(AGREEMENT_SCHEMA)  # type: ignore[arg-type]
    )
