"""From published rows to what a forecast is made of."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_calendar import CalendarEvent, EnergyCalendar, Surroundings
from semantic_layer.load_forecasting import LoadForecastingRules
from semantic_layer.periods import Window
from tasks.energy.forecasting.findings import StandingFinding
from tasks.energy.forecasting.load_calendar import LoadCalendar, LoadEvent
from tasks.energy.forecasting.load_history import QUARTER, Floats, LoadHistory
from tasks.energy.forecasting.own_load import cells_beside, own_values

LOAD_KPIS = ("prb_usage_dl", "lte_prb_usage_dl")
OFF_KPI, RESTRAINED_KPI = "energy_saving_share", "energy_saving_on_air_share"
TOPOLOGY = ("cell_dn", "site_id", "latitude_deg", "longitude_deg", "neighbor_dns", "valid_from")
FINDINGS = ("anomaly_id", "window_start", "window_end", "cell_dn", "is_ongoing", "contributions")
_EARTH_KM = 6371.0


def load_history(
    rows: pl.DataFrame, window: Window, topology: pl.DataFrame, rules: LoadForecastingRules
) -> LoadHistory:
    """Return the load of all cells over a window.

    Args:
        rows: cell_dn, period_start, load_pct, off_pct and restrained_pct of quarters; nulls are
            unmeasured.
        window: of whole quarters.
        topology: cell_dn, site_id, neighbor_dns; one row a cell.
        rules: definitions.
    """
    cells = rows["cell_dn"].unique().sort()
    count = int((window.end - window.start) / QUARTER)
    cell = cells.search_sorted(rows["cell_dn"]).to_numpy()
    away = (rows["period_start"] - window.start).dt.total_seconds().to_numpy()
    period = (away // QUARTER.total_seconds()).astype(int)

    def share(column: str) -> Floats:
        values = np.full((len(cells), count), np.nan, np.float32)
        told = rows[column].cast(pl.Float32).fill_null(float("nan")).to_numpy()
        values[cell, period] = told / np.float32(100.0)
        return values

    names = tuple(cells.to_list())
    load, beside = share("load_pct"), cells_beside(topology, names)
    own = own_values(load, share("off_pct"), share("restrained_pct"), beside, rules.least_own_days)
    return LoadHistory(names, window.start, load, None if own.all() else own)


def load_calendar(calendar: EnergyCalendar, topology: pl.DataFrame) -> LoadCalendar:
    """Return the calendar with its events at cells.

    Args:
        calendar: as it is defined.
        topology: cell_dn, site_id, latitude_deg, longitude_deg; one row a cell.
    """
    return LoadCalendar(
        calendar.time_zone,
        {day.date: day.like for day in calendar.days},
        tuple(
            LoadEvent(
                event.name, _cells_of(event, topology), event.begins, event.ends, event.load_factor
            )
            for event in calendar.events
        ),
    )


def standing_findings(rows: pl.DataFrame, at: datetime) -> list[StandingFinding]:
    """Return the findings that stand: those that had not ended in the newest window scored.

    Args:
        rows: columns `FINDINGS` of `cell_anomalies`.
        at: windows that end later are not looked at.
    """
    known = rows.filter(pl.col("window_end") <= at)
    if known.is_empty():
        return []
    newest = known.sort("window_end").unique("anomaly_id", keep="last", maintain_order=True)
    standing = newest.filter(
        pl.col("is_ongoing"), pl.col("window_end") == known["window_end"].max()
    )
    told = standing.sort("cell_dn", "anomaly_id").select("cell_dn", "contributions")
    return [
        StandingFinding(cell, _lift(contributions or ()))
        for cell, contributions in told.iter_rows()
    ]


def newest_topology(rows: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return one row a cell, as the inventory held at a moment."""
    return (
        rows.filter(pl.col("valid_from") <= at)
        .sort("valid_from")
        .unique("cell_dn", keep="last", maintain_order=True)
        .sort("cell_dn")
    )


def history_window(at: datetime, rules: LoadForecastingRules) -> Window:
    """Return the quarters that a forecast made at a moment is learned from."""
    return Window(at - timedelta(days=rules.history_days), at)


def _cells_of(event: CalendarEvent, topology: pl.DataFrame) -> frozenset[str]:
    is_there = pl.col("cell_dn").is_in(event.cell_dns) | pl.col("site_id").is_in(event.site_ids)
    if event.near is not None:
        is_there |= _distance_km(event.near) <= event.near.radius_km
    return frozenset(topology.filter(is_there)["cell_dn"].to_list())


def _distance_km(near: Surroundings) -> pl.Expr:
    """Return how far places are, on a plane that touches the earth there: events are local."""
    north = (pl.col("latitude_deg") - near.latitude_deg).radians()
    east = (pl.col("longitude_deg") - near.longitude_deg).radians()
    east = east * float(np.cos(np.radians(near.latitude_deg)))
    return (north.pow(2) + east.pow(2)).sqrt() * _EARTH_KM


def _lift(contributions: Sequence[dict[str, float | str | None]]) -> float:
    lift = 1.0
    for told in contributions:
        seen, expected = told["seen"], told["expected"]
        if told["kpi"] in LOAD_KPIS and isinstance(seen, float) and isinstance(expected, float):
            lift = max(lift, seen / expected) if expected > 0.0 else lift
    return lift
