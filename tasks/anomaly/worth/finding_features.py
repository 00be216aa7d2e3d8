"""Features of findings: numbers that tell a real problem from noise, from published tables alone.

Nothing here knows the future: a row is told by what was published when its window was scored, and
by verdicts given before. Unknown is NaN, not zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from semantic_layer.kpis import Kpi
from tasks.anomaly.arrays import Schema
from tasks.anomaly.worth.finding_blame import blame_features, blame_names
from tasks.anomaly.worth.finding_neighborhood import NEARBY, PLACES, nearby_features

_TIME = pl.Datetime("us", "UTC")
_KEY = ["anomaly_id", "window_start"]
EVIDENCE: Schema = {
    "anomaly_id": pl.String,
    "window_start": _TIME,
    "evidence_kind": pl.String,
    "relation": pl.String,
    "lead_hours": pl.Float64,
}
"""What is read of `cell_anomalies.evidence`."""
VERDICTS: Schema = {
    "anomaly_id": pl.String,
    "cell_dn": pl.String,
    "last_given_at": _TIME,
    "is_real_probability": pl.Float64,
    "weight": pl.Float64,
}
"""What is read of weighed verdicts."""
BASELINE: Schema = {
    "cell_dn": pl.String,
    "period_start": _TIME,
    "baseline_score": pl.Float64,
}
PROFILES: Schema = {"cell_dn": pl.String, "cell_profile": pl.String}

_ITSELF = (
    "peak_score",
    "duration_hours",
    "periods_count",
    "filled_share",
    "hour",
    "weekday",
    "severity_rank",
    "baseline_peak",
)
_RANKS = {"WARNING": 0.0, "MINOR": 1.0, "MAJOR": 2.0, "CRITICAL": 3.0}
_KINDS = ("alarm", "change")
_RELATIONS = ("same_cell", "same_site", "neighbor_site", "upstream", "network")
_EVIDENCE = tuple(
    name
    for kind in _KINDS
    for name in (*(f"{kind}s_{relation}" for relation in _RELATIONS), f"{kind}_lead_hours")
)
_PAST = ("confirmed_before", "rejected_before", "profile_real_share")
_EVEN = 4.0  # verdicts worth of doubt towards one half in a profile's share of real findings


def _empty(schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the findings; what is left out is unknown.

    Attributes:
        places: `PLACES` of all judged cells.
        baseline: `BASELINE` over the findings' time.
        evidence: `EVIDENCE`.
        verdicts: `VERDICTS`; those given after a row's window began are not looked at.
        profiles: `PROFILES`.
    """

    places: pl.DataFrame = field(default_factory=lambda: _empty(PLACES))
    baseline: pl.DataFrame = field(default_factory=lambda: _empty(BASELINE))
    evidence: pl.DataFrame | None = None
    verdicts: pl.DataFrame = field(default_factory=lambda: _empty(VERDICTS))
    profiles: pl.DataFrame = field(default_factory=lambda: _empty(PROFILES))


def feature_names(kpis: Sequence[Kpi]) -> tuple[str, ...]:
    """Return the names of the features, in the order in which a model reads them."""
    return (*_ITSELF, *NEARBY, *_EVIDENCE, *_PAST, *blame_names(kpis))


def finding_features(
    found: pl.DataFrame, around: Surroundings, kpis: Sequence[Kpi], within: timedelta
) -> pl.DataFrame:
    """Return one row a finding and window, in the order of `found`.

    Args:
        found: rows of `cell_anomalies`; one anomaly may stand there for several windows.
        around: what else is known.
        kpis: definitions of what may be blamed.
        within: findings that begin so close in time are counted together.

    Returns:
        anomaly_id, window_start, cell_dn, cell_profile (null without one), and a Float64 column
        for each of `feature_names`.
    """
    rows = found.join(
        around.profiles.select(list(PROFILES)), on="cell_dn", how="left"
    ).with_columns(_of_itself())
    for part in (
        _baseline_peaks(found, around.baseline),
        nearby_features(found, around.places, within),
        _evidence(found, around.evidence),
        _past(rows, around.verdicts, around.profiles),
        blame_features(found, kpis),
    ):
        rows = rows.join(part, on=_KEY, how="left")
    order = found.select(_KEY)
    names = [pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in feature_names(kpis)]
    return order.join(
        rows.select(*_KEY, "cell_dn", "cell_profile", *names),
        on=_KEY,
        how="left",
        maintain_order="left",
    )


