"""Scoring of a whole network in chunks of cells: what is shared first, then every cell.

Memory stays bounded: cells come in batches, each batch as one cube that workers share without a
copy, each chunk a range of its cells. A chunk of some dozens of cells is seconds of work, so a
worker's overhead (under a millisecond) does not show, and its scratch memory stays small.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.cell_model import (
    CellModel,
    Network,
    cell_model,
    fullness,
    learnt_normal,
    residuals,
    typical_spread,
    week_model,
)
from tasks.anomaly.cube import KpiCube, kpi_cube
from tasks.anomaly.detector import Judgement, judged
from tasks.anomaly.deviation_panels import deviation_panel
from tasks.anomaly.explaining import Expectation, expectations
from tasks.anomaly.families.family import Panel
from tasks.anomaly.plan import Plan
from tasks.anomaly.score_rows import RIVAL_SCORES, rival_rows, score_rows, silent_rows
from tasks.anomaly.serving import (
    DETECTOR_ALONE,
    ModelsAtWork,
    Served,
    detector_shares,
    served_scores,
    served_shares,
    together,
)
from tasks.anomaly.shared_shocks import shared_shocks
from tasks.ports import WorkerPool

ReadCells = Callable[[Sequence[str]], pl.DataFrame]
"""Returns the KPI rows of some cells over the whole grid."""

_BATCH_VALUES = 120_000_000  # float32 values of one cube: half a gigabyte
_CHUNK_VALUES = 3_000_000
_NORMAL_CELLS = 96


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows of `cell_anomalies.scores` and `.rival_scores`, and what the cells share."""

    rows: pl.DataFrame
    rivals: pl.DataFrame
    network: Network


def learnt_network(plan: Plan, panel: KpiCube, workers: WorkerPool) -> Network:
    """Return what all cells share, learnt from the cells of `panel`."""
    parts = workers.map(_residuals, _chunks(panel), shared={"values": panel.values, "plan": plan})
    kpis, periods = len(plan.kpis), plan.grid.periods_count
    if not parts:
        nothing = np.full((1, kpis, periods), np.nan, np.float16)
        parts = [(nothing, np.full((1, kpis, 1), np.nan, np.float32), nothing[:, 0])]
    rest, spreads, full = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    by_hash = np.argsort([_hash(cell) for cell in panel.cells] or [0])
    sample = np.sort(by_hash[:_NORMAL_CELLS])
    return learnt_normal(
        (rest[sample].astype(np.float32), spreads[sample], full[sample].astype(np.float32)),
        shared_shocks(rest, plan.grid.slots_a_day, plan.training_periods),
        typical_spread(spreads),
        plan,
    )


def panel_of(cells: Sequence[str], count: int) -> list[str]:
    """Return up to `count` cells, chosen by a hash of their DN, sorted."""
    return sorted(sorted(cells, key=lambda cell: (_hash(cell), cell))[:count])


def scores_of(
    plan: Plan,
    cells: Sequence[str],
    read: ReadCells,
    workers: WorkerPool,
    models: ModelsAtWork = DETECTOR_ALONE,
) -> Scored:
    """Return one row a cell and period of the window, rivals' rows, and what the cells share.

    Args:
        plan: what is scored.
        cells: every cell that should have a row, also those that reported nothing of late.
        read: where their rows come from.
        workers: where chunks run.
        models: who scores beside the detector, or instead of it.
    """
    ordered = sorted(set(cells))
    panel_cells = panel_of(ordered, plan.rules.panel_cells)
    panel = kpi_cube(read(panel_cells), plan.kpis, plan.grid)
    network = learnt_network(plan, panel, workers)
    frames, rivals = [silent_rows([], plan)], [pl.DataFrame(schema=RIVAL_SCORES)]
    for batch in _batches(ordered, plan):
        cube = panel if batch == panel_cells else kpi_cube(read(batch), plan.kpis, plan.grid)
        shared = {"values": cube.values, "plan": plan, "network": network}
        shared |= _at_work(cube.cells, models)
        parts = workers.map(_judge, _chunks(cube), shared=shared)
        for (judgement, beside), chunk in zip(parts, _chunks(cube), strict=True):
            named = cube.cells[chunk.start : chunk.stop]
            frames.append(score_rows(judgement, named, plan, models.deciding.references(named)))
            rivals += [
                rival_rows(scores, named, plan, serving)
                for scores, serving in zip(beside, models.beside, strict=True)
            ]
        frames.append(silent_rows(sorted(set(batch) - set(cube.cells)), plan))
    return Scored(
        pl.concat(frames).sort("cell_dn", "period_start"),
        pl.concat(rivals).sort("cell_dn", "period_start", "model"),
        network,
    )


