"""KPIs that move together: groups by the correlation of their deviations, either way.

Average linkage on one minus the absolute correlation, cut where the mean correlation between
groups falls below a limit. A group is named after the KPI that moves most with the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from tasks.profiling.arrays import Floats


@dataclass(frozen=True, slots=True)
class GroupedKpi:
    """One KPI in its group.

    Attributes:
        kpi: its name.
        lead: the KPI after which the group is named; itself where it moves alone.
        correlation: r of its deviations with the lead's, 1 for the lead.
        members: KPIs in the group.
    """

    kpi: str
    lead: str
    correlation: float
    members: int


def kpi_groups(correlations: Floats, names: Sequence[str], least: float) -> list[GroupedKpi]:
    """Return every KPI with its group, the largest group first.

    Args:
        correlations: [KPIs, KPIs] of deviations in the same hour; NaN, no hours in common,
            counts as no correlation. KPIs that no cell knows are left out.
        names: of the KPIs.
        least: mean absolute correlation that holds a group together.
    """
    told = np.flatnonzero(np.isfinite(np.diagonal(correlations)))
    moves = np.nan_to_num(correlations[np.ix_(told, told)])
    moves = (moves + moves.T) / 2
    groups = _groups(np.abs(moves), 1 - least)
    found: list[GroupedKpi] = []
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        inside = moves[np.ix_(members, members)]
        lead = int(np.abs(inside).sum(axis=1).argmax())
        found += [
            GroupedKpi(
                names[told[member]],
                names[told[members[lead]]],
                1.0 if place == lead else float(inside[place, lead]),
                len(members),
            )
            for place, member in enumerate(members)
        ]
    return sorted(found, key=lambda one: (-one.members, one.lead, -abs(one.correlation), one.kpi))


def _groups(strength: Floats, farthest: float) -> Floats:
    if len(strength) < 2:
        return np.zeros(len(strength), int)
    apart = 1 - strength
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(np.clip(apart, 0, 1), checks=False), method="average")
    return np.asarray(fcluster(tree, farthest, criterion="distance"))
