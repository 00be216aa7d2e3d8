"""Parts of a problem that do not bear on one another: their costs and bounds add."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array

from tasks.energy.planning.problem import Numbers, Prices
from tasks.energy.planning.terms import Terms


@dataclass(frozen=True)
class Parts:
    """Which independent part everything belongs to.

    Attributes:
        cell: (C,) part of each cell.
        row: (R,) part of each cover row.
        group: (G,) part of each group.
        count: number of parts.
    """

    cell: Numbers
    row: Numbers
    group: Numbers
    count: int


def parts_of(terms: Terms, binds: Prices) -> Parts:
    """Return the parts that rows which can be missed tie together.

    Args:
        terms: best reduced ones.
        binds: 1 where a row can be missed at all, else 0.
    """
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    cells = terms.shape[0]
    could = np.asarray(terms.could_sleep.any(axis=1))
    rows, groups = terms.weight.shape[0], len(terms.most_off)
    cover = terms.weight.tocoo()
    kept = could[cover.col] & (binds.cover[cover.row] > 0).any(axis=1)
    ways = terms.share.tocoo()
    moves = could[ways.col] & (binds.room[ways.row] > 0).any(axis=1)
    grouped = np.flatnonzero((terms.member >= 0) & could)
    grouped = grouped[(binds.groups[terms.member[grouped]] > 0).any(axis=1)]
    first = np.concatenate(
        [cover.row[kept] + cells, ways.row[moves], terms.member[grouped] + cells + rows]
    )
    second = np.concatenate([cover.col[kept], ways.col[moves], grouped])
    size = cells + rows + groups
    links = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(size, size))
    count, part = connected_components(links, directed=False)
    return Parts(part[:cells], part[cells : cells + rows], part[cells + rows :], count)


def part_terms(terms: Terms, cells: Numbers) -> Terms:
    """Return the terms of some cells alone: all that can sleep or take work of a part.

    Others of their cover rows stay on the air; so their weight is no longer needed.
    """
    inside = np.zeros(terms.shape[0], dtype=bool)
    inside[cells] = True
    rows = np.flatnonzero(np.diff(terms.weight[:, cells].indptr))
    weight = terms.weight[rows]
    outside = np.asarray(weight @ (~inside).astype(float))[:, None]
    return replace(
        terms,
        cost=terms.cost[cells],
        may=terms.may[cells],
        room=terms.room[cells],
        must_serve=terms.must_serve[cells],
        held_off=terms.held_off[cells],
        held_on=terms.held_on[cells],
        own=terms.own[cells],
        share=terms.share[cells][:, cells],
        weight=weight[:, cells],
        need=np.maximum(terms.need[rows] - outside, 0.0),
        member=terms.member[cells],
        switch=terms.switch[cells],
        was_off=terms.was_off[cells],
    )
