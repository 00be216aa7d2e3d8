"""What a planning problem comes to: the terms in which it is checked and solved.

Costs are kWh times price. `may` holds every demand that concerns one cell and period alone; rows
(moved work, cover, groups) and dwell bind cells and periods together.

How the horizon is entered binds too. A cell that stands off the air stays off until `least_off_h`
have passed, and one that stands on the air stays on until `least_on_h` have. Service comes first:
where staying off would break a row although all others are ACTIVE, or the cell must be ACTIVE, it
may wake at once, from the first such period on.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Numbers, SleepProblem
from tasks.energy.planning.soundness import check_soundness

TOLERANCE = 1e-6
"""By how much a row may be missed, in work, weight or hours."""


@dataclass(frozen=True)
class Terms:
    """A problem of C cells, T periods and M modes, in the terms of its solvers.

    Attributes:
        cost: (C, T, M) of a mode in a period, what a sleeper adds to its candidates included.
        may: (C, T, M) modes that may be chosen as far as the cell alone is concerned.
        room: (C, T, M) moved work that finds room; meaningless off the air.
        must_serve: (C, T) nothing is known of its work, or it exceeds what ACTIVE carries.
        held_off: (C, T) stands off the air and has not been long enough.
        held_on: (C, T) stands on the air and has not been long enough.
        own: (C, T) work that moves while a cell is off the air.
        share: (C, C) of a column's own work that arrives at a row.
        weight: (R, C) of cells in cover rows, as shares of what each row needs.
        need: (R, T) 1, or what all cells of the row together weigh where that is less.
        member: (C,) group or -1.
        most_off: (G, T) cells of a group off the air.
        switch: (C, M) kWh that entering a mode from the other side of the air takes.
        price: (T,) of a kWh.
        was_off: (C,) stands off the air.
        off_last: (T,) last period that a sleep begun in a period binds.
        on_last: (T,) last period that a waking in a period binds.
    """

    cost: Floats
    may: Flags
    room: Floats
    must_serve: Flags
    held_off: Flags
    held_on: Flags
    own: Floats
    share: csr_array
    weight: csr_array
    need: Floats
    member: Numbers
    most_off: Numbers
    switch: Floats
    price: Floats
    was_off: Flags
    off_last: Numbers
    on_last: Numbers

    @property
    def shape(self) -> tuple[int, int]:
        """Cells and periods."""
        return self.cost.shape[0], self.cost.shape[1]

    @property
    def could_sleep(self) -> Flags:
        """Where a cell may be off the air as far as it alone is concerned, (C, T)."""
        return np.asarray(self.may[:, :, IS_OFF].any(axis=2))


def terms_of(problem: SleepProblem) -> Terms:
    """Return the problem's terms.

    Raises:
        InputError: the problem's numbers cannot be used; see `check_soundness`.
    """
    check_soundness(problem)
    work = np.nan_to_num(problem.work)
    must_serve = np.isnan(problem.work) | (problem.work > problem.capacity[:, :, 0] + TOLERANCE)
    moves = problem.moves
    weight = csr_array(problem.cover.weight, dtype=float)
    weight.data = weight.data / np.repeat(problem.cover.need, np.diff(weight.indptr))
    totals = np.asarray(weight.sum(axis=1)).reshape(-1)
    periods = problem.periods
    starts = np.cumsum(problem.hours) - problem.hours
    first = Terms(
        cost=_costs(problem),
        may=_choosable(problem, must_serve),
        room=np.maximum(problem.capacity - work[:, :, None], 0.0) * ~must_serve[:, :, None],
        must_serve=must_serve,
        held_off=np.zeros_like(must_serve),
        held_on=np.zeros_like(must_serve),
        own=work,
        share=csr_array(
            (moves.work, (moves.candidate, moves.booster)), shape=(problem.cells, problem.cells)
        ),
        weight=weight,
        need=np.repeat(np.minimum(1.0, totals)[:, None], periods, axis=1),
        member=problem.groups.member,
        most_off=np.repeat(np.asarray(problem.groups.most_off)[:, None], periods, axis=1),
        switch=problem.switch_wh / 1000.0,
        price=np.asarray(problem.price, dtype=float),
        was_off=IS_OFF[problem.standing.mode],
        off_last=_last_bound(starts, problem.least_off_h),
        on_last=_last_bound(starts, problem.least_on_h),
    )
    return _held(first, problem, starts)


def broken_rows(terms: Terms, is_off: Flags, room: Floats) -> tuple[Flags, Flags, Flags]:
    """Return which rows do not hold: moved work (C, T), cover (R, T), groups (G, T).

    Args:
        terms: of the problem.
        is_off: (C, T) cells off the air.
        room: (C, T) room for moved work of the modes chosen on the air.
    """
    too_much = ~is_off & (arriving(terms, is_off) > room + TOLERANCE)
    uncovered = terms.weight @ (~is_off).astype(float) < terms.need - TOLERANCE
    return too_much, uncovered, sleepers(terms, is_off) > terms.most_off


def arriving(terms: Terms, is_off: Floats | Flags) -> Floats:
    """Return (C, T) work that moves to each cell; shares of being off the air count as shares."""
    came: Floats = terms.share @ (terms.own * is_off)
    return came


def sleepers(terms: Terms, is_off: Floats | Flags) -> Floats:
    """Return (G, T), or (G,) for one period, how many cells of each group are off the air."""
    found = np.zeros((len(terms.most_off), *is_off.shape[1:]))
    grouped = terms.member >= 0
    np.add.at(found, terms.member[grouped], is_off[grouped])
    return found


def costs_of(terms: Terms, mode: Numbers) -> Floats:
    """Return (C,) what each cell's choice costs, transitions included."""
    chosen = np.take_along_axis(terms.cost, mode[:, :, None].astype(np.intp), axis=2)[:, :, 0]
    is_off: Flags = IS_OFF[mode]
    before = np.concatenate([terms.was_off[:, None], is_off[:, :-1]], axis=1)
    cells = np.arange(len(mode))[:, None]
    switching = np.where(is_off != before, terms.switch[cells, mode], 0.0) * terms.price
    costs: Floats = (chosen + switching).sum(axis=1)
    return costs


