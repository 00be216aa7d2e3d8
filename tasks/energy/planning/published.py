"""A network as planning needs it, from what its operator publishes: who may sleep, who would carry.

Nothing here knows what is simulated: fading, walls and where people are stay unknown, and margins
stand in for them. A cell of which a fact lacks never sleeps and carries for nobody.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array

from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.guardrails import GuardrailRules
from tasks.energy.planning.candidates import (
    Carriers,
    carriers_of,
    cover_of,
    is_asked,
    needed_always,
    told_share,
)
from tasks.energy.planning.carrying import carrying_pairs, demand_weight, hearing
from tasks.energy.planning.covering import CoverMargins, ground_rows
from tasks.energy.planning.edges import Edges, edges_of
from tasks.energy.planning.ground import heard_ground
from tasks.energy.planning.problem import Cover
from tasks.energy.planning.published_facts import CellFacts, cell_facts
from tasks.energy.planning.radios import Radios, radios_of
from tasks.guardrails.communities import communities
from tasks.twin.what_if_facts import (
    CARRIER_REFERENCE,
    CONFIGURATION,
    TILTS,
    carrier_cells,
    cell_tilts,
    standing_values,
)
from tasks.twin.what_if_layout import COLUMNS, PublishedCells, published_cells
from tasks.twin.what_if_rows import PublishedRows

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

_SAVING_CLASS = "NRCellDU="
_KEPT_A_POINT = 16


@dataclass(frozen=True)
class SavingNetwork:
    """What planning knows of a network and what does not change within a day; by C cells.

    Attributes:
        cell_dns: in the order of all arrays; cells that the inventory cannot place come last.
        site_ids: of the cells.
        latitude_deg, longitude_deg: (C,) NaN where unknown.
        bands: of the cells, empty where unknown.
        communities: names of groups of sites, named after their first.
        community: (C,) place in `communities`.
        may_save: (C,) whether a cell has a saving function, and enough is known of it.
        may_reduce: (C,) whether a cell may transmit with less power: no ground rests on it.
        may_sleep: (C,) whether a cell may leave the air, as long as `cover` holds.
        is_candidate: (C,) whether enough is known of a cell to let it carry for others.
        radios: what they draw and bear.
        full_mbps: (C,) traffic that all resource blocks carry; NaN where unknown.
        edges: how the users fare who hear their cell least well.
        carriers: who carries for whom.
        cover: rows that must hold in every period.
    """

    cell_dns: tuple[str, ...]
    site_ids: tuple[str, ...]
    latitude_deg: Floats
    longitude_deg: Floats
    bands: tuple[str, ...]
    communities: tuple[str, ...]
    community: Numbers
    may_save: Flags
    may_reduce: Flags
    may_sleep: Flags
    is_candidate: Flags
    radios: Radios
    full_mbps: Floats
    edges: Edges
    carriers: Carriers
    cover: Cover

    @property
    def place(self) -> Mapping[str, int]:
        """Index of each cell by DN."""
        return {dn: index for index, dn in enumerate(self.cell_dns)}

    def carrying_without(self, cells: Collection[str]) -> "SavingNetwork":
        """Return the network with some cells, by DN, that are not to carry for others."""
        is_left = np.array([dn not in cells for dn in self.cell_dns], dtype=bool)
        return replace(self, is_candidate=self.is_candidate & is_left)


def published_network(
    read: PublishedRows, at: datetime, rules: EnergyPlanningRules, guardrails: GuardrailRules
) -> SavingNetwork:
    """Return the network as published by a moment.

    Args:
        read: published rows.
        at: the moment; later measurements and configuration are not looked at.
        rules: of energy planning.
        guardrails: the coverage threshold, and how large communities are.

    Raises:
        InputError: the inventory places no cell.
        TransientError: a table did not answer.
    """
    columns = [*COLUMNS, "neighbor_dns"]
    topology = (
        read("network_topology", columns=columns).filter(pl.col("valid_from") <= at).collect()
    )
    told = read("network_configuration", columns=CONFIGURATION).filter(
        pl.col("attribute").is_in([CARRIER_REFERENCE, *TILTS])
    )
    standing = standing_values(told.collect(), at)
    cells = published_cells(topology, cell_tilts(standing, carrier_cells(standing)))
    facts = cell_facts(read, at, cells.place, rules)
    return saving_network(cells, facts, topology, rules, guardrails)


def saving_network(
    cells: PublishedCells,
    facts: CellFacts,
    topology: pl.DataFrame,
    rules: EnergyPlanningRules,
    guardrails: GuardrailRules,
) -> SavingNetwork:
    """Return the network that planning works on.

    Args:
        cells: that the inventory places.
        facts: of these cells, in their order.
        topology: rows of the inventory: `cell_dn`, `site_id`, `band`, `latitude_deg`,
            `longitude_deg`, `neighbor_dns`, `valid_from`.
        rules: of energy planning.
        guardrails: the coverage threshold, and how large communities are.
    """
    radios = radios_of(cells)
    ground = heard_ground(cells, _KEPT_A_POINT)
    hears = hearing(cells, np.maximum(radios.layers, 1.0), rules.around_load)
    is_told = radios.is_known & np.isfinite(facts.traffic_mbps) & (facts.full_mbps > 0)
    weight = demand_weight(ground, cells.count, _assumed_traffic(facts, is_told, cells.layer))
    pairs = carrying_pairs(ground, hears, weight, cells.layer, rules.edge_percentile)
    edges = edges_of(facts, pairs, cells.layer, cells.frequency_ghz, rules.around_load)
    is_told &= np.isfinite(edges.quiet_db)
    may_save = np.array([_SAVING_CLASS in dn for dn in cells.place]) & is_told
    may_sleep = may_save & (told_share(pairs, is_told) >= 1.0 - rules.most_silent_share)
    margins = CoverMargins(
        threshold_dbm=guardrails.coverage_dbm,
        margin_db=rules.coverage_margin_db,
        scatter_db=rules.coverage_scatter_db,
        most_newly=rules.most_newly_uncovered,
    )
    rows = ground_rows(ground, cells.site, hears.wall_db, margins, ~may_sleep)
    may_sleep &= ~needed_always(rows)
    carriers = carriers_of(pairs, facts.full_mbps, is_told, may_sleep, rules)
    may_sleep &= np.bincount(carriers.booster, minlength=cells.count) > 0
    may_reduce = may_sleep & ~is_asked(rows, ~may_sleep)
    cover = cover_of(rows, carriers, may_sleep, rules.least_carriers_awake)
    told = _inventory(cells, topology)
    count = len(told)
    names, community = _communities(told, guardrails.community_sites)
    return SavingNetwork(
        cell_dns=tuple(told["cell_dn"]),
        site_ids=tuple(told["site_id"].fill_null(told["cell_dn"])),
        latitude_deg=told["latitude_deg"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        longitude_deg=told["longitude_deg"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        bands=tuple(told["band"].fill_null("")),
        communities=names,
        community=community,
        may_save=_longer(may_save, count, filled=False),
        may_reduce=_longer(may_reduce, count, filled=False),
        may_sleep=_longer(may_sleep, count, filled=False),
        is_candidate=_longer(is_told, count, filled=False),
        radios=Radios(
            *(_longer(getattr(radios, item.name), count, filled=0.0) for item in fields(radios))
        ),
        full_mbps=_longer(facts.full_mbps, count, filled=np.nan),
        edges=Edges(
            quiet_db=_longer(edges.quiet_db, count, filled=np.nan),
            slope=_longer(edges.slope, count, filled=0.0),
            tail_db=_longer(edges.tail_db, count, filled=0.0),
            around=_resized(edges.around, count, count),
        ),
        carriers=carriers,
        cover=Cover(_resized(cover.weight, len(cover.need), count), cover.need),
    )


def _assumed_traffic(facts: CellFacts, is_told: Flags, layer: Numbers) -> Floats:
    """Return traffic, that of silent cells as of their layer's median: they may be busy."""
    traffic = facts.traffic_mbps.copy()
    for number in np.unique(layer):
        told = is_told & (layer == number)
        others = told if told.any() else is_told
        usual = float(np.median(traffic[others])) if others.any() else 0.0
        traffic[~is_told & (layer == number)] = usual
    return traffic


