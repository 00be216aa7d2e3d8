"""What functions of the 5G core count: all of it follows from what their sites' cells ask for.

Subscribers are counted by site; sessions, handovers, volumes and failures are sums over the cells
that a function serves. A restart takes registrations and sessions away, and their return is a
surge. LTE traffic is carried by the same user planes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.twin.conditions import Conditions, Restart
from tasks.twin.counting import Array, binomial, jitter, poisson
from tasks.twin.measurements import Columns
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S
from tasks.twin.transport import PACKET_MBIT
from tasks.twin.world import World

_SUBSCRIBERS_A_SITE = 900.0
_NEW_A_SUBSCRIBER = 0.004
_NG_SHARE = 0.35
_PDU_SHARE = 0.8
_UPDATES_A_HANDOVER = 0.08
_RETRIES = 1.5
_SESSIONS_A_SUBSCRIBER = 1.25
_SIZED_FOR = 4.0


@dataclass(frozen=True, slots=True)
class CoreDemand:
    """What the cells of each function of a class ask for in a stretch; (periods, functions).

    Attributes:
        sites: how many each serves.
        usual: sessions of a mean period of the whole run.
        gone: share of registrations or sessions that a restart has taken and not given back.
    """

    dns: tuple[str, ...]
    of_cell: Array
    sites: Array
    sessions: Array
    usual: Array
    core_fail: Array
    gone: Array
    returning: Array
    failing: Array

    def over(self, values: Array) -> Array:
        """Return a cell array's sums by function."""
        return np.asarray(values @ self.of_cell)


def function_dns(world: World, object_class: str) -> list[str]:
    """Return the functions of a class."""
    functions = world.routes.network.functions
    return [one.dn for one in functions if one.object_class == object_class]


def core_demand(
    world: World,
    state: State,
    restarts: Sequence[Restart],
    object_class: str,
    periods: tuple[int, int],
) -> CoreDemand:
    """Return what the functions of a class have to do in a stretch."""
    dns = function_dns(world, object_class)
    network = world.routes.network
    shape = (len(world.site_of), len(dns))
    of_cell = np.zeros(shape, dtype=np.float32)
    for cell, site in enumerate(world.site_of):
        of_cell[cell, dns.index(network.function_of_site(int(site) + 1, object_class))] = 1.0
    time = slice(*periods)
    sessions = state.sessions[time] @ of_cell
    failed = (state.sessions * state.core_fail)[time] @ of_cell
    courses = {name: np.zeros((world.periods, len(dns))) for name in ("gone", "back", "failing")}
    for restart in restarts:
        share = _share_of(world, restart.dn, object_class, dns)
        gone = np.cumsum(restart.lost) - np.cumsum(restart.returning)
        courses["gone"][restart.first : restart.last] += np.maximum(gone, 0.0)[:, None] * share
        courses["back"][restart.first : restart.last] += restart.returning[:, None] * share
        courses["failing"][restart.first : restart.last] += restart.failing[:, None] * share
    served = [len(network.sites_of_function(dn)) for dn in dns]
    usual = world.usual_sessions
    usual = state.sessions.mean(axis=0) if usual is None else usual
    return CoreDemand(
        dns=tuple(dns),
        of_cell=of_cell,
        sites=np.array(served, dtype=np.float64),
        sessions=sessions,
        usual=np.maximum(usual @ of_cell, 1.0).astype(np.float64),
        core_fail=failed / np.maximum(sessions, 1e-9),
        gone=courses["gone"][time],
        returning=courses["back"][time],
        failing=np.minimum(courses["failing"][time], 0.95),
    )


def _share_of(world: World, dn: str, object_class: str, dns: Sequence[str]) -> Array:
    """Return which share of each function's sites a restarting function serves too."""
    network = world.routes.network
    struck = set(network.sites_of_function(dn))
    if f",{object_class}=" in dn:
        return np.array([float(one == dn) for one in dns])
    if object_class == "AMFFunction":  # a user plane takes no registration away
        return np.zeros(len(dns))
    shares = []
    for one in dns:
        served = set(network.sites_of_function(one))
        shares.append(len(struck & served) / max(len(served), 1))
    return np.array(shares)


def amf_measurements(
    world: World,
    state: State,
    conditions: Conditions,
    periods: tuple[int, int],
    rng: np.random.Generator,
) -> Columns:
    """Return each measurement of access management as an array of (periods, functions)."""
    asked = core_demand(world, state, conditions.restarts, "AMFFunction", periods)
    subscribers = _SUBSCRIBERS_A_SITE * asked.sites * _attached(asked)
    registered = subscribers * (1.0 - asked.gone) * jitter(rng, asked.gone.shape, 0.002)
    service = poisson(rng, asked.sessions * _NG_SHARE)
    initial = poisson(rng, subscribers * (_NEW_A_SUBSCRIBER + _RETRIES * asked.returning))
    moves = asked.over(state.handovers_inter[slice(*periods)])
    mobility = poisson(rng, moves * _UPDATES_A_HANDOVER + 0.002 * subscribers)
    checked = initial + binomial(rng, mobility, 0.1)
    paged = poisson(rng, asked.sessions * 0.6)
    work = service + 5.0 * initial + 2.0 * mobility + 0.3 * paged
    columns = {
        "amf_registered_subscribers": registered,
        "amf_registered_subscribers_peak": np.rint(registered * 1.006),
        "amf_initial_registration_attempts": initial,
        "amf_initial_registration_successes": binomial(
            rng, initial, (1.0 - 0.004) * (1.0 - asked.failing)
        ),
        "amf_mobility_registration_attempts": mobility,
        "amf_mobility_registration_successes": binomial(
            rng, mobility, (1.0 - 0.002) * (1.0 - asked.failing)
        ),
        "amf_service_request_attempts": service,
        "amf_service_request_successes": binomial(rng, service, 1.0 - asked.core_fail),
        "amf_authentication_attempts": checked,
        "amf_authentication_failures": binomial(rng, checked, 0.003),
        "amf_paging_attempts": paged,
        "amf_paging_successes": binomial(rng, paged, 0.965 * (1.0 - asked.failing)),
        "amf_cpu_usage": _usage(work, _planned_work(asked, _NG_SHARE), rng),
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}


