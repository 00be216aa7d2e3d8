"""What published rows tell of each cell: its usual traffic, what it bears, how its edge fares.

Hours in which a cell carried nothing (it slept, or was broken) say nothing of it. Traffic of cells
that were measured at other hours is compared through the network's own course of the day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.twin import link
from tasks.twin.what_if_rows import PublishedRows

Floats = npt.NDArray[np.floating[Any]]

_LOADS = ("traffic_volume_dl", "lte_traffic_volume_dl"), ("prb_usage_dl", "lte_prb_usage_dl")
_CQI = "wb_cqi_dist_count"
_LEAST_REPORTS = 50.0
_LEAST_EFFICIENCY = 0.1
_LEAST_LOAD_PCT = 0.2

TAIL = (0.02, 0.06, 0.12, 0.2, 0.3, 0.45, 0.67, 1.0)
"""Parts of the percentile at which the edge is told."""


@dataclass(frozen=True)
class CellFacts:
    """By cell, in a given order; NaN where nothing was measured.

    Attributes:
        traffic_mbps: (C,) usual downlink traffic.
        full_mbps: (C,) traffic that all of its resource blocks carried, had they been in use.
        load: (C, H) share of resource blocks in use by hour.
        edge_db: (C, H) SINR below which a percentile of its users' reports lay.
        tail_db: (C, K) how far below that smaller parts of the percentile lie, as `TAIL` has them.
    """

    traffic_mbps: Floats
    full_mbps: Floats
    load: Floats
    edge_db: Floats
    tail_db: Floats


def cell_facts(
    read: PublishedRows, at: datetime, place: Mapping[str, int], rules: EnergyPlanningRules
) -> CellFacts:
    """Return what was published of cells before a moment.

    Args:
        read: published rows.
        at: whole hours before it count.
        place: index of each cell by DN.
        rules: how far back facts are read, and which users are at the edge.

    Raises:
        TransientError: a table did not answer.
    """
    end = at.replace(minute=0, second=0, microsecond=0)
    window = Window(end - timedelta(hours=rules.calibration_hours), end)
    near = Window(end - timedelta(hours=rules.edge_hours), end)
    hours = round(rules.calibration_hours)
    columns = ["cell_dn", "period_start", "granularity"]
    names = [[catalogue().kpi(name).column for name in pair] for pair in _LOADS]
    kpis = read("cell_kpis", window, columns=[*columns, *names[0], *names[1]])
    rows = (
        kpis.filter(pl.col("granularity") == "hour")
        .select(
            "cell_dn",
            ((pl.col("period_start") - window.start).dt.total_hours()).alias("hour"),
            pl.coalesce(names[0]).alias("traffic"),
            pl.coalesce(names[1]).alias("load"),
        )
        .filter(pl.col("cell_dn").is_in(list(place)), pl.col("load") > _LEAST_LOAD_PCT)
        .drop_nulls()
        .collect()
    )
    traffic, load = (_grid(rows, name, place, hours) for name in ("traffic", "load"))
    edge = np.full_like(load, np.nan)
    first = hours - round(rules.edge_hours)
    late, tail = _edges(read, near, place, rules)
    edge[:, max(first, 0) :] = late[:, max(-first, 0) :]
    return CellFacts(
        traffic_mbps=usual(traffic),
        full_mbps=_ratio(traffic, load / 100.0),
        load=load / 100.0,
        edge_db=edge,
        tail_db=tail,
    )


def usual(traffic: Floats) -> Floats:
    """Return the usual traffic of cells (C,) from what they had by hour (C, H), with gaps.

    A cell's traffic is told against that of all in the same hours.
    """
    is_told = np.isfinite(traffic)
    total = np.where(is_told, traffic, 0.0)
    course = total.sum(axis=0) / np.maximum(is_told.sum(axis=0), 1)
    expected = np.where(is_told, course[None, :], 0.0).sum(axis=1)
    mean = course[is_told.any(axis=0)].mean() if is_told.any() else np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, total.sum(axis=1) / expected * mean, np.nan)


def edge_of(reports: Floats, percentile: float) -> Floats:
    """Return the SINR in dB below which a percentile of CQI reports lie, NaN where there are few.

    Args:
        reports: (N, 16) reports by CQI; those of one CQI spread evenly over its efficiencies.
        percentile: 0 to 100.
    """
    total = reports.sum(axis=1)
    asked = percentile / 100.0
    reached = np.cumsum(reports, axis=1) / np.maximum(total, 1e-9)[:, None]
    place = np.argmax(reached >= asked, axis=1)
    rows = np.arange(len(reports))
    below = np.where(place > 0, reached[rows, np.maximum(place - 1, 0)], 0.0)
    part = (asked - below) / np.maximum(reached[rows, place] - below, 1e-12)
    bounds = np.append(np.maximum(link.CQI_EFFICIENCY, _LEAST_EFFICIENCY), link.CQI_EFFICIENCY[-1])
    efficiency = bounds[place] + np.clip(part, 0.0, 1.0) * (bounds[place + 1] - bounds[place])
    sinr_db = 10.0 * np.log10(2.0 ** (efficiency / link.SHANNON_SHARE) - 1.0)
    return np.where(total >= _LEAST_REPORTS, sinr_db, np.nan)


def tail_of(reports: Floats, percentile: float) -> Floats:
    """Return how far (N, K) the edge of each part of a percentile lies below the percentile's."""
    edges = [edge_of(reports, percentile * part) for part in TAIL]
    return np.stack(edges, axis=1) - edges[-1][:, None]


def _edges(
    read: PublishedRows, window: Window, place: Mapping[str, int], rules: EnergyPlanningRules
) -> tuple[Floats, Floats]:
    """Return edges by hour (C, H), and tails (C, K)."""
    rows = (
        read("pm_measurements", window, columns=["cell_dn", "period_start", _CQI])
        .filter(pl.col(_CQI).is_not_null(), pl.col("cell_dn").is_in(list(place)))
        .group_by("cell_dn", pl.col("period_start").dt.truncate("1h"))
        .agg(pl.col(_CQI).list.get(cqi).sum().alias(f"cqi_{cqi}") for cqi in range(link.CQI_BINS))
        .with_columns(((pl.col("period_start") - window.start).dt.total_hours()).alias("hour"))
        .collect()
    )
    reports = rows.select(pl.selectors.starts_with("cqi_")).to_numpy().astype(np.float64)
    told = rows.with_columns(edge=edge_of(reports, rules.edge_percentile))
    cell = rows["cell_dn"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    total = np.zeros((len(place), link.CQI_BINS))
    np.add.at(total, cell, reports)
    hours = round(window.seconds / 3600.0)
    return _grid(told, "edge", place, hours), tail_of(total, rules.edge_percentile)


def _grid(rows: pl.DataFrame, name: str, place: Mapping[str, int], hours: int) -> Floats:
    found = np.full((len(place), hours), np.nan)
    cell = rows["cell_dn"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    found[cell, rows["hour"].to_numpy()] = rows[name].to_numpy()
    return found


def _ratio(above: Floats, below: Floats) -> Floats:
    total = np.nansum(below, axis=1)
    return np.where(total > 0, np.nansum(above, axis=1) / np.maximum(total, 1e-12), np.nan)