def _inventory(cells: PublishedCells, topology: pl.DataFrame) -> pl.DataFrame:
    """Return the newest entry of each cell, in the cells' order, those without a place last."""
    newest = topology.sort("valid_from").unique("cell_dn", keep="last", maintain_order=True)
    dns = [*cells.place, *sorted(cells.unknown)]
    order = pl.DataFrame({"cell_dn": dns}, schema={"cell_dn": pl.String})
    return order.join(newest, on="cell_dn", how="left", maintain_order="left")


def _communities(told: pl.DataFrame, most_sites: int) -> tuple[tuple[str, ...], Numbers]:
    """Return the names of communities and the place of each cell's among them."""
    site_of = {dn: site or dn for dn, site in told.select("cell_dn", "site_id").iter_rows()}
    neighbors = {
        dn: tuple(others or ()) for dn, others in told.select("cell_dn", "neighbor_dns").iter_rows()
    }
    found = communities(site_of, neighbors, most_sites)
    names = tuple(sorted(set(found.values())))
    place = {name: index for index, name in enumerate(names)}
    return names, np.array([place[found[dn]] for dn in told["cell_dn"]], dtype=np.int64)


def _longer(part: Any, count: int, *, filled: float | bool) -> Any:  # noqa: ANN401 - any array
    """Return an array with as many rows as there are cells, unknown ones included."""
    rest = np.full((count - len(part), *part.shape[1:]), filled, dtype=part.dtype)
    return np.concatenate([part, rest])


def _resized(matrix: csr_array, rows: int, columns: int) -> csr_array:
    told = matrix.tocoo()
    return csr_array((told.data, (told.row, told.col)), shape=(rows, columns))
