"""Models as they published their scores: by name, on the grid of the truth."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.evaluation.truth import ScoredGrid, on_grid

DECIDING = "what decides now"
BASELINE = "per-KPI dynamic threshold as shipped"
_CHALLENGER = "challenger"
_FINEST = "15min"
_NO_PROFILE = "all"


def models_of(grid: ScoredGrid, rivals: pl.DataFrame) -> dict[str, npt.NDArray[np.floating]]:
    """Return the scores of every model, [cells, periods], by the name it is shown under.

    Challengers of different profiles are one model to whoever compares: the one that would decide
    if all were promoted; where a profile has none, what decides now stays.

    Args:
        grid: scores of what decides, and of the baseline.
        rivals: rows of `cell_anomalies.rival_scores`.
    """
    found = {DECIDING: grid.score, BASELINE: grid.baseline_score}
    for (name,), rows in rivals.filter(pl.col("role") != _CHALLENGER).group_by(
        "model", maintain_order=True
    ):
        found[str(name)] = on_grid(grid, rows)
    challengers = rivals.filter(pl.col("role") == _CHALLENGER)
    if not challengers.is_empty():
        theirs = on_grid(grid, challengers)
        has_one = np.isfinite(theirs).any(axis=1, keepdims=True)
        found["challengers"] = np.where(has_one, theirs, grid.score)
    return found


def with_profiles(kpis: pl.LazyFrame, profiles: Mapping[str, str]) -> pl.DataFrame:
    """Return KPI rows of the finest granularity with their cell's profile; `all` without one."""
    named = pl.DataFrame(
        {"cell_dn": list(profiles), "cell_profile": list(profiles.values())},
        {"cell_dn": pl.String, "cell_profile": pl.String},
    )
    rows = kpis.filter(pl.col("granularity") == _FINEST).drop("granularity").collect()
    return rows.join(named, on="cell_dn", how="left").with_columns(
        pl.col("cell_profile").fill_null(_NO_PROFILE)
    )
