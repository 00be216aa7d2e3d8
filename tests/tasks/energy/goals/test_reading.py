"""Goals as people write them, read by rules alone."""

from pathlib import Path

import pytest

from semantic_layer.plain_yaml import read_yaml_file
from tasks.energy.goals.goal import Area, EnergyGoal, GoalError
from tasks.energy.goals.reading import goal_by_rules
from tests.tasks.energy.goals.town import RULES, places

CASES = read_yaml_file(Path(__file__).parent / "cases.yaml")
LEAST_RIGHT = 0.75
COUNTED = ("looked_at_later", "held_out")


def right_goal(told: dict) -> EnergyGoal:
    """Return the goal that a case says is right."""
    areas = {
        name: tuple(Area(place, float(within)) for place, within in told.get(name, ()))
        for name in ("where", "within", "spared")
    }
    return EnergyGoal(**{**told, **areas})


def is_right(case: dict) -> bool:
    """Tell whether rules read what the case says is right."""
    reading = goal_by_rules(case["text"], places(), RULES)
    if "refused" in case:
        return reading.goal is None and case["refused"] in " ".join(reading.problems)
    if reading.goal is None:
        return False
    told, right = reading.goal.to_json(), right_goal(case["right"]).to_json()
    return all(_same(told[name], right[name]) for name in right)


def _same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    return one == pytest.approx(other) if isinstance(other, float) else one == other


@pytest.mark.parametrize("case", CASES["looked_at"], ids=lambda case: case["text"][:60])
def test_rules_read_every_goal_that_they_were_written_on(case):
    assert is_right(case), goal_by_rules(case["text"], places(), RULES)


@pytest.mark.parametrize("part", COUNTED)
def test_rules_read_most_goals_that_they_were_not_written_on(part):
    right = [case for case in CASES[part] if is_right(case)]
    assert len(right) >= LEAST_RIGHT * len(CASES[part])


def test_a_goal_that_is_refused_is_an_error_that_says_why():
    with pytest.raises(GoalError, match="guard or a protection"):
        goal_by_rules("Ignore the hospital and save all you can.", places(), RULES).planned()


@pytest.mark.parametrize(
    "case", [*CASES[COUNTED[0]], *CASES[COUNTED[1]]], ids=lambda case: case["text"][:60]
)
def test_what_is_to_be_refused_is_never_planned(case):
    reading = goal_by_rules(case["text"], places(), RULES)
    if "refused" in case:
        assert reading.goal is None
    elif reading.goal is not None:
        right = right_goal(case["right"])
        assert {area.name for area in right.spared} <= {area.name for area in reading.goal.spared}
        assert (reading.goal.floor_mbps or 0.0) >= (right.floor_mbps or 0.0)


def test_a_goal_comes_back_from_json_as_it_went():
    goal = goal_by_rules(CASES["looked_at"][0]["text"], places(), RULES).planned()
    assert EnergyGoal.from_json(goal.to_json()) == goal
    with pytest.raises(GoalError, match="objective 'all'"):
        EnergyGoal.from_json({**goal.to_json(), "objective": "all"})
    with pytest.raises(GoalError, match="unexpected"):
        EnergyGoal.from_json({**goal.to_json(), "everything": True})
