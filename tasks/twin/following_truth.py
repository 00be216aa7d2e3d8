"""What was true of the following days: faults as they would have gone on, and as they ended.

Nothing outside of the evaluation may read what comes from here.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from tasks.adapters.sample_files import StandingWrite
from tasks.twin.delivered_rows import Run
from tasks.twin.following import Following
from tasks.twin.state import State, network_state
from tasks.twin.traffic import PERIOD_S
from tasks.twin.true_causes import NEIGHBOR_EFFECT
from tasks.twin.true_scene import state_effect
from tasks.twin.written_effects import Writes

_MOMENT = pl.Datetime("us", "UTC")

FOLLOWING_FAULTS: dict[str, pl.DataType] = {
    "fault_id": pl.String(),
    "kind": pl.String(),
    "cell_dns": pl.List(pl.String()),
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
                "is_visible": fault.fault_id in visible,
            }
        )
    return pl.DataFrame(rows, schema=FOLLOWING_FAULTS)


def standing_faults(faults: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return the faults of `fault_rows` that stand at a moment."""
    has_begun = pl.col("onset_at") <= moment
    return faults.filter(has_begun & (pl.col("ended_at").is_null() | (pl.col("ended_at") > moment)))


def effect_rows(run: Run, sound: State) -> pl.DataFrame:
    """Return how far cells are from the sound state in a run of one period, where they moved.

    Args:
        run: the period as it was.
        sound: the same period without any fault or write.

    Returns:
        One row a cell that moved: cell_dn, period_start, effect; 1 is just beyond scatter.
    """
    effect = state_effect(run.state, sound)[0]
    moved = np.flatnonzero(effect >= NEIGHBOR_EFFECT)
    cells = run.world.radio.network.cells
    return pl.DataFrame(
        {
            "cell_dn": [cells[int(cell)].dn for cell in moved],
            "period_start": pl.Series([run.calendar.starts[0]] * len(moved), dtype=_MOMENT),
            "effect": effect[moved],
        },
        schema={"cell_dn": pl.String, "period_start": _MOMENT, "effect": pl.Float32},
    )
