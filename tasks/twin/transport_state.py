"""The transport network's state: what each link is offered, carries, drops and delays, by period.

Demand flows down from a site's user plane and up to it, over the path that stands. Each direction
of a link is a queue of its own: column 2n is link n as its node `a` sends, 2n + 1 as `b` sends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import optics, transport
from tasks.twin.conditions import Conditions, Cut
from tasks.twin.transport_network import TransportNetwork

Array = npt.NDArray[np.floating[Any]]

_BURST_LOSS = 2e-5
_QUEUE_AT_MBPS = 1_000.0
_FRAMING = 1.04
_SEGMENT_MBIT = 0.01168
_TERMINAL_ROUND_TRIP_S = 0.025
_CONNECTIONS = 6.0
_MATHIS = 1.22


@dataclass(frozen=True, slots=True)
class Routes:
    """A transport network as arrays; see the module for the directions' columns.

    Attributes:
        links: identifiers of the links that route (no optical ones), in the columns' order.
        optical: identifiers of the optical links.
        carried_by: by link, the numbers of the optical links under it.
        capacity_mbps: by direction.
        delay_ms: by direction, without queues.
        quality_db: by optical link, its Q factor when sound.
    """

    network: TransportNetwork
    links: tuple[str, ...]
    optical: tuple[str, ...]
    carried_by: tuple[tuple[int, ...], ...]
    capacity_mbps: Array
    delay_ms: Array
    quality_db: Array
    sound_down: Array


def routes_of(network: TransportNetwork, seed: int) -> Routes:
    """Return the arrays of a transport network; optical margins differ a little from the seed."""
    routed = [link for link in network.links if link.layer != "optical"]
    optical = [link.link_id for link in network.links if link.layer == "optical"]
    number = {link_id: place for place, link_id in enumerate(optical)}
    rng = np.random.default_rng([seed, 24])
    links = tuple(link.link_id for link in routed)
    return Routes(
        network=network,
        links=links,
        optical=tuple(optical),
        carried_by=tuple(tuple(number[one] for one in link.supported_by) for link in routed),
        capacity_mbps=np.repeat([link.capacity_mbps for link in routed], 2).astype(np.float32),
        delay_ms=np.repeat([link.delay_ms for link in routed], 2).astype(np.float32),
        quality_db=optics.SOUND_Q_DB + rng.normal(0.0, 0.25, len(optical)),
        sound_down=_down_matrix(network, links, ()),
    )


def _down_matrix(network: TransportNetwork, links: Sequence[str], failed: Sequence[str]) -> Array:
    """Return by site and direction whether the site's downlink passes there."""
    place = {link_id: number for number, link_id in enumerate(links)}
    matrix = np.zeros((len(network.router_of_site), 2 * len(links)), dtype=np.float32)
    for site, path in network.paths_without(failed).items():
        here = network.router_of_site[site]
        for link_id in path:
            link = network.link_of[link_id]
            is_sent_by_a = link.b == here
            matrix[site - 1, 2 * place[link_id] + (0 if is_sent_by_a else 1)] = 1.0
            here = link.a if is_sent_by_a else link.b
    return matrix


