"""Control sites: who may be one when, and how the others moved as one of them sees it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_accounting import EnergyAccountingRules
from tasks.energy.accounting.site_days import SiteHours

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]


def controls(
    hours: SiteHours, move: Floats, rules: EnergyAccountingRules, leave_out: Flags | None
) -> Flags:
    """Return (S, T) who may be a control when: who does not save, nor borders on who does."""
    saves = hours.saving_share > 0
    may = ~saves if leave_out is None else ~saves & ~leave_out[:, None]
    clear = may & ~((hours.beside.astype(float) @ saves.astype(float)) > 0)
    has = (clear & np.isfinite(move)).sum(axis=0) >= rules.clear_of_savers_controls
    return np.where(has, clear, may)


def middle_of_others(move: Floats, least: int) -> Floats:
    """Return (S, T) the median move of the others; NaN where too few of them told anything.

    The median of all but one differs from that of all only by one place in the order.
    """
    count = np.isfinite(move).sum(axis=0)
    order = np.sort(move, axis=0)  # NaN last
    columns = np.arange(move.shape[1])
    others = count - np.isfinite(move)
    rank = np.where(np.isfinite(move), np.argsort(np.argsort(move, axis=0), axis=0), len(move))

    def at(place: npt.NDArray[Any]) -> Floats:
        shifted = place + (rank <= place)
        return np.asarray(order[np.clip(shifted, 0, len(move) - 1), columns])

    middle = (at((others - 1) // 2) + at(others // 2)) / 2
    return np.where(others >= least, middle, np.nan)
