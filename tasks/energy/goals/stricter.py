"""The stricter of two readings of one text: less ground, less time, higher floors, shallower modes.

Where readings differ a person is told, so that she can say it more clearly.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.energy.goals.goal import Area, EnergyGoal
from tasks.energy.goals.places import Places, goal_cells
from tasks.twin.sleep_modes import MODES

_QUARTERS = 96
_A_QUARTER_H = 24.0 / _QUARTERS


def stricter(one: EnergyGoal, other: EnergyGoal, places: Places) -> tuple[EnergyGoal, list[str]]:
    """Return a goal that keeps to both, and a sentence for each thing in which they differ.

    Args:
        one: read first; what is no limit, such as the objective, is as it says.
        other: read of the same text; where the first has `within`, this is as wide.
        places: by which areas are compared.
    """
    start, end = _hours(one, other)
    goal = EnergyGoal(
        where=one.where,
        within=one.within if is_as_wide(one, other, places) else other.where,
        spared=tuple(dict.fromkeys((*one.spared, *other.spared))),
        from_hour=start,
        until_hour=end,
        floor_mbps=_most(one.floor_mbps, other.floor_mbps),
        objective=one.objective,
        least_saving_share=one.least_saving_share,
        most_asleep_share=_least(one.most_asleep_share, other.most_asleep_share),
        deepest_mode=min(one.deepest_mode, other.deepest_mode, key=MODES.index),
    )
    return goal, list(_differences(one, other, goal, places))


def is_as_wide(one: EnergyGoal, other: EnergyGoal, places: Places) -> bool:
    """Tell whether the other reading lets all those cells save that the first does."""
    bare = goal_cells(EnergyGoal(where=one.where, within=one.within), places)
    return not other.where or bare <= goal_cells(EnergyGoal(where=other.where), places)


def _hours(one: EnergyGoal, other: EnergyGoal) -> tuple[float | None, float | None]:
    """Return the longest stretch in which both let cells save; none of it where they never do."""
    if other.from_hour is None or other.until_hour is None:
        return one.from_hour, one.until_hour
    if one.from_hour is None or one.until_hour is None:
        return other.from_hour, other.until_hour
    both = _quarters(one) & _quarters(other)
    if (both == _quarters(one)).all():
        return one.from_hour, one.until_hour
    start, length = _longest(both)
    return start * _A_QUARTER_H, (start + length) % _QUARTERS * _A_QUARTER_H


def _quarters(goal: EnergyGoal) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    first, last = float(goal.from_hour or 0.0), float(goal.until_hour or 0.0)
    at = (np.arange(_QUARTERS) + 0.5) * _A_QUARTER_H
    return (at - first) % 24.0 < ((last - first) % 24.0 or 24.0)


def _longest(is_in: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    """Return where the longest run of a day begins, and its length; runs may pass midnight."""
    best, length = (0, 0), 0
    for number, inside in enumerate(np.concatenate([is_in, is_in])):
        length = min(length + 1, _QUARTERS) if inside else 0
        if length > best[1]:
            best = ((number - length + 1) % _QUARTERS, length)
    return best


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _differences(
    one: EnergyGoal, other: EnergyGoal, taken: EnergyGoal, places: Places
) -> Iterator[str]:
    mine, theirs = (EnergyGoal(goal.where, goal.within) for goal in (one, other))
    if goal_cells(mine, places) != goal_cells(theirs, places):
        yield _said("where cells may save", _listed(one.where), _listed(other.where))
    if set(one.spared) != set(other.spared):
        yield _said(
            "what is spared", _listed(one.spared, "nothing"), _listed(other.spared, "nothing")
        )
    if (one.from_hour, one.until_hour) != (other.from_hour, other.until_hour):
        told = [f"{goal.from_hour}-{goal.until_hour}" for goal in (one, other)]
        yield _said("the hours", *told)
    pairs = (
        ("the floor in Mbit/s", one.floor_mbps, other.floor_mbps),
        ("how many may be asleep", one.most_asleep_share, other.most_asleep_share),
        ("how deep cells may sleep", one.deepest_mode, other.deepest_mode),
    )
    for what, first, second in pairs:
        if first != second:
            yield _said(what, str(first), str(second))
    if one.objective != other.objective:
        yield f"Two readings differ in what is to be saved; {taken.objective} is."


def _said(what: str, first: str, second: str) -> str:
    return f"Two readings differ in {what} ({first}; {second}): the stricter of both counts."


def _listed(areas: Sequence[Area], none: str = "the whole network") -> str:
    return ", ".join(area.says for area in areas) or none
