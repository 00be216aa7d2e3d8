"""A small network to plan for: a town's west and east, with cells that others can carry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.protected import ProtectedPlace, ProtectedPlaces
from tasks.adapters.memory_transcripts import InMemoryTranscripts
from tasks.adapters.scripted_chat import NoChat
from tasks.adapters.system_clock import SystemClock
from tasks.agents.opening import Assignment, Engines, run_agent
from tasks.energy.agent import AGENT, plan_energy
from tasks.energy.comparing import Prices
from tasks.energy.goals.goal import EnergyGoal
from tasks.energy.goals.mask import stays_active
from tasks.energy.goals.places import Places, goal_cells, places_of
from tasks.energy.planning.exact import solve_exact
from tasks.energy.planning.problem import IS_OFF, Groups, SleepProblem
from tasks.energy.promises import PromisedLimits, promised
from tasks.energy.tools import ENERGY_AGENT, Ground, PlanningDesk, energy_tools
from tests.tasks.energy.planning import small_problems as small

RULES = energy_goals_rules()
PLANNING = energy_planning_rules()
BEGIN = datetime(2025, 6, 4, 19, 0, tzinfo=UTC)
"""21:00 on the wall."""

HOURS = (0.25, 0.25, 0.25, 0.25, 1.0, 1.0, 1.0)
STARTS = tuple(BEGIN + timedelta(hours=sum(HOURS[:number])) for number in range(len(HOURS)))
GROUNDS = (
    "stadium",
    "residential",
    "business",
    "rural",
    "residential",
    "rural",
    "business",
    "rural",
)
SITES = tuple(f"S{number:03d}" for number in range(1, len(GROUNDS) + 1))
CELLS = tuple(
    f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={number}"
    for site in range(1, len(SITES) + 1)
    for number in (1, 2)
)
SITE_OF = {cell: SITES[index // 2] for index, cell in enumerate(CELLS)}
PROTECTED = ProtectedPlaces(
    places=(
        ProtectedPlace(
            name="city hospital", service="hospital", rule="no_interruption", site_ids=("S004",)
        ),
    ),
    ahead_hours=2,
)
PRICES = Prices(np.array([0.3, 0.3, 0.3, 0.3, 0.25, 0.2, 0.15]), np.full(len(HOURS), 0.35), "EUR")


def topology() -> pl.DataFrame:
    """Return sites from west to east, 2 km apart, the first four in the west."""
    return pl.DataFrame(
        {
            "cell_dn": cell,
            "site_id": SITE_OF[cell],
            "site_name": f"Site {SITE_OF[cell]}",
            "archetype": GROUNDS[index // 2],
            "latitude_deg": 51.0,
            "longitude_deg": 12.0 + 0.0286 * (index // 2),
        }
        for index, cell in enumerate(CELLS)
    )


def places() -> Places:
    """Return the gazetteer."""
    return places_of(topology(), PROTECTED, RULES)


def problem(goal: EnergyGoal, limits: PromisedLimits) -> SleepProblem:
    """Return a problem in which the second cell of a site carries for the first.

    Room shrinks with the floor and the surge that are promised.
    """
    count, periods = len(CELLS), len(HOURS)
    kept = stays_active(
        goal, CELLS, goal_cells(goal, places()), list(zip(STARTS, HOURS, strict=True)), RULES.zone
    )
    allowed = np.zeros((count, periods, len(IS_OFF)), dtype=bool)
    allowed[:, :, small.ACTIVE] = True
    allowed[::2, :, small.DEEP] = ~kept[::2]
    allowed[:, :, small.MUTED] = ~kept
    hospital = [index for index, cell in enumerate(CELLS) if SITE_OF[cell] == "S004"]
    allowed[hospital, :, small.DEEP] = False
    share = np.tile(small.SHARE, (count, periods, 1))
    share = np.where(share > 0, np.maximum(share - limits.floor_mbps / 100.0, 0.0), 0.0)
    work = 0.05 + 0.03 * (np.arange(count) % 5)[:, None] * np.ones(periods)
    return replace(
        small.plain(count, periods),
        cell_dns=CELLS,
        hours=np.array(HOURS),
        price=PRICES.of(goal.objective),
        work=work,
        expected_work=work * 0.7,
        allowed=allowed,
        capacity=share / limits.surge_factor,
        switch_wh=np.full((count, len(IS_OFF)), 5.0),
        moves=small.moves(*((2 * site, 2 * site + 1, 1.2) for site in range(len(SITES)))),
        groups=Groups(
            np.zeros(count, dtype=int), np.array([int(count * limits.most_asleep_share)])
        ),
    )


def desk() -> PlanningDesk:
    """Return a desk on which the small network is planned."""
    return PlanningDesk(
        Ground(
            places=places(),
            rules=RULES,
            promises_of=lambda goal: promised(goal, 5.0, PLANNING, RULES),
            problem_of=problem,
            solve=lambda one, _: solve_exact(one, 20.0, 1e-6),
            prices=PRICES,
            site_ids=tuple(SITE_OF.values()),
            sources=("load_forecasts@1",),
        )
    )


def decision_on(text: str, chat=None, at: PlanningDesk | None = None):
    """Return what the agent decides of a goal, the desk, and the record of its run."""
    used, transcripts = at or desk(), InMemoryTranscripts()
    engines = Engines(chat or NoChat(), transcripts, _Nowhere(), energy_tools(used), SystemClock())
    names = [one.name for one in RULES.promises]
    assignment = Assignment(
        AGENT, ENERGY_AGENT, "save_energy", "energy-story",
        arguments={"text": text, "promises": names},
    )  # fmt: skip
    decision = run_agent(engines, assignment, plan_energy)
    return decision, used, transcripts.read("energy-story")


class _Nowhere:
    """A sink of spans that keeps none."""

    def emit(self, spans) -> None:
        """Forget them."""