def explained(
    plan: Plan,
    cells: Sequence[str],
    read: ReadCells,
    network: Network,
    workers: WorkerPool,
    models: ModelsAtWork = DETECTOR_ALONE,
) -> dict[str, tuple[Expectation, int]]:
    """Return for each cell what was expected of it, and its place in that expectation."""
    found: dict[str, tuple[Expectation, int]] = {}
    for batch in _batches(sorted(set(cells)), plan):
        cube = kpi_cube(read(batch), plan.kpis, plan.grid)
        parts = workers.map(
            _explain,
            _chunks(cube),
            shared={"values": cube.values, "plan": plan, "network": network}
            | _at_work(cube.cells, ModelsAtWork(models.deciding)),
        )
        for part, chunk in zip(parts, _chunks(cube), strict=True):
            found |= {cube.cells[cell]: (part, cell - chunk.start) for cell in chunk}
    return found


def _residuals(chunk: range, values: Floats, plan: Plan) -> tuple[Floats, Floats, Floats]:
    part = values[chunk.start : chunk.stop]
    week = week_model(part, plan)
    rest = residuals(part, week, plan, 0, plan.grid.periods_count)
    full = fullness(rest, week, plan, 0)
    return rest.astype(np.float16), week.baseline.spread, full.astype(np.float16)


def _at_work(cells: Sequence[str], models: ModelsAtWork) -> dict[str, object]:
    """Return what a chunk needs to know of stored models: places by cell, and the models."""
    return {
        "places": np.stack([serving.of_cells(cells) for serving in models.all]),
        "models": tuple(serving.models for serving in models.all),
        "context": models.context_periods,
    }


def _explain(
    chunk: range,
    values: Floats,
    plan: Plan,
    network: Network,
    places: Integers,
    models: tuple[tuple[Served, ...], ...],
    context: int,
) -> Expectation:
    part, own = values[chunk.start : chunk.stop], places[0, chunk.start : chunk.stop]
    model = cell_model(part, plan, network)
    found = expectations(part, model, plan, network)
    if (own < 0).all():
        return found
    panel = _panel(part, model, plan, network, context)
    theirs = served_shares(panel, own, models[0], plan.scored_periods)
    counts = detector_shares(own, models[0])[:, None, None]
    return replace(found, share=np.where(counts > 0, together(found.share, theirs, counts), theirs))


def _judge(
    chunk: range,
    values: Floats,
    plan: Plan,
    network: Network,
    places: Integers,
    models: tuple[tuple[Served, ...], ...],
    context: int,
) -> tuple[Judgement, list[Floats]]:
    part, own = values[chunk.start : chunk.stop], places[:, chunk.start : chunk.stop]
    model = cell_model(part, plan, network)
    found = judged(part, model, plan, network)
    if (own < 0).all():
        return found, [np.full_like(found.score, np.nan) for _ in models[1:]]
    panel = _panel(part, model, plan, network, context)
    first, *beside = (
        _with_detector(found.score, panel, own[number], served)
        for number, served in enumerate(models)
    )
    return replace(found, score=first), beside


def _with_detector(
    own: Floats, panel: Panel, places: Integers, models: tuple[Served, ...]
) -> Floats:
    """Return models' scores, the detector counting as much as each asks; its own where none is."""
    theirs = served_scores(panel, places, models, own.shape[1])
    counts = detector_shares(places, models)[:, None]
    return np.where(counts > 0, together(own, theirs, counts), theirs)


def _panel(part: Floats, model: CellModel, plan: Plan, network: Network, context: int) -> Panel:
    first = max(plan.first_scored - context, 0)
    return deviation_panel(part, model, plan, network, first, plan.grid.periods_count)


def _chunks(cube: KpiCube) -> list[range]:
    """Return ranges of cells, at least two where there are two cells."""
    count = len(cube.cells)
    a_cell = max(len(cube.kpis) * cube.grid.periods_count, 1)
    size = max(min(_CHUNK_VALUES // a_cell, -(-count // 2)), 1)
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _batches(cells: list[str], plan: Plan) -> Iterator[list[str]]:
    a_cell = max(len(plan.kpis) * plan.grid.periods_count, 1)
    size = max(_BATCH_VALUES // a_cell, 1)
    for start in range(0, len(cells), size):
        yield cells[start : start + size]


def _hash(cell: str) -> int:
    return zlib.crc32(cell.encode())
