"""Policies of the week by name: rules of thumb, the plan in motion, and the plan that knows all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.load_forecasting import load_forecasting_rules
from tasks.energy.forecasting.forecaster import LoadForecaster
from tasks.energy.forecasting.load_calendar import DayKind, LoadCalendar
from tasks.energy.forecasting.load_history import LoadHistory
from tasks.energy.planning.compiling import WorkForecast, work_forecast
from tasks.energy.planning.problem import Floats, Numbers, SleepPlan, SleepProblem
from tasks.energy.swelling import Missed, demand_swell, widened
from tasks.energy.waking.mode_course import ModeCourse
from tasks.energy.waking.own_work import own_work
from tasks.energy.waking.rolling import LastPlan, replanned
from tasks.twin.traffic import PERIODS_A_DAY, public_holidays
from tests.benchmarks._energy_course import Policy, Watch
from tests.benchmarks._energy_network import TownNetwork
from tests.benchmarks._energy_rules_of_thumb import AllOn, GreedyByLoad, NightThreshold
from tests.benchmarks._energy_truth import HOURS, TrueTown

GRID_HOURS = np.array([0.25] * 4 + [1.0] * 23)
"""Periods of a plan: an hour by quarters, then whole hours up to a day."""

_ZONE = "Europe/Berlin"
_MOST_MOVED = 0.1
_QUARTER = timedelta(hours=HOURS)


class Foresight:
    """Expects what is to come from what was measured, learning anew each day."""

    def __init__(
        self, town: TrueTown, network: TownNetwork, forecaster: LoadForecaster | None = None
    ) -> None:
        self._town, self._network, self.forecaster = town, network, forecaster
        self._load, self._dns = town.history, tuple(cell.dn for cell in town.cells)
        self._calendar = LoadCalendar(_ZONE, _holidays(town))

    def expected(self, period: int) -> WorkForecast:
        """Return the work of a plan's periods from one that begins now."""
        history = LoadHistory(self._dns, self._town.history_start, self._load)
        if self.forecaster is None or period % PERIODS_A_DAY == 0:
            rules = load_forecasting_rules()
            self.forecaster = LoadForecaster.fitted(history, self._calendar, rules)
        told = self.forecaster.forecast(history, self._town.starts[period], GRID_HOURS)
        return work_forecast(self._network.saving, told, self._network.quantile)

    def told(self, own: Floats) -> None:
        """Take in own work (C,) of the period that ended; NaN where it is not known."""
        self._load = np.column_stack([self._load, own])


class Hindsight:
    """Knows what every cell's own work will be while every cell is active."""

    def __init__(self, town: TrueTown) -> None:
        load = town.true_load().astype(np.float64)
        self._load = np.column_stack([load, load[:, -PERIODS_A_DAY:]])

    def expected(self, period: int) -> WorkForecast:
        """Return the work of a plan's periods from one that begins now."""
        lengths = np.rint(GRID_HOURS / HOURS).astype(int)
        firsts = period + np.concatenate([[0], np.cumsum(lengths)[:-1]])
        part = self._load[:, period : period + int(lengths.sum())]
        peak = np.maximum.reduceat(part, firsts - period, axis=1)
        likely = np.add.reduceat(part, firsts - period, axis=1) / lengths
        return WorkForecast(GRID_HOURS, peak, likely)

    def told(self, own: Floats) -> None:
        """Take in nothing: all is known."""


@dataclass
class PlanInMotion:
    """A new plan each quarter, of which the first period is carried out."""

    town: TrueTown
    network: TownNetwork
    foresight: Foresight | Hindsight
    name: str
    has_fast_rule: bool
    plan: SleepPlan | None = None
    problem: SleepProblem | None = None
    gaps: list[float] = field(default_factory=list)
    posed: list[SleepProblem] = field(default_factory=list)
    _forecast: WorkForecast | None = None
    _missed: tuple[Missed, ...] = ()

    def modes(self, period: int, course: ModeCourse) -> Numbers:
        """Return what the new plan says of the period that begins now."""
        self._forecast = self.foresight.expected(period)
        forecast = widened(self._forecast, self._missed, self.network.rules)
        problem = self.network.problem(
            forecast.work, forecast.expected, forecast.hours, course.standing
        )
        last = None
        if self.plan is not None:
            last = LastPlan(self.plan, GRID_HOURS, HOURS)
        self.plan = replanned(problem, course, last, energy_goals_rules().solve_seconds)
        self.problem = problem
        self.gaps.append(self.plan.gap)
        if self.has_fast_rule:
            self.posed.append(problem)
        return np.asarray(self.plan.mode[:, 0])

    def told(self, period: int, load: Floats, modes: Numbers) -> None:  # noqa: ARG002
        """Take in what was measured: own work where it shows, and demand beyond it."""
        if self.problem is None or self._forecast is None:
            return
        moves, kept = self.problem.moves, self.network.kept
        likely = np.nan_to_num(self.problem.expected_work[:, 0])
        self.foresight.told(own_work(load, modes, kept, moves, likely, _MOST_MOVED))
        if isinstance(self.foresight, Foresight):
            prepared = self._forecast.work[:, 0]
            times = demand_swell(load, modes, kept, moves, prepared, self.network.rules)
            self._missed = (Missed(times, self._forecast, HOURS),)

    def watch(self) -> Watch | None:
        """Return what the fast rule looks at, if there is one."""
        if not self.has_fast_rule or self.problem is None:
            return None
        likely = np.nan_to_num(self.problem.expected_work[:, 0])
        return Watch(self.problem.moves, self.network.limits(self.problem), likely)


def plan_in_motion(
    town: TrueTown,
    network: TownNetwork,
    name: str,
    *,
    has_fast_rule: bool,
    learnt: Foresight | Hindsight | None = None,
) -> PlanInMotion:
    """Return the plan in motion that forecasts from what was measured.

    Args:
        town: that it plans for.
        network: as planning knows it.
        name: of the policy.
        has_fast_rule: whether load wakes cells between plans.
        learnt: foresight of the same town, whose forecaster is taken over.
    """
    forecaster = learnt.forecaster if isinstance(learnt, Foresight) else None
    return PlanInMotion(town, network, Foresight(town, network, forecaster), name, has_fast_rule)


def policies_of(town: TrueTown, network: TownNetwork, wanted: Sequence[str]) -> list[Policy]:
    """Return the policies asked for, all when none is; the first one is always all on."""
    makers: dict[str, Callable[[], Policy]] = {
        "threshold": lambda: NightThreshold(town),
        "greedy": lambda: GreedyByLoad(town, network.moves, network.cover),
        "anops": lambda: plan_in_motion(town, network, "anops", has_fast_rule=True),
        "slow": lambda: plan_in_motion(
            town, network, "anops without fast rule", has_fast_rule=False
        ),
        "clairvoyant": lambda: PlanInMotion(
            town, network, Hindsight(town), "clairvoyant", has_fast_rule=False
        ),
    }
    return [AllOn(town), *(make() for name, make in makers.items() if name in wanted or not wanted)]


def _holidays(town: TrueTown) -> dict[object, DayKind]:
    years = range(town.history_start.year, town.starts[-1].year + 1)
    return {day: "SUNDAY" for year in years for day in public_holidays(year)}
