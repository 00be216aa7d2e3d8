"""What each of the compared plans promises: never less than the rules of planning and the goal."""

from dataclasses import dataclass

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.services import ServiceCatalogue
from tasks.energy.goals.goal import EnergyGoal


@dataclass(frozen=True, slots=True)
class PromisedLimits:
    """Limits that one plan is solved under.

    Attributes:
        name: of the promise.
        floor_mbps: that the 5th percentile of users keeps.
        surge_factor: rise of demand that finds room without waking a cell.
        most_asleep_share: of a community's cells that may be off the air at a time.
    """

    name: str
    floor_mbps: float
    surge_factor: float
    most_asleep_share: float


def least_floor_mbps(rules: EnergyGoalRules, services: ServiceCatalogue) -> float:
    """Return the floor that is promised whatever a goal says: of the services promised, the most.

    Raises:
        UnknownNameError: a service that is promised is not defined.
    """
    return max(services.service(name).floor_throughput_dl_mbps for name in rules.promised_services)


def promised(
    goal: EnergyGoal, least_floor: float, planning: EnergyPlanningRules, rules: EnergyGoalRules
) -> list[PromisedLimits]:
    """Return the limits of each promise, the weakest first.

    Args:
        goal: of a person; it can raise the floor and lower the share asleep.
        least_floor: in Mbit/s, that is promised whatever the goal says.
        planning: rules of planning, which every promise keeps.
        rules: the promises that are compared.
    """
    floor = max(goal.floor_mbps or 0.0, least_floor)
    wished = goal.most_asleep_share
    share = planning.most_community_asleep
    share = share if wished is None else min(share, wished)
    made = [
        PromisedLimits(
            promise.name,
            floor * promise.floor,
            planning.surge_factor * promise.reserve,
            share * promise.asleep,
        )
        for promise in rules.promises
    ]
    return sorted(made, key=lambda one: (one.floor_mbps, one.surge_factor, -one.most_asleep_share))
