"""What verdicts say together: how far to rely on each author, and how likely a finding is real.

Each author is a coin that shows what is so with one probability, whatever is so; it is found from
whom the author agrees with, by expectation and maximization, and held near a prior while little is
known. Source: A. P. Dawid, A. M. Skene, Maximum Likelihood Estimation of Observer Error-Rates Using
the EM Algorithm, Applied Statistics 28(1), 1979, in its one-coin form with a Beta prior on each
author (V. C. Raykar et al., Learning From Crowds, JMLR 11, 2010). Departures: only findings that
two or more judged tell about authors, as an author alone would only confirm themselves; before any
verdict a finding is as likely real as not; and no author falls below chance, as otherwise lying
would be a way to steer.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from data_products.finding_verdicts.standing import (
    AGREEMENT_SCHEMA,
    agreements,
    standing_verdicts,
)
from data_products.product import TIME
from semantic_layer.fault_kinds import FaultKinds

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Votes = npt.NDArray[np.bool_]

PRIOR_RELIABILITY = 0.8
"""Of an author about whom nothing is known: one verdict makes a finding four times as likely."""

PRIOR_STRENGTH = 10.0
"""So many shared findings an author must have for what they say to count as much as the prior."""

_LOWEST, _HIGHEST = 0.5, 0.99
_STEPS = 500
_STILL = 1e-6

WEIGHED_SCHEMA: dict[str, pl.DataType] = {
    "anomaly_id": pl.String(),
    "cell_dn": pl.String(),
    "anomaly_start": TIME,
    "is_real_probability": pl.Float64(),
    "weight": pl.Float64(),
    "n_authors": pl.Int64(),
    "is_contradicted": pl.Boolean(),
    "fault_kind": pl.String(),
    "last_given_at": TIME,
}
"""Columns of `finding_verdicts.weighed`."""

RELIABILITY_SCHEMA: dict[str, pl.DataType] = {**AGREEMENT_SCHEMA, "reliability": pl.Float64()}
"""Columns of authors' reliability."""


def weighed_verdicts(verdicts: pl.DataFrame, kinds: FaultKinds) -> pl.DataFrame:
    """Return one row a finding that anybody judged, by its beginning.

    `weight` is how far the probability lies from one half, 0 to 1. Authors' reliabilities count
    in hundredths, so that a new verdict changes only what it is about until it tells something.

    Args:
        verdicts: columns of `finding_verdicts`, in any order.
        kinds: what a finding may be called, and what of it is a fault.

    Returns:
        Columns of `WEIGHED_SCHEMA`.
    """
    standing = standing_verdicts(verdicts, kinds)
    if standing.is_empty():
        return pl.DataFrame(schema=WEIGHED_SCHEMA)
    known = reliabilities(standing)
    trusted = standing.join(known.select("person", "reliability"), on="person", how="left")
    sure = pl.col("reliability").log() - (1 - pl.col("reliability")).log()
    real = pl.col("is_real")
    found = (
        trusted.with_columns(sure.alias("trust"))
        .with_columns(pl.when(real).then("trust").otherwise(-pl.col("trust")).alias("says"))
        .group_by("anomaly_id", maintain_order=True)
        .agg(
            pl.col("cell_dn", "anomaly_start").first(),
            (1 / (1 + (-pl.col("says").sum()).exp())).round(4).alias("is_real_probability"),
            pl.len().cast(pl.Int64).alias("n_authors"),
            (real.any() & ~real.all()).alias("is_contradicted"),
            pl.col("given_at").max().alias("last_given_at"),
        )
        .with_columns((2 * pl.col("is_real_probability") - 1).abs().round(4).alias("weight"))
    )
    kind = _prevailing_kinds(trusted.with_columns(sure.alias("trust")), found)
    return (
        found.join(kind, on="anomaly_id", how="left")
        .sort("anomaly_start", "anomaly_id")
        .select(*WEIGHED_SCHEMA)
        .cast(WEIGHED_SCHEMA)  # type: ignore[arg-type]
    )


def reliabilities(standing: pl.DataFrame) -> pl.DataFrame:
    """Return how far each author can be relied on, by author.

    Args:
        standing: as `standing_verdicts` returns it.

    Returns:
        Columns of `RELIABILITY_SCHEMA`: what `agreements` tells, and `reliability`, the
        probability that they say what is so, 0.5 to 0.99.
    """
    if standing.is_empty():
        return pl.DataFrame(schema=RELIABILITY_SCHEMA)
    known = agreements(standing)
    people = known.select("person", pl.int_range(pl.len(), dtype=pl.Int64).alias("author"))
    shared = (
        standing.filter(pl.len().over("anomaly_id") > 1)
        .join(people, on="person")
        .with_columns((pl.col("anomaly_id").rank("dense") - 1).cast(pl.Int64).alias("finding"))
        .sort("finding", "author")
    )
    found = estimated(
        shared["finding"].to_numpy(),
        shared["author"].to_numpy(),
        shared["is_real"].to_numpy(),
        known.height,
    )
    return known.with_columns(pl.Series("reliability", np.round(found, 2))).cast(
        RELIABILITY_SCHEMA  # type: ignore[arg-type]
    )


def estimated(findings: Places, authors: Places, votes: Votes, people: int) -> Floats:
    """Return the reliability of each author, [people], from votes on shared findings.

    Args:
        findings: [votes], from 0 without gaps.
        authors: [votes], from 0.
        votes: [votes], whether the author says that something was wrong.
        people: how many authors there are; one without a vote keeps the prior.
    """
    reliability = np.full(people, PRIOR_RELIABILITY)
    counts = np.bincount(authors, minlength=people)
    sign = np.where(votes, 1.0, -1.0)
    for _ in range(_STEPS):
        trust = np.log(reliability / (1 - reliability))
        odds = np.bincount(findings, sign * trust[authors])
        real = 1 / (1 + np.exp(-odds))
        right = np.where(votes, real[findings], 1 - real[findings])
        told = np.bincount(authors, right, minlength=people)
        before = reliability
        reliability = (PRIOR_STRENGTH * PRIOR_RELIABILITY + told) / (PRIOR_STRENGTH + counts)
        reliability = np.clip(reliability, _LOWEST, _HIGHEST)
        if np.abs(reliability - before).max(initial=0.0) < _STILL:
            break
    return reliability


def _prevailing_kinds(trusted: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return for each finding the kind with most trust on the side that prevails; none at a tie."""
    prevails = pl.col("is_real_probability") > 0.5
    sided = found.filter(pl.col("is_real_probability") != 0.5).select(
        "anomaly_id", prevails.alias("is_real")
    )
    return (
        trusted.filter(pl.col("fault_kind").is_not_null())
        .join(sided, on=["anomaly_id", "is_real"], how="semi")
        .group_by("anomaly_id", "fault_kind")
        .agg(pl.col("trust").sum())
        .with_columns(pl.col("trust").round(6))
        .sort("anomaly_id", "trust", "fault_kind", descending=[False, True, False])
        .unique("anomaly_id", keep="first", maintain_order=True)
        .select("anomaly_id", "fault_kind")
    )
