"""Who must wake now and why, with the evidence of each: all that is known, put together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from semantic_layer.energy_waking import EnergyWakingRules
from tasks.energy.waking.evidence import (
    Asked,
    Evidence,
    Limits,
    began_at,
    evidence_of,
    seen_at,
)
from tasks.energy.waking.fast_rule import TROUBLED
from tasks.energy.waking.load_rule import (
    UNFORECAST,
    UNPLACED,
    Carriers,
    Waking,
    full_loads,
    leaned_on,
    overloaded,
)
from tasks.energy.waking.sight import QUARTER, Present, sight_of
from tasks.energy.waking.sleepers import asleep_by, counts_since
from tasks.messages.cell_reports import CellReport, FedReports
from tasks.messages.proposal_life import ProposalLife
from tasks.twin.sleep_modes import MODES, OFF_AIR, SavingMode


@dataclass(frozen=True)
class Known:
    """What is known when it is asked who must wake.

    Attributes:
        lives: of proposals to save energy.
        feed: what was told by the minute.
        quarters: what counters told, young enough to count.
        findings: by cell with a finding that goes on, since when.
        carriers: who carries for whom; None where no load is forecast for now.
        switch_s: time that a cell takes back from a mode.
    """

    lives: Sequence[ProposalLife]
    feed: FedReports
    quarters: Sequence[CellReport]
    findings: Mapping[str, datetime]
    carriers: Carriers | None
    switch_s: Callable[[str, SavingMode], float]


@dataclass(frozen=True)
class Found:
    """Who must wake.

    Attributes:
        wakings: the most urgent first.
        evidence: by proposal that is to be taken back, in the same order.
        says: why the feed does not speak for some; empty where it does.
    """

    wakings: tuple[Waking, ...]
    evidence: Mapping[str, Evidence]
    says: str = ""


def who_wakes(known: Known, asked: Asked, rules: EnergyWakingRules) -> Found:
    """Return who must wake at the moment of asking.

    Args:
        known: what is known of cells.
        asked: when.
        rules: of waking.
    """
    asleep = asleep_by(known.lives)
    modes = {cell: mode for one in asleep.values() for cell, mode in one.modes.items()}

    def told(waking: Waking, source: str, seen: datetime) -> Evidence:
        seconds = known.switch_s(waking.cell_dn, modes[waking.cell_dn])
        return {"source": source, "seen_at": seen.isoformat(), "switch_s": seconds}

    if known.carriers is None:
        unknown = tuple(Waking(cell, cell, UNFORECAST) for cell in modes)
        since = [(one, asked.at) for one in unknown]
        return Found(
            unknown, evidence_of(since, asleep, lambda one: told(one, QUARTER, asked.at), asked)
        )
    is_off = {cell for cell, mode in modes.items() if OFF_AIR[MODES.index(mode)]}
    present = Present(
        at=asked.at,
        on_air=frozenset(known.carriers.cell_dns) - is_off,
        counts_since=counts_since(known.lives, known.switch_s),
        findings=known.findings,
        patient=(frozenset(modes) - is_off) - leaned_on(modes, known.carriers, rules),
    )
    sight = sight_of(known.feed, known.quarters, present, rules)
    wakings = tuple(overloaded(sight.told, modes, known.carriers, rules))
    limits = Limits(full_loads(modes, known.carriers, rules), known.carriers.floor_mbps)

    def about(waking: Waking) -> Evidence:
        is_told = waking.reason not in (TROUBLED, UNPLACED)
        source = sight.sources.get(waking.because_of, QUARTER) if is_told else QUARTER
        return told(waking, source, seen_at(waking, sight, present))

    since = [(one, began_at(one, sight, present, limits)) for one in wakings]
    return Found(wakings, evidence_of(since, asleep, about, asked), sight.says)