def _of_itself() -> list[pl.Expr]:
    lasting = (pl.col("anomaly_end") - pl.col("anomaly_start")).dt.total_seconds() / 3600
    start = pl.col("anomaly_start")
    return [
        lasting.alias("duration_hours"),
        (pl.col("periods_count") / lasting).alias("filled_share"),
        (start.dt.hour() + start.dt.minute() / 60).alias("hour"),
        start.dt.weekday().alias("weekday"),
        pl.col("severity").replace_strict(_RANKS, return_dtype=pl.Float64).alias("severity_rank"),
    ]


def _baseline_peaks(found: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return the baseline's highest score while each finding lasts; null where it has none."""
    rows = found.select(*_KEY, "cell_dn", "anomaly_start", "anomaly_end")
    return (
        rows.join(baseline.select(list(BASELINE)), on="cell_dn", how="inner")
        .filter(
            pl.col("period_start").is_between(
                pl.col("anomaly_start"), pl.col("anomaly_end"), closed="left"
            )
        )
        .group_by(_KEY)
        .agg(pl.col("baseline_score").max().alias("baseline_peak"))
    )


def _evidence(found: pl.DataFrame, evidence: pl.DataFrame | None) -> pl.DataFrame:
    """Return counts by kind and relation and the lead nearest to zero; null if nobody looked."""
    keys = found.select(_KEY)
    if evidence is None:
        return keys.with_columns(pl.lit(None, pl.Float64).alias(name) for name in _EVIDENCE)
    kind, relation, lead = (pl.col(name) for name in ("evidence_kind", "relation", "lead_hours"))
    counted = (
        evidence.select(list(EVIDENCE))
        .group_by(_KEY)
        .agg(
            *(
                ((kind == one) & (relation == other)).sum().alias(f"{one}s_{other}")
                for one in _KINDS
                for other in _RELATIONS
            ),
            *(
                lead.filter(kind == one)
                .sort_by(lead.filter(kind == one).abs())
                .first()
                .alias(f"{one}_lead_hours")
                for one in _KINDS
            ),
        )
    )
    counts = [name for name in _EVIDENCE if not name.endswith("_hours")]
    return keys.join(counted, on=_KEY, how="left").with_columns(pl.col(counts).fill_null(0))


def _past(rows: pl.DataFrame, verdicts: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Return what verdicts before the window say of the cell's other findings, and the profile's.

    The share of real ones in the profile leans towards one half while verdicts are few.
    """
    given = verdicts.select(
        pl.col("anomaly_id").alias("other_id"),
        "cell_dn",
        "last_given_at",
        (pl.col("is_real_probability") * pl.col("weight")).alias("real"),
        ((1 - pl.col("is_real_probability")) * pl.col("weight")).alias("unreal"),
    )
    asking = rows.select(*_KEY, "cell_dn", "cell_profile")
    earlier = pl.col("last_given_at") <= pl.col("window_start")
    is_other = pl.col("other_id") != pl.col("anomaly_id")
    cell = (
        asking.join(given, on="cell_dn", how="inner")
        .filter(earlier, is_other)
        .group_by(_KEY)
        .agg(
            pl.col("real").sum().alias("confirmed_before"),
            pl.col("unreal").sum().alias("rejected_before"),
        )
    )
    windows = asking.select("window_start", "cell_profile").unique()
    profile = (
        windows.join(
            given.join(profiles.select(list(PROFILES)), on="cell_dn", how="left").drop("cell_dn"),
            on="cell_profile",
            how="inner",
            nulls_equal=True,
        )
        .filter(earlier)
        .group_by("window_start", "cell_profile")
        .agg(pl.col("real").sum(), pl.col("unreal").sum())
        .with_columns(
            profile_real_share=(pl.col("real") + _EVEN / 2)
            / (pl.col("real") + pl.col("unreal") + _EVEN)
        )
    )
    return (
        asking.join(cell, on=_KEY, how="left")
        .join(profile, on=["window_start", "cell_profile"], how="left", nulls_equal=True)
        .select(
            *_KEY,
            pl.col("confirmed_before", "rejected_before").fill_null(0.0),
            pl.col("profile_real_share").fill_null(0.5),
        )
    )