def smf_measurements(
    world: World,
    state: State,
    conditions: Conditions,
    periods: tuple[int, int],
    rng: np.random.Generator,
) -> Columns:
    """Return each measurement of session management as an array of (periods, functions)."""
    asked = core_demand(world, state, conditions.restarts, "SMFFunction", periods)
    subscribers = _SUBSCRIBERS_A_SITE * asked.sites * _attached(asked)
    sessions = _SESSIONS_A_SUBSCRIBER * subscribers
    standing = sessions * (1.0 - asked.gone) * jitter(rng, asked.gone.shape, 0.003)
    tried = asked.sessions * _NG_SHARE * _PDU_SHARE * (1.0 - asked.core_fail)
    attempts = poisson(rng, tried + _RETRIES * asked.returning * sessions)
    columns = {
        "smf_pdu_session_creation_attempts": attempts,
        "smf_pdu_session_creation_successes": binomial(
            rng, attempts, (1.0 - 0.7 * asked.core_fail) * (1.0 - 0.6 * asked.failing) * 0.999
        ),
        "smf_pdu_sessions": standing,
        "smf_pdu_sessions_peak": np.rint(standing * 1.008),
        "smf_cpu_usage": _usage(1.0 * attempts, _planned_work(asked, _NG_SHARE * _PDU_SHARE), rng),
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}


def upf_measurements(
    world: World,
    state: State,
    conditions: Conditions,
    periods: tuple[int, int],
    rng: np.random.Generator,
) -> Columns:
    """Return each measurement of user planes as an array of (periods, functions).

    What a user plane sends is what its cells carried and what was lost on the way to them.
    """
    asked = core_demand(world, state, conditions.restarts, "UPFFunction", periods)
    time = slice(*periods)
    lost_dl = np.minimum(state.paths.loss_downlink[time], 0.9)[:, world.site_of]
    lost_ul = np.minimum(state.paths.loss_uplink[time], 1.0)[:, world.site_of]
    sent = asked.over(state.downlink_mbps[time] / (1.0 - lost_dl)) * PERIOD_S
    begun = asked.over(state.uplink_mbps[time]) * PERIOD_S
    received = asked.over(state.uplink_mbps[time] * (1.0 - lost_ul)) * PERIOD_S
    packets_ul = poisson(rng, begun / (0.35 * PACKET_MBIT))
    missed = binomial(rng, packets_ul, 1.0 - received / np.maximum(begun, 1e-9))
    weight = state.downlink_mbps[time] * (lost_ul < 1.0) + 1e-6
    delay = asked.over(weight * state.paths.delay_ms[time][:, world.site_of])
    delay = delay / np.maximum(asked.over(weight), 1e-9)
    columns = {
        "upf_n3_volume_dl": sent,
        "upf_n3_volume_ul": received,
        "upf_n6_volume_dl": sent * jitter(rng, sent.shape, 0.001),
        "upf_n6_volume_ul": received * jitter(rng, sent.shape, 0.001),
        "upf_n3_packets_dl": poisson(rng, sent / PACKET_MBIT),
        "upf_n3_packets_ul": packets_ul - missed,
        "upf_n3_lost_packets_ul": missed,
        "upf_n3_round_trip_delay": (delay + 0.25) * jitter(rng, sent.shape, 0.02),
        "upf_cpu_usage": _usage(sent + received, 120.0 * PERIOD_S * asked.sites, rng),
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}


def _attached(asked: CoreDemand) -> Array:
    """Return the share of subscribers who are there: somewhat more when there is more to do."""
    busy = asked.sessions / asked.usual
    return np.asarray(0.9 + 0.06 * busy / (1.0 + busy))


def _planned_work(asked: CoreDemand, share: float) -> Array:
    """Return what a function is sized for: some times what is usual."""
    return np.asarray(_SIZED_FOR * share * asked.usual)


def _usage(work: Array, capacity: Array, rng: np.random.Generator) -> Array:
    """Return a processor's usage in %: a floor, and what the work takes."""
    busy = work / np.maximum(capacity, 1.0)
    used = 9.0 + 86.0 * busy / (1.0 + busy)
    return np.asarray(np.minimum(used * jitter(rng, used.shape, 0.02), 99.5))
