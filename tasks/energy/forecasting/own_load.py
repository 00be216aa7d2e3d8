"""Which loads are a cell's own: not those that our own sleeping made."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tasks.energy.forecasting.load_history import QUARTERS_A_DAY, Flags, Floats

_IDLE = 1e-3
"""Load under which a cell that saves is taken to be off the air."""


def own_values(
    load: Floats, saving_share: Floats, beside: Sequence[Sequence[int]], least_days: int
) -> Flags:
    """Return which values show a cell's own demand.

    Not those of a cell that saves energy, nor of a cell beside one that is off the air and may
    carry its users. A cell that saves on the air, or carries others, shows more than its own; where
    that is all there is of a quarter of the day, it counts: too much load forecast costs watts, too
    little costs users.

    Args:
        load: (C, P) share of resource blocks in use by quarter.
        saving_share: (C, P) share of the quarter in energy saving; NaN is none.
        beside: C lists of places of cells that would carry a cell's users.
        least_days: quarters of its own at one time of day, below which overstated ones count.
    """
    is_saving = np.nan_to_num(saving_share) > 0.0
    if not is_saving.any():
        return np.ones(load.shape, bool)
    is_off = is_saving & ~(load > _IDLE)
    carries = np.zeros(load.shape, bool)
    for cell in map(int, np.flatnonzero(is_off.any(axis=1))):
        carries[list(beside[cell])] |= is_off[cell]
    own = ~is_saving & ~carries
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
