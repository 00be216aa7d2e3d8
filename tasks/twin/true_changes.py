"""What planned changes did, by computing the sound run without any of them.

The effect of a change is what is so with all changes, minus what were so with none, at its own
cells while it stands. Only the evaluation may read what comes from here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.twin.faults import Fault
from tasks.twin.planned_changes import PlannedChange
from tasks.twin.planned_effects import unplanned_conditions
from tasks.twin.state import State, network_state
from tasks.twin.traffic import PERIOD_S
from tasks.twin.true_scene import Scene, state_effect

Array = npt.NDArray[np.floating[Any]]

_PERIODS_AT_ONCE = 480
_LEAST_SHARE = 0.02
_LEAST_SCATTER_RATIO = 1.5
_RATES = {"volume_change_pct": "downlink_mbps", "throughput_change_pct": "downlink_user_mbps"}
_POINTS = {
    "load_change_pct": ("load", 100.0),
    "cqi_change_index": ("cqi_mean", 1.0),
    "drop_change_pct": ("drop", 100.0),
}
_KEPT = (*_RATES.values(), *(name for name, _ in _POINTS.values()))
MEASURED = (*_RATES, *_POINTS, "throughput_scatter_ratio", "moved_share")
"""What is told of each change; null where it was cancelled, or works on nothing that is simulated.

Changes of volume and throughput are relative, of load and drops in percentage points; the scatter
is that of the logarithm of throughput from period to period, with the change over without it.
"""


@dataclass(frozen=True, slots=True)
class _Difference:
    """With all changes and without any: kept quantities and the effect, by (periods, cells)."""

    having: dict[str, Array]
    lacking: dict[str, Array]
    effect: Array


@dataclass(frozen=True, slots=True)
class TrueChanges:
    """The truth's table of changes, and of those that moved something: cells, start and end."""

    changes: pl.DataFrame
    benign: tuple[tuple[list[str], datetime, datetime], ...]


def true_changes(
    scene: Scene, changes: Sequence[PlannedChange], faults: Sequence[Fault]
) -> TrueChanges:
    """Return what each change did: one row a change.

    Args:
        scene: the sound run, with all changes.
        changes: of the run.
        faults: of the run; a regression of software names the change that brought it.
    """
    starts = (
        *scene.calendar.starts,
        scene.calendar.starts[-1] + timedelta(seconds=PERIOD_S),
    )
    difference = _without_changes(scene)
    names = [cell.dn for cell in scene.network.cells]
    rows: list[dict[str, Any]] = []
    benign = []
    for change in changes:
        measured = {} if change.is_cancelled else _measured(difference, change)
        has_effect = _has_effect(measured)
        moved = _moved_cells(difference, scene, change) if has_effect else []
        start, end = starts[change.first], starts[change.last]
        rows.append(
            {
                "change_id": change.change_id, "kind": change.kind,
                "cell_dns": [names[cell] for cell in change.cells], "course": change.course,
                "size": change.size, "start": start, "end": end,
                "is_cancelled": change.is_cancelled, "is_rolled_back": change.is_rolled_back,
                "has_effect": has_effect, "fault_id": None,
                "moved_cell_dns": [names[cell] for cell in moved],
            }
            | measured
        )  # fmt: skip
        if has_effect:
            benign.append(([names[cell] for cell in moved], start, end))
    rows += [
        {
            "change_id": fault.change_id, "kind": "software_upgrade",
            "cell_dns": [names[cell] for cell in fault.cells], "course": "level",
            "size": fault.size, "start": starts[fault.first], "end": starts[fault.last],
            "is_cancelled": False, "is_rolled_back": False, "has_effect": True,
            "fault_id": fault.fault_id, "moved_cell_dns": [names[cell] for cell in fault.cells],
        }
        for fault in faults
        if fault.change_id is not None
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=_SCHEMA).sort("start", "change_id")
    return TrueChanges(table, tuple(benign))


_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "change_id": pl.String, "kind": pl.String, "cell_dns": pl.List(pl.String),
    "course": pl.String, "size": pl.Float64, "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"), "is_cancelled": pl.Boolean, "is_rolled_back": pl.Boolean,
    "has_effect": pl.Boolean, "fault_id": pl.String, "moved_cell_dns": pl.List(pl.String),
    **dict.fromkeys(MEASURED, pl.Float64),
}  # fmt: skip


def _without_changes(scene: Scene) -> _Difference:
    """Return what changes make of the sound run; computed in pieces, so that little is held."""
    pieces = list(_pieces(scene))
    return _Difference(
        {name: getattr(scene.sound, name) for name in _KEPT},
        {name: np.concatenate([part[name] for part, _ in pieces]) for name in _KEPT},
        np.concatenate([effect for _, effect in pieces]),
    )


def _pieces(scene: Scene) -> Iterator[tuple[dict[str, Array], Array]]:
    for first in range(0, scene.calendar.periods, _PERIODS_AT_ONCE):
        last = min(first + _PERIODS_AT_ONCE, scene.calendar.periods)
        world = scene.world.between(first, last)
        bare = replace(world, planned=unplanned_conditions(world))
        without: State = network_state(bare, unplanned_conditions(bare))
        kept = {name: getattr(without, name) for name in _KEPT}
        yield kept, state_effect(scene.sound.between(first, last), without)


def _measured(difference: _Difference, change: PlannedChange) -> dict[str, float]:
    where = np.ix_(range(change.first, change.last), change.cells)
    having = {name: values[where] for name, values in difference.having.items()}
    lacking = {name: values[where] for name, values in difference.lacking.items()}
    told = {
        column: 100.0 * (float(having[name].mean()) / max(float(lacking[name].mean()), 1e-9) - 1.0)
        for column, name in _RATES.items()
    }
    told |= {
        column: scale * float(having[name].mean() - lacking[name].mean())
        for column, (name, scale) in _POINTS.items()
    }
    told["throughput_scatter_ratio"] = _restlessness(having["downlink_user_mbps"]) / max(
        _restlessness(lacking["downlink_user_mbps"]), 1e-9
    )
    told["moved_share"] = float((difference.effect[where] >= 1.0).mean())
    return {name: round(value, 4) for name, value in told.items()}


def _has_effect(measured: dict[str, float]) -> bool:
    is_moved = measured.get("moved_share", 0.0) >= _LEAST_SHARE
    return is_moved or measured.get("throughput_scatter_ratio", 1.0) >= _LEAST_SCATTER_RATIO


def _restlessness(rate: Array) -> float:
    """Return by how much a rate differs from one period to the next, typically."""
    if rate.shape[0] < 2:
        return 0.0
    steps = np.diff(np.log(rate + 0.02), axis=0)
    return float(np.sqrt((steps**2).mean()))


def _moved_cells(difference: _Difference, scene: Scene, change: PlannedChange) -> list[int]:
    """Return a change's own cells and those at whose cost or gain it is, near them."""
    near = set(change.cells)
    built = scene.world.radio.built
    for cell in change.cells:
        near.update(int(other) for other in np.flatnonzero(built.handover[cell] > 0.0))
    share = (difference.effect[change.first : change.last] >= 1.0).mean(axis=0)
    return sorted(cell for cell in near if cell in change.cells or share[cell] >= _LEAST_SHARE)
