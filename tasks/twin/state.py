"""The state of every cell in every period: load, quality, service; expected values, no counting.

The order is physical. Demand meets coverage, backhaul bounds it, cells that transmit disturb each
other until load and quality agree, users share what is left, and failures follow from coverage,
disturbance and congestion. Measurements count what happens in this state (measurements.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import transport
from tasks.twin.conditions import Conditions
from tasks.twin.quality import at_load, at_rise
from tasks.twin.sleep_modes import MODES, OFF_AIR
from tasks.twin.traffic import PERIOD_S
from tasks.twin.transport_state import LinkState, PathState, transport_state
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]

_ROUNDS = 3
_CEILING = 0.985
_QUIET_LOAD = 0.05
HALF_USER_SHARE = 0.7
"""Of a cell's rate, what a user alone in it gets."""

_FAINT = 0.02
_LITTLE_LEFT = 1e-6
_IS_OFF = np.array(OFF_AIR)
_IS_RESTRAINED = np.array([mode in ("MIMO_MUTED", "POWER_REDUCED") for mode in MODES])


@dataclass(frozen=True, slots=True)
class State:
    """Expected values by (periods, cells), or (periods, sites) where the name says site.

    Attributes:
        load: share of downlink resource blocks that carry user data, 0 to 1.
        sessions: users that ask for a connection in the period.
        users: mean number of connected users.
        around: load of the interfering cells, weighted by how loud they are.
        rise_db: uplink interference over thermal noise.
        available: share of the period in which a cell is on the air.
        asleep: share of the period in which it is off the air to save energy.
        restrained: share in which it saves energy on the air by fewer chains or less power.
    """

    load: Array
    uplink_load: Array
    downlink_mbps: Array
    uplink_mbps: Array
    downlink_user_mbps: Array
    uplink_user_mbps: Array
    sessions: Array
    users: Array
    around: Array
    cqi_mean: Array
    cqi_square: Array
    mcs_mean: Array
    rank_factor: Array
    weak: Array
    rise_db: Array
    uplink_outage: Array
    downlink_error: Array
    uplink_error: Array
    access_fail: Array
    core_fail: Array
    bearer_fail: Array
    drop: Array
    handovers_inter: Array
    handovers_intra: Array
    handovers_in: Array
    prepare_fail: Array
    handover_fail_inter: Array
    handover_fail_intra: Array
    delay_ms: Array
    loss_downlink: Array
    loss_uplink: Array
    available: Array
    asleep: Array
    restrained: Array
    site_offered_mbps: Array
    site_carried_mbps: Array
    site_uplink_mbps: Array
    site_discarded: Array
    paths: PathState
    links: LinkState

    def between(self, first: int, last: int) -> "State":
        """Return the state of some periods, counted from 0 again."""
        return State(
            **{item.name: _between(getattr(self, item.name), first, last) for item in fields(self)}
        )


def _between(part: Any, first: int, last: int) -> Any:  # noqa: ANN401 - an array, or some by name
    if isinstance(part, np.ndarray):
        return part[first:last]
    return type(part)(*(getattr(part, item.name)[first:last] for item in fields(part)))


def network_state(world: World, conditions: Conditions) -> State:
    """Return the state of a run under `conditions`; pure, so that runs can be compared."""
    offered = _offered(world, conditions)
    downlink = _downlink(world, conditions, offered)
    uplink = _uplink(world, conditions, downlink)
    service = _service(world, conditions, downlink, uplink)
    return State(
        **{name: value for name, value in (downlink | uplink | service).items() if name[0] != "_"}
    )


def filled(wanted: Array) -> Array:
    """Return the share of a cell's blocks in use where users want a share that may exceed it."""
    return np.asarray(_CEILING * wanted / (_CEILING**6 + wanted**6) ** (1.0 / 6.0))


def wanted_of(load: Array) -> Array:
    """Return what users want where they fill a share of a cell's blocks; undoes `filled`."""
    left = np.maximum(_CEILING**6 - np.asarray(load, dtype=np.float64) ** 6, _LITTLE_LEFT)
    return np.asarray(load * _CEILING / left ** (1.0 / 6.0))


