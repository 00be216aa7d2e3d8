"""How often calm periods exceed a nominal probability, a week after the levels were learnt.

Levels are fitted to a week of scores with its faults in it, unmarked; what is counted is the next
week, without faults. Beside them: a normal distribution fitted to the same week, and its plain
quantiles. A detector, and the per-KPI threshold with its heavier tail.
"""

import time
from datetime import timedelta

import numpy as np
import polars as pl
from scipy.special import ndtri

from semantic_layer.finding_worth import finding_worth
from tasks.anomaly.arrays import Floats
from tasks.anomaly.calibration import calm_levels, tail_probabilities
from tasks.anomaly.worth.false_discovery import q_values_by_profile
from tests.benchmarks._feedback_town import Delivered, delivered_town, scored_days

SEEDS = (62, 65)
NOMINAL = (1e-2, 1e-3, 1e-4, 1e-5)
_PERIOD_S = 900
_CELLS = 100_000


def main() -> None:
    """Print observed exceedance by family, and what a hundred thousand cells cost."""
    for seed in SEEDS:
        town = delivered_town(seed)
        report(f"town {seed}", town, pl.concat(scores for _, scores in scored_days(town)))
    costs()


def report(where: str, town: Delivered, scores: pl.DataFrame) -> None:
    """Print the observed share of calm periods beyond each nominal one, family by family."""
    middle = town.end - timedelta(days=7)
    for column in ("score", "baseline_score"):
        values, starts, is_faulty = gridded(scores, column, town.faulty)
        history = values[:, starts < middle]
        levels = calm_levels(history, finding_worth().calm_tail, _PERIOD_S)
        known = history[np.isfinite(history)]
        first = (starts >= middle) & (starts < middle + timedelta(days=1))
        for name, days in (
            ("next week", starts >= middle),
            ("without its first day, a holiday", (starts >= middle) & ~first),
        ):
            calm = values[:, days][~is_faulty[:, days]]
            calm = calm[np.isfinite(calm)]
            rare = tail_probabilities(calm, levels)
            for nominal in NOMINAL:
                normal = known.mean() - ndtri(nominal) * known.std()
                plain = np.quantile(known, 1 - nominal)
                print(
                    f"bench calibration: {where} {column}, {name}: beyond {nominal:g} are "
                    f"{(rare <= nominal).mean():.1e} (normal {(calm >= normal).mean():.1e}, "
                    f"plain quantiles {(calm >= plain).mean():.1e})"
                )


def costs() -> None:
    """Print the CPU time of judging a hundred thousand cells."""
    random = np.random.default_rng(1)
    scores = random.normal(size=(1000, 96))
    levels = calm_levels(scores, finding_worth().calm_tail, _PERIOD_S)
    asked = random.normal(size=(_CELLS, 96)).astype(np.float32)
    started = time.process_time()
    lowest = tail_probabilities(asked.max(axis=1), levels)
    profiles = np.array([f"profile-{n % 20:02d}" for n in range(_CELLS)], object)
    q_values_by_profile(lowest, profiles, method="any")
    print(
        f"bench calibration: {_CELLS} cells judged for a day in "
        f"{time.process_time() - started:.2f} CPU-s"
    )


def gridded(
    scores: pl.DataFrame, column: str, faulty: pl.DataFrame
) -> tuple[Floats, Floats, Floats]:
    """Return scores [cells, periods], starts [periods], and where a fault is [cells, periods]."""
    cells, starts = scores["cell_dn"].unique().sort(), scores["period_start"].unique().sort()
    values = np.full((len(cells), len(starts)), np.nan)
    row, period = _places(scores, cells, starts)
    values[row, period] = scores[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    marks = np.zeros(values.shape, bool)
    marked = faulty.filter(
        pl.col("cell_dn").is_in(cells.implode()), pl.col("period_start").is_in(starts.implode())
    )
    marks[_places(marked, cells, starts)] = True
    return values, np.array(starts.to_list(), object), marks


def _places(rows: pl.DataFrame, cells: pl.Series, starts: pl.Series) -> tuple[Floats, Floats]:
    return (
        cells.search_sorted(rows["cell_dn"]).to_numpy(),
        starts.search_sorted(rows["period_start"]).to_numpy(),
    )


if __name__ == "__main__":
    main()
