"""Planning problems shaped as real ones, of any size, from a seed alone.

Sites lie in towns; a site has three sectors of one coverage carrier and up to two boosters. Work of
a sleeping cell goes to its sector's other carriers and to the nearest sectors that face it. Every
second town is dense and of a single layer, where neighbors alone cover for one another. Loads have
the shape of a day, from 3 to 80 %.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array, vstack
from scipy.spatial import cKDTree

from tasks.energy.planning.problem import (
    IS_OFF,
    MODE_COUNT,
    Cover,
    Groups,
    Moves,
    SleepProblem,
    Standing,
)

_ACTIVE, _MICRO, _MUTED, _REDUCED, _LIGHT, _DEEP = range(MODE_COUNT)
_TOWN_CELLS = 370
_LAYERS = {
    "coverage": (1.0, 260.0, 340.0),
    "middle": (2.0, 320.0, 420.0),
    "top": (5.0, 420.0, 640.0),
}
"""Capacity, idle power in W, and what full load adds, of a carrier."""


def sleep_problem(cells: int, seed: int, hours: np.ndarray | None = None) -> SleepProblem:
    """Return a problem of so many cells over 24 hourly periods, or periods of given hours."""
    rng = np.random.default_rng(seed)
    hours = np.ones(24) if hours is None else hours
    town, spot, facing, layer, sector = _laid_out(cells, rng)
    size, idle, load_w = (
        np.array([numbers[part] for numbers in _LAYERS.values()])[layer] for part in range(3)
    )
    work = _loads(cells, hours, rng)
    near, share = _takers(town, spot, facing, sector, layer)
    booster, slot = np.nonzero(share > 0)
    candidate = near[booster, slot]
    part = share[booster, slot]
    spread = np.bincount(booster, part, cells)[booster]
    arriving = 1.25 * part / spread * size[booster] / size[candidate]
    room = np.array([0.75, 0.75, 0.4, 0.6, 0.0, 0.0])
    idle_share = np.array([1.0, 0.9, 0.62, 0.8, 0.12, 0.05])
    allowed = np.ones((cells, len(hours), MODE_COUNT), dtype=bool)
    is_lte = (layer == 0) & (rng.random(cells) < 0.6)
    allowed[is_lte, :, 1:] = False
    allowed[rng.random(cells) < 0.02, :, _MUTED:] = False
    return SleepProblem(
        cell_dns=tuple(f"NRCellDU={number}" for number in range(cells)),
        hours=hours,
        price=np.interp(np.cumsum(hours) - hours, [0, 5, 9, 18, 24], [0.7, 0.6, 1.2, 1.5, 0.8]),
        work=np.minimum(work * rng.uniform(1.1, 1.5, (cells, 1)), 0.95),
        expected_work=work,
        idle_w=idle[:, None] * idle_share,
        slope_w=load_w[:, None] * np.where(IS_OFF, 0.0, [1, 1, 1.15, 0.9, 0, 0]),
        capacity=np.tile(room, (cells, len(hours), 1)),
        allowed=allowed,
        switch_wh=np.tile(np.array([4.0, 4.0, 4.0, 4.0, 0.5, 2.0]), (cells, 1)),
        least_off_h=0.5,
        least_on_h=0.5,
        moves=Moves(booster, candidate, arriving, load_w[candidate] * arriving * 0.8),
        cover=_cover(cells, booster, candidate, part, spread, is_lte, rng),
        groups=_communities(town, spot, cells),
        standing=Standing(np.zeros(cells, dtype=np.int8), np.full(cells, 9.0)),
    )  # fmt: skip


def _laid_out(cells: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return each cell's town, place in km, direction, layer and sector."""
    rows: list[tuple[float, ...]] = []
    town = sector = 0
    while len(rows) < cells:
        until = min(len(rows) + _TOWN_CELLS, cells)
        is_dense = town % 2 == 1
        while len(rows) < until:
            east, north = rng.uniform(0, 4.0 if is_dense else 9.0, 2) + 40.0 * np.array(
                [town % 10, town // 10]
            )
            turn = rng.uniform(0, 2 * np.pi)
            layers = [1] if is_dense else [0, 1, 2][: rng.integers(1, 4)]
            for third in range(3):
                angle = turn + third * 2 * np.pi / 3
                rows += [(town, east, north, angle, layer, sector) for layer in layers]
                sector += 1
        del rows[until:]
        town += 1
    table = np.array(rows)
    return (
        table[:, 0].astype(int),
        table[:, 1:3],
        np.stack([np.cos(table[:, 3]), np.sin(table[:, 3])], axis=1),
        table[:, 4].astype(int),
        table[:, 5].astype(int),
    )


def _loads(cells: int, hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    middle = (np.cumsum(hours) - hours / 2 + rng.choice([0.0, 1.0, -2.0], (cells, 1))) % 24
    day = np.interp(middle, [0, 3, 5, 8, 12, 17, 20, 24], [0.3, 0.05, 0.05, 0.5, 0.8, 0.85, 1, 0.3])
    peak = np.clip(rng.lognormal(np.log(0.35), 0.55, (cells, 1)), 0.06, 0.8)
    return np.clip(day * peak * rng.lognormal(0, 0.12, day.shape), 0.01, 0.8)


def _takers(
    town: np.ndarray, spot: np.ndarray, facing: np.ndarray, sector: np.ndarray, layer: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return up to six cells that hear each cell's users, and how many of them."""
    heart = spot + 0.35 * facing
    count = min(10, len(town))
    away, near = cKDTree(heart).query(heart, k=count)
    away, near = away.reshape(len(town), -1), near.reshape(len(town), -1)
    share = np.where(
        sector[near] == sector[:, None],
        np.where(layer[near] <= layer[:, None], 1.0, 0.6),
        np.exp(-away / 0.6),
    )
    share *= (away < 2.5) & (share > 0.05) & (near != np.arange(len(town))[:, None])
    weakest = np.sort(share, axis=1)[:, max(share.shape[1] - 6, 0), None] if share.size else share
    return near, np.where(share >= weakest, share, 0.0)


def _cover(
    cells: int,
    booster: np.ndarray,
    candidate: np.ndarray,
    part: np.ndarray,
    spread: np.ndarray,
    is_lte: np.ndarray,
    rng: np.random.Generator,
) -> Cover:
    """Return rows of those who carry a sleeper's users, and of ground heard by one to three."""
    need = rng.uniform(0.6, 0.8, cells)
    takers = coo_array((part / spread, (booster, candidate)), shape=(cells, cells)).tocsr()
    alone = np.diff(takers.indptr) == 0
    carried = (
        takers + csr_array((np.where(alone, 1.0, need), (range(cells), range(cells))))
    ).tocsr()
    count = 2 * cells
    first = rng.integers(0, cells, count)
    ground = (
        csr_array((np.ones(count), (np.arange(count), first)), shape=(count, cells))
        + _picked(takers, first, rng)
        + _picked(takers, first, rng)
    )
    ground = csr_array(ground > 0, dtype=float)
    ground = ground[np.flatnonzero(ground @ is_lte.astype(float) == 0)]
    return Cover(
        csr_array(vstack([carried, ground])),
        np.concatenate([np.where(alone, 1.0, need), np.ones(ground.shape[0])]),
    )


def _picked(takers: csr_array, first: np.ndarray, rng: np.random.Generator) -> csr_array:
    """Return, row by row, one cell among those that take a cell's users, if any does."""
    has = np.diff(takers.indptr)[first] > 0
    place = takers.indptr[first] + (rng.random(len(first)) * np.diff(takers.indptr)[first]).astype(
        int
    )
    rows = np.flatnonzero(has)
    return csr_array(
        (np.ones(len(rows)), (rows, takers.indices[place[has]])),
        shape=(len(first), takers.shape[1]),
    )


def _communities(town: np.ndarray, spot: np.ndarray, cells: int) -> Groups:
    inner = np.floor(spot / 3.0).astype(int)
    _, member = np.unique(np.stack([town, *inner.T]), axis=1, return_inverse=True)
    return Groups(
        member.reshape(cells), np.ceil(np.bincount(member.reshape(cells)) * 0.5).astype(int)
    )


def side_by_side(problems: list[SleepProblem]) -> SleepProblem:
    """Return networks of the same periods as one: none bears on another."""
    first = problems[0]
    cells = np.cumsum([0] + [problem.cells for problem in problems])
    groups = np.cumsum([0] + [len(problem.groups.most_off) for problem in problems])
    joined = {
        name: np.concatenate([getattr(problem, name) for problem in problems])
        for name in (
            "work", "expected_work", "idle_w", "slope_w", "capacity", "allowed", "switch_wh"
        )
    }  # fmt: skip

    def ways(name: str, shift: np.ndarray) -> np.ndarray:
        parts = [getattr(one.moves, name) + by for one, by in zip(problems, shift, strict=False)]
        return np.concatenate(parts)

    member = [
        np.where(one.groups.member >= 0, one.groups.member + by, -1)
        for one, by in zip(problems, groups, strict=False)
    ]
    return replace(
        first,
        cell_dns=tuple(
            f"SubNetwork={number},{dn}"
            for number, problem in enumerate(problems)
            for dn in problem.cell_dns
        ),
        moves=Moves(
            ways("booster", cells), ways("candidate", cells), ways("work", 0 * cells),
            ways("watts", 0 * cells),
        ),
        cover=Cover(
            csr_array(block_diag([problem.cover.weight for problem in problems])),
            np.concatenate([problem.cover.need for problem in problems]),
        ),
        groups=Groups(
            np.concatenate(member), np.concatenate([one.groups.most_off for one in problems])
        ),
        standing=Standing(
            np.concatenate([problem.standing.mode for problem in problems]),
            np.concatenate([problem.standing.hours for problem in problems]),
        ),
        **joined,
    )  # fmt: skip
