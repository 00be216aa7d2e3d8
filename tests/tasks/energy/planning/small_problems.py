"""Planning problems so small that every choice can be tried, and a judge that loops over them."""

from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tasks.energy.planning.problem import (
    IS_OFF,
    MODE_COUNT,
    Cover,
    Groups,
    Moves,
    SleepProblem,
    Standing,
)

ACTIVE, MICRO, MUTED, _, LIGHT, DEEP = range(MODE_COUNT)
IDLE_W = np.array([300.0, 280.0, 200.0, 240.0, 60.0, 20.0])
SHARE = np.array([1.0, 1.0, 0.5, 0.8, 0.0, 0.0])


def plain(cells: int, periods: int, **changed) -> SleepProblem:
    """Return cells that may be ACTIVE or in DEEP_SLEEP, with nothing that binds them."""
    allowed = np.zeros((cells, periods, MODE_COUNT), dtype=bool)
    allowed[:, :, [ACTIVE, DEEP]] = True
    return replace(
        SleepProblem(
            cell_dns=tuple(f"NRCellDU={number}" for number in range(cells)),
            hours=np.ones(periods),
            price=np.ones(periods),
            work=np.full((cells, periods), 0.25),
            expected_work=np.full((cells, periods), 0.25),
            idle_w=np.tile(IDLE_W, (cells, 1)),
            slope_w=np.tile(np.where(IS_OFF, 0.0, 400.0), (cells, 1)),
            capacity=np.tile(SHARE, (cells, periods, 1)),
            allowed=allowed,
            switch_wh=np.zeros((cells, MODE_COUNT)),
            least_off_h=0.0,
            least_on_h=0.0,
            moves=no_moves(),
            cover=no_cover(cells),
            groups=Groups(np.full(cells, -1), np.zeros(0, dtype=int)),
            standing=Standing(np.zeros(cells, dtype=np.int8), np.full(cells, 100.0)),
        ),
        **changed,
    )


def no_moves() -> Moves:
    """Return no ways for work to move."""
    return Moves(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))


def no_cover(cells: int) -> Cover:
    """Return no rows."""
    return Cover(csr_array((0, cells)), np.zeros(0))


def moves(*entries: tuple[int, int, float]) -> Moves:
    """Return moves of (booster, candidate, work)."""
    if not entries:
        return no_moves()
    columns = list(zip(*entries, strict=True))
    return Moves(
        np.array(columns[0]), np.array(columns[1]), np.array(columns[2], dtype=float),
        np.full(len(entries), 50.0),
    )  # fmt: skip


def cover(rows: list[list[float]], need: list[float]) -> Cover:
    """Return cover rows."""
    return Cover(csr_array(np.array(rows, dtype=float)), np.array(need, dtype=float))


