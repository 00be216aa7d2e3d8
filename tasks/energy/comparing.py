"""Plans beside each other: what each saves, what it costs users, and which are worse in all.

Every figure follows from the planning problem and the chosen modes; nothing is estimated twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from tasks.energy.goals.goal import EnergyGoal, Objective
from tasks.energy.planning.problem import IS_OFF, Floats, SleepPlan, SleepProblem
from tasks.energy.planning.terms import terms_of
from tasks.energy.promises import PromisedLimits


@dataclass(frozen=True, slots=True)
class Prices:
    """What a kWh weighs in each planning period.

    Attributes:
        money: (T,) in the currency of the tariff.
        co2_kg: (T,) kg of CO2.
        currency: its sign or code; empty where no tariff is known.
    """

    money: Floats
    co2_kg: Floats
    currency: str = ""

    def of(self, objective: Objective) -> Floats:
        """Return (T,) the weight of a kWh for an objective."""
        weights = {"energy": np.ones_like(self.money), "money": self.money, "co2": self.co2_kg}
        return weights[objective]


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """What a plan comes to, over its whole horizon.

    Attributes:
        promise: name of the promise that it was solved under.
        floor_mbps: that the 5th percentile of users keeps.
        surge_factor: rise of demand within a period that finds room without waking a cell.
        saved_kwh: against all cells ACTIVE, expected.
        saved_share: of the energy that all cells ACTIVE would take.
        saved_money: in the tariff's currency.
        saved_co2_kg: of CO2.
        most_asleep: cells off the air at a time, at most.
        asleep_hours: cell-hours off the air.
        moved_share: of all expected work, carried by another cell than its own.
        reduced_share: of all expected work, served by its own cell with less capacity.
        gap_share: of the plan's cost that may be too much.
        solver: that found it.
        seconds: of solving.
    """

    promise: str
    floor_mbps: float
    surge_factor: float
    saved_kwh: float
    saved_share: float
    saved_money: float
    saved_co2_kg: float
    most_asleep: int
    asleep_hours: float
    moved_share: float
    reduced_share: float
    gap_share: float
    solver: str
    seconds: float

    @property
    def felt_share(self) -> float:
        """Share of all expected work that is not served as usual."""
        return self.moved_share + self.reduced_share

    def saved(self, objective: Objective) -> float:
        """Return what is saved of what a goal wants little of."""
        by_name = {"energy": self.saved_kwh, "money": self.saved_money, "co2": self.saved_co2_kg}
        return by_name[objective]

    def to_row(self) -> dict[str, str | int | float | None]:
        """Return the figures as JSON values, rounded as they are told."""
        told = asdict(self) | {"felt_share": self.felt_share}
        return {
            name: round(value, _DECIMALS.get(name, 4)) if isinstance(value, float) else value
            for name, value in told.items()
        }


_DECIMALS: Mapping[str, int] = {
    "saved_kwh": 2, "saved_money": 2, "saved_co2_kg": 2, "asleep_hours": 2, "surge_factor": 2,
    "seconds": 2, "floor_mbps": 2,
}  # fmt: skip


def cell_savings(problem: SleepProblem, plan: SleepPlan, price: Floats) -> Floats:
    """Return (C, T) what each cell's mode saves, in kWh times price, against ACTIVE.

    What a sleeper adds to those that carry its users counts against the sleeper, as does what
    its transitions take. The sum over cells is what the plan saves.

    Args:
        problem: that was solved.
        plan: modes of its cells and periods.
        price: (T,) weight of a kWh.
    """
    terms = terms_of(replace(problem, price=price))
    chosen = np.take_along_axis(terms.cost, plan.mode[:, :, None].astype(np.intp), axis=2)[:, :, 0]
    is_off = IS_OFF[plan.mode]
    before = np.concatenate([terms.was_off[:, None], is_off[:, :-1]], axis=1)
    cells = np.arange(problem.cells)[:, None]
    switching = np.where(is_off != before, terms.switch[cells, plan.mode], 0.0) * terms.price
    saved: Floats = terms.cost[:, :, 0] - chosen - switching
    return saved


def figures(
    problem: SleepProblem, plan: SleepPlan, prices: Prices, promised: PromisedLimits
) -> PlanFigures:
    """Return what a plan comes to.

    Args:
        problem: that was solved.
        plan: of it.
        prices: of the planning periods.
        promised: limits that the problem holds.
    """
    ones = np.ones(problem.periods)
    kwh = cell_savings(problem, plan, ones)
    energy = terms_of(replace(problem, price=ones)).cost[:, :, 0].sum()
    is_off = IS_OFF[plan.mode]
    cells, periods = np.ogrid[: problem.cells, : problem.periods]
    bears = problem.capacity[cells, periods, plan.mode]
    is_reduced = ~is_off & (bears < problem.capacity[:, :, 0])
    work = np.nan_to_num(problem.expected_work) * problem.hours
    total = max(float(work.sum()), 1e-12)
    return PlanFigures(
        promise=promised.name,
        floor_mbps=promised.floor_mbps,
        surge_factor=promised.surge_factor,
        saved_kwh=float(kwh.sum()),
        saved_share=float(kwh.sum() / energy) if energy > 0 else 0.0,
        saved_money=float(cell_savings(problem, plan, prices.money).sum()),
        saved_co2_kg=float(cell_savings(problem, plan, prices.co2_kg).sum()),
        most_asleep=int(is_off.sum(axis=0).max(initial=0)),
        asleep_hours=float((is_off * problem.hours).sum()),
        moved_share=float(work[is_off].sum() / total),
        reduced_share=float(work[is_reduced].sum() / total),
        gap_share=plan.gap,
        solver=plan.solver,
        seconds=plan.seconds,
    )


def pareto(plans: Sequence[PlanFigures], objective: Objective) -> list[PlanFigures]:
    """Return the plans that no other is at least as good as in all and better in one, by saving.

    Compared are what is saved, the share of work that is not served as usual, and what is promised:
    the floor, and the surge that finds room. Of plans alike in all the first stays.
    """
    kept: list[PlanFigures] = []
    for plan in plans:
        alike = [one for one in kept if _marks(one, objective) == _marks(plan, objective)]
        if not alike and not any(_beats(other, plan, objective) for other in plans):
            kept.append(plan)
    return sorted(kept, key=lambda one: -one.saved(objective))


def ranked(
    plans: Sequence[PlanFigures], goal: EnergyGoal, wanted_kwh: float | None = None
) -> list[tuple[PlanFigures, float]]:
    """Return the plans that the goal asks for, best first, each with its score.

    Who wants as much as possible gets most saving first. Who wants a share gets, of the plans that
    reach it, the one that users feel least; where none does, most saving.

    Args:
        plans: that may be taken; at least one.
        goal: of the person.
        wanted_kwh: what the wanted share comes to; None where as much as possible is wanted.
    """
    saved = {plan.promise: plan.saved(goal.objective) for plan in plans}
    if wanted_kwh is None or all(plan.saved_kwh < wanted_kwh for plan in plans):
        return sorted(
            ((plan, round(saved[plan.promise], 4)) for plan in plans),
            key=lambda one: (-one[1], one[0].felt_share),
        )
    enough = [plan for plan in plans if plan.saved_kwh >= wanted_kwh]
    return sorted(
        ((plan, round(1.0 - plan.felt_share, 6)) for plan in enough),
        key=lambda one: (-one[1], -saved[one[0].promise]),
    )


def _marks(plan: PlanFigures, objective: Objective) -> tuple[float, float, float, float]:
    """Return what plans are compared by, each the more the better, as finely as it is told."""
    return (
        round(plan.saved(objective), 2),
        -round(plan.felt_share, 4),
        round(plan.surge_factor, 2),
        round(plan.floor_mbps, 2),
    )


def _beats(one: PlanFigures, other: PlanFigures, objective: Objective) -> bool:
    first, second = _marks(one, objective), _marks(other, objective)
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))
