"""What a row grants at given prices is what trying every set finds."""

from itertools import product

import numpy as np
import pytest

from tasks.energy.planning.ascent import Ascent
from tasks.energy.planning.exact import solve_exact
from tasks.energy.planning.grants import Grants, clashes
from tasks.energy.planning.parts import parts_of
from tasks.energy.planning.reducing import reduced
from tasks.energy.planning.relaxed import Relaxation
from tasks.energy.planning.terms import terms_of
from tests.tasks.energy.planning.small_problems import cover, plain


def _cover_grants(problem):
    terms = terms_of(problem)
    weight = terms.weight.tocoo()
    load = np.repeat(weight.data[:, None], problem.periods, axis=1)
    total = terms.weight.sum(axis=1)[:, None]
    return Grants(weight, load, load > 0, (total - terms.need)[None], clashes(terms))


@pytest.mark.parametrize("seed", range(6))
def test_the_dearest_set_is_the_dearest_of_all_that_keep_every_row(seed):
    rng = np.random.default_rng(seed)
    rows = rng.choice([0.0, 1.0, 1.0, 2.0, 3.0], (4, 5))
    rows = rows[(rows > 0).sum(axis=1) > 2]
    problem = plain(5, 1, cover=cover(rows, 0.6 * rows.sum(axis=1)))
    grants = _cover_grants(problem)
    price = rng.random(len(grants.entry)).astype(np.float32)
    worth, chosen = grants.dearest(price)
    granted = grants.granted(chosen[0])
    slack = 0.4 * rows.sum(axis=1)
    for place, row in enumerate(grants.spot):
        mine = np.flatnonzero(grants._place == place)
        cells = grants.sleeper[mine]
        sums = {
            asleep: float(price[mine] @ np.array(asleep, dtype=float))
            for asleep in product([0, 1], repeat=len(mine))
        }
        fits = [one for one in sums if rows[row][cells] @ one <= slack[row] + 1e-6]
        whole = [one for one in fits if (rows[:, cells] @ one <= slack + 1e-6).all()]
        # Every set that keeps all rows may be granted, and none that breaks this one.
        assert tuple(granted[mine].astype(int)) in fits
        assert max(sums[one] for one in whole) - 1e-5 <= worth[0, place]
        assert worth[0, place] <= max(sums[one] for one in fits) + 1e-5
        assert worth[0, place] == pytest.approx(price[mine] @ granted[mine], abs=1e-5)


def test_three_cells_of_which_two_must_stay_are_proved_without_a_gap():
    # As shares, half of each cell might sleep; the grants know that one whole cell may.
    rows = [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]
    problem = plain(3, 1, cover=cover([*rows, [1.0, 1.0, 1.0]], [1.0, 1.0, 1.0, 1.0]))
    best = solve_exact(problem, 5)
    terms = reduced(terms_of(problem))
    relaxation = Relaxation(terms)
    ascent = Ascent(relaxation, parts_of(terms, relaxation.binds), None)
    ascent.climb(300)
    assert ascent.bounds.sum() == pytest.approx(best.cost, rel=0.03)
    assert ascent.bounds.sum() <= best.cost + 1e-6
