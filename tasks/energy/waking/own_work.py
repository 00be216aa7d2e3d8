"""What cells would carry themselves, told from what is measured while some of them sleep.

A sleeping cell measures nothing, and its traffic counts where it is carried. What was measured then
must not be learnt as anybody's own demand, or plans would come to believe in the demand that they
themselves have moved. That much more is carried than was expected is learnt all the same.
"""

import numpy as np

from tasks.energy.planning.problem import IS_OFF, Floats, Moves, Numbers

_LITTLE = 1e-6


def own_work(
    load: Floats, mode: Numbers, kept: Floats, moves: Moves, expected: Floats, most_moved: float
) -> Floats:
    """Return the work that measured load tells of cells' own demand: (C,), NaN where it tells none.

    It tells none of cells off the air, and of cells that carry much for others.

    Args:
        load: (C,) share of resource blocks in use, NaN where nothing was measured.
        mode: (C,) that stood meanwhile.
        kept: (C, M) share of the active cell's capacity that a mode leaves.
        moves: where the work of sleepers goes.
        expected: (C,) own work as forecast.
        most_moved: share of the measured work that may have come from others.
    """
    work = carried_work(load, mode, kept)
    moved = moved_work(mode, moves, expected)
    return np.asarray(np.where(moved > most_moved * work, np.nan, work))


def carried_work(load: Floats, mode: Numbers, kept: Floats) -> Floats:
    """Return what cells carry in shares of their active capacity; NaN off the air."""
    work = load * kept[np.arange(len(load)), mode]
    return np.asarray(np.where(IS_OFF[mode], np.nan, work))


def moved_work(mode: Numbers, moves: Moves, work: Floats) -> Floats:
    """Return the work (C,) that cells off the air hand to each cell, given everybody's own work."""
    is_off = IS_OFF[mode[moves.booster]]
    brought = np.where(is_off, moves.work * work[moves.booster], 0.0)
    return np.asarray(np.bincount(moves.candidate, brought, len(mode)))


def swell(carried: Floats, mode: Numbers, moves: Moves, work: Floats, least: float) -> Floats:
    """Return the factor (C,), 1 or more, by which demand exceeds what was prepared for.

    A cell on the air tells it of itself. Of a cell that sleeps, those who carry for it tell it,
    each by what it was to take over.

    Args:
        carried: (C,) work that is carried, NaN where nothing was measured.
        mode: (C,) that stands.
        moves: where the work of sleepers goes.
        work: (C,) own work that was prepared for, a high quantile of the forecast.
        least: work below which a cell tells nothing; few users make large ratios.
    """
    prepared = work + moved_work(mode, moves, work)
    ratio = np.where(carried > least, carried / np.maximum(prepared, _LITTLE), 1.0)
    own = np.where(IS_OFF[mode], 1.0, np.maximum(ratio, 1.0))
    weight = moves.work * ~IS_OFF[mode[moves.candidate]]
    told = np.bincount(moves.booster, weight * own[moves.candidate], len(mode))
    total = np.bincount(moves.booster, weight, len(mode))
    by_others = np.where(total > _LITTLE, told / np.maximum(total, _LITTLE), 1.0)
    return np.asarray(np.where(IS_OFF[mode], by_others, own))
