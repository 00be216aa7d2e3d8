"""What the energy agent may call: read a goal, solve a plan under a promise, compare plans.

All only compute. A promise is named; its limits are code's, and no argument loosens one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.errors import did_you_mean
from tasks.agents.tools import Tool, ToolDefinition, ToolFailedError, ToolResult
from tasks.energy.comparing import PlanFigures, Prices, figures, pareto
from tasks.energy.goals.goal import EnergyGoal
from tasks.energy.goals.model_reading import GoalAnswer, settled
from tasks.energy.goals.places import Places
from tasks.energy.goals.reading import Reading, goal_by_rules
from tasks.energy.planning.checking import broken
from tasks.energy.planning.problem import SleepPlan, SleepProblem
from tasks.energy.promises import PromisedLimits

ENERGY_AGENT = "energy_agent"

_REACHED = ("load_forecasts", "network_topology", "network_configuration", "cell_kpis")

ProblemOf = Callable[[EnergyGoal, PromisedLimits], SleepProblem]
"""The planning problem of a goal under some limits; the goal's areas and hours bind in it."""


@dataclass(frozen=True)
class Ground:
    """What a run of the agent plans on.

    Attributes:
        places: the gazetteer.
        rules: of goals.
        promises_of: limits of each plan that is compared for a goal, the weakest first.
        problem_of: see there.
        solve: the solver; it is told the promise, for each begins from a plan of its own.
        prices: of the planning periods.
        site_ids: of the problems' cells.
        sources: snapshots that problems rest on.
    """

    places: Places
    rules: EnergyGoalRules
    promises_of: Callable[[EnergyGoal], Sequence[PromisedLimits]]
    problem_of: ProblemOf
    solve: Callable[[SleepProblem, str], SleepPlan]
    prices: Prices
    site_ids: Sequence[str] = ()
    sources: tuple[str, ...] = ()


@dataclass
class PlanningDesk:
    """What one run of the agent has read and planned, for the step that began it.

    Attributes:
        ground: what it plans on.
        text: of the goal, once it was read.
        reading: what the text came to.
        plans: solved, by promise.
        told: their figures.
    """

    ground: Ground
    text: str = ""
    reading: Reading | None = None
    plans: dict[str, SleepPlan] = field(default_factory=dict)
    told: dict[str, PlanFigures] = field(default_factory=dict)
    _problems: dict[str, SleepProblem] = field(default_factory=dict)

    @property
    def goal(self) -> EnergyGoal:
        """The goal that is planned for.

        Raises:
            ToolFailedError: none was read yet.
            GoalError: the text that was read is none.
        """
        if self.reading is None:
            raise ToolFailedError("No goal was read yet; read_goal reads one.")
        return self.reading.planned()

    @cached_property
    def promises(self) -> Sequence[PromisedLimits]:
        """Limits of each plan, the weakest first; they follow from the goal."""
        return self.ground.promises_of(self.goal)

    def limits(self, promise: str) -> PromisedLimits:
        """Return the limits of a promise.

        Raises:
            ToolFailedError: there is none of that name.
        """
        by_name = {one.name: one for one in self.promises}
        if promise not in by_name:
            raise ToolFailedError(
                f"No promise is called {promise!r}{did_you_mean(promise, by_name)}"
            )
        return by_name[promise]

    def problem(self, promise: str) -> SleepProblem:
        """Return the problem under a promise, made once."""
        if promise not in self._problems:
            self._problems[promise] = self.ground.problem_of(self.goal, self.limits(promise))
        return self._problems[promise]


class TextArguments(BaseModel):
    """A person's text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(max_length=10_000)


class PromiseArguments(BaseModel):
    """One promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promise: str = Field(pattern=r"^[a-z][a-z_]{2,20}$")


class NoArguments(BaseModel):
    """Nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Planning:
    """The tools' functions, over the desk of one run."""

    def __init__(self, desk: PlanningDesk) -> None:
        self._desk = desk

    def read_goal(self, asked: TextArguments) -> ToolResult:
        """A person's goal of saving energy as rules read it: where, when, under which promise."""
        desk, ground = self._desk, self._desk.ground
        if desk.reading is not None:
            raise ToolFailedError("A run has one goal, and it was read already.")
        desk.text = asked.text
        desk.reading = goal_by_rules(asked.text, ground.places, ground.rules)
        return self._read()

    def settle_goal(self, asked: GoalAnswer) -> ToolResult:
        """The goal as rules and a model's form have it; where they differ the stricter counts."""
        desk, ground = self._desk, self._desk.ground
        if desk.reading is None or desk.plans:
            raise ToolFailedError("A goal is settled after it was read and before it is planned.")
        desk.reading = settled(desk.reading, asked, desk.text, ground.places, ground.rules)
        return self._read()

    def plan_sleep(self, asked: PromiseArguments) -> ToolResult:
        """The best plan under a named promise: what it saves, and what users feel of it."""
        desk = self._desk
        limits = desk.limits(asked.promise)
        if asked.promise not in desk.plans:
            self._solve(limits)
        told = desk.told[asked.promise]
        says = (
            f"Under {told.promise} {told.saved_kwh:.2f} kWh are saved, "
            f"{100 * told.saved_share:.1f} % of what all cells on would take."
        )
        return ToolResult((told.to_row(),), says, desk.ground.sources)

    def compare_plans(self, _asked: NoArguments) -> ToolResult:
        """The plans solved so far, without those that another is at least as good as in all."""
        desk = self._desk
        if not desk.told:
            raise ToolFailedError("No plan was solved yet; plan_sleep solves one.")
        kept = pareto(list(desk.told.values()), desk.goal.objective)
        says = f"{len(kept)} of {len(desk.told)} plans are worth a choice."
        return ToolResult(tuple(one.to_row() for one in kept), says, desk.ground.sources)

    def _read(self) -> ToolResult:
        reading = self._desk.reading
        if reading is None:
            raise ToolFailedError("No goal was read yet; read_goal reads one.")
        row = {
            "goal": reading.goal.to_json() if reading.goal else None,
            "problems": list(reading.problems),
            "notes": list(reading.notes),
            "read_by": reading.read_by,
            "is_silent": reading.is_silent,
        }
        says = reading.goal.says if reading.goal else "No goal to plan for."
        return ToolResult((row,), says)

    def _solve(self, limits: PromisedLimits) -> None:
        desk, name = self._desk, limits.name
        problem = desk.problem(name)
        plan = desk.ground.solve(problem, name)
        wrong = broken(problem, plan.mode)
        if wrong:
            raise ToolFailedError(
                f"The plan under {name} is not used, for it breaks a limit: {wrong[0]}"
            )
        desk.plans[name] = plan
        desk.told[name] = figures(problem, plan, desk.ground.prices, limits)


def energy_tools(desk: PlanningDesk) -> dict[str, Tool]:
    """Return the tools by name; each is described by its function's first line."""
    planning = _Planning(desk)
    told: tuple[tuple[Callable[..., ToolResult], type[BaseModel]], ...] = (
        (planning.read_goal, TextArguments),
        (planning.settle_goal, GoalAnswer),
        (planning.plan_sleep, PromiseArguments),
        (planning.compare_plans, NoArguments),
    )
    return {
        function.__name__: Tool(
            ToolDefinition(
                name=function.__name__,
                description=str(function.__doc__),
                risk="simulate",
                callers=(ENERGY_AGENT,),
                reaches=_REACHED,
                most_rows=40,
            ),
            arguments,
            function,
        )
        for function, arguments in told
    }