@st.composite
def problems(draw: st.DrawFn) -> SleepProblem:
    """Return a problem of two or three cells and two or three periods that much may bind."""
    cells, periods = draw(st.sampled_from([(2, 2), (2, 3), (3, 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    modes = draw(st.sampled_from([[DEEP], [LIGHT, DEEP], [MUTED, DEEP]]))
    allowed = np.zeros((cells, periods, MODE_COUNT), dtype=bool)
    allowed[:, :, ACTIVE] = True
    allowed[:, :, modes] = rng.random((cells, periods, len(modes))) < 0.9
    works = [0.0, 0.2, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 1.2, np.nan]
    work = rng.choice(works, (cells, periods))
    ways = [pair for pair in product(range(cells), repeat=2) if pair[0] != pair[1]]
    chosen = [pair for pair in ways if rng.random() < 0.7]
    rows = rng.choice([0.0, 1.0, 2.0], (draw(st.integers(0, 2)), cells))
    rows = rows[rows.sum(axis=1) > 0]
    return plain(
        cells,
        periods,
        hours=rng.choice([0.25, 1.0], periods),
        price=rng.choice([0.5, 1.0, 2.0], periods),
        work=work,
        expected_work=work * 0.7,
        idle_w=IDLE_W * rng.uniform(0.5, 1.5, (cells, 1)),
        allowed=allowed,
        switch_wh=rng.choice([0.0, 20.0, 120.0], (cells, MODE_COUNT)),
        least_off_h=draw(st.sampled_from([0.0, 0.5, 1.5])),
        least_on_h=draw(st.sampled_from([0.0, 0.5, 1.5])),
        moves=moves(*((*pair, rng.choice([0.5, 1.0, 1.4])) for pair in chosen)),
        cover=Cover(csr_array(rows), rng.choice([0.5, 1.0, 2.0, 3.0], len(rows))),
        groups=Groups(rng.integers(-1, 2, cells), rng.integers(0, 3, 2)),
        standing=Standing(
            rng.choice([ACTIVE, DEEP], cells).astype(np.int8), rng.choice([0.0, 0.5, 9.0], cells)
        ),
    )


def every_choice(problem: SleepProblem) -> np.ndarray:
    """Return (N, C, T) every choice of modes that are allowed somewhere."""
    modes = [*np.flatnonzero(problem.allowed.any(axis=(0, 1)))]
    spots = product(modes, repeat=problem.cells * problem.periods)
    return np.array(list(spots), dtype=np.int8).reshape(-1, problem.cells, problem.periods)


def naive_cost(problem: SleepProblem, mode: np.ndarray) -> float:
    """Return a plan's cost, spot by spot."""
    total = 0.0
    for cell in range(problem.cells):
        standing = problem.standing.mode[cell]
        for period in range(problem.periods):
            now = mode[cell, period]
            likely = problem.expected_work[cell, period]
            likely = 0.0 if np.isnan(likely) else likely
            watts = problem.idle_w[cell, now] + problem.slope_w[cell, now] * likely
            if IS_OFF[now]:
                for booster, added in zip(problem.moves.booster, problem.moves.watts, strict=True):
                    watts += added * likely if booster == cell else 0.0
            kwh = watts * problem.hours[period] / 1000
            if IS_OFF[now] != IS_OFF[standing]:
                kwh += problem.switch_wh[cell, now] / 1000
            total += kwh * problem.price[period]
            standing = now
    return total


class NaiveJudge:
    """Says of one plan after another whether it holds, in loops."""

    def __init__(self, problem: SleepProblem) -> None:
        self.problem = problem
        self.starts = [sum(problem.hours[:period]) for period in range(problem.periods)]
        self.held = self._held()

    def holds(self, mode: np.ndarray) -> bool:
        """Return whether nothing is broken."""
        cells, periods = range(self.problem.cells), range(self.problem.periods)
        return (
            all(self._alone(mode, cell, period) for cell in cells for period in periods)
            and all(not self._misses(IS_OFF[mode[:, period]], mode[:, period], period)
                    for period in periods)
            and all(self._dwells(IS_OFF[mode[cell]], cell) for cell in cells)
        )  # fmt: skip

    def _must_serve(self, cell: int, period: int) -> bool:
        work = self.problem.work[cell, period]
        return np.isnan(work) or work > self.problem.capacity[cell, period, ACTIVE] + 1e-6

    def _alone(self, mode: np.ndarray, cell: int, period: int) -> bool:
        now = mode[cell, period]
        if self._must_serve(cell, period):
            return now == ACTIVE
        if (cell, period) in self.held and not IS_OFF[now]:
            return False
        fits = self.problem.work[cell, period] <= self.problem.capacity[cell, period, now] + 1e-6
        return bool(self.problem.allowed[cell, period, now] or now == ACTIVE) and bool(
            IS_OFF[now] or fits
        )

    def _room(self, cell: int, period: int, now: int) -> float:
        if self._must_serve(cell, period):
            return 0.0
        return self.problem.capacity[cell, period, now] - self.problem.work[cell, period]

    def _misses(self, off: np.ndarray, modes: np.ndarray, period: int) -> list[set[int]]:
        """Return the cells of each row that does not hold."""
        problem, missed = self.problem, []
        for cell in range(problem.cells):
            entries = [
                (booster, share * problem.work[booster, period])
                for booster, candidate, share in zip(
                    problem.moves.booster, problem.moves.candidate, problem.moves.work, strict=True
                )
                if candidate == cell and off[booster]
            ]
            if not off[cell] and sum(work for _, work in entries) > 1e-6 + self._room(
                cell, period, modes[cell]
            ):
                missed.append({booster for booster, work in entries if work > 0})
        for weights, need in zip(problem.cover.weight.toarray(), problem.cover.need, strict=True):
            if weights[~off].sum() < min(need, weights.sum()) - 1e-6:
                missed.append(set(np.flatnonzero(weights)))
        for group, most in enumerate(problem.groups.most_off):
            if off[problem.groups.member == group].sum() > most:
                missed.append(set(np.flatnonzero(problem.groups.member == group)))
        return missed

    def _dwells(self, off: np.ndarray, cell: int) -> bool:
        problem = self.problem
        standing = problem.standing
        before = IS_OFF[standing.mode[cell]]
        for period, start in enumerate(self.starts):
            is_first = off[period] and not IS_OFF[standing.mode[cell]] and not off[:period].any()
            if is_first and standing.hours[cell] + start < problem.least_on_h - 1e-6:
                return False
            if off[period] != before:
                least = problem.least_off_h if off[period] else problem.least_on_h
                for later in range(period, problem.periods):
                    if self.starts[later] < start + least - 1e-6 and off[later] != off[period]:
                        return False
            before = off[period]
        return True

    def _held(self) -> set[tuple[int, int]]:
        """Return where cells must stay off the air, as the terms of the house say."""
        problem, standing = self.problem, self.problem.standing
        held = set()
        for cell in range(problem.cells):
            for period, start in enumerate(self.starts):
                if (
                    not IS_OFF[standing.mode[cell]]
                    or standing.hours[cell] + start >= problem.least_off_h - 1e-6
                    or self._must_serve(cell, period)
                    or not problem.allowed[cell, period][IS_OFF].any()
                ):
                    break
                held.add((cell, period))
        while True:
            freed = set()
            for period in range(problem.periods):
                off = np.array([(cell, period) in held for cell in range(problem.cells)])
                awake = np.where(off, DEEP, ACTIVE)
                for row in self._misses(off, awake, period):
                    freed |= {(cell, period) for cell in row if off[cell]}
            if not freed:
                return held
            held -= {
                (cell, later) for cell, period in freed for later in range(period, problem.periods)
            }