def _offered(world: World, conditions: Conditions) -> Array:
    share = world.radio.built.share.astype(np.float32)
    demand = world.demand * conditions.demand_factor
    offered = demand @ share.T
    for patch in conditions.patches:
        time = slice(patch.first, patch.last)
        moved = demand[time] @ patch.share_change.T
        offered[time, patch.cells] += patch.severity[:, None] * moved
    offered = np.maximum(offered, 0.0) * np.exp(world.chance.split)
    return np.asarray(offered * (1.0 - conditions.unavailable), dtype=np.float32)


def _looked_up(
    world: World, conditions: Conditions, name: str, at: Callable[[Array, Array], Array], x: Array
) -> Array:
    """Return a quality table's values, patched where coverage differs from the built one."""
    value = at(getattr(world.tables, name), x)
    for patch in conditions.patches:
        where = np.ix_(np.arange(patch.first, patch.last), patch.cells)
        changed = at(getattr(patch.tables, name), x[where])
        value[where] += patch.severity[:, None] * (changed - value[where])
    return value


def _constant(table: Array, x: Array) -> Array:
    return np.repeat(table[None, :], x.shape[0], axis=0)


def _by_site(world: World, value: Array) -> Array:
    sites = np.zeros((value.shape[0], len(world.backhaul_mbps)), dtype=np.float32)
    np.add.at(sites.T, world.site_of, value.T)
    return sites


def _downlink(world: World, conditions: Conditions, offered: Array) -> dict[str, Any]:
    traits = world.traits
    capacity_site = _backhaul_mbps(world, conditions)
    site_offered = _by_site(world, offered)
    through = transport.carried_share(site_offered, capacity_site)
    # What goes up is nearly nothing beside what comes down; a site's mean share of it will do.
    site_up = _by_site(world, offered * traits.uplink_ratio)
    paths, links = transport_state(world.routes, conditions, site_offered * through, site_up)
    arriving = offered * (through * paths.through)[:, world.site_of]
    loudness = world.radio.built.interference.copy()
    np.fill_diagonal(loudness, 0.0)
    loudness /= np.maximum(loudness.sum(axis=1, keepdims=True), 1e-9)
    loudness_t = loudness.T.astype(np.float32)
    load: Array = np.full(offered.shape, 0.25, dtype=np.float32)
    for _ in range(_ROUNDS):
        around = _around(conditions, load, loudness_t)
        rate = _looked_up(world, conditions, "rate", at_load, around)
        capacity = rate * np.exp(world.chance.quality) * conditions.rank_factor
        capacity = capacity * conditions.rate_factor
        capacity = np.maximum(capacity * traits.downlink_mbps, 0.5)
        wanted = arriving / capacity
        load = filled(wanted)
    radio_rate = capacity * HALF_USER_SHARE
    limit = traits.terminal_limit_mbps
    alone = radio_rate * limit / (radio_rate + limit)
    shared = alone * (1.0 - load)
    link_rate = link_rate_mbps(world, conditions, site_offered, paths)
    served = load * capacity
    return {
        "load": load,
        "downlink_mbps": served,
        "downlink_user_mbps": shared * link_rate / (shared + link_rate),
        "around": around,
        "rank_factor": conditions.rank_factor,
        "available": np.float32(1.0) - conditions.unavailable,
        "asleep": _IS_OFF[conditions.saving_mode].astype(np.float32),
        "restrained": _IS_RESTRAINED[conditions.saving_mode].astype(np.float32),
        "site_offered_mbps": site_offered,
        "site_carried_mbps": _by_site(world, served),
        "site_discarded": transport.discarded_share(site_offered, capacity_site),
        "paths": paths,
        "links": links,
        "_wanted": wanted,
        "_offered": offered,
        "_link_delay": (
            transport.queue_delay_ms(site_offered, capacity_site) + paths.queue_ms + paths.detour_ms
        )[:, world.site_of],
    }


