"""Who wakes by what operators really have between plans: a quarter of an hour of counters, late.

The rule is the fast rule's; what differs is that load comes as a share of resource blocks of the
mode that stood, that throughput is known besides, and that much may not have arrived.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from semantic_layer.energy_waking import EnergyWakingRules
from tasks.energy.planning.problem import Floats, Moves
from tasks.energy.waking.fast_rule import TROUBLED, Seen, awakenings
from tasks.energy.waking.mode_course import ACTIVE
from tasks.energy.waking.own_work import carried_work
from tasks.twin.sleep_modes import MODES, SavingMode

SLOW, UNPLACED = "serves its users below the floor", "is on no map of who carries for whom"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the newest quarter told of a cell.

    Attributes:
        load: share of resource blocks in use, 0 to 1.
        user_mbps: mean throughput of its users; None where nobody asked for much.
    """

    load: float
    user_mbps: float | None = None


@dataclass(frozen=True)
class Carriers:
    """Who carries for whom, as published facts tell it.

    Attributes:
        cell_dns: C names.
        moves: where the work of sleepers goes.
        capacity: (C, M) most work that a cell may carry.
        kept: (C, M) share of the active cell's capacity that a mode leaves.
        own_work: (C,) as forecast for now; NaN where unknown, which counts as much.
        floor_mbps: throughput that users are promised.
    """

    cell_dns: tuple[str, ...]
    moves: Moves
    capacity: Floats
    kept: Floats
    own_work: Floats
    floor_mbps: float


def overloaded(
    measured: Mapping[str, Measured],
    sleepers: Mapping[str, SavingMode],
    carriers: Carriers,
    rules: EnergyWakingRules,
    troubled: Collection[str] = (),
) -> dict[str, str]:
    """Return who must wake and why, the most urgent first.

    A cell that serves its users below the floor, or has a finding, is relieved as a full one is.
    A cell that told nothing carries for nobody: no data is no evidence. A sleeper of which nobody
    knows who carries for it wakes.

    Args:
        measured: by cell, what arrived in time.
        sleepers: cells that save, and how.
        carriers: who carries for whom.
        rules: of waking.
        troubled: cells with a finding, or where an event is known.

    Returns:
        By cell to wake, a sentence that says why.
    """
    names = carriers.cell_dns
    place = {name: number for number, name in enumerate(names)}
    mode = np.array([MODES.index(sleepers.get(name, MODES[ACTIVE])) for name in names])
    load = np.array([measured[name].load if name in measured else np.nan for name in names])
    is_slow = np.array([_is_slow(measured.get(name), carriers.floor_mbps) for name in names])
    has_finding = np.array([name in troubled for name in names])
    seen = Seen(
        work=carried_work(load, mode, carriers.kept),
        limit=carriers.capacity[np.arange(len(names)), mode],
        is_troubled=is_slow | has_finding,
    )
    own = np.nan_to_num(carriers.own_work, nan=1.0)
    found = {name: f"{name} wakes: it {UNPLACED}." for name in sleepers if name not in place}
    for one in awakenings(seen, mode, carriers.moves, own, rules):
        reason = one.reason
        if reason == TROUBLED and is_slow[one.because_of]:
            reason = SLOW
        name = names[one.cell]
        about = "it" if one.because_of == one.cell else names[one.because_of]
        carries = "" if one.because_of == one.cell else ", which carries for it,"
        found[name] = f"{name} wakes: {about}{carries} {reason}."
    return found


def _is_slow(measured: Measured | None, floor_mbps: float) -> bool:
    return (
        measured is not None and measured.user_mbps is not None and measured.user_mbps < floor_mbps
    )
