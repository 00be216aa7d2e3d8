"""Planning's facts beside the truth: who carries, who is covered, who keeps the floor.

`python -m tests.benchmarks energy_facts` lets cells of whole towns sleep, at random but as far as
the planning problem allows, and asks the twin what truly becomes of loads, coverage and users. The
cells' own work is the true one: only the facts are judged here, no forecast. Then a nation's
problem is compiled. `--seeds 11 12` chooses towns; margins were set on 11, 12 and 21.
"""

import argparse
import resource
import sys
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.guardrails import guardrail_rules
from tasks.energy.planning.checking import plan_cost
from tasks.energy.planning.compiling import Limits, WorkForecast, sleep_problem
from tasks.energy.planning.problem import IS_OFF, SleepProblem, Standing
from tasks.energy.planning.published_facts import CellFacts
from tasks.energy.planning.solving import solve
from tasks.twin.sleep_modes import MODES
from tasks.twin.sleeping import coverage_holes, saving_state, users_under_floor
from tasks.twin.what_if_layout import published_cells
from tests.benchmarks._energy_town import EnergyTown, energy_town, network_of

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.int64]

_SEEDS = 7, 31
_FLOORS_MBPS = 2.0, 5.0
_HOURS_UTC = 0, 3, 6, 9, 12, 15, 18, 21
_PATTERNS = 2
_MATTERS = 0.005
_TOWNS_OF_A_NATION = 49
_FACT_HOURS = 24
_SOLVING_S = 60.0
_DEEP = MODES.index("DEEP_SLEEP")