def link_rate_mbps(
    world: World, conditions: Conditions, site_offered_mbps: Array, paths: PathState
) -> Array:
    """Return what the links between a cell and the core give a user, by (periods, cells)."""
    own = transport.user_rate_mbps(site_offered_mbps, _backhaul_mbps(world, conditions))
    return np.asarray(np.minimum(own, paths.user_mbps)[:, world.site_of])


def _backhaul_mbps(world: World, conditions: Conditions) -> Array:
    return np.minimum(world.backhaul_mbps, conditions.backhaul_share * world.peak_site_mbps)


def _around(conditions: Conditions, load: Array, loudness_t: Array) -> Array:
    """Return the load of the cells around; where some are asleep, of those that are not.

    Tables tell what users hear without the sleepers, hence the mean over the others.
    """
    busy = (_QUIET_LOAD + (1.0 - _QUIET_LOAD) * load) * (1.0 - conditions.unavailable)
    around = busy @ loudness_t
    asleep = _IS_OFF[conditions.saving_mode]
    if not asleep.any():
        return around
    heard = (1.0 - asleep.astype(np.float32)) @ loudness_t
    return np.asarray(around / np.maximum(heard, _FAINT), dtype=np.float32)


def _uplink(world: World, conditions: Conditions, downlink: dict[str, Any]) -> dict[str, Array]:
    traits = world.traits
    busy_around = downlink["around"]
    own = traits.noise_rise_db + 3.0 * np.minimum(busy_around, 1.0) + world.chance.rise_db
    # Powers add: what comes from outside is given as its rise over noise alone.
    outside = 10.0 ** (conditions.uplink_rise_db / 10.0) - 1.0
    mixed = _intermodulation(conditions, downlink["load"])
    outside = outside + mixed
    rise = 10.0 * np.log10(10.0 ** (np.maximum(own, 0.0) / 10.0) + outside)
    rate = _looked_up(world, conditions, "uplink_rate", at_rise, rise)
    outage = _looked_up(world, conditions, "uplink_outage", at_rise, rise)
    capacity = rate * np.exp(world.chance.quality) * conditions.rate_factor
    capacity = np.maximum(capacity * traits.uplink_mbps, 0.3)
    offered = downlink["downlink_mbps"] * traits.uplink_ratio * np.exp(world.chance.session)
    wanted = offered / capacity
    load = filled(wanted)
    alone = capacity * 0.5
    alone = alone * 60.0 / (alone + 60.0)
    unforeseen_db = 10.0 * np.log10(1.0 + outside)
    surprise = np.minimum(unforeseen_db, 12.0) / 12.0
    carried = load * capacity
    return {
        "uplink_load": load,
        "uplink_mbps": carried,
        "site_uplink_mbps": _by_site(world, carried),
        "uplink_user_mbps": alone * (1.0 - load),
        "rise_db": rise,
        "uplink_outage": outage,
        "uplink_error": np.minimum(
            (traits.uplink_error + 0.035 * surprise) * np.exp(0.15 * world.chance.failure)
            + 0.25 * outage,
            0.6,
        ),
    }


def _intermodulation(conditions: Conditions, load: Array) -> Array:
    """Return interference over noise, linear, that carriers of one sector make of each other.

    A third-order product grows with the power of both carriers, so with the product of the share
    of the time in which each transmits.
    """
    found = np.zeros_like(load)
    for mixing in conditions.intermodulations:
        time = slice(mixing.first, mixing.last)
        carriers = load[time][:, list(mixing.carriers)]
        for cell in mixing.cells:
            own = load[time, cell]
            others = (carriers.sum(axis=1) - own) / max(len(mixing.carriers) - 1, 1)
            found[time, cell] += mixing.ratio * own * others
    return found


