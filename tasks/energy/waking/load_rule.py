"""Who wakes by what operators have between plans: load by the minute, or a quarter's counters.

The rule is the fast rule's; what differs is that load comes as a share of resource blocks of the
mode that stood, that throughput is known besides, and that much may not have arrived.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from semantic_layer.energy_waking import EnergyWakingRules
from tasks.energy.planning.problem import IS_OFF, Floats, Moves, Numbers
from tasks.energy.waking.fast_rule import TROUBLED, Reason, Seen, awakenings
from tasks.energy.waking.mode_course import ACTIVE
from tasks.energy.waking.own_work import carried_work
from tasks.twin.sleep_modes import MODES, SavingMode

SLOW, UNPLACED = "serves its users below the floor", "is on no map of who carries for whom"
UNFORECAST = "has no load forecast"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was told of a cell last, of some minutes or of a quarter.

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


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of cells now.

    Attributes:
        measured: by cell, what arrived in time.
        unjudged: cells that cannot have told anything yet: they came back on the air, or were
            relieved, a moment ago. That they are not measured wakes nobody.
        troubled: cells with a finding, or where an event is known.
    """

    measured: Mapping[str, Measured]
    unjudged: Collection[str] = field(default_factory=frozenset)
    troubled: Collection[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Waking:
    """A cell that must wake.

    Attributes:
        cell_dn: which.
        because_of: the cell that must be relieved; itself where it saves on the air.
        reason: what is so at that cell.
    """

    cell_dn: str
    because_of: str
    reason: Reason

    @property
    def says(self) -> str:
        """The same as a sentence."""
        if self.because_of == self.cell_dn:
            return f"{self.cell_dn} wakes: it {self.reason}."
        return f"{self.cell_dn} wakes: {self.because_of}, which carries for it, {self.reason}."


def overloaded(
    told: Told, sleepers: Mapping[str, SavingMode], carriers: Carriers, rules: EnergyWakingRules
) -> list[Waking]:
    """Return who must wake and why, the most urgent first, each cell once.

    A cell that serves its users below the floor, or has a finding, is relieved as a full one is.
    A cell that told nothing carries for nobody: no data is no evidence. A cell off the air of
    which nobody knows who carries for it wakes, and so does one that nobody knows.

    Args:
        told: what is known of cells.
        sleepers: cells that save, and how.
        carriers: who carries for whom.
        rules: of waking.
    """
    names, measured = carriers.cell_dns, told.measured
    mode = _modes(carriers, sleepers)
    load = np.array([_load(name, told) for name in names])
    is_slow = np.array([is_slow_at(measured.get(name), carriers.floor_mbps) for name in names])
    has_finding = np.array([name in told.troubled for name in names])
    seen = Seen(
        work=carried_work(load, mode, carriers.kept),
        limit=carriers.capacity[np.arange(len(names)), mode],
        is_troubled=is_slow | has_finding,
    )
    own = np.nan_to_num(carriers.own_work, nan=1.0)
    carried = {names[cell] for cell in np.unique(carriers.moves.booster)}
    known = set(names) - {names[cell] for cell in np.flatnonzero(IS_OFF[mode])} | carried
    found = [Waking(name, name, UNPLACED) for name in sleepers if name not in known]
    for one in awakenings(seen, mode, carriers.moves, own, rules):
        is_by_users = one.reason == TROUBLED and is_slow[one.because_of]
        reason = SLOW if is_by_users else one.reason
        found.append(Waking(names[one.cell], names[one.because_of], reason))
    return found


def full_loads(
    sleepers: Mapping[str, SavingMode], carriers: Carriers, rules: EnergyWakingRules
) -> dict[str, float]:
    """Return by cell the share of resource blocks above which it is full, as its mode stands.

    Cells off the air carry nothing and have none.

    Args:
        sleepers: cells that save, and how.
        carriers: who carries for whom.
        rules: of waking.
    """
    mode, rows = _modes(carriers, sleepers), np.arange(len(carriers.cell_dns))
    kept = carriers.kept[rows, mode]
    limit = rules.full_share * carriers.capacity[rows, mode] / np.where(kept > 0.0, kept, np.nan)
    found = zip(carriers.cell_dns, limit.tolist(), strict=True)
    return {name: value for name, value in found if np.isfinite(value)}


def leaned_on(
    sleepers: Mapping[str, SavingMode], carriers: Carriers, rules: EnergyWakingRules
) -> frozenset[str]:
    """Return the cells that carry for a sleeper enough for it to lean on them.

    Args:
        sleepers: cells that save, and how.
        carriers: who carries for whom.
        rules: of waking.
    """
    moves, own = carriers.moves, np.nan_to_num(carriers.own_work, nan=1.0)
    is_off = IS_OFF[_modes(carriers, sleepers)]
    is_leaning = is_off[moves.booster] & (moves.work * own[moves.booster] > rules.leaning_work)
    return frozenset(carriers.cell_dns[cell] for cell in np.unique(moves.candidate[is_leaning]))


def is_slow_at(measured: Measured | None, floor_mbps: float) -> bool:
    """Return whether a cell is known to serve its users below a floor."""
    return (
        measured is not None and measured.user_mbps is not None and measured.user_mbps < floor_mbps
    )


def _modes(carriers: Carriers, sleepers: Mapping[str, SavingMode]) -> Numbers:
    awake = MODES[ACTIVE]
    return np.array([MODES.index(sleepers.get(name, awake)) for name in carriers.cell_dns])


def _load(name: str, told: Told) -> float:
    """Return a cell's load, NaN where its silence says something."""
    if name in told.measured:
        return told.measured[name].load
    return 0.0 if name in told.unjudged else np.nan
