"""What a plan wants of each cell at one moment, and what stands instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from tasks.twin.sleep_modes import MODES, OFF_AIR, SavingMode

ACTIVE: SavingMode = "ACTIVE"

_BURDEN: Mapping[SavingMode, int] = {
    "ACTIVE": 0, "MICRO_SLEEP": 1, "POWER_REDUCED": 2, "MIMO_MUTED": 3, "LIGHT_SLEEP": 4,
    "DEEP_SLEEP": 4,
}  # fmt: skip
"""Modes by what users feel of them, least first; off the air is off the air."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan wants of a cell from a moment on.

    Attributes:
        site_id: where the cell stands.
        mode: wanted now.
        until: end of the periods in a row, from now on, in which that mode is wanted.
        saved_kwh: that this mode saves from now on until then, expected.
        site_kwh: what the site would take in that time were all its cells ACTIVE.
        candidate_dns: cells that carry most of its users.
    """

    cell_dn: str
    site_id: str
    mode: SavingMode
    until: datetime
    saved_kwh: float
    site_kwh: float
    candidate_dns: tuple[str, ...] = field(default=())

    @property
    def is_off(self) -> bool:
        """Whether the cell is to be off the air."""
        return OFF_AIR[MODES.index(self.mode)]


def wanted_at(rows: pl.DataFrame, moment: datetime) -> dict[str, Wanted] | None:
    """Return what a plan wants of each cell that saves at any time in it; None past its horizon.

    Args:
        rows: of `sleep_plans`, of one plan; a cell without rows is wanted ACTIVE.
        moment: in UTC.
    """
    if not rows.height:
        return {}
    ends = pl.col("period_start") + pl.duration(minutes=pl.col("hours") * 60.0)
    told = rows.with_columns(ends.alias("period_end")).filter(pl.col("period_end") > moment)
    if not told.height or told["period_start"].min() > moment:  # type: ignore[operator]
        return None
    columns = ["period_start", "period_end", "mode", "saved_kwh", "site_kwh", "candidate_dns"]
    found: dict[str, Wanted] = {}
    for (cell, site), own in told.group_by("cell_dn", "site_id", maintain_order=True):
        periods = own.sort("period_start").select(columns).rows(named=True)
        found[str(cell)] = _wanted(str(cell), str(site or cell), periods, moment)
    return found


def _wanted(
    cell: str, site: str, periods: Sequence[Mapping[str, object]], moment: datetime
) -> Wanted:
    mode = next(one for one in MODES if one == periods[0]["mode"])
    saved, energy, until = 0.0, 0.0, moment
    for period in periods:
        if period["mode"] != mode:
            break
        start, end = period["period_start"], period["period_end"]
        if not isinstance(start, datetime) or not isinstance(end, datetime):
            break
        share = (end - max(start, moment)) / (end - start)
        saved += float(str(period["saved_kwh"])) * share
        energy += float(str(period["site_kwh"])) * share
        until = end
    candidates = periods[0]["candidate_dns"]
    names = tuple(map(str, candidates)) if isinstance(candidates, list) else ()
    return Wanted(cell, site, mode, until, saved, energy, names)


def wakes_now(
    standing: Mapping[str, SavingMode], wanted: Mapping[str, Wanted], *, may_differ: bool
) -> list[str]:
    """Return the cells whose standing mode a plan does not want now.

    What serves users better than what stands is wanted for their sake, and at once. Where another
    mode is wanted that does not, the one that stands is left only if `may_differ`. From one mode
    off the air to another nobody is woken: the way there leads over the air.

    Args:
        standing: modes by cell.
        wanted: by cell; a cell that is not in it is wanted ACTIVE.
        may_differ: whether a mode may give way to one that saves in another way.
    """
    found = []
    for cell, mode in standing.items():
        wish: SavingMode = wanted[cell].mode if cell in wanted else ACTIVE
        if wish == mode:
            continue
        is_relief = _BURDEN[wish] < _BURDEN[mode]
        if is_relief or (may_differ and _BURDEN[wish] != _BURDEN[mode]):
            found.append(cell)
    return found


def lasts(wanted: Wanted, moment: datetime, least_hours: float) -> bool:
    """Tell whether a mode is wanted long enough from a moment on to be entered at all."""
    return wanted.until - moment >= timedelta(hours=least_hours) - timedelta(seconds=1)