def _service(
    world: World, conditions: Conditions, down: dict[str, Any], up: dict[str, Array]
) -> dict[str, Array]:
    traits, around = world.traits, down["around"]
    paths: PathState = down["paths"]
    weak = _looked_up(world, conditions, "weak", _constant, around)
    low = _looked_up(world, conditions, "cqi_low", at_load, around)
    inter = _looked_up(world, conditions, "overlap_inter", _constant, around)
    intra = _looked_up(world, conditions, "overlap_intra", _constant, around)
    luck = np.exp(world.chance.failure)
    crowd = np.clip(down["_wanted"] - 0.9, 0.0, 1.5)
    size = traits.session_mbit * np.exp(world.chance.session)
    sessions = down["_offered"] * PERIOD_S / size
    stay = traits.connected_s + np.minimum(
        size / np.maximum(down["downlink_user_mbps"], 0.05), 60.0
    )
    users = sessions * stay / PERIOD_S
    moves = users * traits.handover_rate * PERIOD_S
    outage = up["uplink_outage"]
    fail_inter = _either(
        traits.handover_fail * luck + 0.15 * outage, conditions.handover_lost_inter
    )
    fail_intra = _either(
        0.6 * traits.handover_fail * luck + 0.10 * outage, conditions.handover_lost_intra
    )
    moves_inter, moves_intra = moves * inter, moves * intra
    torn = (moves_inter * (fail_inter - traits.handover_fail) + moves_intra * fail_intra) / (
        np.maximum(sessions, 1.0)
    )
    core = _either(traits.core_fail * luck, conditions.core_failure)
    access = traits.access_fail * luck + 0.02 * weak + 0.12 * outage + 0.10 * crowd
    access = access + world.chance.rogue
    blocked = _either(0.015 * conditions.access_blocked, conditions.access_failure)
    drop = traits.drop * luck + 0.012 * weak + 0.06 * outage + 0.015 * crowd
    queue = 2.2 * down["load"] / (1.03 - down["load"])
    return {
        "sessions": sessions,
        "users": users,
        "weak": weak,
        "cqi_mean": _looked_up(world, conditions, "cqi_mean", at_load, around),
        "mcs_mean": _looked_up(world, conditions, "mcs_mean", at_load, around),
        "cqi_square": _looked_up(world, conditions, "cqi_square", at_load, around),
        "downlink_error": traits.downlink_error * np.exp(0.15 * world.chance.failure) + 0.10 * low,
        "access_fail": np.minimum(_either(access, blocked), 0.9),
        "core_fail": np.minimum(core, 0.9),
        "bearer_fail": np.minimum(traits.bearer_fail * luck + 0.05 * crowd + 0.01 * outage, 0.9),
        "drop": np.clip(_either(drop + 0.2 * np.maximum(torn, 0.0), conditions.torn), 0.0, 0.9),
        "handovers_inter": moves_inter,
        "handovers_intra": moves_intra,
        "handovers_in": _handed_in(world, moves_inter + moves_intra),
        "prepare_fail": np.minimum(traits.prepare_fail * luck + 0.04 * crowd, 0.9),
        "handover_fail_inter": np.minimum(fail_inter, 0.95),
        "handover_fail_intra": np.minimum(fail_intra, 0.95),
        "delay_ms": traits.delay_ms + queue + down["_link_delay"],
        "loss_downlink": np.minimum(
            (down["site_discarded"] + paths.loss_downlink)[:, world.site_of] + 2e-4 * crowd, 1.0
        ),
        "loss_uplink": 8e-5 * luck + 0.02 * outage**2 + 4e-4 * up["uplink_load"] ** 4,
    }


def _either(first: Array, second: Array) -> Array:
    """Return the chance that at least one of two independent causes acts."""
    return np.asarray(1.0 - (1.0 - first) * (1.0 - second), dtype=np.float32)


def _handed_in(world: World, moves: Array) -> Array:
    """Return the handovers that arrive at each cell, from where overlap sends them."""
    target = world.radio.built.handover.copy()
    np.fill_diagonal(target, 0.0)
    target /= np.maximum(target.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(moves @ target.astype(np.float32), dtype=np.float32)
