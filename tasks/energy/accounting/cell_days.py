"""What cells did by hour, and what load they would have carried had nobody saved.

While others sleep a cell carries their users too, so its load then is no counterfactual. Instead
its usual load is moved as its ground's demand moved: the volume of its site's cells and of the
neighbors that they name, together, against usual. Saving moves users inside that ground.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array

from semantic_layer.loading import Catalogue
from tasks.energy.accounting.site_days import SiteHours
from tasks.energy.accounting.usual import has_baseline, middles, usual_of
from tasks.energy.site_power.published import cell_loads, load_columns, site_configuration

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer[Any]]

_VOLUME = ("traffic_volume_dl", "lte_traffic_volume_dl")
_LEAST = 1e-6
_MOST_MOVE = 2.5  # of log demand: a twelfth to twelvefold


@dataclass(frozen=True)
class CellHours:
    """C cells over the T hours of `SiteHours`.

    Attributes:
        configuration: columns of the site model's `CONFIGURATION`, a row a cell, in their order.
        site: (C,) place of the cell's site in `SiteHours.sites`.
        load: (C, T) share of resource blocks in use, 0..1; NaN where nothing was told.
        volume_mbps: (C, T) downlink user data; NaN where nothing was told.
        ground: (C, C) 1 where a cell's demand may be carried by the other: its site and neighbors.
    """

    configuration: pl.DataFrame
    site: Numbers
    load: Floats
    volume_mbps: Floats
    ground: csr_array


def kpi_columns(catalogue: Catalogue) -> list[str]:
    """Return what is read of `cell_kpis`, hours alone."""
    volumes = [catalogue.kpi(name).column for name in _VOLUME]
    return ["granularity", *load_columns(catalogue), *volumes]


def cell_hours(
    kpis: pl.DataFrame, topology: pl.DataFrame, hours: SiteHours, catalogue: Catalogue
) -> CellHours:
    """Return cells' hours; sites of which any cell lacks a fact have none.

    Args:
        kpis: columns of `kpi_columns`, hours alone.
        topology: a row a cell: `neighbor_dns`, and what the site model reads of inventories.
        hours: the sites and hours that are asked for.
        catalogue: definitions of KPIs.
    """
    known = pl.col("site_id").is_in(hours.sites)
    configuration = site_configuration(topology).filter(known).sort("cell_id")
    cells = {dn: place for place, dn in enumerate(configuration["cell_id"])}
    sites = {name: place for place, name in enumerate(hours.sites)}
    site = np.array([sites[one] for one in configuration["site_id"]], dtype=np.int64)
    volumes = pl.coalesce(catalogue.kpi(name).column for name in _VOLUME).alias("volume")
    told = kpis.select(
        pl.col("cell_dn").alias("cell_id"),
        pl.col("period_start").dt.replace_time_zone(None),
        volumes,
    )
    return CellHours(
        configuration,
        site,
        _spread(cell_loads(kpis, catalogue), "load_share", cells, hours),
        _spread(told, "volume", cells, hours),
        _ground(topology, cells, site),
    )


@dataclass(frozen=True)
class UnsavedLoad:
    """The share of resource blocks that cells would use had nobody saved, 0..1.

    Attributes:
        told: (C, T) by the cell's own usual course; that of `guessed` where it has none.
        guessed: (C, T) by the course of cells of its carrier, at the level of its own hours after
            the baseline: how a cell is told that has no baseline.
        is_guessed: (C,) whether a cell has none.
    """

    told: Floats
    guessed: Floats
    is_guessed: Flags


def load_without_saving(
    cells: CellHours, hours: SiteHours, baseline: Flags, least: int
) -> UnsavedLoad:
    """Return the load that cells would have carried had nobody saved.

    Args:
        cells: what they did.
        hours: of their sites.
        baseline: (T,) before anybody saved.
        least: days of own baseline below which a cell's own course is not known.
    """
    is_known = has_baseline(cells.load, baseline, least)
    course = usual_of(cells.load, hours, baseline)
    guess = np.full_like(course, np.nan)
    for alike in _carriers(cells.configuration):
        of_kind = alike & is_known
        theirs = middles(course[of_kind if of_kind.any() else is_known].T)
        later = np.where(baseline, np.nan, theirs)
        for cell in np.flatnonzero(alike):
            guess[cell] = theirs * _level(cells, hours, int(cell), later)
    factor = np.exp(_demand_moves(cells, hours, baseline, least))
    guessed = np.clip(guess * factor, 0.0, 1.0)
    told = np.clip(course * factor, 0.0, 1.0)
    return UnsavedLoad(np.where(is_known[:, None], told, guessed), guessed, ~is_known)


def _level(cells: CellHours, hours: SiteHours, cell: int, course: Floats) -> float:
    """Return how a cell stands to a course in its hours without saving; 1 where it told none.

    Args:
        cells: what they did.
        hours: of their sites.
        cell: which.
        course: (T,) NaN in hours that do not count.
    """
    free = hours.saving_share[cells.site[cell]] <= 0
    load, usual = cells.load[cell, free], course[free]
    both = np.isfinite(load) & np.isfinite(usual)
    below = usual[both].sum()
    return float(load[both].sum() / below) if below > 0 else 1.0


def _demand_moves(cells: CellHours, hours: SiteHours, baseline: Flags, least: int) -> Floats:
    """Return (C, T) log of the demand of cells' ground against usual.

    Hours of which a cell told nothing count as usual. Cells without a baseline count nowhere: what
    came with them is not known to be demand or to be taken from others.
    """
    is_known = has_baseline(cells.volume_mbps, baseline, least)
    usual = usual_of(cells.volume_mbps, hours, baseline)
    told = np.where(np.isfinite(cells.volume_mbps), cells.volume_mbps, usual)
    told = np.where(is_known[:, None] & np.isfinite(told), told, 0.0)
    ground = np.log(np.maximum(cells.ground @ told, _LEAST))
    move = ground - usual_of(ground, hours, baseline)
    return np.asarray(np.clip(np.nan_to_num(move), -_MOST_MOVE, _MOST_MOVE))


def _carriers(configuration: pl.DataFrame) -> list[Flags]:
    """Return which cells are of one carrier, for each carrier."""
    kinds = configuration.select("frequency", "bandwidth_mhz").to_numpy()
    return [(kinds == kind).all(axis=1) for kind in np.unique(kinds, axis=0)]


def _ground(topology: pl.DataFrame, cells: Mapping[str, int], site: Numbers) -> csr_array:
    """Return the cells of each cell's site, and the neighbors that it or the other names."""
    count = len(cells)
    at, beside = [], []
    for dn, neighbors in topology.select("cell_dn", "neighbor_dns").iter_rows():
        for other in neighbors or ():
            if dn in cells and other in cells:
                at += [cells[dn], cells[other]]
                beside += [cells[other], cells[dn]]
    of_site = csr_array(
        (np.ones(count), (np.arange(count), site)), shape=(count, int(site.max(initial=-1)) + 1)
    )
    named = csr_array((np.ones(len(at)), (at, beside)), shape=(count, count))
    found = csr_array(of_site @ of_site.T + named)
    found.data[:] = 1.0
    return found


def _spread(rows: pl.DataFrame, column: str, cells: Mapping[str, int], hours: SiteHours) -> Floats:
    """Return (C, T) a column of rows by cell and hour; NaN where there is none."""
    known = rows.filter(pl.col("cell_id").is_in(list(cells))).drop_nulls(column)
    cell = np.array([cells[dn] for dn in known["cell_id"]], dtype=np.int64)
    at = known["period_start"].to_numpy().astype("datetime64[h]")
    hour = np.clip(np.searchsorted(hours.starts, at), 0, hours.hours - 1)
    is_in = hours.starts[hour] == at
    values = np.full((len(cells), hours.hours), np.nan)
    values[cell[is_in], hour[is_in]] = known[column].to_numpy()[is_in]
    return values