def other_direction(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return columns of directions with the two directions of each link exchanged."""
    pairs = values.reshape(*values.shape[:-1], -1, 2)
    return pairs[..., ::-1].reshape(values.shape)


@dataclass(frozen=True, slots=True)
class PathState:
    """What paths do to sites, by (periods, sites)."""

    through: Array
    user_mbps: Array
    queue_ms: Array
    detour_ms: Array
    delay_ms: Array
    loss_downlink: Array
    loss_uplink: Array


@dataclass(frozen=True, slots=True)
class LinkState:
    """By (periods, directions), or (periods, links) and (periods, optical links) by name."""

    offered_mbps: Array
    use: Array
    discarded: Array
    queue_ms: Array
    link_error: Array
    link_down: Array
    optical_q_db: Array
    optical_down: Array


def transport_state(
    routes: Routes, conditions: Conditions, downlink_mbps: Array, uplink_mbps: Array
) -> tuple[PathState, LinkState]:
    """Return the state of paths and links when sites ask for these rates.

    Args:
        routes: the network.
        conditions: cuts and optical degradations are read.
        downlink_mbps: by (periods, sites), toward the site.
        uplink_mbps: the same, from the site.
    """
    links = _empty_links(routes, conditions, downlink_mbps.shape[0])
    paths = {name: np.zeros(downlink_mbps.shape, np.float32) for name in PathState.__slots__}
    for first, last, failed in _epochs(conditions.cuts, downlink_mbps.shape[0]):
        time = slice(first, last)
        down = _down_matrix(routes.network, routes.links, failed) if failed else routes.sound_down
        up = other_direction(down)
        offered = (downlink_mbps[time] @ down + uplink_mbps[time] @ up) * np.float32(_FRAMING)
        links.offered_mbps[time] = offered
        _mark_down(links, routes, failed, time)
        error = np.repeat(links.link_error[time], 2, axis=1)
        _fill(links, routes, offered, time)
        lost = links.discarded[time] + error
        carried = transport.carried_share(offered, routes.capacity_mbps) * (1.0 - error)
        log_carried, log_kept = np.log(carried), np.log1p(-np.minimum(lost, 0.99))
        left = transport.user_rate_mbps(offered, routes.capacity_mbps)
        queue = links.queue_ms[time]
        is_cut = down.sum(axis=1) == 0.0
        paths["through"][time] = np.exp(log_carried @ down.T)
        paths["loss_downlink"][time] = -np.expm1(log_kept @ down.T)
        paths["loss_uplink"][time] = -np.expm1(log_kept @ up.T)
        paths["queue_ms"][time] = queue @ down.T
        paths["delay_ms"][time] = 2.0 * (down @ routes.delay_ms) + queue @ (down + up).T
        paths["detour_ms"][time] = (down - routes.sound_down) @ routes.delay_ms
        narrow = ((left**-4.0) @ down.T + 1e-30) ** -0.25
        paths["user_mbps"][time] = np.minimum(narrow, _lossy_rate(paths["loss_downlink"][time]))
        paths["loss_downlink"][time, is_cut] = paths["loss_uplink"][time, is_cut] = 1.0
        paths["detour_ms"][time, is_cut] = 0.0
    paths["detour_ms"] = np.maximum(paths["detour_ms"], 0.0)
    return PathState(**paths), links


def _epochs(cuts: Sequence[Cut], periods: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield stretches in which the same links have failed."""
    borders = sorted({0, periods, *(at for cut in cuts for at in (cut.first, cut.last))})
    for first, last in pairwise(borders):
        failed = {
            link_id for cut in cuts if cut.first <= first < cut.last for link_id in cut.link_ids
        }
        yield first, last, tuple(sorted(failed))


def _empty_links(routes: Routes, conditions: Conditions, periods: int) -> LinkState:
    directions, links = len(routes.capacity_mbps), len(routes.links)

    def zeros(columns: int) -> Array:
        return np.zeros((periods, columns), dtype=np.float32)

    q_db = (routes.quality_db - conditions.osnr_loss_db).astype(np.float32)
    error = zeros(links)
    for optical in np.flatnonzero((conditions.osnr_loss_db > 0.0).any(axis=0)):
        lost = optics.packet_loss(optics.bit_error_ratio(q_db[:, optical]))
        for link, under in enumerate(routes.carried_by):
            if optical in under:
                error[:, link] = 1.0 - (1.0 - error[:, link]) * (1.0 - lost)
    return LinkState(
        zeros(directions), zeros(directions), zeros(directions), zeros(directions),
        error, zeros(links), q_db, zeros(len(routes.optical)),
    )  # fmt: skip


def _mark_down(links: LinkState, routes: Routes, failed: Sequence[str], time: slice) -> None:
    gone = routes.network.failing_with(failed)
    links.link_down[time] = np.array([link_id in gone for link_id in routes.links])
    links.optical_down[time] = np.array([link_id in gone for link_id in routes.optical])


def _fill(links: LinkState, routes: Routes, offered: Array, time: slice) -> None:
    capacity = routes.capacity_mbps
    links.use[time] = np.minimum(offered / capacity, 1.0)
    links.discarded[time] = np.maximum(
        transport.discarded_share(offered, capacity) - _BURST_LOSS, 1e-8
    )
    slower = np.float32(_QUEUE_AT_MBPS) / capacity
    links.queue_ms[time] = transport.queue_delay_ms(offered, capacity) * slower


def _lossy_rate(loss: Array) -> Array:
    """Return what a user gets over a path that loses packets at random.

    Mathis et al., "The macroscopic behavior of the TCP congestion avoidance algorithm", 1997.
    """
    steps = _MATHIS * _SEGMENT_MBIT / _TERMINAL_ROUND_TRIP_S
    return np.asarray(_CONNECTIONS * steps / np.sqrt(np.maximum(loss, 1e-9)), dtype=np.float32)
