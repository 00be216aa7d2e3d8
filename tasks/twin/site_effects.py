"""What faults of sites, links and the core change: supplies, clocks, routes, functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import supply
from tasks.twin.conditions import Conditions, Cut, Intermodulation, Restart
from tasks.twin.faults import Fault, FaultKind
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]

_NEIGHBOR_SHARE = 0.45
_SURGE = (0.45, 0.3, 0.15, 0.1)


@dataclass(slots=True)
class Reach:
    """The world that faults reach into, and what they leave there besides arrays.

    Attributes:
        dark: (first, last, cells) of cells that are off for want of power or of a path.
    """

    world: World
    sound: State
    dark: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    intermodulations: list[Intermodulation] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)

    def cells_of(self, sites: Sequence[int]) -> list[int]:
        """Return the cells of some sites, by site index."""
        cells = self.world.radio.network.cells
        return [cell.index for cell in cells if cell.site.index in set(sites)]

    def darken(self, found: Conditions, sites: Sequence[int], first: int, last: int) -> None:
        """Take the cells of some sites out of service."""
        cells = self.cells_of(sites)
        if cells and first < last:
            found.unavailable[first:last, cells] = 1.0
            self.dark.append((first, last, tuple(cells)))


def act_on_sites(found: Conditions, reach: Reach, fault: Fault) -> None:
    """Write a fault's conditions into `found`, and what is no array into `reach`."""
    _ACTS[fault.kind](found, reach, fault)


def _intermodulation(found: Conditions, reach: Reach, fault: Fault) -> None:
    del found
    cells = reach.world.radio.network.cells
    struck = cells[fault.cells[0]]
    carriers = tuple(
        cell.index
        for cell in cells
        if cell.site.index == struck.site.index and cell.sector == struck.sector
    )
    ratio = (10.0 ** (fault.size / 10.0) - 1.0) * fault.severity()
    reach.intermodulations.append(
        Intermodulation(fault.first, fault.last, fault.cells, carriers, ratio.astype(np.float32))
    )


def _cut_links(found: Conditions, reach: Reach, fault: Fault) -> None:
    network = reach.world.routes.network
    reach.cuts.append(Cut(fault.first, fault.last, fault.objects))
    # Another cut may stand: what both together take away is found where both are known.
    for first, last, failed in _together(reach.cuts, fault):
        standing = network.paths_without(failed)
        lost = [site for site in network.router_of_site if site not in standing]
        found.isolated[first:last, [site - 1 for site in lost]] = 1.0
        reach.darken(found, lost, first, last)


def _together(cuts: Sequence[Cut], fault: Fault) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return the stretches of a cut, each with all links that have failed by then."""
    others = [cut for cut in cuts if cut.first < fault.last and fault.first < cut.last]
    borders = {fault.first, fault.last}
    borders |= {at for cut in others for at in (cut.first, cut.last)}
    inside = sorted(at for at in borders if fault.first <= at <= fault.last)
    return [
        (
            first,
            last,
            tuple(link for cut in others if cut.first <= first < cut.last for link in cut.link_ids),
        )
        for first, last in pairwise(inside)
    ]


def _degrade_optics(found: Conditions, reach: Reach, fault: Fault) -> None:
    column = reach.world.routes.optical.index(fault.objects[0])
    course = fault.size * fault.severity().astype(np.float32)
    struck = found.osnr_loss_db[fault.first : fault.last, column]
    found.osnr_loss_db[fault.first : fault.last, column] = np.maximum(struck, course)


def _lose_clock(found: Conditions, reach: Reach, fault: Fault) -> None:
    cells = reach.world.radio.network.cells
    time = slice(fault.first, fault.last)
    error = supply.drift_ns(fault.size, fault.last - fault.first).astype(np.float32)
    rise = supply.interference_rise_db(error).astype(np.float32)
    site = next(
        site for site in reach.world.radio.network.sites if site.element_dn == fault.objects[0]
    )
    found.clock_error_ns[time, site.index - 1] = error
    found.holdover_s[time, site.index - 1] = PERIOD_S
    for cell in fault.cells:
        is_own = cells[cell].site.index == site.index
        found.uplink_rise_db[time, cell] += rise * np.float32(1.0 if is_own else _NEIGHBOR_SHARE)


def _lose_mains(found: Conditions, reach: Reach, fault: Fault) -> None:
    site = reach.world.radio.network.cells[fault.cells[0]].site.index - 1
    first, last = fault.first, fault.last
    network = reach.world.radio.network
    drawn = supply.equipment_w(
        network, reach.sound.load[first:last], reach.sound.available[first:last]
    )[:, site]
    share, given = supply.discharge(fault.size, drawn)
    found.mains[first:last, site] = 0.0
    found.battery_share[first:last, site] = share
    found.battery_w[first:last, site] = given
    after = found.battery_share[last:, site]
    after[:] = np.minimum(after, supply.recharged(float(share[-1]), len(after)))
    # The period in which the batteries run empty is the first one without power.
    dark = first + int(np.searchsorted(-share, 0.0))
    found.powered[dark:last, site] = 0.0
    reach.darken(found, [site + 1], dark, last)


def _restart(found: Conditions, reach: Reach, fault: Fault) -> None:
    dn = fault.objects[0]
    sites = reach.world.routes.network.sites_of_function(dn)
    cells = reach.cells_of(sites)
    length = fault.last - fault.first
    left = np.exp(-np.arange(length) / max(length / 3.0, 1.0)).astype(np.float32)
    failing = np.float32(0.8 * fault.size) * left
    lost = np.zeros(length, dtype=np.float32)
    lost[0] = fault.size
    returning = np.zeros(length, dtype=np.float32)
    steps = min(length, len(_SURGE))
    returning[:steps] = _SURGE[:steps]
    returning *= np.float32(fault.size) / max(float(returning.sum()), 1e-6)
    time = slice(fault.first, fault.last)
    is_user_plane = "UPFFunction" in dn
    refused = failing * np.float32(0.5 if is_user_plane else 1.0)
    failure = found.core_failure[time, cells]
    found.core_failure[time, cells] = 1.0 - (1.0 - failure) * (1.0 - refused[:, None])
    torn = lost * np.float32(0.5 if is_user_plane else 0.12)
    found.torn[time, cells] = np.maximum(found.torn[time, cells], torn[:, None])
    if is_user_plane:  # nothing flows for the minutes that it is away
        away = np.float32(0.5) * lost
        areas = sorted({(site - 1) * 3 + sector for site in sites for sector in range(3)})
        found.demand_factor[time, areas] *= 1.0 - away[:, None]
    reach.restarts.append(Restart(fault.first, fault.last, dn, failing, lost, returning))


def _regress(found: Conditions, reach: Reach, fault: Fault) -> None:
    del reach
    time, cells = slice(fault.first, fault.last), list(fault.cells)
    if fault.size_unit == "share of setups":
        found.access_failure[time, cells] = fault.size
    else:
        found.rank_factor[time, cells] *= np.float32(fault.size)


_ACTS: Mapping[FaultKind, Callable[[Conditions, Reach, Fault], None]] = {
    "passive_intermodulation": _intermodulation,
    "link_cut": _cut_links,
    "dwdm_degradation": _degrade_optics,
    "clock_loss": _lose_clock,
    "power_failure": _lose_mains,
    "core_function_restart": _restart,
    "software_regression": _regress,
}
SITE_KINDS = frozenset(_ACTS)
"""Kinds of faults that are handled here."""
