"""Cells that are trained together: one class at one granularity, sampled by profile.

Their values are read once and shared by all profiles; so is what all cells of a network share,
learnt twice: from the days before validation, for trials, and from all days, for what will serve.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from data_products.cell_kpis.saving_periods import without_saving
from semantic_layer.detection import Detection
from semantic_layer.model_promotion import ModelPromotion
from semantic_layer.periods import GRANULARITIES
from tasks.anomaly.arrays import Floats
from tasks.anomaly.cell_model import Network
from tasks.anomaly.cube import DAY_S, Grid, kpi_cube
from tasks.anomaly.outcome import cell_groups
from tasks.anomaly.plan import Plan
from tasks.anomaly.scored_kpis import ScoredKpi
from tasks.anomaly.scoring import learnt_network, panel_of
from tasks.anomaly.serving import ALL_CELLS
from tasks.ports import WorkerPool


@dataclass(frozen=True, slots=True)
class Learning:
    """A plan whose history ends at `plan.training_periods`, and what all cells share by then."""

    plan: Plan
    network: Network


@dataclass(frozen=True, slots=True)
class TrainingGroup:
    """Cells of one class at one granularity, ready to be trained.

    Attributes:
        object_class: of its cells.
        cells: DNs of those that any profile learns from, sorted.
        values: Float32 [cells, KPIs, periods], in the KPIs' units, over all of the history.
        trial: learnt from the days before validation.
        final: learnt from all days.
        rows: by profile, which cells it learns from.
        sizes: by profile, how many cells it has.
    """

    object_class: str
    cells: tuple[str, ...]
    values: Floats
    trial: Learning
    final: Learning
    rows: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, int]


def training_groups(
    rows: pl.LazyFrame,
    profiles: Mapping[str, str],
    kpis: Sequence[ScoredKpi],
    until: datetime,
    rules: tuple[Detection, ModelPromotion],
    workers: WorkerPool,
) -> Iterator[TrainingGroup]:
    """Yield the groups of cells of a KPI table, each with what is learnt of all its cells.

    Args:
        rows: `cell_kpis` of the history, as it ends at `until`; read lazily.
        profiles: profile by cell DN; a cell that is not there belongs to `all` alone.
        kpis: what may be scored; those without data are left out.
        until: where the history ends, a midnight in UTC.
        rules: of detection and of training.
        workers: where chunks of cells run.
    """
    present = [kpi for kpi in kpis if kpi.column in set(rows.collect_schema().names())]
    rows = without_saving(rows, [kpi.column for kpi in present])
    for group in cell_groups(rows):
        cells = group.cells
        own = rows.filter(
            pl.col("granularity") == group.granularity, pl.col("cell_dn").is_in(list(cells))
        )
        counts = own.select(pl.col(kpi.column).count() for kpi in present).collect()
        seen = [kpi for kpi in present if counts[kpi.column].sum() > 0]
        if not seen:
            continue
        samples = sampled_profiles(cells, profiles, rules[1])
        chosen = sorted({cell for sample in samples.values() for cell in sample})
        plans = _plans(seen, group.granularity, until, rules)
        common = panel_of(cells, rules[0].panel_cells)
        panel = kpi_cube(_read(own, common, seen), seen, plans[0].grid)
        learnt = [Learning(plan, learnt_network(plan, panel, workers)) for plan in plans]
        cube = panel if common == chosen else kpi_cube(_read(own, chosen, seen), seen, panel.grid)
        place = {cell: row for row, cell in enumerate(cube.cells)}
        yield TrainingGroup(
            group.object_class,
            cube.cells,
            cube.values,
            learnt[0],
            learnt[1],
            {name: tuple(place[cell] for cell in some) for name, some in samples.items()},
            {name: _size(name, cells, profiles) for name in samples},
        )


def sampled_profiles(
    cells: Sequence[str], profiles: Mapping[str, str], rules: ModelPromotion
) -> dict[str, list[str]]:
    """Return which cells each profile learns from, `all` first; small profiles are left out."""
    members: dict[str, list[str]] = {}
    for cell in cells:
        if cell in profiles:
            members.setdefault(profiles[cell], []).append(cell)
    large = {
        name: own for name, own in sorted(members.items()) if len(own) >= rules.fewest_profile_cells
    }
    return {
        name: panel_of(own, rules.profile_cells)
        for name, own in ({ALL_CELLS: list(cells)} | large).items()
    }


def _size(name: str, cells: Sequence[str], profiles: Mapping[str, str]) -> int:
    if name == ALL_CELLS:
        return len(cells)
    return sum(profiles.get(cell) == name for cell in cells)


def _plans(
    kpis: Sequence[ScoredKpi],
    granularity: str,
    until: datetime,
    rules: tuple[Detection, ModelPromotion],
) -> tuple[Plan, Plan]:
    """Return the plans of trials and of what will serve, over the same periods."""
    detection, training = rules
    seconds = GRANULARITIES[granularity]
    slots = DAY_S // seconds
    days = detection.training_days
    grid = Grid(until - timedelta(days=days), seconds, days * slots)
    plans = []
    for known in (days - training.validation_days, days):
        fewest = min(detection.fewest_history_days, known)
        own = detection.model_copy(update={"training_days": known, "fewest_history_days": fewest})
        plans.append(Plan(tuple(kpis), granularity, grid, known * slots, known * slots, own))
    return plans[0], plans[1]


def _read(own: pl.LazyFrame, cells: Sequence[str], kpis: Sequence[ScoredKpi]) -> pl.DataFrame:
    columns = [kpi.column for kpi in kpis]
    wanted = own.filter(pl.col("cell_dn").is_in(list(cells)))
    return wanted.select("cell_dn", "period_start", *columns).collect()
