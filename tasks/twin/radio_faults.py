"""What faults of cells and their antennas are: where one strikes, and how large it is."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tasks.twin.coverage import Tally
from tasks.twin.layout import Cell, Network
from tasks.twin.transport_network import TransportNetwork

Scope = Literal["cell", "sector", "site", "neighborhood", "area"]


@dataclass(frozen=True, slots=True)
class Terrain:
    """What is known of the network where faults may strike.

    Attributes:
        built: the tally as built, for radio neighbors.
        busy_use: by cell, the share of resource blocks that a busy hour needs.
        transport: what joins sites to the core.
        battery_kwh: what the batteries of each site hold.
    """

    network: Network
    built: Tally
    busy_use: npt.NDArray[np.floating[Any]]
    transport: TransportNetwork
    battery_kwh: npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """A fault before it has a time; the fields are those of a fault."""

    cells: tuple[int, ...]
    size: float
    size_unit: str
    scope: Scope
    has_alarm: bool
    target: int | None = None
    objects: tuple[str, ...] = ()


def radio_neighbors(built: Tally, cell: int) -> npt.NDArray[Any]:
    """Return the cells that a cell's users are handed over to, most overlap first."""
    overlap = built.handover[cell].copy()
    overlap[cell] = 0.0
    order = np.argsort(-overlap, kind="stable")
    return np.asarray(order[overlap[order] > 0.002 * built.weight[cell]])


def any_cell(terrain: Terrain, rng: np.random.Generator) -> Cell:
    """Return a cell that carries something worth losing."""
    use = terrain.busy_use
    busy = np.flatnonzero(use > 0.5 * np.median(use))
    return terrain.network.cells[int(rng.choice(busy))]


def same_sector(network: Network, cell: Cell) -> tuple[int, ...]:
    """Return all carriers of a cell's sector."""
    return tuple(
        other.index
        for other in network.cells
        if other.site.index == cell.site.index and other.sector == cell.sector
    )


def same_site(network: Network, cell: Cell) -> tuple[int, ...]:
    """Return all cells of a cell's site."""
    return tuple(other.index for other in network.cells if other.site.index == cell.site.index)


def outage(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return cells that are out of service: one, a sector, or a site."""
    cell = any_cell(terrain, rng)
    chance = rng.random()
    if chance < 0.15:
        return Sketch(same_site(terrain.network, cell), 1.0, "share", "site", has_alarm=True)
    if chance < 0.35:
        return Sketch(same_sector(terrain.network, cell), 1.0, "share", "sector", has_alarm=True)
    return Sketch((cell.index,), 1.0, "share", "cell", has_alarm=True)


def sleeping_cell(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a cell that is on and turns most users away unheard."""
    cell = any_cell(terrain, rng)
    return Sketch((cell.index,), rng.uniform(0.6, 1.0), "share", "cell", has_alarm=False)


def interference(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a cell, and some near it in its band, whose uplink is disturbed."""
    cell = any_cell(terrain, rng)
    near = [
        int(other)
        for other in radio_neighbors(terrain.built, cell.index)[:6]
        if terrain.network.cells[int(other)].band.name == cell.band.name
    ]
    cells = (cell.index, *near[: int(rng.integers(0, 3))])
    scope: Scope = "neighborhood" if len(cells) > 1 else "cell"
    return Sketch(cells, rng.uniform(2.5, 11.0), "dB", scope, has_alarm=False)


def feeder_loss(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a cell whose feeder loses power both ways."""
    cell = any_cell(terrain, rng)
    loss = rng.uniform(2.5, 8.0)
    return Sketch((cell.index,), loss, "dB", "cell", has_alarm=bool(loss > 6.5))


def tilt_slip(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a cell, or a sector, whose antenna points elsewhere."""
    cell = any_cell(terrain, rng)
    # A bracket gives way downward; a remote-controlled tilt may also run to its upper stop.
    is_upward = cell.tilt_deg > 5.0 and rng.random() < 0.5
    change = -(cell.tilt_deg + 1.0) if is_upward else rng.uniform(5.0, 10.0)
    if rng.random() < 0.4:
        return Sketch(same_sector(terrain.network, cell), change, "deg", "sector", has_alarm=False)
    return Sketch((cell.index,), change, "deg", "cell", has_alarm=False)


def backhaul_congestion(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a site whose own link is too narrow."""
    cells = same_site(terrain.network, any_cell(terrain, rng))
    return Sketch(cells, rng.uniform(0.4, 0.9), "share of peak demand", "site", has_alarm=False)


def wrong_neighbor(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a cell that sends users to a neighbor that is not there."""
    cell = any_cell(terrain, rng)
    near = radio_neighbors(terrain.built, cell.index)
    target = int(near[min(int(rng.integers(0, 4)), len(near) - 1)]) if len(near) else None
    return Sketch(
        (cell.index,), rng.uniform(0.5, 1.0), "share", "cell", has_alarm=False, target=target
    )


def overload_by_event(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a crowd that fills its cells: as many times the demand as it takes, and more."""
    full = np.flatnonzero(terrain.busy_use > np.quantile(terrain.busy_use, 0.6))
    cell = terrain.network.cells[int(rng.choice(full))]
    times = float(np.clip(rng.uniform(1.1, 2.2) / terrain.busy_use[cell.index], 2.0, 9.0))
    sector = same_sector(terrain.network, cell)
    cells = tuple(c for c in sector if terrain.busy_use[c] * times > 0.8) or (cell.index,)
    return Sketch(cells, times, "times demand", "sector", has_alarm=False)


def mimo_branch_loss(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a cell that lost a transmit branch."""
    cell = any_cell(terrain, rng)
    return Sketch(
        (cell.index,), rng.uniform(0.4, 0.6), "share", "cell", has_alarm=bool(rng.random() < 0.3)
    )


def core_link_failure(terrain: Terrain, rng: np.random.Generator) -> Sketch:
    """Return a site whose signalling with the core fails now and then."""
    cells = same_site(terrain.network, any_cell(terrain, rng))
    share = float(np.exp(rng.uniform(np.log(0.008), np.log(0.15))))
    return Sketch(cells, share, "share", "site", has_alarm=bool(rng.random() < 0.5))
