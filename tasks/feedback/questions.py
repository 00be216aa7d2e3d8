"""Which findings are worth a person's minute: those that an answer would tell most about.

A finding that is surely real or surely nothing teaches little; one near the cut does. A second
question about the same cell, or the same KPI, teaches less than the first.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

_AGAIN = 0.5
"""What a further question about one cell or one KPI is worth, next to the one before it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where findings are told from what is none.

    Attributes:
        probability: of a real problem.
        score: in standard deviations of calm, where a finding begins; used where no probability
            is known.
    """

    probability: float
    score: float


def questions(findings: pl.DataFrame, judged: pl.Series, budget: int, cut: Cut) -> pl.DataFrame:
    """Return the findings to ask about, the most telling first.

    Args:
        findings: rows of `cell_anomalies`; of several windows of one finding the last counts.
        judged: ids of findings that somebody judged, which are not asked again.
        budget: at most so many.
        cut: how uncertain a finding is, is how near it lies.

    Returns:
        Rows of `findings`, and `uncertainty`, 0 to 1; where equal, the newer finding first.
    """
    newest = findings.sort("window_end").unique("anomaly_id", keep="last", maintain_order=True)
    open_ones = (
        newest.filter(~pl.col("anomaly_id").is_in(judged.unique().to_list()))
        .with_columns(uncertainty(newest.columns, cut).round(6).alias("uncertainty"))
        .sort("uncertainty", "anomaly_start", "anomaly_id", descending=[True, True, False])
    )
    kpi = pl.col("contributions").list.first().struct.field("kpi").fill_null("")
    named = open_ones.select("cell_dn", kpi.alias("kpi"))
    taken = _diverse(
        open_ones["uncertainty"].to_numpy(),
        named["cell_dn"].rank("dense").to_numpy(),
        named["kpi"].rank("dense").to_numpy(),
        budget,
    )
    return open_ones[taken]


def uncertainty(columns: list[str], cut: Cut) -> pl.Expr:
    """Return how little is known of a finding, 1 at the cut and falling to 0 away from it.

    Args:
        columns: of the findings; a probability where they have one, else `peak_score` counts.
        cut: where it is highest.
    """
    near_score = cut.score / pl.max_horizontal(pl.col("peak_score"), pl.lit(cut.score))
    if "probability" not in columns:
        return near_score.fill_nan(0.0)
    probability = pl.col("probability")
    above = (1 - probability) / (1 - cut.probability)
    below = probability / cut.probability
    near = pl.when(probability >= cut.probability).then(above).otherwise(below)
    return pl.coalesce(near.fill_nan(None), near_score).clip(0, 1)


def _diverse(
    worth: npt.NDArray[np.float64],
    cells: npt.NDArray[np.int64],
    kpis: npt.NDArray[np.int64],
    budget: int,
) -> list[int]:
    """Return places by worth, which falls for all that shares a cell or a KPI with one taken."""
    left = worth.astype(np.float64, copy=True)
    taken: list[int] = []
    for _ in range(min(budget, len(left))):
        best = int(np.argmax(left))
        taken.append(best)
        left *= np.where(cells == cells[best], _AGAIN, 1.0)
        left *= np.where(kpis == kpis[best], _AGAIN, 1.0)
        left[best] = -1.0
    return taken
