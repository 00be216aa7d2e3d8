"""What stays as it is during a run: radio, demand, chance, capacities, supplies, plans."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import supply
from tasks.twin.antennas import Antennas
from tasks.twin.conditions import Conditions, no_conditions
from tasks.twin.coverage import RadioMap
from tasks.twin.quality import QualityTables, at_load, quality_tables
from tasks.twin.traffic import wander
from tasks.twin.traits import Traits, cell_traits
from tasks.twin.transport_network import TransportNetwork
from tasks.twin.transport_state import Routes, routes_of

Array = npt.NDArray[np.floating[Any]]

_PLANNED_LOAD = 0.45
_FULLEST_PLANNED = 0.85
_MAIN_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Chance:
    """Noise of a run by (periods, cells): the same with and without faults, so both compare.

    `rogue` is the share of attempts that single misbehaving terminals spoil, now and then.
    """

    quality: Array
    split: Array
    session: Array
    failure: Array
    rise_db: Array
    rogue: Array


@dataclass(frozen=True, slots=True)
class World:
    """What stays as it is during a run.

    Attributes:
        busy_use: by cell, the share of resource blocks that its planned busy hour needs.
        battery_kwh: what a site's batteries hold.
        planned: the conditions that planned changes bring.
        antennas: as built and as planned changes leave them.
        first: the run's period that this world's periods count from.
        usual_sessions: by cell, what is asked in a mean period; None until a run has told it.
    """

    radio: RadioMap
    tables: QualityTables
    traits: Traits
    chance: Chance
    backhaul_mbps: Array
    peak_site_mbps: Array
    busy_use: Array
    site_of: npt.NDArray[np.int64]
    demand: Array
    routes: Routes
    battery_kwh: Array
    planned: Conditions
    antennas: Antennas
    first: int = 0
    usual_sessions: Array | None = None

    @property
    def periods(self) -> int:
        """Number of periods."""
        return int(self.demand.shape[0])

    def between(self, first: int, last: int) -> "World":
        """Return the world of some periods, counted from 0 again."""
        chances = (getattr(self.chance, item.name)[first:last] for item in fields(self.chance))
        return replace(
            self,
            chance=Chance(*chances),
            demand=self.demand[first:last],
            planned=self.planned.between(first, last),
            first=self.first + first,
        )


def build_world(
    radio: RadioMap,
    transport_network: TransportNetwork,
    relative_demand: Array,
    peak_use: Array,
    seed: int,
    chance_seed: int | None = None,
) -> World:
    """Return the world of a run, its areas' demand scaled to a planned busy hour.

    Args:
        radio: the network's gains.
        transport_network: what joins its sites to the core.
        relative_demand: by period and area, about 1 in an area's busy hour.
        peak_use: by area, the share of resource blocks used in a busy hour by the cells that
            serve it.
        seed: of the run.
        chance_seed: of its noise; the run's when None.
    """
    tables = quality_tables(radio.network, radio.built)
    traits = cell_traits(radio.network, seed)
    scale = _planned_scale(radio, tables, traits, peak_use)
    rng = np.random.default_rng([seed if chance_seed is None else chance_seed, 6])
    shape = (relative_demand.shape[0], len(radio.network.cells))
    site_of = np.array([cell.site.index - 1 for cell in radio.network.cells])
    share = radio.built.share.astype(np.float32)
    peak = np.zeros(len(radio.network.sites), dtype=np.float32)
    np.add.at(peak, site_of, share @ scale)
    routes = routes_of(transport_network, seed)
    return World(
        radio=radio,
        tables=tables,
        traits=traits,
        chance=Chance(
            quality=0.035 * wander(rng, shape, 0.97) + 0.02 * wander(rng, (shape[0], 1), 0.98),
            split=0.06 * wander(rng, shape, 0.95),
            session=0.07 * wander(rng, shape, 0.95),
            failure=0.18 * wander(rng, shape, 0.9),
            rise_db=0.45 * wander(rng, shape, 0.9) + _bursts(rng, shape, 0.004, 2.0),
            rogue=_bursts(rng, shape, 0.0004, 0.05),
        ),
        backhaul_mbps=np.array([site.backhaul_mbps for site in radio.network.sites], np.float32),
        peak_site_mbps=peak,
        busy_use=(share @ scale) / np.maximum(_planned_capacity(tables, traits), 1e-3),
        site_of=site_of,
        demand=relative_demand * scale,
        routes=routes,
        battery_kwh=supply.battery_kwh(radio.network, seed),
        planned=no_conditions(
            *shape, len(radio.network.sites), radio.network.areas, len(routes.optical)
        ),
        antennas=Antennas(radio),
    )


def _bursts(rng: np.random.Generator, shape: tuple[int, int], chance: float, size: float) -> Array:
    """Return rare, short excursions of exponential size; zero most of the time."""
    hit = rng.random(shape, dtype=np.float32) < chance
    return np.asarray(hit * rng.exponential(size, shape), dtype=np.float32)


def _planned_scale(
    radio: RadioMap, tables: QualityTables, traits: Traits, peak_use: Array
) -> Array:
    """Return each area's busy-hour demand in Mbit/s.

    An area may ask of a cell what its part of the cell bears, parts being as coverage is shared;
    an area whose cells are small asks little. Where that still overfills a cell, those who fill it
    ask less.
    """
    share = radio.built.share.astype(np.float32)
    capacity = np.maximum(_planned_capacity(tables, traits), 1e-3)
    burden = share.sum(axis=1) / capacity
    covered = np.maximum(share.sum(axis=0), 1e-6)
    scale: Array = peak_use * covered / np.maximum(share.T @ burden, 1e-9)
    for _ in range(12):
        asked = share * scale[None, :]
        use = asked.sum(axis=1) / capacity
        is_mainly = asked > _MAIN_SHARE * np.maximum(asked.sum(axis=1, keepdims=True), 1e-9)
        fullest = np.where(is_mainly, use[:, None], 0.0).max(axis=0)
        scale = scale * np.minimum(_FULLEST_PLANNED / np.maximum(fullest, 1e-3), 1.0) ** 0.5
    return scale


def _planned_capacity(tables: QualityTables, traits: Traits) -> Array:
    load = np.full((1, len(traits.downlink_mbps)), _PLANNED_LOAD, dtype=np.float32)
    return np.asarray(at_load(tables.rate, load)[0] * traits.downlink_mbps, dtype=np.float32)
