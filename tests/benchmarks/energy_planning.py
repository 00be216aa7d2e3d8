"""Plans for 24 hours, from a neighborhood to a nation: what they save, and what is proved of them.

`python -m tests.benchmarks energy_planning` plans networks of two kinds. *Compiled* ones are what
planning makes of simulated towns' published facts, as many towns side by side as it takes, each
with loads of its own. *Random* ones have the shape of networks but harsher rules: in every second
town there is a single layer, in which neighbors alone cover for one another. Each plan is made in a
process of its own with one thread; CPU, wall and memory are those of planning, not of laying out.

`--kinds`, `--cells` and `--time-limit` choose; `--floor` is the throughput floor in Mbit/s.
"""

import argparse
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np

from semantic_layer.energy_planning import energy_planning_rules
from tasks.energy.planning.checking import broken
from tasks.energy.planning.compiling import Limits, WorkForecast
from tasks.energy.planning.compiling import sleep_problem as compiled
from tasks.energy.planning.problem import SleepProblem, Standing
from tasks.energy.planning.rules import all_active, greedy_by_load
from tasks.energy.planning.solving import solve
from tests.benchmarks._energy_town import energy_town
from tests.benchmarks._sleep_problems import side_by_side, sleep_problem

_SIZES = (50, 372, 5_000, 20_000)
_SEEDS = (7, 11)
_TIME_LIMIT_S = 25.0
_FLOOR_MBPS = 2.0
_PEAK_MARGIN = 1.15
_TOWN = 372


def main() -> None:
    """Print a table, each row made in a process of its own."""
    asked = argparse.ArgumentParser(prog="energy_planning")
    asked.add_argument("--kinds", nargs="*", default=["compiled", "random"])
    asked.add_argument("--cells", nargs="*", type=int, default=_SIZES)
    asked.add_argument("--time-limit", type=float, default=_TIME_LIMIT_S)
    asked.add_argument("--floor", type=float, default=_FLOOR_MBPS)
    told = asked.parse_args(sys.argv[2:])
    print(
        f"python -m tests.benchmarks energy_planning --time-limit {told.time_limit:g} "
        f"--floor {told.floor:g}\n"
        "network   cells periods    saved  by load      gap  solver      CPU-s  wall-s  peak GiB"
    )
    for kind in told.kinds:
        for cells in told.cells:
            if kind == "random" or cells >= _TOWN:
                _alone(kind, cells, told.time_limit, told.floor)


def measure(kind: str, cells: int, time_limit_s: float, floor_mbps: float) -> None:
    """Plan one network and print its row."""
    problem = _compiled(cells, floor_mbps) if kind == "compiled" else sleep_problem(cells, 1)
    least = all_active(problem).cost
    by_load = greedy_by_load(problem)
    resting = _resident_gib()
    with _Peak() as peak:
        cpu, wall = time.process_time(), time.perf_counter()
        plan = solve(problem, time_limit_s)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    faults = broken(problem, plan.mode)
    print(
        f"{kind:9}{problem.cells:6}{problem.periods:8}{1 - plan.cost / least:9.2%}"
        f"{1 - by_load.cost / least:9.2%}{plan.gap:9.3%}  {plan.solver:10}{cpu:7.1f}{wall:8.1f}"
        f"{peak.gib:7.2f} ({resting:.2f} before){'  BROKEN' if faults else ''}",
        flush=True,
    )


def _alone(kind: str, cells: int, time_limit_s: float, floor_mbps: float) -> None:
    call = f"measure({kind!r}, {cells}, {time_limit_s}, {floor_mbps})"
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    subprocess.run(
        [sys.executable, "-c", f"from tests.benchmarks.energy_planning import measure; {call}"],
        check=True,
        cwd=Path(__file__).resolve().parents[2],
        env={**threads, "PYTHONPATH": ":".join(filter(None, sys.path))},
    )


def _compiled(cells: int, floor_mbps: float) -> SleepProblem:
    """Return compiled towns side by side, at least so many cells, each with loads of its own."""
    rng = np.random.default_rng(1)
    towns = [_day(seed) for seed in (_SEEDS if cells > _TOWN else _SEEDS[:1])]
    found: list[SleepProblem] = []
    while sum(problem.cells for problem in found) < cells:
        network, work, expected = towns[len(found) % len(towns)]
        scale = rng.lognormal(0.0, 0.15, (len(work), 1)) if found else np.ones((len(work), 1))
        hour = int(rng.integers(-1, 2)) if found else 0
        rolled = [np.clip(np.roll(part, hour, axis=1) * scale, 0, 1) for part in (work, expected)]
        found.append(_problem(network, *rolled, floor_mbps))
    return side_by_side(found)


def _day(seed: int) -> tuple:
    town = energy_town(seed)
    _, _, state = town.stretch(town.day, town.day + 96)
    quarters = town.published(state.load)
    hourly = quarters.reshape(len(quarters), 24, 4)
    work = np.minimum(hourly.max(axis=2) * _PEAK_MARGIN, 1.0)
    return town.network, work, hourly.mean(axis=2)


def _problem(network, work: np.ndarray, expected: np.ndarray, floor_mbps: float) -> SleepProblem:
    cells, hours = work.shape
    return compiled(
        network,
        WorkForecast(np.ones(hours), work, expected),
        np.ones(hours),
        Standing(np.zeros(cells, dtype=np.int8), np.full(cells, 24.0)),
        Limits(floor_mbps),
        energy_planning_rules(),
    )


def _resident_gib() -> float:
    """Return the memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**30


class _Peak:
    """The most memory held while it is open, looked at twenty times a second.

    Attributes:
        gib: the most seen.
    """

    def __init__(self) -> None:
        self.gib = _resident_gib()
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.gib = max(self.gib, _resident_gib())
