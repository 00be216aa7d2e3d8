"""What ground hears, cell by cell, as published facts tell it; only the cells that matter there.

The formulas are those of the twin's what-ifs. A map of all points by all cells would not fit a
nation, so the network is worked off in tiles of neighboring sites, each with the cells near it, and
of every point only the loudest cells are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tasks.twin.what_if_layout import GroundPoints, PublishedCells, ground_points
from tasks.twin.what_if_radio import appeal, chosen, layers_of, received_power

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]

NOBODY = -1
"""Stands where a point hears fewer cells than there is room for."""

_SITES_A_TILE = 12
_NEAR_SITES = 14
_SILENT_DBM = -250.0


@dataclass(frozen=True)
class HeardGround:
    """Points of ground with the cells that each hears best; by (points, cells kept).

    Attributes:
        home: (G,) site around which a point lies.
        cell: index of the cell, `NOBODY` where there is none.
        received_dbm: expected outdoors on a resource element.
        chance: that the cell serves the point, if its layer does.
        appeal: how readily users are steered to its layer there, while all cells are on.
        layer_mw: what the point receives of all cells of that layer together.
    """

    home: Numbers
    cell: Numbers
    received_dbm: Floats
    chance: Floats
    appeal: Floats
    layer_mw: Floats

    @property
    def points(self) -> int:
        """Number of points."""
        return len(self.home)

    def between(self, first: int, last: int) -> "HeardGround":
        """Return some of the points."""
        parts: dict[str, Any] = {
            item.name: getattr(self, item.name)[first:last] for item in fields(self)
        }
        return HeardGround(**parts)


def heard_ground(cells: PublishedCells, kept: int) -> HeardGround:
    """Return what the ground around all sites hears.

    Args:
        cells: of the inventory.
        kept: cells that are kept of each point, those loudest within their layers.
    """
    ground = ground_points(cells)
    sites = int(cells.site.max()) + 1
    home = np.repeat(np.arange(sites), len(ground.x_m) // sites)
    parts = [
        _tile(cells, ground, home, own, near, kept) for own, near in _tiles(cells, _SITES_A_TILE)
    ]
    places = np.concatenate([where for where, _ in parts])
    order = np.argsort(places)
    names = ("cell", "received_dbm", "chance", "appeal", "layer_mw")
    columns = {
        name: np.concatenate([getattr(part, name) for _, part in parts])[order] for name in names
    }
    return HeardGround(home=home, **columns)


def _tiles(cells: PublishedCells, most: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield groups of neighboring sites, and with each the cells that may be heard there."""
    _, first = np.unique(cells.site, return_index=True)
    places = np.column_stack([cells.x_m[first], cells.y_m[first]])
    near = min(_NEAR_SITES, len(places))
    neighbors = cKDTree(places).query(places, k=near)[1].reshape(len(places), near)
    by_site = np.argsort(cells.site, kind="stable")
    bounds = np.searchsorted(cells.site[by_site], np.arange(len(places) + 1))
    for own in _split(places, np.arange(len(places)), most):
        sites = np.unique(neighbors[own])
        members = [by_site[bounds[site] : bounds[site + 1]] for site in sites]
        yield own, np.sort(np.concatenate(members))


def _split(places: Floats, members: Numbers, most: int) -> Iterator[Numbers]:
    """Yield groups of at most so many neighbors: halves, across their longer side."""
    if len(members) <= most:
        yield members
        return
    spread = np.ptp(places[members], axis=0)
    order = members[np.argsort(places[members, int(np.argmax(spread))], kind="stable")]
    for half in np.array_split(order, 2):
        yield from _split(places, half, most)


def _tile(
    cells: PublishedCells,
    ground: GroundPoints,
    home: Numbers,
    own: Numbers,
    near: Numbers,
    kept: int,
) -> tuple[Numbers, HeardGround]:
    """Return the numbers of the points around some sites, and what they hear of near cells."""
    points = np.flatnonzero(np.isin(home, own))
    some = _only(cells, near)
    here = GroundPoints(ground.x_m[points], ground.y_m[points])
    received = received_power(some, here)[0]
    chance, steered, layer_mw = (np.zeros_like(received) for _ in range(3))
    rank = np.empty_like(received)
    for layer in layers_of(some):
        heard = received[:, layer.cells]
        serving, best = chosen(heard)
        chance[:, layer.cells] = serving
        steered[:, layer.cells] = appeal(best)[:, None]
        layer_mw[:, layer.cells] = (10.0 ** (heard / 10.0)).sum(axis=1, keepdims=True)
        rank[:, layer.cells] = heard - best[:, None]
    room = min(kept, len(near))
    order = np.argsort(-rank, axis=1, kind="stable")[:, :room]
    told = HeardGround(
        home=home[points],
        cell=_wide(near[order], kept, NOBODY),
        received_dbm=_wide(np.take_along_axis(received, order, axis=1), kept, _SILENT_DBM),
        chance=_wide(np.take_along_axis(chance, order, axis=1), kept, 0.0),
        appeal=_wide(np.take_along_axis(steered, order, axis=1), kept, 0.0),
        layer_mw=_wide(np.take_along_axis(layer_mw, order, axis=1), kept, 0.0),
    )
    return points, told


def _only(cells: PublishedCells, members: Numbers) -> PublishedCells:
    """Return some cells as a network of their own, its layers numbered anew."""
    arrays = {
        name: getattr(cells, name)[members]
        for name in (
            "x_m", "y_m", "site", "azimuth_deg", "height_m", "tilt_deg", "tx_power_dbm",
            "frequency_ghz", "bandwidth_mhz",
        )
    }  # fmt: skip
    layer = np.unique(cells.layer[members], return_inverse=True)[1]
    scenario = tuple(cells.scenario[member] for member in members)
    return replace(cells, **arrays, layer=layer, scenario=scenario)


def _wide(part: Any, width: int, filled: float) -> Any:  # noqa: ANN401 - arrays of any kind
    """Return rows filled up to a width."""
    lacking = width - part.shape[1]
    if lacking <= 0:
        return part
    rest = np.full((len(part), lacking), filled, part.dtype)
    return np.concatenate([part, rest], axis=1)
