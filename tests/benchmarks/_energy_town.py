"""A simulated town for benchmarks of energy saving: its truth, and what its operator would know.

Facts are those that would be published, without the noise of counting.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.energy_planning import EnergyPlanningRules, energy_planning_rules
from semantic_layer.guardrails import guardrail_rules
from tasks.energy.planning.published import SavingNetwork, saving_network
from tasks.energy.planning.published_facts import TAIL, CellFacts, edge_of, tail_of, usual
from tasks.twin.conditions import Conditions
from tasks.twin.coverage import radio_map
from tasks.twin.effects import sound_conditions
from tasks.twin.files import inventory_rows
from tasks.twin.layout import build_network
from tasks.twin.measurements import Stretch, cqi_shares
from tasks.twin.scenario import NETWORKS, benign_shocks, planned_busy_use
from tasks.twin.state import State, network_state
from tasks.twin.traffic import PERIODS_A_DAY, demand_shares, season
from tasks.twin.transport_network import build_transport
from tasks.twin.what_if_layout import PublishedCells, published_cells
from tasks.twin.world import World, build_world

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.int64]

_DAYS = 9
_FACT_DAYS, _EDGE_DAYS = 7, 2
_PERIODS_AN_HOUR = 4
_REPORTS = 1e4


@dataclass(frozen=True)
class EnergyTown:
    """A town.

    Attributes:
        world: of all its days.
        order: index in the published view of each cell of the truth.
        cells, topology: as published.
        network: as planning knows it by the last day's begin.
        day: first period of the last day.
    """

    world: World
    order: Numbers
    cells: PublishedCells
    topology: pl.DataFrame
    facts: CellFacts
    network: SavingNetwork
    day: int

    def stretch(self, first: int, last: int) -> tuple[World, Conditions, State]:
        """Return world, conditions and state of some periods with all cells on."""
        world = self.world.between(first, last)
        conditions = sound_conditions(world)
        return world, conditions, network_state(world, conditions)

    def published(self, by_true_cell: Floats) -> Floats:
        """Return (periods, cells) of the truth as (cells, periods) in the published order."""
        found = np.empty(by_true_cell.shape[::-1])
        found[self.order] = by_true_cell.T
        return found

    def true(self, by_published_cell: Floats) -> Floats:
        """Return (cells, periods) in the published order as (periods, cells) of the truth."""
        return np.asarray(by_published_cell[self.order].T)


@cache
def energy_town(seed: int) -> EnergyTown:
    """Return a town of 78 sites; the same seed gives the same town."""
    chosen = replace(NETWORKS["town"], seed=seed, history_days=_DAYS - 1, newest_days=1)
    network = build_network(chosen.sites, seed, is_village=False)
    radio = radio_map(network, seed)
    calendar = season(chosen.start, chosen.days)
    busy_use = planned_busy_use(network, seed)
    shocks = benign_shocks(network, chosen, busy_use)
    demand = demand_shares(network, calendar, shocks, seed, chosen.yearly_growth)
    world = build_world(radio, build_transport(network, seed), demand, busy_use, seed)
    topology = _topology(pl.DataFrame(inventory_rows(network, radio.built, calendar)))
    cells = published_cells(topology, {})
    order = np.array([cells.place[cell.dn] for cell in network.cells])
    day = (_DAYS - 1) * PERIODS_A_DAY
    facts = _facts(world.between(day - _FACT_DAYS * PERIODS_A_DAY, day), order)
    known = network_of(cells, facts, topology)
    return EnergyTown(world, order, cells, topology, facts, known, day)


def network_of(
    cells: PublishedCells,
    facts: CellFacts,
    topology: pl.DataFrame,
    rules: EnergyPlanningRules | None = None,
) -> SavingNetwork:
    """Return what planning knows, under the packaged rules or others."""
    return saving_network(
        cells, facts, topology, rules or energy_planning_rules(), guardrail_rules()
    )


def _topology(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.col("neighbors").str.split("|").alias("neighbor_dns"),
        pl.col("valid_from").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
    )


def _facts(world: World, order: Numbers) -> CellFacts:
    """Return what would be published of some days; LTE cells report no channel quality."""
    conditions = sound_conditions(world)
    state = network_state(world, conditions)
    cells, hours = len(order), world.periods // _PERIODS_AN_HOUR

    def hourly(by_period: Floats) -> Floats:
        means = by_period.reshape(hours, _PERIODS_AN_HOUR, cells).mean(axis=1)
        found = np.empty((cells, hours))
        found[order] = means.T
        return found

    traffic, load = hourly(state.downlink_mbps), hourly(state.load)
    late = _EDGE_DAYS * PERIODS_A_DAY
    whole = Stretch(world, state, conditions, world.periods - late, world.periods, np.arange(cells))
    shares = cqi_shares(whole) * whole.of("users")[:, :, None]
    summed = shares.reshape(-1, _PERIODS_AN_HOUR, cells, shares.shape[2]).sum(axis=1)
    reports = _REPORTS * summed / np.maximum(summed.sum(axis=2, keepdims=True), 1e-12)
    edge_db = np.full((cells, hours), np.nan)
    percentile = energy_planning_rules().edge_percentile
    told = np.stack([edge_of(hour, percentile) for hour in reports])
    edge_db[order, hours - len(told) :] = told.T
    tail_db = np.full((cells, len(TAIL)), np.nan)
    tail_db[order] = tail_of(reports.sum(axis=0), percentile)
    is_lte = np.array([cell.band.technology == "LTE" for cell in world.radio.network.cells])
    edge_db[order[is_lte]] = tail_db[order[is_lte]] = np.nan
    full_mbps = traffic.sum(axis=1) / load.sum(axis=1)
    return CellFacts(usual(traffic), full_mbps, load, edge_db, tail_db)
