"""The fast rule: who is woken at once when a cell that carries for sleepers is full or fails.

All that lean on a full cell are woken together, those that lean most first, but for those that
brought next to nothing. Waking only as many as seem needed would trust a forecast of their own work
at the very moment when a forecast has failed; a cell too many awake costs some watts for an hour, a
cell too few costs another round of detection while users wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from semantic_layer.energy_waking import EnergyWakingRules
from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Moves, Numbers
from tasks.energy.waking.mode_course import ACTIVE

Reason = str

FULL, SILENT, TROUBLED = "is full", "reports nothing", "has a finding"


@dataclass(frozen=True)
class Awakening:
    """A cell to wake.

    Attributes:
        cell: its number.
        because_of: number of the cell that must be relieved; itself where it saves on the air.
        reason: what is so at that cell.
    """

    cell: int
    because_of: int
    reason: Reason


@dataclass(frozen=True)
class Seen:
    """What is seen of cells (C,) now.

    Attributes:
        work: carried, in shares of each cell's capacity when it is active; NaN: nothing measured.
        limit: work above which a cell is full, as its mode stands.
        is_troubled: cells that must not carry for others for another reason (a finding, an event).
    """

    work: Floats
    limit: Floats
    is_troubled: Flags


def awakenings(
    seen: Seen, mode: Numbers, moves: Moves, own_work: Floats, rules: EnergyWakingRules
) -> list[Awakening]:
    """Return who is to be woken now, the most urgent first, each cell once.

    A cell on the air that saves and is full (or silent) leaves its mode. Of a cell on the air that
    is full, silent or troubled, those who lean on it are woken. No data is no evidence: where
    nothing is measured, cells wake.

    Args:
        seen: of all cells.
        mode: (C,) that stands.
        moves: where the work of sleepers goes.
        own_work: (C,) work that sleepers would have of their own, as forecast: who leans how much.
        rules: of waking.
    """
    reasons = _reasons(seen, rules)
    found: dict[int, Awakening] = {}
    is_on_air = ~IS_OFF[mode]
    for cell in np.flatnonzero(is_on_air & (mode != ACTIVE)).tolist():
        if cell in reasons:
            found[cell] = Awakening(cell, cell, reasons[cell])
    moved = moves.work * own_work[moves.booster]
    is_leaning = IS_OFF[mode[moves.booster]] & (moved > rules.leaning_work)
    for cell in _fullest_first([cell for cell in reasons if is_on_air[cell]], seen):
        entries = np.flatnonzero(is_leaning & (moves.candidate == cell))
        for entry in _relieving(entries, moved, rules.relieving_share):
            booster = int(moves.booster[entry])
            found.setdefault(booster, Awakening(booster, cell, reasons[cell]))
    return list(found.values())


def wake_delay_s(modes: Numbers, switch_s: Floats, rules: EnergyWakingRules) -> float:
    """Return how long users wait from the rise of load until the cells are on the air again.

    Load is seen above its limit, the command travels, and the slowest of the cells comes back.

    Args:
        modes: that the cells leave; where none was off the air, load is looked at for longer.
        switch_s: by mode, or by the cells' own modes: time that leaving takes.
        rules: of waking.
    """
    own = float(np.max(switch_s[modes])) if len(modes) else 0.0
    is_on_air = len(modes) > 0 and not IS_OFF[modes].any()
    seen = rules.own_mode_seconds if is_on_air else rules.detection_seconds
    return seen + rules.command_seconds + own


def _reasons(seen: Seen, rules: EnergyWakingRules) -> dict[int, Reason]:
    found: dict[int, Reason] = {}
    for flags, reason in (
        (seen.work > rules.full_share * seen.limit, FULL),
        (seen.is_troubled, TROUBLED),
        (np.isnan(seen.work), SILENT),
    ):
        for cell in np.flatnonzero(flags):
            found.setdefault(int(cell), reason)
    return found


def _fullest_first(cells: Sequence[int], seen: Seen) -> list[int]:
    """Return cells, those furthest above their limit first; what is not measured comes last."""
    over = np.nan_to_num(seen.work - seen.limit, nan=-np.inf)
    return sorted(cells, key=lambda cell: (-over[cell], cell))


def _relieving(entries: Numbers, moved: Floats, share: float) -> list[int]:
    """Return entries that bring together a share of the moved work, those that bring most first."""
    order = entries[np.argsort(-moved[entries], kind="stable")]
    before = np.cumsum(moved[order]) - moved[order]
    return [int(entry) for entry in order[before < share * moved[order].sum()]]
