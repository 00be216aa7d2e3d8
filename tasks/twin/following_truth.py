"""What was true of the following days: faults as they would have gone on, and as they ended.

Nothing outside of the evaluation may read what comes from here.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.adapters.sample_files import StandingWrite
from tasks.twin.delivered_rows import Run
from tasks.twin.faults import Fault
from tasks.twin.following import Following
from tasks.twin.sample_network import benign_rows
from tasks.twin.state import network_state
from tasks.twin.traffic import PERIOD_S
from tasks.twin.true_causes import NEIGHBOR_EFFECT, effect_alone
from tasks.twin.true_changes import TrueChanges
from tasks.twin.true_effects import CELL_PERIODS
from tasks.twin.true_scene import Scene, state_effect
from tasks.twin.written_effects import Writes

Array = npt.NDArray[np.floating[Any]]
Indexes = npt.NDArray[np.int64]

_MOMENT = pl.Datetime("us", "UTC")

FOLLOWING_FAULTS: dict[str, pl.DataType] = {
    "fault_id": pl.String(),
    "kind": pl.String(),
    "cell_dns": pl.List(pl.String()),
    "site_ids": pl.List(pl.String()),
    "onset_at": _MOMENT,
    "cleared_at": _MOMENT,
    "ended_at": _MOMENT,
    "is_healed": pl.Boolean(),
    "is_gradual": pl.Boolean(),
    "severity_size": pl.Float64(),
    "size_unit": pl.String(),
    "scope": pl.String(),
    "has_alarm": pl.Boolean(),
    "target_dn": pl.String(),
    "objects": pl.List(pl.String()),
    "change_id": pl.String(),
    "is_visible": pl.Boolean(),
}
"""Columns of faults of the following days.

`cleared_at` is when people mend it who are not helped: the manual baseline. `ended_at` is when it
really was over, null until then; `is_healed` where a write did that. One that is not `is_visible`
never moves its own cells beyond scatter.
"""


def visible_faults(following: Following) -> frozenset[str]:
    """Return the faults that move their own cells beyond scatter, if nobody writes."""
    state = network_state(following.world, following.conditions(following.faults))
    effect = state_effect(state, following.sound)
    return frozenset(
        fault.fault_id
        for fault in following.faults
        if (effect[fault.first : fault.last, list(fault.cells)] >= 1.0).any()
    )


def fault_rows(
    following: Following,
    writes: Sequence[StandingWrite],
    now: datetime,
    visible: frozenset[str],
) -> pl.DataFrame:
    """Return every fault of the following days, with its end as far as it has come.

    Args:
        following: the days.
        writes: all so far.
        now: the network's time.
        visible: ids of faults that can be seen.
    """
    known = Writes(following, writes)
    starts = following.calendar.starts
    length = timedelta(seconds=PERIOD_S)
    cells = following.world.radio.network.cells
    rows = []
    for fault in following.faults:
        last = known.healing(fault).last
        ended = starts[last - 1] + length
        rows.append(
            {
                "fault_id": fault.fault_id,
                "kind": fault.kind,
                "cell_dns": [cells[cell].dn for cell in fault.cells],
                "site_ids": sorted({cells[cell].site.site_id for cell in fault.cells}),
                "onset_at": starts[fault.first],
                "cleared_at": starts[fault.last - 1] + length,
                "ended_at": ended if ended <= now else None,
                "is_healed": last < fault.last and ended <= now,
                "is_gradual": fault.ramp > 0,
                "severity_size": fault.size,
                "size_unit": fault.size_unit,
                "scope": fault.scope,
                "has_alarm": fault.has_alarm,
                "target_dn": None if fault.target is None else cells[fault.target].dn,
                "objects": list(fault.objects),
                "change_id": fault.change_id,
                "is_visible": fault.fault_id in visible,
            }
        )
    return pl.DataFrame(rows, schema=FOLLOWING_FAULTS)


def standing_faults(faults: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return the faults of `fault_rows` that stand at a moment."""
    has_begun = pl.col("onset_at") <= moment
    return faults.filter(has_begun & (pl.col("ended_at").is_null() | (pl.col("ended_at") > moment)))


