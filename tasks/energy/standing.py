"""How cells stand when a plan begins, and stood before: their modes, since when, who is held."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from tasks.energy.planning.problem import Floats, Numbers
from tasks.energy.proposing import was_woken
from tasks.energy.waking.mode_course import ModeCourse
from tasks.energy.waking.sleepers import USE_CASE, modes_written
from tasks.messages.proposal_life import ProposalLife, Stage
from tasks.twin.sleep_modes import MODES, SavingMode

_LONG_H = 1_000.0
_TAKEN_BACK: frozenset[Stage] = frozenset({"RECALLED", "UNDONE", "ROLLED_BACK"})


def mode_course(
    cell_dns: Sequence[str],
    modes: Mapping[str, SavingMode],
    lives: Sequence[ProposalLife],
    moment: datetime,
    hold_hours: float,
) -> ModeCourse:
    """Return how cells stand at a moment.

    Args:
        cell_dns: C cells.
        modes: in which they stand, as the network tells; one that is not in it is ACTIVE.
        lives: of all proposals on record, oldest first.
        moment: time of the network.
        hold_hours: how long a cell may not sleep that was woken for another reason than a plan.
    """
    changed: dict[str, datetime] = {}
    held: dict[str, float] = {}
    for life in lives:
        ended = _changed_at(life)
        if ended is None or life.proposal.use_case != USE_CASE:
            continue
        left = hold_hours - (moment - ended) / timedelta(hours=1) if _is_woken(life) else 0.0
        for cell in modes_written(life.proposal.change_set):
            changed[cell] = max(ended, changed.get(cell, ended))
            held[cell] = max(left, held.get(cell, 0.0))
    hours = [
        max((moment - changed[cell]) / timedelta(hours=1), 0.0) if cell in changed else _LONG_H
        for cell in cell_dns
    ]
    return ModeCourse(
        np.array([MODES.index(modes.get(cell, "ACTIVE")) for cell in cell_dns], dtype=np.int64),
        np.array(hours, dtype=float),
        np.array([held.get(cell, 0.0) for cell in cell_dns], dtype=float),
    )


def deepest_modes(
    cell_dns: Sequence[str],
    lives: Sequence[ProposalLife],
    begin: datetime,
    end: datetime,
    kept: Floats,
) -> Numbers:
    """Return (C,) the mode of each cell that left it least capacity at any time of a stretch.

    What was being written or taken back within it counts as standing all the time: who was off
    the air for a part tells nothing of itself, and its carriers may have carried for it.

    Args:
        cell_dns: C cells.
        lives: of all proposals on record.
        begin: of the stretch.
        end: of the stretch.
        kept: (C, M) share of the active cell's capacity that a mode leaves.
    """
    place = {cell: number for number, cell in enumerate(cell_dns)}
    found = np.full(len(cell_dns), MODES.index("ACTIVE"), dtype=np.int64)
    for life in lives:
        if life.proposal.use_case != USE_CASE or not _stood_within(life, begin, end):
            continue
        for cell, name in modes_written(life.proposal.change_set).items():
            number, mode = place.get(cell), MODES.index(name)
            if number is not None and kept[number, mode] < kept[number, found[number]]:
                found[number] = mode
    return found


def _stood_within(life: ProposalLife, begin: datetime, end: datetime) -> bool:
    """Tell whether a proposal's modes were written, even in part, at some time of a stretch."""
    if life.prepared is None or life.prepared.at >= end:
        return False
    return life.stage not in _TAKEN_BACK or life.entries[-1].at > begin


def _changed_at(life: ProposalLife) -> datetime | None:
    """Return when a proposal last changed its cells' modes, None where it never did."""
    if life.stage in ("APPLIED", "KEPT"):
        return life.applied_at
    if life.stage in _TAKEN_BACK and life.prepared is not None:
        return life.entries[-1].at
    return None


def _is_woken(life: ProposalLife) -> bool:
    return life.stage == "UNDONE" or was_woken(life)
