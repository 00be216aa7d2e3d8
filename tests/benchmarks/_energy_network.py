"""What planning knows of a town: its network as published, in the order of the town's arrays."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import EnergyPlanningRules, energy_planning_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.services import service_catalogue
from tasks.energy.planning.compiling import Limits, WorkForecast, sleep_problem
from tasks.energy.planning.problem import (
    MODE_COUNT,
    Cover,
    Floats,
    Moves,
    SleepProblem,
    Standing,
)
from tasks.energy.planning.published import SavingNetwork, published_network
from tasks.energy.promises import least_floor_mbps
from tasks.energy.waking.mode_course import awake_for_long
from tasks.wiring import services
from tests.benchmarks._energy_truth import TrueTown, true_town

_OTHER_FLOORS = (2.0, 1.0)


@dataclass(frozen=True)
class TownNetwork:
    """A network as its operator knows it, and what a plan must keep to.

    Attributes:
        saving: static facts.
        rules: of planning.
        floor_mbps: that plans promise.
        quantile: chance that work stays below what is prepared for.
    """

    saving: SavingNetwork
    rules: EnergyPlanningRules
    floor_mbps: float
    quantile: float

    @property
    def kept(self) -> Floats:
        """(C, M) share of the active cell's capacity that a mode leaves."""
        return self.saving.radios.capacity

    @property
    def cover(self) -> Cover:
        """Rows that must hold in every period."""
        return self.saving.cover

    @cached_property
    def moves(self) -> Moves:
        """Where the work of sleepers goes, as a problem tells it."""
        idle = np.zeros((len(self.saving.cell_dns), 1))
        standing = awake_for_long(len(idle)).standing
        return self.problem(idle, idle, np.array([1.0]), standing).moves

    def problem(
        self, work: Floats, expected: Floats, hours: Floats, standing: Standing
    ) -> SleepProblem:
        """Return what is to be decided; a kWh weighs 1 at every hour."""
        forecast = WorkForecast(hours, work, expected)
        limits = Limits(floor_mbps=self.floor_mbps)
        price = np.ones(len(hours))
        return sleep_problem(self.saving, forecast, price, standing, limits, self.rules)

    def limits(self, problem: SleepProblem) -> Floats:
        """Return the work (C, M) above which a cell is full in the problem's first period."""
        return np.asarray(problem.capacity[:, 0, :MODE_COUNT])


def town_and_network(floor_mbps: float | None = None) -> tuple[TrueTown, TownNetwork]:
    """Return the town of the home that stands, and what planning knows of it.

    The home is filled by the product itself, unless it holds a town that ran before.

    Args:
        floor_mbps: throughput that plans promise; what is promised whatever a goal says when None.
    """
    if not (services().settings.root / "tables").is_dir():
        command = [sys.executable, "-c", "from deployments.command import app; app(['run'])"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rules, guards = energy_planning_rules(), guardrail_rules()
    measured = services().tables.bounds("cell_kpis")
    if measured is None:
        raise SystemExit("The home holds no measured town; empty it, and it will be filled.")
    goals = energy_goals_rules()
    least = least_floor_mbps(goals, service_catalogue())
    floor = least if floor_mbps is None else floor_mbps
    saving = published_network(services().tables.read, measured.end, rules, guards)
    floors = (floor, *(other for other in _OTHER_FLOORS if other != floor))
    seed = services().settings.sample_seed
    town = true_town(seed, saving.cell_dns, floors, guards.coverage_dbm)
    return town, TownNetwork(saving, rules, floor, goals.prepared_quantile)
