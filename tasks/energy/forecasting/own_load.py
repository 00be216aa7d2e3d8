"""Which loads are a cell's own: not those that our own sleeping made."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tasks.energy.forecasting.load_history import QUARTERS_A_DAY, Flags, Floats


def own_values(
    load: Floats,
    off_share: Floats,
    restrained_share: Floats,
    beside: Sequence[Sequence[int]],
    least_days: int,
) -> Flags:
    """Return which values show a cell's own demand.

    Not those of a cell that was off the air, nor of a cell beside it, which may have carried its
    users, nor of a cell that served with fewer chains or less power. The latter two show more than
    their own; where that is all there is of a quarter of the day, it counts: too much load forecast
    costs watts, too little costs users.

    Args:
        load: (C, P) share of resource blocks in use by quarter.
        off_share: (C, P) part of the quarter off the air to save energy; NaN is none.
        restrained_share: (C, P) part of the quarter of restrained service to save energy.
        beside: C lists of places of cells that would carry a cell's users.
        least_days: quarters of its own at one time of day, below which overstated ones count.
    """
    is_off = np.nan_to_num(off_share) > 0.0
    is_restrained = np.nan_to_num(restrained_share) > 0.0
    if not (is_off.any() or is_restrained.any()):
        return np.ones(load.shape, bool)
    carries = np.zeros(load.shape, bool)
    for cell in map(int, np.flatnonzero(is_off.any(axis=1))):
        carries[list(beside[cell])] |= is_off[cell]
    own = ~is_off & ~is_restrained & ~carries
    overstated = ~is_off & ~own
    is_known = own & np.isfinite(load)
    for quarter in range(QUARTERS_A_DAY):
        at = slice(quarter, None, QUARTERS_A_DAY)
        is_little = is_known[:, at].sum(axis=1, keepdims=True) < least_days
        own[:, at] |= overstated[:, at] & is_little
    return own


def cells_beside(topology: pl.DataFrame, cell_dns: Sequence[str]) -> list[list[int]]:
    """Return for each cell the places of those at its site and of its neighbors.

    Args:
        topology: cell_dn, site_id, neighbor_dns; one row a cell.
        cell_dns: those that places refer to; others are left out.
    """
    places: Mapping[str, int] = {name: place for place, name in enumerate(cell_dns)}
    beside: list[set[int]] = [set() for _ in cell_dns]
    by_site: dict[str, list[int]] = {}
    for name, site, neighbors in topology.select("cell_dn", "site_id", "neighbor_dns").iter_rows():
        place = places.get(name)
        if place is None:
            continue
        by_site.setdefault(site, []).append(place)
        beside[place].update(places[other] for other in neighbors or () if other in places)
    for members in by_site.values():
        for place in members:
            beside[place].update(members)
    return [sorted(near - {place}) for place, near in enumerate(beside)]
