"""What each of the compared plans promises: never less than the rules of planning and the goal."""

from collections.abc import Sequence
from dataclasses import dataclass

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.energy_planning import EnergyPlanningRules
from tasks.energy.goals.goal import EnergyGoal


@dataclass(frozen=True, slots=True)
class PromisedLimits:
    """Limits that one plan is solved under.

    Attributes:
        name: of the promise.
        floor_mbps: that the 5th percentile of users keeps.
        rules: of planning, as strict as the promise makes them.
    """

    name: str
    floor_mbps: float
    rules: EnergyPlanningRules


_MOST_RESERVE = 0.9


def promised(
    goal: EnergyGoal, least_floor_mbps: float, planning: EnergyPlanningRules, rules: EnergyGoalRules
) -> list[PromisedLimits]:
    """Return the limits of each promise, the weakest first.

    Args:
        goal: of a person; it can raise the floor and lower the share asleep.
        least_floor_mbps: that is promised whatever the goal says.
        planning: rules of planning, which every promise keeps.
        rules: the promises that are compared.
    """
    floor = max(goal.floor_mbps or 0.0, least_floor_mbps)
    share = planning.most_community_asleep
    if goal.most_asleep_share is not None:
        share = min(share, goal.most_asleep_share)
    made = [
        PromisedLimits(
            promise.name,
            floor * promise.floor,
            planning.model_copy(
                update={
                    "surge_factor": planning.surge_factor * promise.reserve,
                    "emergency_reserve": min(
                        planning.emergency_reserve * promise.reserve,
                        max(planning.emergency_reserve, _MOST_RESERVE),
                    ),
                    "most_community_asleep": share * promise.asleep,
                }
            ),
        )
        for promise in rules.promises
    ]
    return _weakest_first(made)


def _weakest_first(made: Sequence[PromisedLimits]) -> list[PromisedLimits]:
    return sorted(
        made,
        key=lambda one: (one.floor_mbps, one.rules.surge_factor, -one.rules.most_community_asleep),
    )
