"""Champion and challenger side by side: what both would have found, and what only one would.

It reads published or computed scores on one scale, so that one set of thresholds serves both, and
people's verdicts where there are any: who was right is then more than an opinion.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from semantic_layer.detection import Detection
from semantic_layer.periods import Window
from tasks.anomaly.arrays import Schema
from tasks.anomaly.episodes import episodes
from tasks.anomaly.training.ranking import score_shift

_UNDECIDED = 0.5
_FOUND_BY = ("both", "champion", "challenger")
DIFFERENCES: Schema = {
    "found_by": pl.String,
    "cell_dn": pl.String,
    "anomaly_start": pl.Datetime("us", "UTC"),
    "anomaly_end": pl.Datetime("us", "UTC"),
    "peak_score": pl.Float64,
    "verdict": pl.String,
}
"""Columns of the findings of a comparison."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same cells and periods.

    Attributes:
        window: what was scored.
        periods: cell periods that both scored.
        cell_days: the same, in days.
        rank_agreement: Spearman's correlation of their scores; NaN if there are too few.
        score_shift: population stability index of the challenger's against the champion's.
        findings: one row a finding of either: found_by (`both`, `champion`, `challenger`),
            cell_dn, anomaly_start, anomaly_end, peak_score, verdict (CONFIRMED, REJECTED, null).
    """

    window: Window
    periods: int
    cell_days: float
    rank_agreement: float
    score_shift: float
    findings: pl.DataFrame

    def count(self, found_by: str, verdict: str | None = None) -> int:
        """Return how many findings there are of `both`, or of one alone; of a verdict, if given."""
        own = self.findings.filter(pl.col("found_by") == found_by)
        return own.height if verdict is None else own.filter(pl.col("verdict") == verdict).height


def compared(
    champion: pl.DataFrame,
    challenger: pl.DataFrame,
    window: Window,
    granularity_s: int,
    rules: Detection,
    verdicts: pl.DataFrame,
) -> Comparison:
    """Return two models' scores compared.

    Args:
        champion: cell_dn, period_start, score; on the scale of `rules`. Null is no score.
        challenger: the same.
        window: periods compared; others are left out.
        granularity_s: seconds of a period.
        rules: when scores are a finding.
        verdicts: cell_dn, anomaly_start, is_real_probability; what people say of findings.
    """
    both = _within(champion, window).join(
        _within(challenger, window), on=["cell_dn", "period_start"], suffix="_challenger"
    )
    mine, theirs = both["score_challenger"].to_numpy(), both["score"].to_numpy()
    known = both.select("cell_dn", "period_start")
    found = {
        name: episodes(known.with_columns(score=pl.Series(scores)), window, granularity_s, rules)
        for name, scores in (("champion", theirs), ("challenger", mine))
    }
    has_spread = len(mine) > 2 and np.ptp(mine) > 0 and np.ptp(theirs) > 0
    return Comparison(
        window,
        both.height,
        both.height * granularity_s / 86_400,
        float(spearmanr(mine, theirs).statistic) if has_spread else float("nan"),
        score_shift(mine, theirs),
        _with_verdicts(_differences(found["champion"], found["challenger"]), verdicts),
    )


def comparison_page(comparison: Comparison, name: str, champion: str, challenger: str) -> str:
    """Return the comparison as Markdown that a person reads; DNs and figures only, no prose."""
    per_day = 1 / max(comparison.cell_days, 1e-9)
    rows = [
        f"| {who} | {comparison.count(who)} | {comparison.count(who) * per_day:.4f} "
        f"| {comparison.count(who, 'CONFIRMED')} | {comparison.count(who, 'REJECTED')} |"
        for who in _FOUND_BY
    ]
    alone = comparison.findings.filter(pl.col("found_by") != "both").sort(
        "peak_score", descending=True
    )
    listed = [
        f"| {who} | `{cell}` | {start:%Y-%m-%d %H:%M} | {end:%Y-%m-%d %H:%M} | {peak:.1f} "
        f"| {verdict or ''} |"
        for who, cell, start, end, peak, verdict in alone.head(20).iter_rows()
    ]
    return "\n".join(
        [
            f"# {name}: champion and challenger",
            "",
            f"Champion: {champion}. Challenger: {challenger}. {comparison.window}, "
            f"{comparison.cell_days:.0f} cell-days that both scored.",
            "",
            f"Agreement of ranks (Spearman) {comparison.rank_agreement:.3f}; population stability "
            f"index {comparison.score_shift:.3f}.",
            "",
            "| found by | findings | per cell-day | confirmed | rejected |",
            "|---|---|---|---|---|",
            *rows,
            "",
            verdict_sentence(comparison),
            *(
                [
                    "",
                    "| only | cell | from | to | peak | verdict |",
                    "|---|---|---|---|---|---|",
                    *listed,
                ]
                if listed
                else []
            ),
            "",
        ]
    )


def verdict_sentence(comparison: Comparison) -> str:
    """Return who was right where they differ and people judged."""
    right = {
        "challenger": comparison.count("challenger", "CONFIRMED")
        + comparison.count("champion", "REJECTED"),
        "champion": comparison.count("champion", "CONFIRMED")
        + comparison.count("challenger", "REJECTED"),
    }
    judged = sum(right.values())
    if judged == 0:
        return "Nobody judged a finding on which they differ."
    return (
        f"Of {judged} judged findings on which they differ, the challenger was right in "
        f"{right['challenger']}, the champion in {right['champion']}."
    )


def _within(scores: pl.DataFrame, window: Window) -> pl.DataFrame:
    return scores.filter(
        pl.col("period_start").is_between(window.start, window.end, closed="left"),
        pl.col("score").is_finite(),
    ).select("cell_dn", "period_start", "score")


def _differences(champion: pl.DataFrame, challenger: pl.DataFrame) -> pl.DataFrame:
    """Return findings of either; those of both once, as the champion tells them."""
    shape = ["cell_dn", "anomaly_start", "anomaly_end", "peak_score"]

    def met(own: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
        overlapping = (
            own.select(shape)
            .with_row_index("row")
            .join(other.select(shape), on="cell_dn", suffix="_other")
            .filter(
                pl.col("anomaly_start") < pl.col("anomaly_end_other"),
                pl.col("anomaly_start_other") < pl.col("anomaly_end"),
            )
        )
        rows = overlapping["row"].unique().to_list()
        return own.select(shape).with_row_index("row").with_columns(met=pl.col("row").is_in(rows))

    def told(own: pl.DataFrame, who: str) -> pl.DataFrame:
        return own.select(pl.lit(who).alias("found_by"), *shape)

    mine, theirs = met(challenger, champion), met(champion, challenger)
    return pl.concat(
        [
            told(theirs.filter("met"), "both"),
            told(theirs.filter(~pl.col("met")), "champion"),
            told(mine.filter(~pl.col("met")), "challenger"),
        ]
    )


def _with_verdicts(findings: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return findings with what people say of a finding that began in them or with them."""
    decided = verdicts.filter(pl.col("is_real_probability") != _UNDECIDED).select(
        "cell_dn", pl.col("anomaly_start").alias("judged_start"), "is_real_probability"
    )
    judged = (
        findings.with_row_index("row")
        .join(decided, on="cell_dn")
        .filter(
            pl.col("judged_start") >= pl.col("anomaly_start"),
            pl.col("judged_start") < pl.col("anomaly_end"),
        )
        .group_by("row")
        .agg(pl.col("is_real_probability").mean())
        .with_columns(
            verdict=pl.when(pl.col("is_real_probability") > _UNDECIDED)
            .then(pl.lit("CONFIRMED"))
            .otherwise(pl.lit("REJECTED"))
        )
    )
    return (
        findings.with_row_index("row")
        .join(judged.select("row", "verdict"), on="row", how="left")
        .select(*DIFFERENCES)
    )