class FollowingCauses:
    """Which fault it is that moves a cell; what a fault does alone is computed when it comes."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self._alone: dict[str, Array] = {}
        network, sound = following.world.radio.network, following.sound
        self._scene = Scene(network, following.calendar, sound, sound, following.world)

    def rows(self, run: Run, writes: Sequence[StandingWrite]) -> pl.DataFrame:
        """Return the truth by cell of a period that has passed, as `CELL_PERIODS` has it.

        What a write moved, and no fault, has no fault and the role `written`.
        """
        following, known = self._following, Writes(self._following, writes)
        period = following.period_from(run.calendar.starts[0])
        whole = state_effect(run.state, following.sound.between(period, period + 1))[0]
        mover, namer, standing = self._blamed(known, period)
        is_moved = whole >= NEIGHBOR_EFFECT
        number = np.where(is_moved & (mover >= 0), mover, namer)
        listed = np.flatnonzero(is_moved | (namer >= 0))
        faults = [standing[number[cell]] if number[cell] >= 0 else None for cell in listed]
        cells = following.world.radio.network.cells
        rows = [
            {
                "cell_dn": cells[cell].dn,
                "period_start": run.calendar.starts[0],
                "fault_id": None if fault is None else fault.fault_id,
                "kind": None if fault is None else fault.kind,
                "is_affected": bool(whole[cell] >= 1.0),
                "role": _role(fault, int(cell), float(whole[cell])),
                "effect": float(whole[cell]),
                "has_data": not run.flaws.missing_sites[0, cells[cell].site.index - 1],
            }
            for cell, fault in zip(listed, faults, strict=True)
        ]
        return pl.DataFrame(rows, schema=CELL_PERIODS).sort("cell_dn")

    @cached_property
    def benign(self) -> pl.DataFrame:
        """What will look unusual and is no fault: kind, cells (none: all), start and end."""
        following, calendar = self._following, self._following.calendar
        run = Run(
            calendar, following.world, following.sound, following.sound_conditions(),
            following.flaws, following.temperature_degc, following.catalogue,
            following.chosen.seed, following.first,
        )  # fmt: skip
        # Changes of the run that go on are what is usual by now.
        none = TrueChanges(pl.DataFrame(), ())
        told = benign_rows(run, self._scene, following.shocks, none)
        return told.filter(pl.col("end") > following.chosen.end)

    def _blamed(self, known: Writes, period: int) -> tuple[Indexes, Indexes, list[Fault]]:
        """Return by cell who moves it furthest alone, and who names it, among those that stand."""
        cells = len(self._following.world.radio.network.cells)
        furthest = np.zeros(cells, dtype=np.float32)
        mover, namer = np.full((2, cells), -1, dtype=np.int64)
        standing = [
            fault for fault in self._following.faults
            if fault.first <= period < fault.last and known.healing(fault).last > period
        ]  # fmt: skip
        # Who names a cell and the fewest others comes last, and of two alike the first.
        standing.reverse()
        standing.sort(key=lambda fault: -len(fault.cells))
        for number, fault in enumerate(standing):
            alone = self._effect_alone(fault)[period - fault.first]
            mover[alone > furthest] = number
            furthest = np.maximum(furthest, alone)
            own = [cell for cell, last in known.healing(fault).ends.items() if last > period]
            namer[own] = number
        return mover, namer, standing

    def _effect_alone(self, fault: Fault) -> Array:
        if fault.fault_id not in self._alone:
            self._alone[fault.fault_id] = effect_alone(self._scene, fault)
        return self._alone[fault.fault_id]


def _role(fault: Fault | None, cell: int, effect: float) -> str:
    if fault is None:
        return "written"
    if cell in fault.cells:
        return "faulty"
    return "touched" if effect >= 1.0 else "neighbor"
