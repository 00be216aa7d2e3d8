"""Sites of three radio unit types that obey a known formula, with a level of each site's own."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from tasks.energy.site_power.boosting import Growth
from tasks.energy.site_power.site_hours import CONFIGURATION, ENERGIES, LOADS, SAVING

START = datetime(2026, 3, 2)
GROWTH = Growth(rounds=40, depth=3, seeds=1)
TYPES = {"slim": (2, 43.0, 10.0), "stout": (2, 46.0, 20.0), "wide": (4, 46.0, 20.0)}


def drawn_wh(antennas, dbm, load, asleep):
    watts = 10 ** (dbm / 10 - 3)
    return 60 * np.sqrt(antennas) * (1 - 0.4 * asleep) + 4 * watts * np.sqrt(antennas) * load


def measured(sites=24, hours=48, *, seed=1, own_level=0.03, lag=0):
    """Return configuration, loads and energies; counters label an hour `lag` hours later."""
    chance = np.random.default_rng(seed)
    cells, loads, energies = [], [], []
    for number in range(sites):
        site, name = f"B{number:02d}", list(TYPES)[number % 3]
        antennas, dbm, bandwidth = TYPES[name]
        cells.append((site, "Cell0", name, 365.0, bandwidth, float(antennas), dbm))
        load = np.clip(0.4 + 0.3 * chance.standard_normal(hours), 0.01, 0.99)
        asleep = (load < 0.2) * chance.uniform(0.3, 0.9, hours)
        level = np.exp(own_level * chance.standard_normal())
        energy = level * drawn_wh(antennas, dbm, load, asleep)
        for hour in range(hours):
            at = START + timedelta(hours=hour)
            modes = [float(asleep[hour]), *[0.0] * (len(SAVING) - 1)]
            loads.append((site, "Cell0", at + timedelta(hours=lag), float(load[hour]), *modes))
            energies.append((site, at, float(energy[hour])))
    return (
        pl.DataFrame(cells, schema=CONFIGURATION, orient="row"),
        pl.DataFrame(loads, schema=LOADS, orient="row"),
        pl.DataFrame(energies, schema=ENERGIES, orient="row"),
    )


def strayed(told, energies):
    both = told.join(energies, on=["site_id", "period_start"], suffix="_told")
    error = (both["energy_wh"] - both["energy_wh_told"]).abs().sum()
    return error / both["energy_wh_told"].sum()
