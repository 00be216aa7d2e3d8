"""Plans explained: sentences that code builds from figures, none of them a model's."""

from collections.abc import Iterator, Mapping, Sequence

from tasks.energy.comparing import PlanFigures
from tasks.energy.goals.goal import EnergyGoal, Objective

_UNITS: Mapping[Objective, str] = {"energy": "kWh", "money": "", "co2": "kg CO2"}
_LEAST_TOLD = 0.005


def option_says(plan: PlanFigures, objective: Objective) -> str:
    """Return a plan as an option of a choice: what it saves, and what users feel of it."""
    return (
        f"Saves {amount(plan, objective)} ({100 * plan.saved_share:.1f} % of what all cells on "
        "would take); "
        f"users keep {plan.floor_mbps:g} Mbit/s; {100 * plan.moved_share:.1f} % of the traffic is "
        f"carried by another cell, {100 * plan.reduced_share:.1f} % with less capacity; "
        f"at most {plan.most_asleep} cells are off the air at a time; "
        f"demand may rise {plan.surge_factor:g} times before cells must wake."
    )


def trade_offs(kept: Sequence[PlanFigures], chosen: PlanFigures, objective: Objective) -> list[str]:
    """Return a sentence for each other plan: what it would save more or less, and at what cost.

    Args:
        kept: plans worth a choice, that saving most first.
        chosen: one of them.
        objective: of the goal.
    """
    return [_beside(other, chosen, objective) for other in kept if other is not chosen]


def explanation(
    goal: EnergyGoal, chosen: PlanFigures, kept: Sequence[PlanFigures], wanted_kwh: float | None
) -> list[str]:
    """Return what is to be said of a choice, a sentence each.

    Args:
        goal: of the person.
        chosen: the plan that is taken.
        kept: all plans worth a choice, that saving most first.
        wanted_kwh: what the wanted share of saving comes to; None where all there is is wanted.
    """
    return [
        f"Chosen is {chosen.promise}. {option_says(chosen, goal.objective)}",
        *_wanted(chosen, wanted_kwh),
        *_proved(chosen),
        *trade_offs(kept, chosen, goal.objective),
    ]


def amount(plan: PlanFigures, objective: Objective) -> str:
    """Return what a plan saves, with its unit."""
    unit = _UNITS[objective]
    told = f"{plan.saved(objective):.1f}{f' {unit}' if unit else ' in the currency of the tariff'}"
    return told if objective == "energy" else f"{told} and {plan.saved_kwh:.1f} kWh"


def _beside(other: PlanFigures, chosen: PlanFigures, objective: Objective) -> str:
    more = other.saved(objective) - chosen.saved(objective)
    unit = _UNITS[objective]
    told = f"{abs(more):.1f}{f' {unit}' if unit else ''}"
    parts = [f"{other.promise} would save {told} {'more' if more > 0 else 'less'}"]
    felt = 100.0 * (other.felt_share - chosen.felt_share)
    if abs(felt) >= _LEAST_TOLD:
        word = "more" if felt > 0 else "less"
        parts.append(f"{abs(felt):.2f} points {word} of the traffic would not be served as usual")
    if other.floor_mbps != chosen.floor_mbps:
        parts.append(
            f"users would keep {other.floor_mbps:g} instead of {chosen.floor_mbps:g} Mbit/s"
        )
    if other.surge_factor != chosen.surge_factor:
        parts.append(
            f"demand might rise {other.surge_factor:g} times instead of {chosen.surge_factor:g} "
            "times before cells must wake"
        )
    return "; ".join(parts) + "."


def _wanted(chosen: PlanFigures, wanted_kwh: float | None) -> Iterator[str]:
    if wanted_kwh is None:
        return
    if chosen.saved_kwh + 1e-9 >= wanted_kwh:
        yield f"It reaches the {wanted_kwh:.1f} kWh that are wanted."
    else:
        yield (
            f"The {wanted_kwh:.1f} kWh that are wanted are not reached: no plan that keeps the "
            f"promise to users saves more than {chosen.saved_kwh:.1f} kWh."
        )


def _proved(chosen: PlanFigures) -> Iterator[str]:
    if chosen.saved_kwh <= 0.0:
        yield "Nothing can be saved within the promise: all cells stay on."
    else:
        yield (
            f"No plan under the same promise costs over {100 * chosen.gap_share:.2f} % less, by "
            f"the bound of the solver ({chosen.solver})."
        )