def main() -> None:
    """Print a table for each town, and what a nation costs."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks energy_facts")
    parser.add_argument("--seeds", type=int, nargs="+", default=_SEEDS)
    parser.add_argument("--towns", type=int, default=_TOWNS_OF_A_NATION, help="of the nation")
    own = sys.argv[sys.argv.index("energy_facts") + 1 :] if "energy_facts" in sys.argv else []
    chosen = parser.parse_args(own)
    for seed in chosen.seeds:
        _judge(seed)
    if chosen.towns:
        _compile_nation(chosen.towns, chosen.seeds[0])


@dataclass(frozen=True)
class Judged:
    """What truly became of a pattern.

    Attributes:
        off: cells off the air.
        idle_share: of all radios' power without traffic, that of those cells.
        holes: areas that lost more coverage than the guardrail bears.
        moved: true rise of work at all others over the expected one.
        bounded: share of the cells with a rise that stayed within what planning prepared for.
        overfull: cells beyond their capacity that were not before.
        broken: cells whose edge fell under the floor, of those where it was above.
        added: share of users who are newly under the floor.
        users: connected in the town.
    """

    off: float
    idle_share: float
    holes: float
    moved: float
    bounded: float
    overfull: float
    broken: float
    added: float
    users: float


def _judge(seed: int) -> None:
    town = energy_town(seed)
    begun = time.process_time()
    network = network_of(town.cells, town.facts, town.topology)
    cpu_s = time.process_time() - begun
    print(
        f"town {seed}: {len(network.cell_dns)} cells, {network.may_sleep.sum()} may sleep, "
        f"{len(network.carriers.booster)} pairs, {len(network.cover.need)} rows; "
        f"facts {cpu_s:.2f} CPU-s"
    )
    print("floor  hour  off  idle_W  holes  moved true/told  bounded  overfull  broken  added")
    for floor in _FLOORS_MBPS:
        under, users = 0.0, 0.0
        for hour in _HOURS_UTC:
            found = [_judged(town, hour, floor, number) for number in range(_PATTERNS)]
            told = Judged(
                *(
                    float(np.mean([getattr(one, name) for one in found]))
                    for name in Judged.__dataclass_fields__
                )
            )
            print(
                f"{floor:5.0f}  {hour:4d}  {told.off:3.0f}  {told.idle_share:6.1%}  "
                f"{told.holes:5.1f}  {told.moved:15.2f}  {told.bounded:7.1%}  "
                f"{told.overfull:8.1f}  {told.broken:6.1f}  {told.added:.3%}"
            )
            under, users = under + told.added * told.users, users + told.users
        print(f"{floor:5.0f}   day: {under / users:.4%} of user-minutes newly under the floor")
        _judge_best_plan(town, floor)


def _judged(town: EnergyTown, hour: int, floor: float, number: int) -> Judged:
    rules, network = energy_planning_rules(), town.network
    first = town.day + 4 * hour
    world, conditions, before = town.stretch(first, first + 1)
    work = town.published(before.load)
    problem = _problem(town, WorkForecast(np.array([0.25]), work, work), floor)
    mode, prepared = random_pattern(problem, np.random.default_rng(number))
    of_twin = mode[town.order].astype(np.int8)
    state, acting = saving_state(world, conditions, of_twin[None, :])
    load = town.published(state.load)[:, 0]
    is_on = ~IS_OFF[mode]
    rise = np.where(is_on, load - work[:, 0], 0.0)
    rises = rise > _MATTERS
    allowed = np.maximum(problem.capacity[:, 0, 0], work[:, 0]) + _MATTERS
    guardrails = guardrail_rules()
    off = set(np.flatnonzero(IS_OFF[of_twin]).tolist())
    lost = coverage_holes(world.radio, off, guardrails.coverage_dbm)
    under = [
        users_under_floor(world, one, acts, floor)[0]
        for one, acts in ((before, conditions), (state, acting))
    ]
    edge = rules.edge_percentile / 100.0
    users = before.users[0], state.users[0]
    newly = (under[1] * users[1]).sum() - (under[0] * users[0]).sum()
    expected = _expected_rise(problem, network.carriers.share, mode)
    return Judged(
        off=float(len(off)),
        idle_share=float(problem.idle_w[~is_on, 0].sum() / problem.idle_w[:, 0].sum()),
        holes=float((lost > guardrails.most_coverage_lost_share).sum()),
        moved=float(rise.sum() / max(expected.sum(), 1e-9)),
        bounded=float((load <= prepared + _MATTERS)[rises].mean()) if rises.any() else 1.0,
        overfull=float((is_on & (load > allowed) & rises).sum()),
        broken=float(((under[1] > edge) & (under[0] <= edge) & ~IS_OFF[of_twin]).sum()),
        added=float(max(newly, 0.0) / users[1].sum()),
        users=float(users[1].sum()),
    )


def _judge_best_plan(town: EnergyTown, floor: float) -> None:
    """Print what truly becomes of the best plan of a day whose loads are known beforehand."""
    world, conditions, before = town.stretch(town.day, town.day + 96)
    load = town.published(before.load).reshape(len(town.order), 24, 4)
    forecast = WorkForecast(np.ones(24), load.max(axis=2), load.mean(axis=2))
    problem = _problem(town, forecast, floor)
    plan = solve(problem, _SOLVING_S, None)
    modes = np.repeat(plan.mode[town.order].T, 4, axis=0).astype(np.int8)
    state, acting = saving_state(world, conditions, modes)
    under, was = (
        users_under_floor(world, one, acts, floor) * one.users
        for one, acts in ((state, acting), (before, conditions))
    )
    guardrails = guardrail_rules()
    holes = [
        coverage_holes(world.radio, set(np.flatnonzero(IS_OFF[row])), guardrails.coverage_dbm)
        for row in np.unique(modes, axis=0)
    ]
    all_on = plan_cost(problem, np.zeros_like(plan.mode))
    print(
        f"{floor:5.0f}   best plan: {1.0 - plan.cost / all_on:.1%} of the radios' energy saved "
        f"(gap {plan.gap:.4%}), {(under.sum() - was.sum()) / state.users.sum():.4%} of "
        f"user-minutes newly under the floor (all on {was.sum() / before.users.sum():.2%}), "
        f"{sum(int((one > guardrails.most_coverage_lost_share).sum()) for one in holes)} holes"
    )


def _problem(town: EnergyTown, forecast: WorkForecast, floor: float) -> SleepProblem:
    cells = len(town.network.cell_dns)
    standing = Standing(np.zeros(cells, dtype=np.int64), np.full(cells, 24.0))
    price = np.ones(len(forecast.hours))
    rules = energy_planning_rules()
    return sleep_problem(town.network, forecast, price, standing, Limits(floor), rules)


def random_pattern(problem: SleepProblem, rng: np.random.Generator) -> tuple[Numbers, Floats]:
    """Return modes (C,) of the first period and the work prepared for: asleep whoever still may."""
    moves, cells = problem.moves, problem.cells
    mode = np.zeros(cells, dtype=np.int64)
    load = problem.work[:, 0].copy()
    capacity = problem.capacity[:, 0, 0]
    cover = problem.cover.weight.tocsc()
    held = np.asarray(problem.cover.weight.sum(axis=1)).ravel()
    asleep = np.zeros(len(problem.groups.most_off), dtype=np.int64)
    for booster in rng.permutation(np.flatnonzero(problem.allowed[:, 0, _DEEP])):
        pairs = np.flatnonzero(moves.booster == booster)
        candidate, moved = moves.candidate[pairs], moves.work[pairs] * problem.work[booster, 0]
        is_on = mode[candidate] != _DEEP
        rows = slice(cover.indptr[booster], cover.indptr[booster + 1])
        left = held[cover.indices[rows]] - cover.data[rows]
        group = problem.groups.member[booster]
        if (
            np.any((load[candidate] + moved > capacity[candidate]) & is_on)
            or np.any(left < problem.cover.need[cover.indices[rows]] - 1e-9)
            or asleep[group] >= problem.groups.most_off[group]
        ):
            continue
        held[cover.indices[rows]] = left
        load[candidate] += moved
        asleep[group] += 1
        mode[booster] = _DEEP
    return mode, load


def _expected_rise(problem: SleepProblem, share: Floats, mode: Numbers) -> Floats:
    """Return the work (C,) that is likely to move to each cell while these modes stand."""
    moves = problem.moves
    counts = IS_OFF[mode[moves.booster]] & ~IS_OFF[mode[moves.candidate]]
    booster, candidate = moves.booster[counts], moves.candidate[counts]
    live = np.bincount(booster, share[counts], problem.cells)[booster]
    slope = problem.slope_w[candidate, 0]
    a_unit = moves.watts[counts] / np.maximum(slope, 1e-9) / np.maximum(live, 1e-9)
    moved = np.bincount(candidate, a_unit * problem.work[booster, 0], problem.cells)
    return np.asarray(moved, dtype=np.float64)


def _compile_nation(towns: int, seed: int) -> None:
    """Compile many towns side by side, as one network."""
    town = energy_town(seed)
    topology = pl.concat(
        [
            town.topology.with_columns(
                pl.format("N{}-{}", pl.lit(f"{number:03d}"), "cell_dn").alias("cell_dn"),
                pl.format("N{}-{}", pl.lit(f"{number:03d}"), "site_id").alias("site_id"),
                pl.col("latitude_deg") + 0.35 * (number % 8),
                pl.col("longitude_deg") + 0.5 * (number // 8),
            )
            for number in range(towns)
        ]
    )
    cells = published_cells(topology, {})
    facts = CellFacts(
        *(
            np.concatenate([getattr(town.facts, name)] * towns)
            for name in ("traffic_mbps", "full_mbps", "load", "edge_db", "tail_db")
        )
    )
    begun = time.process_time()
    network = network_of(cells, facts, topology)
    middle = time.process_time()
    work = facts.load[:, -_FACT_HOURS:]
    standing = Standing(np.zeros(cells.count, dtype=np.int64), np.full(cells.count, 24.0))
    forecast, price = WorkForecast(np.ones(_FACT_HOURS), work, work), np.ones(_FACT_HOURS)
    rules = energy_planning_rules()
    compiled = time.process_time()
    problem = sleep_problem(network, forecast, price, standing, Limits(_FLOORS_MBPS[0]), rules)
    ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0**2
    print(
        f"nation of {cells.count} cells: facts {middle - begun:.1f} CPU-s once, problem of "
        f"{problem.periods} periods {ended - compiled:.2f} CPU-s, {len(problem.moves.booster)} "
        f"pairs, {len(problem.cover.need)} rows; peak memory {peak:.1f} GiB"
    )
