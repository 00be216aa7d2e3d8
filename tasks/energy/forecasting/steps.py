"""Steps of forecasting: KPIs, findings and a calendar in; the load to come out."""

import logging
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data_products.lineage import Snapshot
from data_products.load_forecasts.derive import derive
from semantic_layer.energy_calendar import EnergyCalendar, energy_calendar, load_energy_calendar
from semantic_layer.load_forecasting import LoadForecastingRules, load_forecasting_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window, floor_to
from tasks.energy.forecasting.forecast_rows import forecast_of, forecast_rows, planning_hours
from tasks.energy.forecasting.forecaster import LoadForecaster
from tasks.energy.forecasting.load_history import QUARTER, LoadHistory
from tasks.energy.forecasting.published import (
    FINDINGS,
    LOAD_KPIS,
    OFF_KPI,
    RESTRAINED_KPI,
    TOPOLOGY,
    history_window,
    load_calendar,
    load_history,
    newest_topology,
    standing_findings,
)
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_FORECASTS = "load_forecasts"
_OWN_CALENDAR = "energy_calendar.yaml"
_SEEN_HOURS = 24
"""Hours of forecasts that recalibration looks back at, those made on whole hours."""


@step
def forecast_load(window: Window) -> Snapshot:
    """Publish `load_forecasts` from the end of a window on, for a day.

    What was forecast in the last day and has come moves the quantiles.

    Args:
        window: the newest quarters that were delivered; nothing after it is read.

    Raises:
        InputError: no cell has history enough.
    """
    rules, tables = load_forecasting_rules(), services().tables
    made_at = floor_to(window.end, "15min")
    inputs = [tables.snapshot(name) for name in ("cell_kpis", "cell_anomalies", "network_topology")]
    inventory = tables.read("network_topology", columns=list(TOPOLOGY), snapshot_id=_of(inputs[2]))
    topology = newest_topology(inventory.collect(), made_at)
    history = load_history(
        _quarters(inputs[0], history_window(made_at, rules)),
        history_window(made_at, rules),
        topology,
        rules,
    )
    forecaster = LoadForecaster.fitted(history, load_calendar(_calendar(), topology), rules)
    forecaster = _recalibrated(forecaster, history, made_at)
    findings = standing_findings(_findings(inputs[1], made_at, rules), made_at)
    found = forecaster.forecast(history, made_at, planning_hours(rules), findings=findings)
    rows = derive(forecast_rows(found, made_at))
    published = services().door.publish(
        _FORECASTS, Window(made_at, made_at + QUARTER), rows, inputs, run_id()
    )
    _LOG.info(
        "%s: load of %d of %d cells forecast for %g h, %d of them with findings (%s).",
        made_at.isoformat(), int(np.isfinite(found.mean).any(axis=1).sum()), len(found.cell_dns),
        float(found.hours.sum()), len({it.cell_dn for it in findings}), published.verdict,
    )  # fmt: skip
    return published


def _quarters(kpis: Snapshot, window: Window) -> pl.DataFrame:
    """Return cell_dn, period_start, load_pct, off_pct and restrained_pct of the quarters."""
    column = {name: kpi.column for name, kpi in catalogue().kpis.items()}
    load = [column[name] for name in LOAD_KPIS]
    saving = {"off_pct": column[OFF_KPI], "restrained_pct": column[RESTRAINED_KPI]}
    columns = ["cell_dn", "period_start", "granularity", *load, *saving.values()]
    rows = services().tables.read(kpis.table, window, columns=columns, snapshot_id=_of(kpis))
    told = rows.filter(pl.col("granularity") == "15min").select(
        "cell_dn", "period_start", pl.coalesce(load).alias("load_pct"),
        *(pl.col(name).alias(alias) for alias, name in saving.items()),
    )  # fmt: skip
    return told.collect()


def _findings(findings: Snapshot, at: datetime, rules: LoadForecastingRules) -> pl.DataFrame:
    window = Window(at - timedelta(hours=rules.findings_hours), at)
    rows = services().tables.read(
        findings.table, window, columns=list(FINDINGS), snapshot_id=_of(findings)
    )
    return rows.collect()


def _recalibrated(
    forecaster: LoadForecaster, history: LoadHistory, made_at: datetime
) -> LoadForecaster:
    """Return the forecaster with its quantiles moved by what came of the last day's forecasts."""
    window = Window(made_at - timedelta(hours=_SEEN_HOURS), made_at)
    first = pl.col("made_at") == pl.col("period_start")
    whole = pl.col("made_at").dt.minute() == 0
    rows = services().tables.read(_FORECASTS, window).filter(first & whole).collect()
    for _, made in sorted(rows.group_by("made_at"), key=lambda group: group[0]):
        told = forecast_of(made).of_cells(history.cell_dns)
        if np.array_equal(told.quantiles, forecaster.rules.quantiles):
            forecaster = forecaster.recalibrated(told, history)
    return forecaster


def _calendar() -> EnergyCalendar:
    """Return the operator's own calendar, or the packaged one."""
    own = services().settings.root / _OWN_CALENDAR
    return load_energy_calendar(own) if own.is_file() else energy_calendar()


def _of(snapshot: Snapshot) -> int | None:
    return snapshot.id or None
