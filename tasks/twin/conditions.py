"""What acts on a network by period, besides demand: the way from faults to the state.

Plans and faults write conditions (planned_effects.py, effects.py, site_effects.py), the state
computes with them (state.py, transport_state.py); nothing here knows what a fault is.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.quality import QualityTables

Array = npt.NDArray[np.floating[Any]]
Indexes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Patch:
    """Coverage that differs from the built one, for some cells and periods.

    Attributes:
        severity: how far from built (0) to changed (1), by period from `first`.
        cells: the cells whose footprint moved.
        share_change: what changes of the share of each area's demand, at full severity.
        tables: quality at full severity, a row a cell of `cells`.
    """

    first: int
    last: int
    severity: Array
    cells: Indexes
    share_change: Array
    tables: QualityTables


@dataclass(frozen=True, slots=True)
class Cut:
    """Links that carry nothing for a while."""

    first: int
    last: int
    link_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intermodulation:
    """A sector whose own carriers mix into its uplink.

    Attributes:
        cells: the carriers whose uplink hears it.
        carriers: all carriers of the sector; their load makes it.
        ratio: interference over thermal noise, linear, when all of them are full, by period.
    """

    first: int
    last: int
    cells: tuple[int, ...]
    carriers: tuple[int, ...]
    ratio: Array


@dataclass(frozen=True, slots=True)
class Restart:
    """A function of the core that restarts.

    Attributes:
        dn: of the function.
        failing: share of procedures that fail, by period.
        lost: share of its registrations or sessions that are lost, by period.
        returning: share of what was lost that comes back, by period.
    """

    first: int
    last: int
    dn: str
    failing: Array
    lost: Array
    returning: Array


@dataclass(frozen=True, slots=True)
class Conditions:
    """By (periods, cells), sites, areas or optical links; zero, one or infinite when sound.

    Attributes:
        rate_factor: of what a cell's scheduler makes of its radio, in both directions.
        saving_mode: place in `MODES` of the energy saving that a cell is in (sleep_modes.py).
        backhaul_share: of a site's peak demand, that its own link bears; by site.
        access_failure: chance that a setup fails for what no counter of radio explains.
        torn: chance that a connection is torn by the core.
        osnr_loss_db: signal to noise lost, by optical link.
        isolated: 1 where a site reaches no core.
        powered: 1 where a site has power, from the grid or its batteries.
        mains: 1 where the grid delivers.
        battery_share: charge of the batteries, 0 to 1.
        battery_w: power drawn from the batteries.
        clock_error_ns: time error beyond what a locked clock has.
        holdover_s: seconds without a reference.
    """

    unavailable: Array
    uplink_rise_db: Array
    backhaul_share: Array
    handover_lost_inter: Array
    handover_lost_intra: Array
    rank_factor: Array
    rate_factor: Array
    core_failure: Array
    access_blocked: Array
    access_failure: Array
    torn: Array
    demand_factor: Array
    osnr_loss_db: Array
    isolated: Array
    powered: Array
    mains: Array
    battery_share: Array
    battery_w: Array
    clock_error_ns: Array
    holdover_s: Array
    saving_mode: npt.NDArray[np.int8]
    patches: tuple[Patch, ...] = ()
    cuts: tuple[Cut, ...] = ()
    intermodulations: tuple[Intermodulation, ...] = ()
    restarts: tuple[Restart, ...] = ()

    def between(self, first: int, last: int) -> "Conditions":
        """Return a copy of some periods, counted from 0 again."""
        parts: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, tuple):
                cut = (_cut(part, first, last) for part in value)
                parts[item.name] = tuple(part for part in cut if part is not None)
            else:
                parts[item.name] = value[first:last].copy()
        return Conditions(**parts)


_COURSES = ("severity", "ratio", "failing", "lost", "returning")
"""Attributes that have a value a period."""

_Lasting = Patch | Cut | Intermodulation | Restart


def _cut(part: _Lasting, first: int, last: int) -> _Lasting | None:
    """Return what of a part lies in some periods, counted from there; None for nothing."""
    begin, end = max(part.first, first), min(part.last, last)
    if begin >= end:
        return None
    stretch = slice(begin - part.first, end - part.first)
    courses: dict[str, Any] = {
        name: getattr(part, name)[stretch] for name in _COURSES if hasattr(part, name)
    }
    return replace(part, first=begin - first, last=end - first, **courses)


def no_conditions(periods: int, cells: int, sites: int, areas: int, optical: int) -> Conditions:
    """Return the conditions of a network without a fault."""

    def filled(columns: int, value: float) -> Array:
        return np.full((periods, columns), value, dtype=np.float32)

    return Conditions(
        unavailable=filled(cells, 0.0),
        uplink_rise_db=filled(cells, 0.0),
        backhaul_share=filled(sites, np.inf),
        handover_lost_inter=filled(cells, 0.0),
        handover_lost_intra=filled(cells, 0.0),
        rank_factor=filled(cells, 1.0),
        rate_factor=filled(cells, 1.0),
        core_failure=filled(cells, 0.0),
        access_blocked=filled(cells, 0.0),
        access_failure=filled(cells, 0.0),
        torn=filled(cells, 0.0),
        demand_factor=filled(areas, 1.0),
        osnr_loss_db=filled(optical, 0.0),
        isolated=filled(sites, 0.0),
        powered=filled(sites, 1.0),
        mains=filled(sites, 1.0),
        battery_share=filled(sites, 1.0),
        battery_w=filled(sites, 0.0),
        clock_error_ns=filled(sites, 0.0),
        holdover_s=filled(sites, 0.0),
        saving_mode=np.zeros((periods, cells), dtype=np.int8),
    )
