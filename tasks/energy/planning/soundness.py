"""Whether a problem's numbers can be used at all; what cannot be is told as a sentence."""

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError
from tasks.energy.planning.problem import MODE_COUNT, SleepProblem


def check_soundness(problem: SleepProblem) -> None:
    """Raise unless shapes agree and every number may stand where it stands.

    Work that is not a number is no error: nothing is known of such a cell, and it stays ACTIVE.

    Raises:
        InputError: a shape differs from what `SleepProblem` says; an index is out of bounds; a
            number is infinite, negative or missing where that means nothing.
    """
    _check_shapes(problem)
    for name in ("work", "expected_work"):
        values = getattr(problem, name)
        _demand(not np.isinf(values).any(), f"Some {name} is infinite; an unknown one is NaN.")
        _demand(not (values < 0).any(), f"Some {name} is negative; work is a share from 0 up.")
    for name in ("price", "idle_w", "slope_w", "capacity", "switch_wh"):
        _demand(
            _is_amount(getattr(problem, name)),
            f"Some {name} is negative, infinite or missing; it must be a number from 0 up.",
        )
    _demand(
        _is_amount(problem.hours) and bool((np.asarray(problem.hours) > 0).all()),
        "Some period has no length; its hours must be above 0.",
    )
    for name in ("least_off_h", "least_on_h"):
        _demand(
            bool(getattr(problem, name) >= 0),
            f"{name} is {getattr(problem, name)}; it must be a number of hours from 0 up.",
        )
    _check_rows(problem)
    _check_standing(problem)


def _check_shapes(problem: SleepProblem) -> None:
    cells, periods = problem.cells, problem.periods
    shapes = {
        "hours": (periods,),
        "price": (periods,),
        "work": (cells, periods),
        "expected_work": (cells, periods),
        "idle_w": (cells, MODE_COUNT),
        "slope_w": (cells, MODE_COUNT),
        "capacity": (cells, periods, MODE_COUNT),
        "allowed": (cells, periods, MODE_COUNT),
        "switch_wh": (cells, MODE_COUNT),
    }
    for name, shape in shapes.items():
        _demand_shape(name, getattr(problem, name), shape)
    edges = len(problem.moves.booster)
    for name in ("candidate", "work", "watts"):
        _demand_shape(f"moves.{name}", getattr(problem.moves, name), (edges,))
    _demand_shape("cover.weight", problem.cover.weight, (len(problem.cover.need), cells))
    _demand_shape("groups.member", problem.groups.member, (cells,))
    _demand_shape("standing.mode", problem.standing.mode, (cells,))
    _demand_shape("standing.hours", problem.standing.hours, (cells,))


def _check_rows(problem: SleepProblem) -> None:
    moves, cover, groups = problem.moves, problem.cover, problem.groups
    for name in ("booster", "candidate"):
        _demand(
            _is_within(getattr(moves, name), 0, problem.cells),
            f"Some moves.{name} names none of the {problem.cells} cells.",
        )
    _demand(
        not np.any(moves.booster == moves.candidate),
        "Some cell's work moves to itself; leave such an entry out of moves.",
    )
    for name in ("work", "watts"):
        _demand(
            _is_amount(getattr(moves, name)),
            f"Some moves.{name} is negative, infinite or missing; it must be a number from 0 up.",
        )
    _demand(_is_amount(cover.weight.data), "Some cover.weight is negative, infinite or missing.")
    _demand(
        _is_amount(cover.need) and bool((np.asarray(cover.need) > 0).all()),
        "Some cover.need is not above 0; leave rows that need nothing out.",
    )
    _demand(
        _is_within(groups.member, -1, len(groups.most_off)),
        f"Some groups.member names none of the {len(groups.most_off)} groups; -1 is for none.",
    )
    _demand(_is_amount(groups.most_off), "Some groups.most_off is negative; it counts cells.")


def _check_standing(problem: SleepProblem) -> None:
    standing = problem.standing
    _demand(
        _is_within(standing.mode, 0, MODE_COUNT),
        f"Some standing.mode is none of the {MODE_COUNT} modes.",
    )
    _demand(
        bool((np.asarray(standing.hours) >= 0).all()),
        "Some standing.hours is negative or missing; how long a mode stood is 0 at least.",
    )


def _demand_shape(name: str, values: object, shape: tuple[int, ...]) -> None:
    found = getattr(values, "shape", None)
    _demand(found == shape, f"{name} of a sleep problem has shape {found}; it must be {shape}.")


def _demand(is_so: bool, sentence: str) -> None:  # noqa: FBT001
    if not is_so:
        raise InputError(sentence)


def _is_amount(values: npt.ArrayLike) -> bool:
    """Return whether all are numbers from 0 up."""
    array = np.asarray(values)
    return bool(np.isfinite(array).all()) and not bool((array < 0).any())


def _is_within(values: npt.ArrayLike, first: int, end: int) -> bool:
    array = np.asarray(values)
    return not bool(((array < first) | (array >= end)).any())
