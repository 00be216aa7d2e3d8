"""What a plan costs and which demands it breaks: the judge of every solver and rule."""

import numpy as np

from tasks.energy.planning.problem import IS_OFF, MODE_COUNT, Flags, Numbers, SleepProblem
from tasks.energy.planning.terms import TOLERANCE, Terms, broken_rows, costs_of, terms_of
from tasks.twin.sleep_modes import MODES


def plan_cost(problem: SleepProblem, mode: Numbers) -> float:
    """Return what a choice costs: kWh times price, transitions included.

    Args:
        problem: what is to be decided.
        mode: (C, T) mode of each cell and period.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    return cost_of(terms_of(problem), mode)


def cost_of(terms: Terms, mode: Numbers) -> float:
    """Return what a choice costs in the problem's terms."""
    return float(costs_of(terms, mode).sum())


def broken(problem: SleepProblem, mode: Numbers) -> list[str]:
    """Return a sentence for each demand that a choice breaks; none for a plan that may be used.

    Args:
        problem: what is to be decided.
        mode: (C, T) mode of each cell and period.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    shape = (problem.cells, problem.periods)
    if mode.shape != shape:
        return [f"The plan has shape {mode.shape}; cells and periods are {shape}."]
    if mode.size and not (mode.min() >= 0 and mode.max() < MODE_COUNT):
        return [f"Some mode of the plan is none of the {MODE_COUNT} modes."]
    terms = terms_of(problem)
    return (
        _broken_alone(problem, terms, mode)
        + _broken_together(problem, terms, mode)
        + _broken_dwell(problem, terms, IS_OFF[mode])
    )


def _broken_alone(problem: SleepProblem, terms: Terms, mode: Numbers) -> list[str]:
    """Return what cells break by themselves."""
    cells, periods = np.ogrid[: mode.shape[0], : mode.shape[1]]
    is_off = IS_OFF[mode]
    overfull = np.nan_to_num(problem.work) > problem.capacity[cells, periods, mode] + TOLERANCE
    kinds = {
        ", which is not allowed": ~problem.allowed[cells, periods, mode] & (mode > 0),
        " but must be ACTIVE: its own work is unknown or exceeds its capacity": (
            terms.must_serve & (mode > 0)
        ),
        ", in which its own work exceeds its capacity": (overfull & ~is_off & ~terms.must_serve),
        ", but has not been off the air long enough to wake": terms.held_off & ~is_off,
        ", but has not been on the air long enough to sleep": terms.held_on & is_off,
    }
    return [
        f"{problem.cell_dns[cell]} in period {period} is {MODES[mode[cell, period]]}{why}."
        for why, found in kinds.items()
        for cell, period in zip(*np.nonzero(found), strict=True)
    ]


def _broken_together(problem: SleepProblem, terms: Terms, mode: Numbers) -> list[str]:
    """Return the rows that do not hold."""
    cells, periods = np.ogrid[: mode.shape[0], : mode.shape[1]]
    too_much, uncovered, too_many = broken_rows(
        terms, IS_OFF[mode], terms.room[cells, periods, mode]
    )
    return [
        *(
            f"{problem.cell_dns[cell]} in period {period} has too little room for moved work."
            for cell, period in zip(*np.nonzero(too_much), strict=True)
        ),
        *(
            f"Cover row {row} does not hold in period {period}."
            for row, period in zip(*np.nonzero(uncovered), strict=True)
        ),
        *(
            f"More cells of group {group} are off the air in period {period} than may be."
            for group, period in zip(*np.nonzero(too_many), strict=True)
        ),
    ]


def _broken_dwell(problem: SleepProblem, terms: Terms, is_off: Flags) -> list[str]:
    """Return where a side of the air is left too soon after it was entered."""
    before = np.concatenate([terms.was_off[:, None], is_off[:, :-1]], axis=1)
    sentences = []
    for start in range(is_off.shape[1]):
        entered = is_off[:, start] != before[:, start]
        for side, last in ((True, terms.off_last), (False, terms.on_last)):
            stretch = is_off[:, start : last[start] + 1] == side
            short = entered & (is_off[:, start] == side) & ~stretch.all(axis=1)
            sentences += [
                f"{problem.cell_dns[cell]} {'sleeps' if side else 'wakes'} in period {start} "
                f"and does not stay so until the end of period {last[start]}."
                for cell in np.flatnonzero(short)
            ]
    return sentences
