"""What a sample network is and what happens in it: its size and days, shocks, faults by number.

Everything here is drawn from the seed. The network itself is in layout.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from tasks.twin.faults import FaultPlan, kinds_in_turn, planned_kinds
from tasks.twin.layout import LTE_SHARE, Archetype, Network
from tasks.twin.traffic import PERIODS_A_DAY, Season, Shock, wander

DEFAULT_END = datetime(2025, 6, 5, tzinfo=UTC)
"""A fixed day, so that nothing depends on today; a holiday lies a week before it."""

_BORNE_USE = 0.75
_KINDS_SEED, _VILLAGE_SEED = 42, 50


@dataclass(frozen=True, slots=True)
class SampleNetwork:
    """What is generated.

    Attributes:
        sites: how many; each has one to nine cells.
        history_days: days delivered as Parquet.
        newest_days: days delivered as measurement files, after the history.
        history_faults, newest_faults: faults that begin in each.
        end: midnight UTC after the newest day.
        yearly_growth: of demand; 0.3 is 30 % more a year later.
        lte_share: share of sites that also have an LTE carrier.
        has_changes: what people plan is carried out.
    """

    name: str
    seed: int
    sites: int
    history_days: int
    newest_days: int
    history_faults: int
    newest_faults: int
    end: datetime = DEFAULT_END
    yearly_growth: float = 0.3
    lte_share: float = LTE_SHARE
    has_changes: bool = True

    @property
    def days(self) -> int:
        """All days."""
        return self.history_days + self.newest_days

    @property
    def start(self) -> datetime:
        """The first period's start."""
        return self.end - timedelta(days=self.days)

    @property
    def newest_first(self) -> int:
        """Index of the newest days' first period."""
        return self.history_days * PERIODS_A_DAY


NETWORKS = {
    "village": SampleNetwork("village", 0, 3, 7, 1, 3, 7),
    "town": SampleNetwork("town", 0, 78, 28, 2, 34, 36),
}
"""Known sample networks, before they are given a seed."""

_BUSY_USE: dict[Archetype, tuple[float, float]] = {
    "dense_urban": (0.35, 0.75),
    "business": (0.30, 0.70),
    "residential": (0.30, 0.75),
    "transport": (0.30, 0.70),
    "stadium": (0.12, 0.30),
    "rural": (0.20, 0.60),
}


def fault_plan(chosen: SampleNetwork, spared_sites: tuple[int, ...]) -> FaultPlan:
    """Return which kinds of faults begin when."""
    rng = np.random.default_rng([chosen.seed, _KINDS_SEED])
    wanted = chosen.newest_faults, chosen.history_faults
    if chosen.name == "village":  # too small for rare and common: as many kinds as there is room
        turn = kinds_in_turn(sum(wanted), np.random.default_rng([chosen.seed, _VILLAGE_SEED]))
        newest, before = turn[: wanted[0]], turn[wanted[0] :]
    else:
        newest, before = (planned_kinds(count, rng) for count in wanted)
    periods = chosen.days * PERIODS_A_DAY
    newest_day = periods - PERIODS_A_DAY
    earlier = chosen.newest_faults // 2 if chosen.newest_days > 1 else 0
    return FaultPlan(
        stretches=(
            (newest_day, periods, tuple(newest[earlier:])),
            (chosen.newest_first, newest_day, tuple(newest[:earlier])),
            (PERIODS_A_DAY // 2, chosen.newest_first, tuple(before)),
        ),
        periods=periods,
        spared_sites=spared_sites,
    )


def planned_busy_use(network: Network, seed: int) -> npt.NDArray[np.float32]:
    """Return by area the share of resource blocks that its busy hour is planned to use."""
    rng = np.random.default_rng([seed, 10])
    bounds = [_BUSY_USE[kind] for kind in network.area_archetypes()]
    return np.array([low + (high - low) * rng.beta(1.6, 2.2) for low, high in bounds], np.float32)


def benign_shocks(
    network: Network, chosen: SampleNetwork, busy_use: npt.NDArray[np.float32]
) -> list[Shock]:
    """Return weather over the whole network and events that its capacity bears."""
    rng = np.random.default_rng([chosen.seed, 11])
    periods = chosen.days * PERIODS_A_DAY
    found = []
    for first, last, storms, events in (
        (0, chosen.newest_first, 1 + chosen.history_days // 14, chosen.history_days // 3),
        (chosen.newest_first, periods, 1, 1 + len(network.sites) // 20),
    ):
        for _ in range(storms):
            begin = int(rng.integers(first, max(first + 1, last - 24)))
            length = int(rng.integers(10, 22))
            found.append(
                Shock("weather", begin, min(begin + length, last), rng.uniform(1.06, 1.15))
            )
        for _ in range(events):
            site = network.sites[int(rng.integers(0, len(network.sites)))]
            area = (site.index - 1) * network.sectors
            begin = int(rng.integers(first, last)) // PERIODS_A_DAY * PERIODS_A_DAY
            begin = min(begin + int(rng.integers(44, 72)), last - 4)
            end = min(begin + int(rng.integers(8, 16)), last)
            areas = tuple(range(area, area + network.sectors))
            factor = min(rng.uniform(1.3, 1.8), _BORNE_USE / float(busy_use[list(areas)].max()))
            found.append(Shock("event", begin, end, factor, areas))
    return found


def outside_temperature(
    calendar: Season, shocks: Sequence[Shock], seed: int
) -> npt.NDArray[np.float32]:
    """Return the outside temperature: day and night, slow weather, cooler in a storm."""
    rng = np.random.default_rng([seed, 12])
    daily = 5.0 * np.cos(2.0 * np.pi * (calendar.local_hour - 15.0) / 24.0)
    slow = 4.0 * wander(rng, (calendar.periods, 1), 0.998)[:, 0]
    degrees = 16.0 + daily + slow
    for shock in shocks:
        if shock.kind == "weather":
            degrees[shock.first : shock.last] -= 5.0
    return np.asarray(degrees, dtype=np.float32)
