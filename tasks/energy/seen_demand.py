"""What cells were last seen to carry, beside what a forecast had prepared for.

Counters tell a quarter of an hour, late; where cells also tell minutes that are newer, these count
instead of the quarter, cell by cell. Who tells nothing teaches nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.loading import catalogue
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.forecasting.published import LOAD_KPIS
from tasks.energy.planning.compiling import WorkForecast, known_moves, work_forecast
from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Moves, Numbers
from tasks.energy.planning.published import SavingNetwork
from tasks.energy.standing import deepest_modes
from tasks.energy.swelling import Missed, demand_swell
from tasks.messages.cell_reports import CellReport
from tasks.messages.proposal_life import ProposalLife

QUARTER = timedelta(minutes=15)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class SeenLoad:
    """Load of cells over a stretch of time.

    Attributes:
        begin: of the stretch.
        end: of the stretch.
        load: (C,) share of resource blocks in use, 0 to 1; NaN where nothing was told.
    """

    begin: datetime
    end: datetime
    load: Floats


def seen_columns() -> list[str]:
    """Return what is read of `cell_kpis`."""
    names = [catalogue().kpi(name).column for name in LOAD_KPIS]
    return ["cell_dn", "period_start", "granularity", *names]


def quarter_seen(rows: pl.DataFrame, cell_dns: Sequence[str], at: datetime) -> SeenLoad | None:
    """Return the quarter that ended at a moment; None where nothing of it is published.

    Args:
        rows: the columns of `seen_columns`.
        cell_dns: C cells.
        at: end of the quarter.
    """
    shares = [pl.col(catalogue().kpi(name).column) for name in LOAD_KPIS]
    told = rows.filter(
        pl.col("granularity") == "15min", pl.col("period_start") == at - QUARTER
    ).select("cell_dn", pl.coalesce(shares).alias("load_pct"))
    by_cell = {cell: load / 100.0 for cell, load in told.drop_nulls("load_pct").iter_rows()}
    return _seen(by_cell, cell_dns, at - QUARTER, at)


def minutes_seen(
    reports: Sequence[CellReport], cell_dns: Sequence[str], after: datetime
) -> SeenLoad | None:
    """Return the mean of what cells told of time after a moment; None where none told anything.

    Args:
        reports: of short periods, each cell and period once.
        cell_dns: C cells.
        after: end of the quarter that is known; periods that begin earlier are left out.
    """
    newer = [one for one in reports if one.begin >= after]
    if not newer:
        return None
    seconds: dict[str, float] = {}
    used: dict[str, float] = {}
    for one in newer:
        length = (one.end - one.begin).total_seconds()
        seconds[one.cell_dn] = seconds.get(one.cell_dn, 0.0) + length
        used[one.cell_dn] = used.get(one.cell_dn, 0.0) + length * one.load
    by_cell = {cell: used[cell] / length for cell, length in seconds.items() if length > 0.0}
    return _seen(by_cell, cell_dns, after, max(one.end for one in newer))


@dataclass(frozen=True)
class DemandWatch:
    """What demand is compared with.

    Attributes:
        network: as published.
        lives: of all proposals on record; they tell which cells saved when.
        quantile: chance that work stays below what a plan prepares for.
        rules: of planning.
    """

    network: SavingNetwork
    lives: Sequence[ProposalLife]
    quantile: float
    rules: EnergyPlanningRules

    def misses(
        self,
        quarter: SeenLoad | None,
        before: LoadForecast | None,
        minutes: SeenLoad | None,
        forecast: LoadForecast,
    ) -> tuple[Missed, ...]:
        """Return how much more came than was prepared for; of each cell the newest counts.

        Args:
            quarter: that ends when the plan begins.
            before: forecast made as the quarter began, or earlier; None where none is known.
            minutes: since then.
            forecast: made as the plan begins.
        """
        at = forecast.starts[0]
        newest = self.missed(minutes, forecast, at)
        older = None if before is None else self.missed(quarter, before, at)
        if older is not None and newest is not None and minutes is not None:
            is_newer = self.told(minutes, forecast)
            older = replace(older, times=np.where(is_newer, 1.0, older.times))
        return tuple(one for one in (older, newest) if one is not None)

    def missed(self, seen: SeenLoad | None, forecast: LoadForecast, at: datetime) -> Missed | None:
        """Return how much more was seen than a forecast prepared for; None where nothing was seen.

        Args:
            seen: load of a stretch of time.
            forecast: made before or as the stretch began.
            at: when the new plan begins.
        """
        if seen is None:
            return None
        work = work_forecast(self.network, forecast, self.quantile)
        prepared = _prepared(work, forecast.starts[0], seen)
        if prepared is None:
            return None
        mode, kept = self._modes(seen), self.network.radios.capacity
        moves = self._moves(prepared)
        times = demand_swell(seen.load, mode, kept, moves, prepared, self.rules)
        return Missed(times, work, (at - forecast.starts[0]) / _HOUR)

    def told(self, seen: SeenLoad, forecast: LoadForecast) -> Flags:
        """Return (C,) the cells of which a stretch tells anything: by themselves, or by carriers.

        Args:
            seen: load of a stretch of time.
            forecast: whose known cells may carry for others.
        """
        mode, is_told = self._modes(seen), np.isfinite(seen.load)
        work = work_forecast(self.network, forecast, self.quantile)
        moves = self._moves(work.work[:, 0])
        carries = is_told & ~IS_OFF[mode]
        by_others = np.bincount(moves.booster, carries[moves.candidate], len(mode)) > 0
        return np.asarray(np.where(IS_OFF[mode], by_others, carries))

    def _modes(self, seen: SeenLoad) -> Numbers:
        dns, kept = self.network.cell_dns, self.network.radios.capacity
        return deepest_modes(dns, self.lives, seen.begin, seen.end, kept)

    def _moves(self, work: Floats) -> Moves:
        return known_moves(self.network, np.isfinite(work), self.rules)


def _seen(
    by_cell: dict[str, float], cell_dns: Sequence[str], begin: datetime, end: datetime
) -> SeenLoad | None:
    load = np.array([by_cell.get(cell, np.nan) for cell in cell_dns], dtype=np.float64)
    return SeenLoad(begin, end, load) if np.isfinite(load).any() else None


def _prepared(work: WorkForecast, start: datetime, seen: SeenLoad) -> Floats | None:
    """Return (C,) the most work that was prepared for in a stretch; None past the horizon."""
    ends = np.cumsum(work.hours)
    begin, end = (seen.begin - start) / _HOUR, (seen.end - start) / _HOUR
    within = (ends > begin + 1e-9) & (ends - work.hours < end - 1e-9)
    return np.asarray(work.work[:, within].max(axis=1)) if within.any() else None
