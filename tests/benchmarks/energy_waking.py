"""A surge at three at night, on the product's own path: how late cells truly wake, and who waits.

A home's town lives by the minute: flows run at the minutes that they are deployed at, put cells to
sleep from two at night on, and from three o'clock demand is five times as high, for an hour and a
half: in one area, whose users have the most sleepers, or in the whole town. Waking hears of load by
the minute, or by counters of a quarter of an hour alone. Judged is by the truth, by period: users
under the floor beyond the promise, and more than with every cell on. A night without a surge tells
what is woken for nothing.

    ANOPS_HOME=FOLDER ANOPS_SAMPLE_SEED=31 python -m tests.benchmarks energy_waking

The folder is one that the benchmark fills, in six minutes of a quiet core. At three its home is put
aside, once, and each course begins from there and takes three; `--courses calm` is the night
without a surge. Flows' own start, some seconds a run, is not counted.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from semantic_layer.energy_waking import energy_waking_rules
from tasks.adapters.memory_load_feed import MemoryLoadFeed
from tasks.energy.planning.problem import IS_OFF, Floats
from tasks.settings import settings
from tasks.twin.live_network import LiveNetwork
from tasks.twin.sleep_modes import MODES, OFF_AIR
from tasks.twin.traffic import Shock
from tasks.wiring import services
from tests.benchmarks._energy_lived import (
    Felt,
    Stretch,
    felt,
    kept_asleep,
    last_under,
    lived_town,
    on_air_at,
    period_of,
    stretches,
)
from tests.benchmarks._energy_living import (
    QUARTER,
    LivingTown,
    Waking,
    asleep,
    deployed_minutes,
    leave_to_policy,
    quiet,
)
from tests.benchmarks._energy_truth import TrueTown
from tests.benchmarks.energy_surge import sleepiest

_NIGHT_QUARTERS, _SURGE_PERIODS = 4, 6
_NOBODY = 0.001
"""Share of users that counts as nobody: without a surge about a tenth of it are under the floor."""

_COURSES = {
    "calm": ("nobody", True),
    "area": ("one area", True),
    "town": ("the whole town", True),
    "area_counters": ("one area", False),
    "town_counters": ("the whole town", False),
}
"""Where demand rises, and whether load by the minute is heard of."""

_USUAL = ["area", "town", "town_counters"]


def main() -> None:
    """Print what each course came to."""
    parser = argparse.ArgumentParser(prog="energy_waking")
    parser.add_argument("--factor", type=float, default=5.0)
    parser.add_argument("--quarters", type=int, default=3, help="that are looked at after three")
    parser.add_argument("--courses", nargs="*", choices=_COURSES, default=_USUAL)
    parser.add_argument("--part", help="one course in its own home; the benchmark calls itself")
    words = sys.argv[sys.argv.index("energy_waking") + 1 :] if "energy_waking" in sys.argv else []
    asked = parser.parse_args(words)
    if asked.part:
        quiet()
        _night() if asked.part == "night" else _course(asked.part, asked.factor, asked.quarters)
        return
    folder = settings().root
    home, aside = folder / "home", folder / "at_three"
    if not aside.is_dir():
        shutil.rmtree(home, ignore_errors=True)
        _call(home, [sys.executable, "-c", "from deployments.command import app; app(['run'])"])
        _part(home, "night", [])
        home.rename(aside)
    for name in asked.courses:
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(aside, home)
        _part(home, name, ["--factor", str(asked.factor), "--quarters", str(asked.quarters)])
    shutil.rmtree(home)


def _part(home: Path, name: str, words: Sequence[str]) -> None:
    own = [sys.executable, "-m", "tests.benchmarks", "energy_waking", "--part", name, *words]
    began = time.perf_counter()
    _call(home, own)
    print(f"bench energy_waking: ({name}: {time.perf_counter() - began:.0f} s)", flush=True)


def _call(home: Path, command: Sequence[str]) -> None:
    own = ["env", f"ANOPS_HOME={home}", "ANOPS_WORKER_POOL=serial"]
    told = None if "tests.benchmarks" in command else subprocess.DEVNULL
    subprocess.run([*own, *command], check=True, stdout=told)


def _night() -> None:
    """Let the house put cells to sleep until three."""
    living = LivingTown(LiveNetwork(settings().sample_folder), deployed_minutes())
    begin = living.network.now
    leave_to_policy()
    living.flows(("save_energy", "apply_approved_changes"))
    living.until(begin + _NIGHT_QUARTERS * QUARTER)
    by_mode = {mode: list(asleep().values()).count(mode) for mode in MODES[1:]}
    print(
        f"bench energy_waking: town {settings().sample_seed}, {begin:%H:%M} to "
        f"{living.network.now:%H:%M} UTC: of {len(living.cells)} cells {by_mode} at the end; "
        f"seconds a run {_seconds(living)}",
        flush=True,
    )
    course = stretches(living.network, begin, living.network.now)
    _say_needless(lived_town(living.network), course, living, begin)


def _course(name: str, factor: float, quarters: int) -> None:
    """Let minutes pass from three on, and say what came of it."""
    where, is_fed = _COURSES[name]
    living, struck = _surged(where, factor)
    begin = living.network.now
    if not is_fed:
        services().__dict__["load_feed"] = MemoryLoadFeed()
    living.until(begin + quarters * QUARTER)
    town = lived_town(living.network)
    course = stretches(living.network, begin, living.network.now)
    lived = felt(town, course, begin, living.network.now)
    feed = "load by the minute" if is_fed else "counters alone"
    rise = f"{factor:g} x in {where}" if struck != [] else "no surge"
    print(f"bench energy_waking: town {town.seed}, {rise}, {feed}: {_line(lived, town)}")
    last = last_under(town, course, _NOBODY)
    until = "never" if last is None else f"until {(last - begin).total_seconds():.0f} s"
    print(f"bench energy_waking:   more than {_NOBODY:.1%} of users under it so: {until}")
    if struck == []:
        _say_needless(town, course, living, begin)
    else:
        _say_delays(town, course, living, begin)
    print(f"bench energy_waking:   seconds a run {_seconds(living)}", flush=True)


def _surged(where: str, factor: float) -> tuple[LivingTown, list[int] | None]:
    """Return the town with demand that rises from now on, and the areas; none where nobody asks."""
    network = LiveNetwork(settings().sample_folder)
    if where == "nobody":
        return LivingTown(network, deployed_minutes()), []
    town, areas = lived_town(network), None
    if where == "one area":
        standing = network.parts(network.now)[0].modes.astype(np.int64)
        areas = sleepiest(town, standing, 1, period_of(town, network.now))
    first = network.following.period_from(network.now)
    told = None if areas is None else tuple(areas)
    shock = Shock("event", first, first + _SURGE_PERIODS, factor, told)
    surged = LiveNetwork(network.folder, network.following.with_shocks([shock]))
    return LivingTown(surged, deployed_minutes()), areas


def _line(lived: Felt, town: TrueTown) -> str:
    share = 100.0 * lived.broken / lived.user_minutes
    return (
        f"of {lived.user_minutes.mean():.0f} user-minutes a period, under {town.floors[0]:g} "
        f"Mbit/s beyond the promise: {_told(lived.broken)} ({_told(share)} %); more than with all "
        f"on: {_told(lived.added)} (with all on: {_told(lived.under - lived.added)})"
    )


def _say_delays(
    town: TrueTown, course: Sequence[Stretch], living: LivingTown, begin: datetime
) -> None:
    """Say how late cells truly were on the air again, beside what the house says."""
    number = {cell.dn: place for place, cell in enumerate(town.cells)}
    told = services().tables.read("cell_wakings").filter(pl.col("woken_at") > begin).collect()
    off = told.filter(pl.col("mode").is_in([MODES[mode] for mode in np.flatnonzero(IS_OFF)]))
    waited = []
    for row in off.iter_rows(named=True):
        back = on_air_at(course, number[row["cell_dn"]], row["woken_at"])
        if back is not None:
            waited.append((back - begin).total_seconds())
    says = "none of these is on the air again"
    if waited:
        says = (
            f"on the air again after the surge began: first {min(waited):.0f} s, half of them "
            f"{median(waited):.0f} s, last {max(waited):.0f} s; by the house's own account "
            f"{_spread(off['delay_s'])}, of which deciding and writing took "
            f"{_spread(off['deciding_s'])}"
        )
    print(
        f"bench energy_waking:   {_woken(living.wakings)} woken by load; {off.height} off the air "
        f"were asked for, {says}; by plan {living.planned}"
    )


def _spread(seconds: pl.Series) -> str:
    low, half, high = (seconds.quantile(at) or 0.0 for at in (0.0, 0.5, 1.0))
    return f"{low:.0f}, {half:.0f}, {high:.0f} s"


def _say_needless(
    town: TrueTown, course: Sequence[Stretch], living: LivingTown, begin: datetime
) -> None:
    """Say what was woken though demand rose nowhere, and what that cost until it may sleep."""
    hold = timedelta(hours=energy_waking_rules().hold_hours)
    number = {cell.dn: place for place, cell in enumerate(town.cells)}
    woken = {
        number[cell]: (waking.at, waking.at + hold, MODES.index(mode))
        for waking in living.wakings
        for cell, mode in waking.cells.items()
    }
    now = living.network.now
    lived = felt(town, course, begin, now)
    stayed = felt(town, kept_asleep(course, woken), begin, now)
    lost = float((lived.kwh - stayed.kwh).sum())
    print(
        f"bench energy_waking:   {_woken(living.wakings)} woken by load without a surge: "
        f"{lost:.2f} of {lived.kwh.sum():.1f} kWh until they may sleep again; had they slept, "
        f"under the floor beyond the promise {_told(stayed.broken)}; by plan {living.planned}"
    )


def _woken(wakings: Sequence[Waking]) -> str:
    """Return how many cells load woke, and why those did that were asked for."""
    modes = [mode for waking in wakings for mode in waking.cells.values()]
    off = sum(OFF_AIR[MODES.index(mode)] for mode in modes)
    why = Counter(reason for waking in wakings for reason in waking.reasons.values())
    return f"{off} cells off the air and {len(modes) - off} on it ({dict(why)})"


def _seconds(living: LivingTown) -> str:
    return ", ".join(
        f"{name} {np.mean(told):.1f} (most {max(told):.1f})"
        for name, told in living.seconds.items()
    )


def _told(values: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


if __name__ == "__main__":
    main()
