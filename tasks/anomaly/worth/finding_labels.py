"""Findings with what operators said of them, as numbers to learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import logit

from semantic_layer.finding_worth import FindingWorth
from semantic_layer.identity import managed_element_expression
from tasks.anomaly.arrays import Booleans, Floats, Integers
from tasks.anomaly.worth.verdict_trust import weighed_by_author


@dataclass(frozen=True, slots=True)
class Labelled:
    """Findings that have verdicts, the earliest first; one element or row each.

    Attributes:
        values: [findings, features]; NaN is unknown.
        real: probability, by the verdicts, of a real problem.
        weight: of the verdicts.
        prior: log-odds before any verdict.
        groups: findings of one managed element and day, which likely are one happening.
        profiles: of their cells; None without one.
    """

    values: Floats
    real: Floats
    weight: Floats
    prior: Floats
    groups: Integers
    profiles: list[str | None]

    def only(self, which: Booleans) -> "Labelled":
        """Return some of the findings."""
        kept = [name for name, is_kept in zip(self.profiles, which, strict=True) if is_kept]
        return Labelled(
            self.values[which],
            self.real[which],
            self.weight[which],
            self.prior[which],
            self.groups[which],
            kept,
        )

    def blocks(self, count: int) -> Integers:
        """Return for each finding which of `count` stretches of time it is in, by equal weight.

        A happening is wholly in the block in which it begins.
        """
        so_far = np.cumsum(self.weight) - self.weight
        total = max(float(self.weight.sum()), 1e-12)
        block = np.minimum((so_far / total * count).astype(np.intp), count - 1)
        first = np.full(int(self.groups.max(initial=-1)) + 1, count)
        np.minimum.at(first, self.groups, block)
        return np.asarray(first[self.groups])


def labelled(
    features: pl.DataFrame,
    verdicts: pl.DataFrame,
    names: Sequence[str],
    prior: Mapping[str, float],
    rules: FindingWorth,
) -> Labelled:
    """Return the findings of `features` that have a verdict, with what it says.

    Args:
        features: rows of `finding_features`.
        verdicts: anomaly_id, is_real_probability, weight, and `last_given_at`, `author` if known.
        names: of the features to read.
        prior: settings of `prior_parts`, and `prior_at_begin`.
        rules: of a finding's worth.
    """
    seen = _seen(features, verdicts)
    read = {name: seen[name].to_numpy().astype(np.float64) for name in READ_BY_PRIOR}
    believed = logit(prior["prior_at_begin"]) + np.sum(prior_parts(read, prior), axis=0)
    said = _said(seen, verdicts, believed, rules.wrong_verdicts_share)
    rows = (
        seen.with_columns(pl.Series("prior", believed))
        .join(said, on="anomaly_id", how="inner")
        .filter(pl.col("weight") > 0)
        .sort("window_start", "anomaly_id")
        .with_columns(
            group=pl.struct(managed_element_expression("cell_dn"), "window_start").rank("dense") - 1
        )
    )
    wrong = rules.wrong_verdicts_share
    return Labelled(
        rows.select(names).to_numpy().astype(np.float64),
        np.clip(rows["is_real_probability"].to_numpy(), wrong, 1 - wrong),
        rows["weight"].to_numpy().astype(np.float64),
        rows["prior"].to_numpy(),
        rows["group"].to_numpy().astype(np.intp),
        rows["cell_profile"].to_list(),
    )


READ_BY_PRIOR = (
    "peak_score",
    "worse_share",
    "baseline_peak",
    "alarms_same_cell",
    "alarms_same_site",
)
"""Features that the prior reads, the last two together."""


def prior_parts(values: Mapping[str, Floats], settings: Mapping[str, float]) -> list[Floats]:
    """Return what each feature of `READ_BY_PRIOR` adds to the log-odds believed before verdicts.

    To them comes `prior_at_begin`: what is believed where both scores just begin a finding, all
    that strays got worse and no alarm stands near. A finding in which nothing got worse is rarely
    anybody's problem: a holiday strays far. One that an alarm accompanies rarely is nothing.

    Args:
        values: for each of `READ_BY_PRIOR` one element a finding. Unknown adds nothing.
        settings: prior_slope, prior_worse, prior_baseline, prior_alarm, score_begins and
            baseline_begins.
    """
    peak, worse, baseline, on_cell, on_site = (values[name] for name in READ_BY_PRIOR)
    height = settings["prior_slope"] * np.log(np.maximum(peak, 1e-6) / settings["score_begins"])
    single = np.log(np.maximum(baseline, 1.0) / settings["baseline_begins"])
    better = np.clip(1 - worse, 0, 1)
    has_own = np.nan_to_num(on_cell) > 0
    has_near = (np.nan_to_num(on_site) > 0) & ~has_own
    parts = [
        height,
        -settings["prior_worse"] * better,
        settings["prior_baseline"] * single,
        settings["prior_alarm"] * has_own,
        settings["prior_alarm"] * has_near,
    ]
    return [np.nan_to_num(np.asarray(part, np.float64)) for part in parts]


def _seen(features: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return each finding with a verdict as it was last seen before one was given.

    If no row is that old, its first row is.
    """
    has_time = "last_given_at" in verdicts.columns
    given = pl.col("last_given_at").min() if has_time else pl.lit(None).alias("last_given_at")
    first = verdicts.group_by("anomaly_id").agg(given)
    rows = features.join(first, on="anomaly_id", how="inner").sort("anomaly_id", "window_start")
    is_known = (pl.col("window_start") < pl.col("last_given_at")).fill_null(value=True)
    place = pl.int_range(pl.len()).over("anomaly_id")
    wanted = pl.max_horizontal(is_known.sum().over("anomaly_id").cast(pl.Int64) - 1, 0)
    return rows.filter(place == wanted)


def _said(
    seen: pl.DataFrame, verdicts: pl.DataFrame, believed: Floats, wrong: float
) -> pl.DataFrame:
    if "author" in verdicts.columns:
        before = seen.select("anomaly_id").with_columns(
            pl.Series("probability", 1 / (1 + np.exp(-believed)))
        )
        return weighed_by_author(verdicts, before, wrong)[0]
    weighed = pl.col("is_real_probability") * pl.col("weight")
    return verdicts.group_by("anomaly_id").agg(
        (weighed.sum() / pl.col("weight").sum()).alias("is_real_probability"),
        pl.col("weight").max(),
    )
