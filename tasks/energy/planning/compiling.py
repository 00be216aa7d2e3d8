"""From a network and a forecast to a planning problem: what may be chosen, and what binds it.

A throughput floor becomes a greatest load (floors.py). Where moved users would fall under it, their
booster stays on the air, or the candidate's load is kept low enough. What binds is told for each
period, since interference, and with it every edge, follows the day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.errors import InputError
from semantic_layer.protected import ProtectedPlaces
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.planning.candidates import Carriers
from tasks.energy.planning.floors import fails, is_noticed, lower, most_work, needed_share, own_need
from tasks.energy.planning.problem import (
    IS_OFF,
    MODE_COUNT,
    Groups,
    Moves,
    SleepProblem,
    Standing,
)
from tasks.energy.planning.published import SavingNetwork
from tasks.twin.sleep_modes import MODES, SavingMode

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

_ACTIVE = MODES.index("ACTIVE")
_REDUCED = MODES.index("POWER_REDUCED")


@dataclass(frozen=True)
class WorkForecast:
    """What a network's cells will have to do; NaN where nobody knows.

    Attributes:
        hours: (T,) lengths of periods.
        work: (C, T) own work to be prepared for.
        expected: (C, T) own work that is likely.
    """

    hours: Floats
    work: Floats
    expected: Floats


@dataclass(frozen=True)
class Limits:
    """What a plan must keep to besides the network's own bounds.

    Attributes:
        floor_mbps: that all users but those of the edge percentile have.
        stays_active: (C, T) where a goal lets nothing be done; None for nowhere.
        stays_on_air: (C, T) where nobody may be cut off; None for nowhere.
        most_asleep_share: of a community's cells at a time; None for what the rules say.
        deepest_mode: the deepest that may be chosen.
        surge_factor: rise of demand that finds room; None for what the rules say.
    """

    floor_mbps: float
    stays_active: Flags | None = None
    stays_on_air: Flags | None = None
    most_asleep_share: float | None = None
    deepest_mode: SavingMode = "DEEP_SLEEP"
    surge_factor: float | None = None


def work_forecast(network: SavingNetwork, forecast: LoadForecast, quantile: float) -> WorkForecast:
    """Return a forecast of load as work of the network's cells.

    Args:
        network: whose cells are meant; those that the forecast lacks are unknown.
        forecast: of load, which is work while cells are active.
        quantile: chance that a period's highest quarter stays below the work prepared for.

    Raises:
        InputError: the forecast does not know the quantile.
    """
    place = {dn: index for index, dn in enumerate(forecast.cell_dns)}
    rows = np.array([place.get(dn, -1) for dn in network.cell_dns])
    peak, mean = forecast.peak_at(quantile), forecast.mean
    found = [
        np.where((rows >= 0)[:, None], table[np.maximum(rows, 0)], np.nan).astype(np.float64)
        for table in (peak, mean)
    ]
    return WorkForecast(np.asarray(forecast.hours, dtype=np.float64), found[0], found[1])


def protected_cells(
    network: SavingNetwork, places: ProtectedPlaces, start: datetime, hours: Floats
) -> tuple[Flags, Flags]:
    """Return where cells must stay active, and where on the air: two arrays (C, T).

    Where two people must agree on a change, no plan may cut users off by itself.

    Args:
        network: whose cells are meant.
        places: that are protected, and how long before their time that begins.
        start: of the first period, with a time zone.
        hours: (T,) lengths of periods.
    """
    ends = np.cumsum(hours)
    begins = ends - hours
    shape = len(network.cell_dns), len(hours)
    active, on_air = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for one in places.places:
        cells = np.array(
            [
                dn in one.cell_dns or site in one.site_ids
                for dn, site in zip(network.cell_dns, network.site_ids, strict=True)
            ]
        )
        ahead = timedelta(hours=places.ahead_hours)
        first = -np.inf if one.begins is None else _hours(one.begins - ahead - start)
        last = np.inf if one.ends is None else _hours(one.ends - start)
        holds = cells[:, None] & ((begins < last) & (ends > first))[None, :]
        on_air |= holds
        if one.rule == "never":
            active |= holds
    return active, on_air


def sleep_problem(
    network: SavingNetwork,
    forecast: WorkForecast,
    price: Floats,
    standing: Standing,
    limits: Limits,
    rules: EnergyPlanningRules,
) -> SleepProblem:
    """Return what is to be decided.

    Args:
        network: static facts.
        forecast: by the network's cells; a cell without a number stays active and carries for
            nobody.
        price: (T,) weight of a kWh.
        standing: how the horizon is entered, by the network's cells.
        limits: what the plan must keep to.
        rules: reserves, dwell times, shares.

    Raises:
        InputError: arrays do not fit the network, or a limit has no meaning.
    """
    _check(network, forecast, limits)
    told = np.isfinite(forecast.work + forecast.expected)
    is_known: Flags = np.asarray(told.all(axis=1), dtype=np.bool_)
    work = np.where(np.isfinite(forecast.work), forecast.work, 0.0)
    carriers, is_lost = _known_carriers(network, is_known, rules)
    edge_db = network.edges.at(np.minimum(rules.around_factor * work, 1.0))
    floor = limits.floor_mbps
    needs = (
        own_need(network, edge_db, work, (floor, rules.most_newly_crowded), rules),
        own_need(network, edge_db, work, (floor, rules.most_newly_slowed), rules),
    )
    surge = rules.surge_factor if limits.surge_factor is None else limits.surge_factor
    capacity = most_work(network, needs, surge, rules)
    pair_edge = edge_db[carriers.candidate] + carriers.offset_db[:, None]
    pair_need = needed_share(network, pair_edge, carriers.candidate, floor, rules)
    is_bad = fails(capacity[:, :, _ACTIVE], work, carriers, pair_need, rules)
    counts = is_noticed(network, carriers, work, rules)
    is_bad &= counts
    share_bad = _by_cell(carriers.booster, carriers.share[:, None] * is_bad, len(work))
    may_sleep: Flags = share_bad <= rules.most_edge_forgiven
    may_sleep &= (network.may_sleep & ~is_lost & is_known)[:, None]
    binds = may_sleep[carriers.booster] & counts & ~is_bad
    lower(capacity, carriers.candidate, np.where(binds, pair_need, 0.0), network)
    may_reduce = may_sleep & network.may_reduce[:, None]
    may_reduce &= _could_sleep_alone(capacity[:, :, _ACTIVE], work, carriers)
    asleep = limits.most_asleep_share
    return SleepProblem(
        cell_dns=network.cell_dns,
        hours=forecast.hours,
        price=price,
        work=forecast.work,
        expected_work=forecast.expected,
        idle_w=network.radios.idle_w,
        slope_w=network.radios.slope_w,
        capacity=capacity,
        allowed=_allowed(network, (may_sleep, may_reduce), is_known, limits),
        switch_wh=network.radios.switch_wh,
        least_off_h=rules.least_asleep_hours,
        least_on_h=rules.least_awake_hours,
        moves=_moves(network, carriers, rules),
        cover=network.cover,
        groups=_groups(network, rules.most_community_asleep if asleep is None else asleep),
        standing=standing,
    )


def known_moves(network: SavingNetwork, is_known: Flags, rules: EnergyPlanningRules) -> Moves:
    """Return where the work of sleepers goes, as problems tell it.

    Args:
        network: static facts.
        is_known: (C,) cells whose load is forecast; others carry for nobody.
        rules: of planning.
    """
    carriers, _ = _known_carriers(network, is_known, rules)
    return _moves(network, carriers, rules)


def _check(network: SavingNetwork, forecast: WorkForecast, limits: Limits) -> None:
    shape = len(network.cell_dns), len(forecast.hours)
    given = {
        "work": forecast.work,
        "expected": forecast.expected,
        "stays_active": limits.stays_active,
        "stays_on_air": limits.stays_on_air,
    }
    for name, part in given.items():
        if part is not None and part.shape != shape:
            raise InputError(
                f"{name} must be told for {shape[0]} cells and {shape[1]} periods; "
                f"got {part.shape}."
            )
    if not limits.floor_mbps >= 0.0:
        raise InputError(f"A throughput floor is 0 Mbit/s or more; got {limits.floor_mbps!r}.")
    if limits.surge_factor is not None and not limits.surge_factor >= 1.0:
        raise InputError(f"A surge multiplies demand by 1 or more; got {limits.surge_factor!r}.")
    if limits.most_asleep_share is not None and not 0.0 <= limits.most_asleep_share <= 1.0:
        raise InputError(
            f"The share of cells asleep lies between 0 and 1; got {limits.most_asleep_share!r}."
        )


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600.0


def _known_carriers(
    network: SavingNetwork, is_known: Flags, rules: EnergyPlanningRules
) -> tuple[Carriers, Flags]:
    """Return pairs whose candidates have a forecast, and the boosters who lose too much by that."""
    told = network.carriers
    count = len(is_known)
    kept = told.only(is_known[told.candidate])
    left = np.bincount(kept.booster, kept.share, count)
    is_lost = left < 1.0 - rules.most_silent_share
    rise = np.maximum(left, 1e-9)[kept.booster]
    share, bound = kept.share / rise, np.minimum(kept.bound / rise, 1.0)
    return Carriers(kept.booster, kept.candidate, share, bound, kept.work, kept.offset_db), is_lost


def _by_cell(cell: Numbers, value: Floats, count: int) -> Floats:
    found = np.zeros((count, value.shape[1]))
    np.add.at(found, cell, value)
    return found


def _could_sleep_alone(capacity: Floats, work: Floats, carriers: Carriers) -> Flags:
    """Return where (C, T) all candidates had room for all that a cell could bring them.

    With less power a cell keeps some of its users; nobody says how many, and no row counts them.
    """
    moved = (carriers.bound * carriers.work)[:, None] * work[carriers.booster]
    is_over = work[carriers.candidate] + moved > capacity[carriers.candidate]
    return np.asarray(_by_cell(carriers.booster, is_over.astype(np.float64), len(work)) == 0.0)


def _allowed(
    network: SavingNetwork, may: tuple[Flags, Flags], is_known: Flags, limits: Limits
) -> Flags:
    """Return which modes (C, T, M) may be chosen.

    Args:
        network: static facts.
        may: (C, T) who may sleep, and who may transmit with less power.
        is_known: (C,) whose work is known.
        limits: of the plan.
    """
    may_sleep, may_reduce = may
    shape = (*may_sleep.shape, MODE_COUNT)
    allowed = np.zeros(shape, dtype=bool)
    allowed |= (network.may_save & is_known)[:, None, None]
    allowed[:, :, _REDUCED] &= may_reduce
    allowed[:, :, IS_OFF] &= may_sleep[:, :, None]
    if limits.stays_on_air is not None:
        allowed[:, :, IS_OFF] &= ~limits.stays_on_air[:, :, None]
    if limits.stays_active is not None:
        allowed &= ~limits.stays_active[:, :, None]
    allowed[:, :, MODES.index(limits.deepest_mode) + 1 :] = False
    allowed[:, :, _ACTIVE] = True
    return allowed


def _moves(network: SavingNetwork, carriers: Carriers, rules: EnergyPlanningRules) -> Moves:
    likely = carriers.share * carriers.work / rules.moved_work_margin
    return Moves(
        booster=carriers.booster,
        candidate=carriers.candidate,
        work=carriers.bound * carriers.work,
        watts=likely * network.radios.slope_w[carriers.candidate, _ACTIVE],
    )


def _groups(network: SavingNetwork, share: float) -> Groups:
    size = np.bincount(network.community, minlength=len(network.communities))
    return Groups(network.community, np.floor(share * size + 1e-9).astype(np.int64))
