"""A small simulated town as its operator knows it, for tests of planning."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.guardrails import guardrail_rules
from tasks.energy.planning.compiling import Limits, WorkForecast, sleep_problem
from tasks.energy.planning.problem import Standing
from tasks.energy.planning.published import saving_network
from tasks.energy.planning.published_facts import TAIL, CellFacts
from tasks.twin.coverage import radio_map
from tasks.twin.files import inventory_rows
from tasks.twin.layout import build_network
from tasks.twin.scenario import planned_busy_use
from tasks.twin.traffic import season
from tasks.twin.what_if_layout import published_cells

RULES = energy_planning_rules()
HOURS = 12


class SavingTown:
    """Inventory and facts of a town; nights are quiet and edges fall as load rises."""

    def __init__(self, sites=14, seed=7, *, is_village=False):
        network = build_network(sites, seed, is_village=is_village, lte_share=0.4)
        built = radio_map(network, seed).built
        calendar = season(datetime(2025, 6, 1, tzinfo=UTC), 1)
        self.topology = pl.DataFrame(inventory_rows(network, built, calendar)).with_columns(
            pl.col("neighbors").str.split("|").alias("neighbor_dns"),
            pl.col("valid_from").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
        )
        self.cells = published_cells(self.topology, {})
        traffic = {
            cell.dn: float(mbps)
            for cell, mbps in zip(
                network.cells, built.share @ (40.0 * planned_busy_use(network, seed)), strict=True
            )
        }
        mean = np.array([traffic[dn] for dn in self.cells.place])
        course = 0.2 + 0.8 * np.sin(np.pi * np.arange(HOURS) / HOURS)
        full = 5.0 * self.cells.bandwidth_mhz
        load = np.clip(mean[:, None] * course / full[:, None], 0.01, 0.9)
        edge = 6.0 - 8.0 * load + 0.1 * np.arange(len(mean))[:, None] % 3
        is_lte = np.array(["NRCellDU=" not in dn for dn in self.cells.place])
        tail = np.tile(3.0 * np.log10(TAIL), (len(mean), 1))
        edge[is_lte] = tail[is_lte] = np.nan
        self.facts = CellFacts(mean, full, load, edge, tail)

    def network(self, *, facts=None, topology=None, guardrails=None, **changed):
        """Return what planning knows, with some rules, facts or inventory of the test's own."""
        rows = self.topology if topology is None else topology
        cells = self.cells if topology is None else published_cells(rows, {})
        return saving_network(
            cells,
            self.facts if facts is None else facts,
            rows,
            RULES.model_copy(update=changed),
            guardrails or guardrail_rules(),
        )


def quiet_forecast(network, periods=3, work=0.05):
    """Return a forecast of little work, rising a bit by period."""
    shape = len(network.cell_dns), periods
    told = np.full(shape, work) * (1.0 + 0.1 * np.arange(periods))
    return WorkForecast(np.ones(periods), told, 0.8 * told)


def problem_of(network, forecast=None, limits=None, **changed):
    """Return the problem of a network, by default a quiet one under a low floor."""
    forecast = forecast or quiet_forecast(network)
    cells = len(network.cell_dns)
    standing = Standing(np.zeros(cells, dtype=np.int64), np.full(cells, 24.0))
    return sleep_problem(
        network,
        forecast,
        np.ones(len(forecast.hours)),
        standing,
        limits or Limits(1.0),
        RULES.model_copy(update=changed),
    )