def _costs(problem: SleepProblem) -> Floats:
    """Return (C, T, M) costs; of a cell of unknown work, which is ACTIVE anyway, the idle ones."""
    work = np.nan_to_num(problem.expected_work)
    added = np.bincount(
        problem.moves.booster, weights=problem.moves.watts, minlength=problem.cells
    )[: problem.cells]
    watts = problem.idle_w[:, None, :] + problem.slope_w[:, None, :] * work[:, :, None]
    watts[:, :, IS_OFF] += (added[:, None] * work)[:, :, None]
    weight = np.asarray(problem.hours) * np.asarray(problem.price) / 1000.0
    costs: Floats = watts * weight[None, :, None]
    return costs


def _choosable(problem: SleepProblem, must_serve: Flags) -> Flags:
    fits = np.nan_to_num(problem.work)[:, :, None] <= problem.capacity + TOLERANCE
    may: Flags = problem.allowed & (fits | IS_OFF) & ~must_serve[:, :, None]
    may[:, :, 0] = fits[:, :, 0] | must_serve
    return may


def _last_bound(starts: Floats, least_h: float) -> Numbers:
    """Return (T,) the last period whose start lies within `least_h` of each period's start."""
    ends = np.searchsorted(starts, starts + least_h - TOLERANCE, side="left") - 1
    return np.maximum(ends, np.arange(len(starts)))


def _held(terms: Terms, problem: SleepProblem, starts: Floats) -> Terms:
    """Return the terms with what the standing modes bind."""
    hours, was_off = np.asarray(problem.standing.hours)[:, None], terms.was_off[:, None]
    held_on = ~was_off & (starts + hours < problem.least_on_h - TOLERANCE)
    held_off = was_off & (starts + hours < problem.least_off_h - TOLERANCE)
    held_off &= terms.may[:, :, IS_OFF].any(axis=2)
    held_off = np.logical_and.accumulate(held_off, axis=1)
    while True:
        breaks = held_off & _breaks(terms, held_off)
        if not breaks.any():
            break
        held_off &= ~np.logical_or.accumulate(breaks, axis=1)
    may = terms.may.copy()
    may[:, :, IS_OFF] &= ~held_on[:, :, None]
    may[:, :, ~IS_OFF] &= ~held_off[:, :, None]
    return replace(terms, may=may, held_off=held_off, held_on=held_on)


def _breaks(terms: Terms, is_off: Flags) -> Flags:
    """Return (C, T) cells in rows that do not hold while only those given are off the air."""
    too_much, uncovered, too_many = broken_rows(terms, is_off, terms.room[:, :, 0])
    breaks = np.zeros_like(is_off)
    breaks |= (terms.share.T @ too_much.astype(float)) * terms.own > 0
    breaks |= (terms.weight.T @ uncovered.astype(float)) > 0
    grouped = terms.member >= 0
    breaks[grouped] |= too_many[terms.member[grouped]]
    return breaks
