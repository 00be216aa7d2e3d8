"""Planning problems of a goal: its areas and hours, protected places and a promise, compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from semantic_layer.energy_accounting import EnergyAccountingRules
from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.protected import ProtectedPlaces
from tasks.energy.comparing import Prices
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.goals.goal import EnergyGoal
from tasks.energy.goals.mask import stays_active
from tasks.energy.goals.places import Places, goal_cells
from tasks.energy.planning.compiling import (
    Limits,
    protected_cells,
    sleep_problem,
    work_forecast,
)
from tasks.energy.planning.problem import Floats, SleepPlan, SleepProblem
from tasks.energy.planning.published import SavingNetwork
from tasks.energy.promises import PromisedLimits
from tasks.energy.swelling import Missed, widened
from tasks.energy.waking.mode_course import ModeCourse
from tasks.energy.waking.rolling import LastPlan, replanned

_STEP = timedelta(minutes=15)
_STEP_H = 0.25
_G_PER_KG = 1000.0


@dataclass(frozen=True)
class ProblemMaker:
    """What the problems of one run are made of.

    Attributes:
        network: as published.
        forecast: of its load, from the plan's beginning on.
        places: the gazetteer.
        protected: what no plan touches, whatever a goal says.
        prices: of the planning periods.
        course: how cells stand.
        troubled: cells at which something is wrong; none of them is planned to save.
        misses: how much more demand came of late than was prepared for.
        lasts: plans that the search begins from, by promise; none where none was made of late.
        planning: rules of planning.
        rules: of goals.
    """

    network: SavingNetwork
    forecast: LoadForecast
    places: Places
    protected: ProtectedPlaces
    prices: Prices
    course: ModeCourse
    troubled: frozenset[str]
    planning: EnergyPlanningRules
    rules: EnergyGoalRules
    misses: Sequence[Missed] = ()
    lasts: Mapping[str, LastPlan] = field(default_factory=dict)

    def problem(self, goal: EnergyGoal, promised: PromisedLimits) -> SleepProblem:
        """Return what is to be decided for a goal under a promise."""
        forecast, network = self.forecast, self.network
        periods = list(zip(forecast.starts, forecast.hours.tolist(), strict=True))
        chosen = goal_cells(goal, self.places) - self.troubled
        outside = stays_active(goal, network.cell_dns, chosen, periods, self.rules.zone)
        barred, on_air = protected_cells(
            network, self.protected, forecast.starts[0], forecast.hours
        )
        problem = sleep_problem(
            network,
            widened(
                work_forecast(network, forecast, self.rules.prepared_quantile),
                self.misses,
                self.planning,
            ),
            self.prices.of(goal.objective),
            self.course.standing,
            Limits(
                floor_mbps=promised.floor_mbps,
                stays_active=outside | barred,
                stays_on_air=on_air,
                most_asleep_share=promised.most_asleep_share,
                deepest_mode=goal.deepest_mode,
                surge_factor=promised.surge_factor,
            ),
            self.planning,
        )
        return self.course.bound(problem)

    def plan(self, problem: SleepProblem, promise: str) -> SleepPlan:
        """Return a plan for a problem under a promise, begun from the one before.

        Raises:
            InputError: the problem's numbers cannot be used.
        """
        return replanned(problem, self.course, self.lasts.get(promise), self.rules.solve_seconds)


def hourly_prices(
    starts: Sequence[datetime], hours: Floats, rules: EnergyAccountingRules
) -> Prices:
    """Return what a kWh costs in money and CO2 in each planning period.

    Args:
        starts: (T,) of periods, UTC.
        hours: (T,) their lengths.
        rules: tariff and carbon intensity by hour of the day.
    """
    money, carbon = [], []
    for start, length in zip(starts, hours.tolist(), strict=True):
        within = [(start + step * _STEP).hour for step in range(max(1, round(length / _STEP_H)))]
        money.append(np.mean([rules.price(hour) for hour in within]))
        carbon.append(np.mean([rules.carbon(hour) for hour in within]) / _G_PER_KG)
    return Prices(np.array(money), np.array(carbon), rules.currency)
