"""Since when a cell strays: the onset of what became a finding once it crossed its threshold.

A finding begins where the score reaches a limit that noise seldom does; what grows is under way
before. Backward from there, scores above what ordinary hours show are summed (a CUSUM, Page 1954):
the onset is where the sum is highest, which is the likeliest beginning of a lasting shift.
"""

from datetime import timedelta

import polars as pl

from semantic_layer.evidence import EvidenceRules
from tasks.anomaly.arrays import Schema

ONSETS: Schema = {
    "anomaly_id": pl.String,
    "window_start": pl.Datetime("us", "UTC"),
    "onset_at": pl.Datetime("us", "UTC"),
}
"""The key of a finding, and its onset, which is at its start or before it."""


def onsets(findings: pl.DataFrame, scores: pl.DataFrame, rules: EvidenceRules) -> pl.DataFrame:
    """Return when the deviation behind each finding began.

    A period without a score neither speaks for nor against.

    Args:
        findings: anomaly_id, window_start, cell_dn, anomaly_start.
        scores: cell_dn, period_start, score; of the window, and of `onset_hours` before it where
            findings begin with it. Each cell has one granularity.
        rules: how far back to look, and the score that speaks for the deviation.

    Returns:
        One row a finding, in the order given: `ONSETS`.
    """
    numbered = findings.select("anomaly_id", "window_start", "cell_dn", "anomaly_start")
    numbered = numbered.with_row_index("finding")
    own = (
        scores.lazy()
        .select("cell_dn", "period_start", "score")
        .join(numbered.lazy().select("cell_dn").unique(), on="cell_dn", how="semi")
        .collect()
    )
    reach = timedelta(hours=rules.onset_hours)
    before = (
        numbered.join(own, on="cell_dn")
        .filter(
            pl.col("period_start") < pl.col("anomaly_start"),
            pl.col("period_start") >= pl.col("anomaly_start") - reach,
        )
        .sort("finding", "period_start", descending=[False, True])
        .with_columns(gain=(pl.col("score") - rules.onset_drift).fill_null(0.0))
        .with_columns(sum=pl.col("gain").cum_sum().over("finding"))
        .filter(pl.col("sum") > 0)
        .sort("finding", "sum", "period_start", descending=[False, True, True])
        .unique("finding", keep="first", maintain_order=True)
        .select("finding", "period_start")
    )
    found = numbered.join(before, on="finding", how="left", maintain_order="left")
    return found.select(
        "anomaly_id",
        pl.col("window_start").cast(ONSETS["window_start"]),
        pl.coalesce("period_start", "anomaly_start").cast(ONSETS["onset_at"]).alias("onset_at"),
    )
