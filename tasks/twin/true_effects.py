"""The truth: which cells a fault measurably touched, and when, by computing the run without it.

The state under faults is compared with the state of the same run, same chance, same planned
changes, without any. A difference counts as measurable where it is clear of what counting that
period scatters by. Nothing outside of the evaluation may read what comes from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.twin.faults import Fault
from tasks.twin.true_causes import NEIGHBOR_EFFECT, Causes, causes_of
from tasks.twin.true_scene import Scene

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrueEffects:
    """The truth's tables of faults, and of cells by period."""

    faults: pl.DataFrame
    cell_periods: pl.DataFrame


def true_effects(scene: Scene, faults: Sequence[Fault], missing: Flags) -> TrueEffects:
    """Return the truth of a run.

    Args:
        scene: the states to compare.
        faults: all faults of the run.
        missing: by period and cell, nothing was delivered.
    """
    causes = causes_of(scene, faults)
    return TrueEffects(
        _fault_rows(scene, faults, causes), _cell_period_rows(scene, faults, causes, missing)
    )


def _fault_rows(scene: Scene, faults: Sequence[Fault], causes: Causes) -> pl.DataFrame:
    """Return the table of faults; one that is not visible shows in alarms at most."""
    starts = scene.calendar.starts
    length = starts[1] - starts[0]
    rows = [
        {
            "fault_id": fault.fault_id,
            "kind": fault.kind,
            "cell_dns": [scene.network.cells[cell].dn for cell in fault.cells],
            "site_ids": sorted({scene.network.cells[cell].site.site_id for cell in fault.cells}),
            "onset_at": starts[fault.first],
            "cleared_at": starts[fault.last - 1] + length,
            "is_gradual": fault.ramp > 0,
            "severity_size": fault.size,
            "size_unit": fault.size_unit,
            "scope": fault.scope,
            "has_alarm": fault.has_alarm,
            "target_dn": None if fault.target is None else scene.network.cells[fault.target].dn,
            "objects": list(fault.objects),
            "change_id": fault.change_id,
            "is_visible": is_visible,
        }
        for fault, is_visible in zip(faults, causes.is_visible, strict=True)
    ]
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        rows,
        schema={
            "fault_id": pl.String, "kind": pl.String, "cell_dns": pl.List(pl.String),
            "site_ids": pl.List(pl.String), "onset_at": moment, "cleared_at": moment,
            "is_gradual": pl.Boolean, "severity_size": pl.Float64, "size_unit": pl.String,
            "scope": pl.String, "has_alarm": pl.Boolean, "target_dn": pl.String,
            "objects": pl.List(pl.String), "change_id": pl.String, "is_visible": pl.Boolean,
        },
    )  # fmt: skip


def _cell_period_rows(
    scene: Scene, faults: Sequence[Fault], causes: Causes, missing: Flags
) -> pl.DataFrame:
    """Return the truth by cell and period; each has one row at most, of the fault behind it.

    Every cell-period that differs from the sound run beyond scatter `is_affected`. Roles: `faulty`
    is a cell that the fault names, affected or not; `touched` one that it does not name and that
    is affected all the same; `neighbor` one that moved, but not beyond scatter: what is found there
    is neither asked for nor a false alarm.
    """
    frames = [
        _rows_of(scene, fault, causes, missing, number) for number, fault in enumerate(faults)
    ]
    if not frames:
        return pl.DataFrame(schema=CELL_PERIODS)
    return pl.concat(frames).sort("fault_id", "cell_dn", "period_start")


CELL_PERIODS: dict[str, Any] = {
    "cell_dn": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "fault_id": pl.String,
    "kind": pl.String,
    "is_affected": pl.Boolean,
    "role": pl.String,
    "effect": pl.Float32,
    "has_data": pl.Boolean,
}
"""Columns of the truth by cell and period."""


def _rows_of(
    scene: Scene, fault: Fault, causes: Causes, missing: Flags, number: int
) -> pl.DataFrame:
    time = slice(fault.first, fault.last)
    effect = causes.effect[time]
    is_named = np.isin(np.arange(effect.shape[1]), fault.cells)
    listed = (causes.fault[time] == number) & (is_named[None, :] | (effect >= NEIGHBOR_EFFECT))
    period, cell = np.nonzero(listed)
    names = pl.Series([other.dn for other in scene.network.cells])
    starts = pl.Series(scene.calendar.starts[time], dtype=pl.Datetime("us", "UTC"))
    felt = effect[period, cell]
    moved = np.where(felt >= 1.0, "touched", "neighbor")
    return pl.DataFrame(
        {
            "cell_dn": names.gather(cell),
            "period_start": starts.gather(period),
            "fault_id": fault.fault_id,
            "kind": fault.kind,
            "is_affected": felt >= 1.0,
            "role": np.where(is_named[cell], "faulty", moved).tolist(),
            "effect": felt,
            "has_data": ~missing[time][period, cell],
        },
        schema=CELL_PERIODS,
    )
