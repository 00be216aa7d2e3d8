"""The plan before, read back from its published rows: where the search for the next one begins.

Rows tell modes and nothing else, and modes alone are no plan: what they cost and prove is worked
out anew, and a solver takes of them only what keeps today's limits.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from tasks.energy.planning.problem import SleepPlan
from tasks.energy.waking.rolling import LastPlan
from tasks.twin.sleep_modes import MODES

COLUMNS = ("made_at", "promise", "cell_dn", "period_start", "hours", "mode")
"""What is read of `sleep_plans`."""


def last_plans(
    rows: pl.DataFrame, cell_dns: Sequence[str], at: datetime, promises: Iterable[str]
) -> dict[str, LastPlan]:
    """Return from which plan the search begins under each promise; none where none was published.

    It is the promise's own newest one where that was taken, otherwise the newest of all. A plan of
    the same moment does not count: a step that runs again is to begin where it began before.

    Args:
        rows: the columns `COLUMNS`, of plans as old as may be.
        cell_dns: the C cells to be planned; those that no row names were ACTIVE, and rows of cells
            that are gone are passed over.
        at: when the new plan begins.
        promises: that plans are solved under.
    """
    before = rows.filter(pl.col("made_at") < at)
    if before.is_empty():
        return {}
    newest = before["made_at"].max()
    own = dict(before.group_by("promise").agg(pl.col("made_at").max()).iter_rows())
    made = {promise: own.get(promise, newest) for promise in promises}
    plans = {
        when: _read_back(before.filter(pl.col("made_at") == when), cell_dns, at)
        for when in set(made.values())
    }
    return {promise: plans[when] for promise, when in made.items()}


def _read_back(rows: pl.DataFrame, cell_dns: Sequence[str], at: datetime) -> LastPlan:
    """Return one plan from its rows."""
    periods = rows.select("period_start", "hours").unique("period_start").sort("period_start")
    cells = {dn: number for number, dn in enumerate(cell_dns)}
    columns = {start: number for number, start in enumerate(periods["period_start"])}
    modes = {name: number for number, name in enumerate(MODES)}
    mode = np.zeros((len(cells), len(columns)), dtype=np.int8)
    told = rows.select("cell_dn", "period_start", "mode")
    for cell, start, name in told.iter_rows():
        if cell in cells and name in modes:
            mode[cells[cell], columns[start]] = modes[name]
    plan = SleepPlan(mode, cost=0.0, bound=0.0, solver="published", seconds=0.0)
    hours_ago = (at - periods["period_start"][0]) / timedelta(hours=1)
    return LastPlan(plan, periods["hours"].to_numpy().astype(np.float64), hours_ago)
