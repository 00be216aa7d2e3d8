"""Scores as rows: of the one who decides, of those beside, and of cells of whom nothing is said."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from data_products.cell_kpis.saving_periods import saves_energy
from tasks.anomaly.arrays import Floats, Schema
from tasks.anomaly.detector import Judgement
from tasks.anomaly.plan import Plan
from tasks.anomaly.serving import DETECTOR, Serving

SCORES: Schema = {
    "cell_dn": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "score": pl.Float64,
    "baseline_score": pl.Float64,
    "abstained_because": pl.String,
    "model": pl.String,
    "is_anomalous": pl.Boolean,
    "is_baseline_anomalous": pl.Boolean,
}
"""The columns of `cell_anomalies.scores`, before lineage."""

RIVAL_SCORES: Schema = {
    "cell_dn": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "model": pl.String,
    "score": pl.Float64,
}
"""The columns of `cell_anomalies.rival_scores`, before lineage and role."""

NO_DATA = "no data in the period"
STOPPED_REPORTING = "nothing reported in the whole window"
HISTORY_TOO_SHORT = "history too short"
SAVES_ENERGY = "the cell saved energy"


def rival_rows(scores: Floats, cells: Sequence[str], plan: Plan, serving: Serving) -> pl.DataFrame:
    """Return the scores of one who scores beside, without the cells that it does not serve."""
    served = np.flatnonzero(serving.of_cells(cells) >= 0).tolist()
    references = serving.references(cells)
    periods = plan.scored_periods
    return pl.DataFrame(
        {
            "cell_dn": np.repeat([cells[cell] for cell in served], periods),
            "period_start": pl.concat([plan.window_starts()] * len(served))
            if len(served)
            else plan.window_starts().clear(),
            "model": np.repeat([references[cell] for cell in served], periods),
            "score": scores[served].ravel(),
        },
        schema=RIVAL_SCORES,
    ).with_columns(pl.col("score").fill_nan(None))


def score_rows(
    found: Judgement, cells: Sequence[str], plan: Plan, references: Sequence[str]
) -> pl.DataFrame:
    """Return rows of `cell_anomalies.scores`; what has no score says why.

    Args:
        found: of the cells, in their order.
        cells: their DNs.
        plan: what was scored.
        references: by cell, who scored it.
    """
    periods = found.score.shape[1]
    reasons = np.full(found.score.shape, HISTORY_TOO_SHORT, object)
    reasons[found.observed_count == 0] = NO_DATA
    reasons[found.observed_count.max(axis=1, initial=0) == 0] = STOPPED_REPORTING
    reasons[np.isfinite(found.score)] = None
    return _frame(
        np.repeat(np.array(cells, object), periods),
        plan,
        found.score.ravel(),
        found.baseline_score.ravel(),
        reasons.ravel(),
        np.repeat(np.array(references, object), periods),
    )


def silent_rows(cells: Sequence[str], plan: Plan) -> pl.DataFrame:
    """Return abstained rows of cells without any row on the grid."""
    reasons = np.full((len(cells), plan.scored_periods), STOPPED_REPORTING, object)
    return abstained_rows(cells, reasons, plan)


def reasoned_by_saving(scores: pl.DataFrame, rows: pl.LazyFrame, plan: Plan) -> pl.DataFrame:
    """Return scores that say where nothing is said because the cell saved energy.

    Args:
        scores: as `SCORES` has them.
        rows: `cell_kpis`, with what it knows of saving.
        plan: what was scored.
    """
    saving = (
        rows.filter(
            pl.col("granularity") == plan.granularity,
            pl.col("period_start") >= plan.grid.start_of(plan.first_scored),
            saves_energy(rows.collect_schema().names()),
        )
        .select("cell_dn", "period_start", _saves=pl.lit(value=True))
        .unique()
        .collect()
    )
    is_silent = pl.col("abstained_because").is_not_null()
    told = scores.join(saving, on=["cell_dn", "period_start"], how="left", maintain_order="left")
    return told.with_columns(
        abstained_because=pl.when(pl.col("_saves") & is_silent)
        .then(pl.lit(SAVES_ENERGY))
        .otherwise("abstained_because")
    ).drop("_saves")


def abstained_rows(
    cells: Sequence[str], reasons: npt.NDArray[np.object_], plan: Plan
) -> pl.DataFrame:
    """Return rows without a score, for the reasons given by cell and period of the window."""
    nothing = np.full(reasons.size, np.nan, np.float32)
    named = np.repeat(np.array(cells, object), plan.scored_periods)
    nobody = np.full(reasons.size, DETECTOR, object)
    return _frame(named, plan, nothing, nothing, reasons.ravel(), nobody)


def _frame(
    cells: npt.NDArray[np.object_],
    plan: Plan,
    score: Floats,
    baseline_score: Floats,
    reasons: npt.NDArray[np.object_],
    references: npt.NDArray[np.object_],
) -> pl.DataFrame:
    rules, starts = plan.rules, plan.window_starts()
    copies = len(cells) // max(len(starts), 1)
    periods = pl.concat([starts] * copies) if copies else starts.clear()
    return pl.DataFrame(
        {
            "cell_dn": pl.Series(cells.tolist(), dtype=pl.String),
            "period_start": periods,
            "score": pl.Series(score, dtype=pl.Float64).fill_nan(None),
            "baseline_score": pl.Series(baseline_score, dtype=pl.Float64).fill_nan(None),
            "abstained_because": pl.Series(reasons.tolist(), dtype=pl.String),
            "model": pl.Series(references.tolist(), dtype=pl.String),
        }
    ).with_columns(
        is_anomalous=(pl.col("score") >= rules.score_begins).fill_null(value=False),
        is_baseline_anomalous=(pl.col("baseline_score") > rules.baseline_spreads).fill_null(
            value=False
        ),
    )
