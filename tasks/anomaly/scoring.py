"""Scoring of a whole network in chunks of cells: what is shared first, then every cell.

Memory stays bounded: cells come in batches, each batch as one cube that workers share without a
copy, each chunk a range of its cells. A chunk of some dozens of cells is seconds of work, so a
worker's overhead (under a millisecond) does not show, and its scratch memory stays small.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.anomaly.arrays import Floats, Schema
from tasks.anomaly.cell_model import (
    Network,
    cell_model,
    learnt_normal,
    residuals,
    typical_spread,
    week_model,
)
from tasks.anomaly.cube import KpiCube, kpi_cube
from tasks.anomaly.detector import Judgement, judged
from tasks.anomaly.explaining import Expectation, expectations
from tasks.anomaly.plan import Plan
from tasks.anomaly.shared_shocks import shared_shocks
from tasks.ports import WorkerPool

ReadCells = Callable[[Sequence[str]], pl.DataFrame]
"""Returns the KPI rows of some cells over the whole grid."""

_BATCH_VALUES = 120_000_000  # float32 values of one cube: half a gigabyte
_CHUNK_VALUES = 3_000_000
_NORMAL_CELLS = 96

SCORES: Schema = {
    "cell_dn": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "score": pl.Float64,
    "baseline_score": pl.Float64,
    "abstained_because": pl.String,
    "is_anomalous": pl.Boolean,
    "is_baseline_anomalous": pl.Boolean,
}
"""The columns of `cell_anomalies.scores`, before lineage."""

NO_DATA = "no data in the period"
STOPPED_REPORTING = "nothing reported in the whole window"
HISTORY_TOO_SHORT = "history too short"


def learnt_network(plan: Plan, panel: KpiCube, workers: WorkerPool) -> Network:
    """Return what all cells share, learnt from the cells of `panel`."""
    parts = workers.map(_residuals, _chunks(panel), shared={"values": panel.values, "plan": plan})
    kpis, periods = len(plan.kpis), plan.grid.periods_count
    rest = np.concatenate([np.zeros((0, kpis, periods), np.float16), *(one for one, _ in parts)])
    spread = [one for _, one in parts] or [np.full((1, kpis, 1), np.nan, np.float32)]
    sample = np.sort(np.argsort([_hash(cell) for cell in panel.cells])[:_NORMAL_CELLS])
    if not parts:
        rest, sample = np.full((1, kpis, periods), np.nan, np.float16), np.array([0])
    spreads = np.concatenate(spread)
    return learnt_normal(
        rest[sample].astype(np.float32),
        spreads[sample],
        shared_shocks(rest),
        typical_spread(spreads),
        plan,
    )


def panel_of(cells: Sequence[str], count: int) -> list[str]:
    """Return up to `count` cells, chosen by a hash of their DN, sorted."""
    return sorted(sorted(cells, key=lambda cell: (_hash(cell), cell))[:count])


def scores_of(
    plan: Plan, cells: Sequence[str], read: ReadCells, workers: WorkerPool
) -> tuple[pl.DataFrame, Network]:
    """Return one row a cell and period of the window, and what the cells share.

    The rows have the shape of `cell_anomalies.scores`.

    Args:
        plan: what is scored.
        cells: every cell that should have a row, also those that reported nothing of late.
        read: where their rows come from.
        workers: where chunks run.
    """
    ordered = sorted(set(cells))
    panel_cells = panel_of(ordered, plan.rules.panel_cells)
    panel = kpi_cube(read(panel_cells), plan.kpis, plan.grid)
    network = learnt_network(plan, panel, workers)
    frames = [silent_rows([], plan)]
    for batch in _batches(ordered, plan):
        cube = panel if batch == panel_cells else kpi_cube(read(batch), plan.kpis, plan.grid)
        shared = {"values": cube.values, "plan": plan, "network": network}
        parts = workers.map(_judge, _chunks(cube), shared=shared)
        frames += [
            _rows(part, cube.cells[chunk.start : chunk.stop], plan)
            for part, chunk in zip(parts, _chunks(cube), strict=True)
        ]
        frames.append(silent_rows(sorted(set(batch) - set(cube.cells)), plan))
    return pl.concat(frames).sort("cell_dn", "period_start"), network


def explained(
    plan: Plan, cells: Sequence[str], read: ReadCells, network: Network, workers: WorkerPool
) -> dict[str, tuple[Expectation, int]]:
    """Return for each cell what was expected of it, and its place in that expectation."""
    found: dict[str, tuple[Expectation, int]] = {}
    for batch in _batches(sorted(set(cells)), plan):
        cube = kpi_cube(read(batch), plan.kpis, plan.grid)
        parts = workers.map(
            _explain,
            _chunks(cube),
            shared={"values": cube.values, "plan": plan, "network": network},
        )
        for part, chunk in zip(parts, _chunks(cube), strict=True):
            found |= {cube.cells[cell]: (part, cell - chunk.start) for cell in chunk}
    return found


def _residuals(chunk: range, values: Floats, plan: Plan) -> tuple[Floats, Floats]:
    part = values[chunk.start : chunk.stop]
    week = week_model(part, plan)
    rest = residuals(part, week, plan, 0, plan.grid.periods_count)
    return rest.astype(np.float16), week.baseline.spread


def _explain(chunk: range, values: Floats, plan: Plan, network: Network) -> Expectation:
    part = values[chunk.start : chunk.stop]
    return expectations(part, cell_model(part, plan, network), plan, network)


def _judge(chunk: range, values: Floats, plan: Plan, network: Network) -> Judgement:
    part = values[chunk.start : chunk.stop]
    return judged(part, cell_model(part, plan, network), plan, network)


def _rows(found: Judgement, cells: Sequence[str], plan: Plan) -> pl.DataFrame:
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
    )


def silent_rows(cells: Sequence[str], plan: Plan) -> pl.DataFrame:
    """Return abstained rows of cells without any row on the grid."""
    reasons = np.full((len(cells), plan.scored_periods), STOPPED_REPORTING, object)
    return abstained_rows(cells, reasons, plan)


def abstained_rows(
    cells: Sequence[str], reasons: npt.NDArray[np.object_], plan: Plan
) -> pl.DataFrame:
    """Return rows without a score, for the reasons given by cell and period of the window."""
    nothing = np.full(reasons.size, np.nan, np.float32)
    named = np.repeat(np.array(cells, object), plan.scored_periods)
    return _frame(named, plan, nothing, nothing, reasons.ravel())


def _frame(
    cells: npt.NDArray[np.object_],
    plan: Plan,
    score: Floats,
    baseline_score: Floats,
    reasons: npt.NDArray[np.object_],
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
        }
    ).with_columns(
        is_anomalous=(pl.col("score") >= rules.score_begins).fill_null(value=False),
        is_baseline_anomalous=(pl.col("baseline_score") > rules.baseline_spreads).fill_null(
            value=False
        ),
    )


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
