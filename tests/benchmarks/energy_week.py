"""A week of a town that saves energy, under policies side by side, judged by the truth.

Four weeks of history are measured; then the town lives on for days, and each quarter of an hour a
policy chooses modes from what its operator would know. The truth says what they cost and whom they
hurt; it never tells a policy anything, but for the clairvoyant one, which knows every load to come.

    ANOPS_HOME=FOLDER ANOPS_SAMPLE_SEED=31 python -m tests.benchmarks energy_week [--days 7]

The folder is a home that anops fills. Options: `--policies NAME,NAME` of threshold, greedy, anops,
slow (anops without the fast rule) and clairvoyant; `--floor` in Mbit/s, mobile broadband's if none.
"""

import argparse
import sys
from statistics import mean

import numpy as np

from tasks.energy.planning.problem import SleepProblem
from tasks.energy.waking.mode_course import awake_for_long
from tasks.twin.traffic import PERIODS_A_DAY
from tests.benchmarks._energy_course import Bill, course_of
from tests.benchmarks._energy_neighborhoods import compared, neighborhoods
from tests.benchmarks._energy_network import TownNetwork, town_and_network
from tests.benchmarks._energy_policies import PlanInMotion, policies_of
from tests.benchmarks._energy_truth import HOURS, TrueTown

_SITES_A_NEIGHBORHOOD = 3


def main() -> None:
    """Print the table of policies."""
    parser = argparse.ArgumentParser(prog="energy_week")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--policies", default="")
    parser.add_argument("--floor", type=float, default=None)
    parser.add_argument("--neighborhoods", type=int, default=6)
    words = sys.argv[sys.argv.index("energy_week") + 1 :] if "energy_week" in sys.argv else []
    asked = parser.parse_args(words)
    town, network = town_and_network(asked.floor)
    periods = range(asked.days * PERIODS_A_DAY)
    bills: list[Bill] = []
    policies = policies_of(town, network, asked.policies.split(","))
    for policy in policies:
        bills.append(course_of(town, policy, periods))
        floors = ", ".join(f"{floor:g}" for floor in town.floors)
        say(f"town {town.seed}, {asked.days} days, floors {floors}", bills[-1], bills[0])
    for policy in policies:
        if isinstance(policy, PlanInMotion) and policy.has_fast_rule and asked.neighborhoods:
            say_neighborhoods(town, network, policy, periods, asked.neighborhoods)


def say_neighborhoods(
    town: TrueTown, network: TownNetwork, policy: PlanInMotion, periods: range, many: int
) -> None:
    """Print what days cost in neighborhoods, by hindsight and by the plan in motion.

    Each day begins with every cell awake.
    """
    starts = range(periods.start, periods.stop, PERIODS_A_DAY)
    days = [_true_day(town, network, start) for start in starts]
    lost, spent, could = 0.0, 0.0, 0.0
    for sites, core in neighborhoods(town, days[0], many, _SITES_A_NEIGHBORHOOD):
        told = [
            compared(day, policy.posed[start : start + PERIODS_A_DAY], core, sites)
            for day, start in zip(days, starts, strict=True)
        ]
        active, best, bound, rolling = (
            sum(getattr(one, name) for one in told)
            for name in ("active", "best", "bound", "rolling")
        )
        print(
            f"bench energy_week: town {town.seed}, {len(days)} days, {', '.join(sites)} "
            f"({len(core)} cells): all on {active:.2f} kWh, best {best:.2f} (no less than "
            f"{bound:.2f}), plan in motion {rolling:.2f}, {rolling / best - 1:+.2%}: saved "
            f"{1 - rolling / active:.2%} of {1 - best / active:.2%} that could be; woken late "
            f"{sum(one.late for one in told)} times",
            flush=True,
        )
        lost, spent, could = lost + rolling - bound, spent + bound, could + active - bound
    print(
        f"bench energy_week: town {town.seed}, neighborhoods together: the plan in motion takes "
        f"{lost / spent:+.2%} kWh, and saved {1 - lost / could:.2%} of what the best choice with "
        "hindsight could save at most"
    )


def _true_day(town: TrueTown, network: TownNetwork, start: int) -> SleepProblem:
    """Return the problem of a day by quarters, all loads to come known."""
    work = town.true_load()[:, start : start + PERIODS_A_DAY]
    standing = awake_for_long(len(town.cells)).standing
    return network.problem(work, work, np.full(work.shape[1], HOURS), standing)


def say(where: str, bill: Bill, reference: Bill) -> None:
    """Print a policy's line, compared with another policy."""
    print(f"bench energy_week: {where}: {_line(bill, reference)}", flush=True)


def _line(bill: Bill, reference: Bill) -> str:
    kwh, radio = _kwh(bill)
    all_kwh, all_radio = _kwh(reference)
    minutes = bill.user_minutes.sum()
    under = bill.under_minutes.sum(axis=1) / minutes
    added = np.maximum(bill.under_minutes - reference.under_minutes, 0.0).sum(axis=1) / minutes
    broken = bill.broken_minutes.sum(axis=1) / minutes
    shares = ", ".join(
        f"{share:.3%} (added {more:.4%}, beyond the promise {most:.4%})"
        for share, more, most in zip(under, added, broken, strict=True)
    )
    asleep = bill.asleep_hours.sum() / max(len(bill.asleep_hours) * len(bill.site_kwh) / 4, 1e-9)
    return (
        f"{bill.name:28} {kwh:9.1f} kWh, saved {1 - kwh / all_kwh:6.2%} of sites' energy, "
        f"{1 - radio / all_radio:6.2%} of radios'; holes {bill.holes.sum():.0f} area-periods; "
        f"user-minutes under floors {shares}; woken {bill.woken_fast} by load, "
        f"{bill.woken_by_plan} by plan; asleep {asleep:.1%} of cell-hours; switching "
        f"{bill.switch_kwh:.1f} kWh; {mean(bill.seconds):.2f} CPU-s a plan"
    )


def _kwh(bill: Bill) -> tuple[float, float]:
    return (
        float(bill.site_kwh.sum()) + bill.switch_kwh,
        float(bill.radio_kwh.sum()) + bill.switch_kwh,
    )
