"""What interfaces of routers and optical channels count, drawn from the transport network's state.

A row of interfaces is one end of a link: what it sends is the link's direction away from it, what
it receives is the other direction after what the link lost. The path to the core is measured by
test packets from each site's own interface.
"""

import numpy as np

from tasks.twin import optics, transport
from tasks.twin.conditions import Conditions
from tasks.twin.counting import binomial, jitter, poisson
from tasks.twin.measurements import Columns
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S
from tasks.twin.transport import PACKET_MBIT
from tasks.twin.transport_state import Routes, other_direction
from tasks.twin.world import World

_KEEPALIVE_MBPS = 0.2
_TEST_PACKETS = 9_000
_ROUTER_MS = 0.1
_DARK_DBM = -45.0
_POWER_SHARE_OF_LOSS = 0.6


def interface_dns(routes: Routes) -> list[str]:
    """Return the interfaces in the order of the columns of directions."""
    links = (routes.network.link_of[link_id] for link_id in routes.links)
    return [dn for link in links for dn in (link.a_dn, link.b_dn)]


def optical_channel_dns(routes: Routes) -> list[str]:
    """Return the optical channels: of each optical link the two ends."""
    links = (routes.network.link_of[link_id] for link_id in routes.optical)
    return [dn for link in links for dn in (link.a_dn, link.b_dn)]


def interface_measurements(
    world: World, state: State, periods: tuple[int, int], rng: np.random.Generator
) -> Columns:
    """Return each measurement of interfaces as an array of (periods, interfaces)."""
    routes, links, time = world.routes, state.links, slice(*periods)
    is_up = 1.0 - np.repeat(links.link_down[time], 2, axis=1)
    offered = (links.offered_mbps[time] + _KEEPALIVE_MBPS) * is_up
    volume = offered * transport.carried_share(offered, routes.capacity_mbps) * PERIOD_S
    discarded_share = links.discarded[time] * jitter(rng, volume.shape, 0.3)
    sent = poisson(rng, volume / PACKET_MBIT)
    discarded = binomial(rng, sent, discarded_share)
    error = np.repeat(links.link_error[time], 2, axis=1)
    errored = binomial(rng, sent - discarded, error)
    columns = {
        "interface_volume_in": other_direction(volume * (1.0 - error)),
        "interface_volume_out": volume,
        "interface_packets_in": other_direction(sent - discarded - errored),
        "interface_packets_out": sent,
        "interface_discarded_packets_out": discarded,
        "interface_errored_packets_in": other_direction(errored),
        "interface_speed": np.broadcast_to(routes.capacity_mbps, volume.shape),
        "interface_down_time": PERIOD_S * (1.0 - is_up),
    }
    found = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    return found | _paths(routes, state, time, rng)


def _paths(routes: Routes, state: State, time: slice, rng: np.random.Generator) -> Columns:
    paths = state.paths
    lost_share = 1.0 - (1.0 - paths.loss_downlink[time]) * (1.0 - paths.loss_uplink[time])
    is_reached = lost_share < 1.0
    delay = (paths.delay_ms[time] + _ROUTER_MS) * jitter(rng, lost_share.shape, 0.01)
    wait = 0.02 + 0.5 * paths.queue_ms[time]
    sent = np.full(lost_share.shape, _TEST_PACKETS, dtype=np.int64)
    of_sites = {
        "path_round_trip_delay": np.where(is_reached, delay, np.nan),
        "path_delay_variation": np.where(is_reached, wait * jitter(rng, wait.shape, 0.1), np.nan),
        "path_packets_sent": sent,
        "path_packets_lost": binomial(rng, sent, np.minimum(lost_share, 1.0)),
    }
    ends = uplink_ends(routes)
    found = {}
    for name, values in of_sites.items():
        found[name] = np.full((lost_share.shape[0], 2 * len(routes.links)), np.nan)
        found[name][:, ends] = values
    return found


def uplink_ends(routes: Routes) -> list[int]:
    """Return for each site the column of its router's interface toward the core."""
    place = {link_id: number for number, link_id in enumerate(routes.links)}
    ends = []
    for site, router in routes.network.router_of_site.items():
        link = routes.network.link_of[routes.network.path_of(site)[0]]
        ends.append(2 * place[link.link_id] + (0 if link.a == router else 1))
    return ends


def optical_measurements(
    world: World,
    state: State,
    conditions: Conditions,
    periods: tuple[int, int],
    rng: np.random.Generator,
) -> Columns:
    """Return each measurement of optical channels as an array of (periods, channels)."""
    routes, time = world.routes, slice(*periods)
    is_up = 1.0 - np.repeat(state.links.optical_down[time], 2, axis=1)
    q_db = np.repeat(state.links.optical_q_db[time], 2, axis=1)
    q_db = q_db + 0.03 * rng.standard_normal(q_db.shape, dtype=np.float32)
    ratio = optics.bit_error_ratio(q_db)
    severe = optics.severely_errored_second_chance(ratio)
    seconds = np.rint(PERIOD_S * is_up).astype(np.int64)
    errored = binomial(rng, seconds, optics.errored_second_chance(ratio))
    lengths = [routes.network.link_of[link_id].length_km for link_id in routes.optical]
    power = np.repeat(optics.received_power_dbm(np.array(lengths)), 2)
    power = power - _POWER_SHARE_OF_LOSS * np.repeat(conditions.osnr_loss_db[time], 2, axis=1)
    power = power + 0.05 * rng.standard_normal(q_db.shape)
    columns = {
        "optical_input_power": np.where(is_up > 0.0, power, _DARK_DBM),
        "pre_fec_bit_error_ratio": np.where(is_up > 0.0, ratio, np.nan),
        "errored_seconds": errored,
        "severely_errored_seconds": np.minimum(binomial(rng, seconds, severe), errored),
        "unavailable_seconds": PERIOD_S * (1.0 - is_up),
    }
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
