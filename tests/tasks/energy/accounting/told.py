"""A small town of sites with a usual day, common weather and chance of their own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.periods import Window
from tasks.energy.accounting.accounts import accounts
from tasks.energy.accounting.cell_days import CellHours
from tasks.energy.accounting.site_days import SiteHours
from tasks.energy.site_power.site_hours import CONFIGURATION

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
BASELINE = Window(START, START + timedelta(days=21))
DAY = Window(BASELINE.end, BASELINE.end + timedelta(days=1))
RULES = energy_accounting_rules()
HOURS = 22 * 24


def site_name(number):
    return f"SubNetwork=1,ManagedElement={number:03d}"


def town(sites=40, *, seed=1, scatter=0.01):
    """Return hours in which nobody saved; sites border on the next one in a ring."""
    chance = np.random.default_rng(seed)
    hour = np.arange(HOURS)
    usual = 1 + 0.3 * np.sin(2 * np.pi * (hour % 24 - 9) / 24)
    weather = 0.03 * np.sin(hour / 40)
    level = chance.uniform(0.6, 2.0, (sites, 1))
    noise = scatter * chance.standard_normal((sites, HOURS))
    beside = np.zeros((sites, sites), dtype=bool)
    ring = np.arange(sites)
    beside[ring, (ring + 1) % sites] = beside[(ring + 1) % sites, ring] = True
    return SiteHours(
        tuple(site_name(number) for number in range(sites)),
        np.datetime64(START.replace(tzinfo=None), "h") + hour,
        level * usual * np.exp(weather + noise),
        1000 * level * usual,
        10 + 100 * weather,
        np.zeros((sites, HOURS)),
        beside,
    )


def saved_at(hours, sites, share, *, of_day=range(5), window=DAY, rebound=0.0):
    """Return the same town, some of its sites having saved a share; neighbors may pay for it."""
    at = hours.inside(window) & np.isin(hours.hour_of_day, of_day)
    saving = hours.saving_share.copy()
    saving[np.ix_(sites, np.flatnonzero(at))] = 0.5
    energy = np.where(saving > 0, hours.energy_kwh * (1 - share), hours.energy_kwh)
    borders = ((hours.beside.astype(float) @ (saving > 0)) > 0) & (saving == 0)
    energy = np.where(borders, energy * (1 + rebound), energy)
    return replace(hours, saving_share=saving, energy_kwh=energy)


def accounts_of(hours, model=None):
    return accounts(hours, BASELINE, RULES, model)


def radio_town(sites=30, *, seed=2, scatter=0.01):
    """Return hours of sites with one radio each, and of their cells; energy follows load.

    Two carriers take turns along the ring. Demand moves by the day, in halves of the ring apart.
    """
    chance = np.random.default_rng(seed)
    plain = town(sites, seed=seed)
    hour, number = np.arange(HOURS), np.arange(sites)
    course = 0.3 + 0.2 * np.sin(2 * np.pi * (hour % 24 - 9) / 24)
    by_day = chance.uniform(0.6, 1.4, (2, HOURS // 24 + 1))[:, hour // 24]
    load = np.clip(course * by_day[number * 2 // sites], 0.01, 1.0)
    is_wide = number % 2 == 0
    idle, slope = np.where(is_wide, 1.2, 0.4)[:, None], np.where(is_wide, 1.5, 0.2)[:, None]
    energy = (idle + slope * load) * np.exp(scatter * chance.standard_normal((sites, HOURS)))
    cells = pl.DataFrame(
        {
            "site_id": list(plain.sites),
            "cell_id": [f"{name},GNBDUFunction=1,NRCellDU=1" for name in plain.sites],
            "ru_type": np.where(is_wide, "n78", "n28"),
            "frequency": np.where(is_wide, 3500.0, 780.0),
            "bandwidth_mhz": np.where(is_wide, 100.0, 10.0),
            "antennas_count": np.where(is_wide, 32.0, 2.0),
            "tx_power_dbm": np.where(is_wide, 53.0, 46.0),
        },
        schema=CONFIGURATION,
    )
    ground = csr_array((plain.beside | np.eye(sites, dtype=bool)).astype(float))
    hours = replace(plain, energy_kwh=energy, volume_mbit=1000 * load)
    return hours, CellHours(cells, number, load, 100 * load, ground)
