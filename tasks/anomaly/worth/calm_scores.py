"""How calm cells score, by profile, from what was published before a window."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from semantic_layer.finding_worth import FindingWorth
from semantic_layer.periods import Window
from tasks.anomaly.arrays import Floats
from tasks.anomaly.calibration import calm_levels
from tasks.anomaly.worth.false_discovery import extremal_index
from tasks.anomaly.worth.findings_worth import EVERY_CELL, CalmScores

_FEWEST_DAYS = 2.0
_FEWEST_CELLS = 5  # of a profile, for levels of its own


def calm_scores(
    earlier: pl.DataFrame,
    judged: pl.DataFrame,
    window: Window,
    profiles: Mapping[str, str],
    rules: FindingWorth,
) -> CalmScores | None:
    """Return how calm cells score; None where too little was published before the window.

    Args:
        earlier: cell_dn, period_start, score published before the window, of all cells or of a
            sample of them.
        judged: cell_dn, score of the window's scores.
        window: what was scored.
        profiles: profile by cell DN.
        rules: of a finding's worth.
    """
    known = judged.drop_nulls("score")
    cells = known["cell_dn"].n_unique()
    if cells == 0 or earlier.is_empty():
        return None
    periods = known.height / cells
    granularity_s = max(round(window.seconds / periods), 1)
    values, names = _matrix(earlier, granularity_s)
    if values.shape[1] * granularity_s < _FEWEST_DAYS * 86_400 or not np.isfinite(values).any():
        return None
    every = calm_levels(values, rules.calm_tail, granularity_s)
    of_cell = np.array([profiles.get(name, "") for name in names], object)
    levels = {EVERY_CELL: every}
    for profile in sorted(set(of_cell.tolist()) - {""}):
        mine = of_cell == profile
        if mine.sum() >= _FEWEST_CELLS:
            levels[profile] = calm_levels(values[mine], rules.calm_tail, granularity_s, every)
    index = extremal_index(values, round(rules.calm_tail.together_periods))
    return CalmScores(levels, periods, cells, index)


def _matrix(scores: pl.DataFrame, granularity_s: int) -> tuple[Floats, list[str]]:
    """Return scores [cells, periods] over the time that they cover, NaN where there is none."""
    names = scores["cell_dn"].unique().sort().to_list()
    moments = scores["period_start"].dt.timestamp("us").to_numpy() // 1_000_000
    place = (moments - moments.min()) // granularity_s
    values = np.full((len(names), int(place.max()) + 1), np.nan)
    rows = scores["cell_dn"].cast(pl.Enum(names)).to_physical().to_numpy()
    values[rows, place] = scores["score"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values, names
