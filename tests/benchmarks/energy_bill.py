"""What a home's account of energy says was saved, beside what the twin knows was saved.

    ANOPS_HOME=FOLDER python -m tests.benchmarks energy_bill

The home is one whose sample network saved energy and was accounted for (`anops start
account-energy`). Each day is told as it was published, and as today's code accounts for it, which
publishes nothing. The truth is each accounted day simulated twice: with what was written, and with
nobody ever having written anything. Healing's writes count as well: use a home that only saved.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.periods import Window
from tasks.adapters.sample_files import read_writes
from tasks.energy.accounting.steps import INPUTS, accounted
from tasks.twin.following import Following
from tasks.twin.live_network import LiveNetwork
from tasks.twin.quarters import Quarters
from tasks.twin.site_measurements import site_measurements
from tasks.twin.traffic import PERIODS_A_DAY
from tasks.wiring import services

_SHOWN = (
    "saved_kwh", "saved_by_controls_kwh", "saved_by_baseline_kwh", "saved_by_model_kwh",
    "net_saved_kwh", "net_low_kwh", "net_high_kwh", "left_out_hours",
)  # fmt: skip


def main() -> None:
    """Print a line a day that was accounted for."""
    told = services().tables.read("energy_savings.days").filter(pl.col("scope") == "all").collect()
    if told.is_empty():
        print("bench energy_bill: this home accounted for no day; nothing is measured.")
        return
    folder = services().settings.sample_folder
    following = LiveNetwork(folder).following
    written, untouched = Quarters(following, read_writes(folder)), Quarters(following)
    for row in told.sort("day_start").iter_rows(named=True):
        day = row["day_start"]
        saved = _kwh(untouched, following, day) - _kwh(written, following, day)
        print(f"bench energy_bill: {day:%Y-%m-%d}: truly saved {saved:.1f} kWh")
        print(f"  published: {_said(row)}")
        began = time.process_time()
        anew = _anew(Window(day, day + timedelta(days=1)))
        print(f"  accounted anew: {_said(anew)} ({time.process_time() - began:.1f} CPU-s)")


def _said(row: Mapping[str, float | None]) -> str:
    """Return what is known of a day; what older code did not publish is left out."""
    known = {name: row.get(name) for name in _SHOWN}
    return ", ".join(f"{name} {value:.1f}" for name, value in known.items() if value is not None)


def _anew(day: Window) -> Mapping[str, float | None]:
    inputs = [services().tables.snapshot(name) for name in INPUTS]
    _, days = accounted(day, inputs)
    return next(days.filter(pl.col("scope") == "all").iter_rows(named=True), {})


def _kwh(network: Quarters, following: Following, day: datetime) -> float:
    """Return what all sites draw in a day."""
    first, total = following.period_from(day), 0.0
    for period in range(first, first + PERIODS_A_DAY):
        run = network.run(period)
        counted = site_measurements(
            run.world, run.state, run.conditions, (0, 1), run.temperature_degc,
            np.random.default_rng(period), equipment_w=run.equipment_w,
        )  # fmt: skip
        total += float(np.nansum(counted["pee_energy"]))
    return total
