"""Demand rises fivefold at three at night where cells sleep: who waits, and for how long.

The plan is in motion and cells sleep; then, from one quarter of an hour to the next, an area asks
for five times as much, for an hour and a half. Beside it the same with every cell on, and the same
without the fast rule, when the next plan must see to it. An area is the ground of one sector; those
are taken whose users have the most sleepers, far from one another.

    ANOPS_HOME=FOLDER ANOPS_SAMPLE_SEED=31 python -m tests.benchmarks energy_surge
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.energy.planning.problem import IS_OFF, Floats, Numbers
from tests.benchmarks._energy_course import Bill, course_of
from tests.benchmarks._energy_network import TownNetwork, town_and_network
from tests.benchmarks._energy_policies import Foresight, Hindsight, plan_in_motion
from tests.benchmarks._energy_rules_of_thumb import AllOn
from tests.benchmarks._energy_truth import TrueTown

_BEGINS, _STRIKES, _LASTS = 1, 4, 6
"""Periods of the week (UTC): 02:15 and 03:00 of the first night, local time."""

_APART_M = 1_500.0


def main() -> None:
    """Print by period who is under the floor beyond what the surge alone would do."""
    parser = argparse.ArgumentParser(prog="energy_surge")
    parser.add_argument("--factor", type=float, default=5.0)
    parser.add_argument("--areas", type=int, default=4, help="areas, one surge after another")
    parser.add_argument("--floor", type=float, default=None)
    words = sys.argv[sys.argv.index("energy_surge") + 1 :] if "energy_surge" in sys.argv else []
    asked = parser.parse_args(words)
    town, network = town_and_network(asked.floor)
    calm = plan_in_motion(town, network, "anops", has_fast_rule=True)
    alone = course_of(town, AllOn(town), range(_BEGINS, _STRIKES))
    night = course_of(town, calm, range(_BEGINS, _STRIKES))
    if calm.plan is None:
        raise SystemExit("The plan in motion made no plan before the surge.")
    print(f"bench energy_surge: town {town.seed} before: {_line(night, alone, town.floors, 0)}")
    surge = Surge(network, calm.foresight, asked.factor)
    for area in sleepiest(town, calm.plan.mode[:, 0], asked.areas, _STRIKES):
        _say(town, surge, [area], f"area {area}")
    everywhere = range(town.following.world.radio.network.areas)
    _say(town, surge, everywhere, "the whole town")


@dataclass(frozen=True)
class Surge:
    """What a surge meets: a network as planning knows it, what was learnt, and how much more."""

    network: TownNetwork
    learnt: Foresight | Hindsight
    factor: float


def sleepiest(town: TrueTown, modes: Numbers, many: int, period: int) -> list[int]:
    """Return the areas, far apart, of which sleeping cells would carry most in a period."""
    radio = town.following.world.radio
    asked = radio.built.share[town.order] * town.asked(period)
    slept = asked[IS_OFF[modes]].sum(axis=0)
    sites = radio.network.sites
    found: list[int] = []
    for area in np.argsort(-slept, kind="stable").tolist():
        here = sites[area // radio.network.sectors]
        others = [sites[other // radio.network.sectors] for other in found]
        if all(np.hypot(here.x_m - one.x_m, here.y_m - one.y_m) > _APART_M for one in others):
            found.append(area)
        if len(found) == many:
            break
    return found


def _say(town: TrueTown, surge: Surge, areas: Sequence[int], where: str) -> None:
    surged = town.surged(areas, range(_STRIKES, _STRIKES + _LASTS), surge.factor)
    periods = range(_BEGINS, _STRIKES + _LASTS)
    alone = course_of(surged, AllOn(surged), periods)
    print(f"bench energy_surge: town {town.seed}, {where}, {surge.factor:g} x at 03:00")
    for name, has_fast_rule in (("with the fast rule", True), ("without", False)):
        policy = plan_in_motion(
            surged, surge.network, name, has_fast_rule=has_fast_rule, learnt=surge.learnt
        )
        bill = course_of(surged, policy, periods)
        told = _line(bill, alone, town.floors, _STRIKES - _BEGINS)
        print(f"bench energy_surge:   {told}", flush=True)


def _line(bill: Bill, alone: Bill, floors: Sequence[float], first: int) -> str:
    added = (bill.under_minutes - alone.under_minutes)[0, first:]
    waited = ", ".join(f"{seconds:.0f}" for seconds in bill.waiting_s[first:])
    return (
        f"{bill.name:20} of {alone.user_minutes[first:].mean():.0f} user-minutes a period, under "
        f"{floors[0]:g} Mbit/s beyond the promise: {_told(bill.broken_minutes[0, first:])}; more "
        f"than with all on: {_told(added)}; until woken {waited} s; woken {bill.woken_fast} by load"
    )


def _told(minutes: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in minutes)
