"""Numbers that cannot be used are refused with a sentence, whoever asks."""

from dataclasses import replace

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.energy.planning.checking import broken
from tasks.energy.planning.problem import Groups, Standing
from tasks.energy.planning.solving import solve
from tests.tasks.energy.planning.small_problems import cover, moves, plain


def _spoilt(name, value):
    problem = plain(2, 2)
    array = np.array(getattr(problem, name), dtype=float)
    array.reshape(-1)[0] = value
    return replace(problem, **{name: array})


@pytest.mark.parametrize("name", ["hours", "price", "idle_w", "slope_w", "capacity", "switch_wh"])
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_amounts_are_numbers_from_0_up(name, value):
    with pytest.raises(InputError, match=name if name != "hours" else "hours"):
        solve(_spoilt(name, value), 1)


@pytest.mark.parametrize("value", [-0.1, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["work", "expected_work"])
def test_work_is_a_share_or_unknown(name, value):
    with pytest.raises(InputError, match=name):
        solve(_spoilt(name, value), 1)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"hours": np.zeros(2)}, "no length", id="periods of no length"),
        pytest.param({"price": np.ones(3)}, "shape", id="a price too many"),
        pytest.param({"least_off_h": np.nan}, "least_off_h", id="no dwell told"),
        pytest.param({"moves": moves((0, 0, 1.0))}, "itself", id="work moves to itself"),
        pytest.param({"moves": moves((0, 2, 1.0))}, "candidate", id="an unknown candidate"),
        pytest.param({"moves": moves((0, 1, np.nan))}, "moves.work", id="unknown moved work"),
        pytest.param({"cover": cover([[1.0, -1.0]], [1.0])}, "weight", id="a negative weight"),
        pytest.param({"cover": cover([[1.0, 1.0]], [0.0])}, "need", id="a row of no need"),
        pytest.param(
            {"groups": Groups(np.array([0, 1]), np.array([1]))}, "member", id="an unknown group"
        ),
        pytest.param(
            {"standing": Standing(np.array([0, 9]), np.zeros(2))}, "mode", id="an unknown mode"
        ),
        pytest.param(
            {"standing": Standing(np.array([0, 0]), np.array([-1.0, 0.0]))},
            "hours",
            id="a negative standing time",
        ),
    ],
)
def test_what_means_nothing_is_refused(changed, told):
    with pytest.raises(InputError, match=told):
        solve(plain(2, 2, **changed), 1)


def test_a_plan_of_another_shape_or_of_no_mode_is_broken():
    problem = plain(2, 2)
    assert "shape" in broken(problem, np.zeros((2, 3), dtype=int))[0]
    assert "none of the" in broken(problem, np.full((2, 2), 6))[0]
