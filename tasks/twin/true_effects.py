"""The truth: which cells a fault measurably touched, and when, by computing the run without it.

The state under faults is compared with the state of the same run, same chance, without any. A
difference counts as measurable where it is clear of what counting that period scatters by.
Nothing outside of the evaluation may read what comes from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.twin.faults import Fault
from tasks.twin.layout import Network
from tasks.twin.state import State
from tasks.twin.traffic import Season

Array = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

NEIGHBOR_EFFECT = 0.5
"""From this effect on, a cell near a fault is listed as its neighbor."""

_LOG_SCALES = {
    "downlink_mbps": 0.30,
    "downlink_user_mbps": 0.30,
    "uplink_user_mbps": 0.35,
    "delay_ms": 0.30,
    "users": 0.30,
}
_PLAIN_SCALES = {"cqi_mean": 0.5, "rise_db": 1.0, "load": 0.12}
_CHANCES = {
    "access_fail": "sessions",
    "core_fail": "sessions",
    "drop": "sessions",
    "handover_fail_inter": "handovers_inter",
    "handover_fail_intra": "handovers_intra",
}
_TRIES_SHARE = {"core_fail": 0.35}
_MOSTLY_ABOVE = 3.0
_OWN_SCATTER = 0.35


@dataclass(frozen=True, slots=True)
class Scene:
    """The two states of a run that the truth compares, with its calendar and network."""

    network: Network
    calendar: Season
    state: State
    sound: State


def effect(scene: Scene, first: int, last: int, cells: npt.NDArray[np.integer[Any]]) -> Array:
    """Return how far cells are from their sound state, 1 being just measurable.

    Shape (periods, cells). Volumes and rates are compared as logarithms, failure shares against
    the scatter of as many tries and the cell's own ups and downs.
    """
    where = np.ix_(np.arange(first, last), cells)

    def both(name: str) -> tuple[Array, Array]:
        return getattr(scene.state, name)[where], getattr(scene.sound, name)[where]

    parts = [np.where(both("available")[0] < 1.0, 10.0, 0.0)]
    for name, scale in _LOG_SCALES.items():
        now, then = both(name)
        parts.append(np.abs(np.log((now + 0.02) / (then + 0.02))) / scale)
    for name, scale in _PLAIN_SCALES.items():
        now, then = both(name)
        parts.append(np.abs(now - then) / scale)
    for name, tries_name in _CHANCES.items():
        now, then = both(name)
        tries = both(tries_name)[1] * _TRIES_SHARE.get(name, 1.0) + 1.0
        scatter = np.sqrt(then * (1.0 - then) / tries) + _OWN_SCATTER * then
        parts.append(np.abs(now - then) / (_MOSTLY_ABOVE * scatter))
    return np.asarray(np.max(parts, axis=0), dtype=np.float32)


def fault_rows(scene: Scene, faults: Sequence[Fault]) -> pl.DataFrame:
    """Return the truth's table of faults."""
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
        }
        for fault in faults
    ]
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        rows,
        schema={
            "fault_id": pl.String, "kind": pl.String, "cell_dns": pl.List(pl.String),
            "site_ids": pl.List(pl.String), "onset_at": moment, "cleared_at": moment,
            "is_gradual": pl.Boolean, "severity_size": pl.Float64, "size_unit": pl.String,
            "scope": pl.String, "has_alarm": pl.Boolean, "target_dn": pl.String,
            "objects": pl.List(pl.String), "change_id": pl.String,
        },
    )  # fmt: skip


def cell_period_rows(scene: Scene, faults: Sequence[Fault], missing: Flags) -> pl.DataFrame:
    """Return the truth by cell and period.

    A faulty cell has a row for every period of its fault; `is_affected` tells where the fault was
    measurable. A sound cell that faults moved noticeably has rows of the nearest one, with the
    role `neighbor` and `is_affected` false: what is found there is neither asked for nor a
    false alarm.

    Args:
        scene: the states to compare.
        faults: all faults of the run.
        missing: by period and cell, nothing was delivered.
    """
    cause = _nearest_causes(scene, faults)
    frames = [_rows_of(scene, fault, missing, cause, number) for number, fault in enumerate(faults)]
    if not frames:
        return pl.DataFrame(schema=_PERIOD_SCHEMA)
    return pl.concat(frames).sort("fault_id", "cell_dn", "period_start")


_PERIOD_SCHEMA: dict[str, Any] = {
    "cell_dn": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "fault_id": pl.String,
    "kind": pl.String,
    "is_affected": pl.Boolean,
    "role": pl.String,
    "effect": pl.Float32,
    "has_data": pl.Boolean,
}


def _rows_of(
    scene: Scene, fault: Fault, missing: Flags, cause: npt.NDArray[np.int32], number: int
) -> pl.DataFrame:
    cells = np.arange(len(scene.network.cells))
    strength = effect(scene, fault.first, fault.last, cells)
    is_faulty = np.isin(cells, fault.cells)
    is_near = cause[fault.first : fault.last] == number
    listed = is_faulty[None, :] | (is_near & (strength >= NEIGHBOR_EFFECT))
    period, cell = np.nonzero(listed)
    names = pl.Series([other.dn for other in scene.network.cells])
    starts = pl.Series(
        scene.calendar.starts[fault.first : fault.last], dtype=pl.Datetime("us", "UTC")
    )
    own = is_faulty[cell]
    felt = strength[period, cell]
    return pl.DataFrame(
        {
            "cell_dn": names.gather(cell),
            "period_start": starts.gather(period),
            "fault_id": fault.fault_id,
            "kind": fault.kind,
            "is_affected": own & (felt >= 1.0),
            "role": np.where(own, "faulty", "neighbor").tolist(),
            "effect": felt,
            "has_data": ~missing[fault.first : fault.last][period, cell],
        },
        schema=_PERIOD_SCHEMA,
    )


def _nearest_causes(scene: Scene, faults: Sequence[Fault]) -> npt.NDArray[np.int32]:
    """Return by period and cell the number of the nearest standing fault; -1 at none.

    A cell that is faulty itself has -1: its rows are those of its own fault.
    """
    cells = scene.network.cells
    x_m, y_m = (np.array([getattr(c.site, name) for c in cells]) for name in ("x_m", "y_m"))
    shape = (scene.calendar.periods, len(cells))
    nearest = np.full(shape, np.inf, dtype=np.float32)
    cause = np.full(shape, -1, dtype=np.int32)
    for number, fault in enumerate(faults):
        away = np.min([np.hypot(x_m - x_m[cell], y_m - y_m[cell]) for cell in fault.cells], axis=0)
        time = slice(fault.first, fault.last)
        closer = away[None, :] < nearest[time]
        cause[time][closer] = number
        nearest[time] = np.minimum(nearest[time], away[None, :])
    for fault in faults:
        cause[fault.first : fault.last, list(fault.cells)] = -1
    return cause
