"""Candidates of boosters: who carries how much of their work, and who must be awake for that.

Which cells sleep together is not known beforehand. Rows of the cover keep awake, for each cell that
sleeps, those who would carry at least a share of its users; nobody then gets more of its traffic
than its own part over that share.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from semantic_layer.energy_planning import EnergyPlanningRules
from tasks.energy.planning.carrying import Pairs
from tasks.energy.planning.problem import Cover

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

_LITTLE = 1e-9


@dataclass(frozen=True)
class Carriers:
    """Who carries for whom; entries of a sparse matrix, by booster and candidate.

    Attributes:
        booster, candidate: (E,) cells.
        share: (E,) of the booster's traffic if all others are on; a booster's sum to 1.
        bound: (E,) of the booster's traffic at most, whichever cells the cover lets sleep.
        work: (E,) work at the candidate for each unit of the booster's own, if all moved there.
        offset_db: (E,) how far the edge of moved users lies above that of the candidate's own.
    """

    booster: Numbers
    candidate: Numbers
    share: Floats
    bound: Floats
    work: Floats
    offset_db: Floats

    def only(self, kept: Flags) -> "Carriers":
        """Return some of the entries."""
        parts: dict[str, Any] = {item.name: getattr(self, item.name)[kept] for item in fields(self)}
        return Carriers(**parts)


def told_share(pairs: Pairs, is_told: Flags) -> Floats:
    """Return by cell which share of its traffic would go to cells of which enough is known."""
    moved = pairs.booster != pairs.candidate
    known = np.where(moved & is_told[pairs.candidate], pairs.share, 0.0)
    return np.asarray(np.bincount(pairs.booster, known, len(is_told)), dtype=np.float64)


def carriers_of(
    pairs: Pairs, full_mbps: Floats, is_told: Flags, may_sleep: Flags, rules: EnergyPlanningRules
) -> Carriers:
    """Return the candidates of the cells that may sleep; what those left out carry, they carry.

    Args:
        pairs: cells' own users included.
        full_mbps: (C,) traffic that all resource blocks carry.
        is_told: (C,) who may be a candidate.
        may_sleep: (C,) who may be a booster.
        rules: which candidates are told apart, and the margin on moved work.
    """
    is_own = pairs.booster == pairs.candidate
    own_cost, own_edge = np.full(len(full_mbps), np.nan), np.full(len(full_mbps), np.nan)
    own_cost[pairs.booster[is_own]] = pairs.cost[is_own]
    own_edge[pairs.booster[is_own]] = pairs.edge_db[is_own]
    fits = ~is_own & may_sleep[pairs.booster] & is_told[pairs.candidate]
    fits &= np.isfinite(own_cost[pairs.candidate])
    fits &= _among_first(pairs, fits, rules)
    booster, candidate, share = pairs.booster[fits], pairs.candidate[fits], pairs.share[fits]
    share = share / np.bincount(booster, share, len(full_mbps))[booster]
    cost = pairs.cost[fits] / own_cost[candidate]
    return Carriers(
        booster=booster,
        candidate=candidate,
        share=share,
        bound=np.minimum(share / rules.least_carriers_awake, 1.0),
        work=rules.moved_work_margin * cost * full_mbps[booster] / full_mbps[candidate],
        offset_db=pairs.edge_db[fits] - own_edge[candidate],
    )


def needed_always(rows: csr_array) -> Flags:
    """Return the cells (C,) without which a row of the ground fails, whoever else is on."""
    told = rows.tocoo()
    total = np.asarray(rows.sum(axis=1)).ravel()
    is_needed = total[told.row] - told.data < 1.0 - _LITTLE
    found = np.zeros(rows.shape[1], dtype=bool)
    found[told.col[is_needed]] = True
    return found


def is_asked(rows: csr_array, is_sure: Flags) -> Flags:
    """Return the cells (C,) that are asked for by rows which those sure to be on do not satisfy."""
    is_open = rows @ is_sure.astype(np.float64) < 1.0 - _LITTLE
    return np.asarray((is_open.astype(np.float64) @ rows) > 0.0)


def cover_of(ground: csr_array, carriers: Carriers, may_sleep: Flags, least: float) -> Cover:
    """Return the rows that cells on the air must satisfy; those that always hold are left out.

    Args:
        ground: rows that must sum to 1.
        carriers: of the cells that may sleep.
        may_sleep: (C,) everybody else is always on the air.
        least: share of a booster's traffic whose usual candidates must be awake while it sleeps.
    """
    count = len(may_sleep)
    boosters = np.flatnonzero(may_sleep)
    row = np.full(count, -1)
    row[boosters] = np.arange(len(boosters))
    entries = (carriers.share, (row[carriers.booster], carriers.candidate))
    awake = csr_array(entries, shape=(len(boosters), count))
    own = csr_array(
        (np.full(len(boosters), least), (np.arange(len(boosters)), boosters)), shape=awake.shape
    )
    weight = csr_array(vstack([ground, awake + own]))
    need = np.concatenate([np.ones(ground.shape[0]), np.full(len(boosters), least)])
    open_rows = np.flatnonzero(weight @ (~may_sleep).astype(np.float64) < need - _LITTLE)
    return Cover(csr_array(weight[open_rows]), need[open_rows])


def _among_first(pairs: Pairs, fits: Flags, rules: EnergyPlanningRules) -> Flags:
    """Return which pairs are among their booster's first and carry enough to be told apart."""
    share = np.where(fits, pairs.share, -1.0)
    order = np.lexsort((-share, pairs.booster))
    booster = pairs.booster[order]
    first = np.searchsorted(booster, booster, side="left")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - first
    is_enough = (share >= rules.least_moved_share) | (place == 0)
    return np.asarray(fits & is_enough & (place < rules.most_candidates))
