"""Steps of waking: what operators measure between plans says who must wake."""

import logging
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.energy_waking import EnergyWakingRules, energy_waking_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.periods import Window
from semantic_layer.services import service_catalogue
from tasks.energy.forecasting.forecast_rows import forecast_of
from tasks.energy.planning.compiling import Limits, WorkForecast, sleep_problem, work_forecast
from tasks.energy.planning.published import SavingNetwork, published_network
from tasks.energy.promises import least_floor_mbps
from tasks.energy.waking.mode_course import awake_for_long
from tasks.energy.waking.quarter_rule import Carriers, Measured, overloaded
from tasks.energy.waking.seen_rows import FINDINGS, kpi_columns, newest_measured, troubled_cells
from tasks.energy.waking.sleepers import proposals_of, sleeping
from tasks.step import step
from tasks.twin.sleep_modes import SavingMode
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_KPIS, _FINDINGS, _FORECASTS = "cell_kpis", "cell_anomalies", "load_forecasts"
_FORECAST_HOURS = 24


@step
def find_overloaded(window: Window) -> list[str]:
    """Return the proposals whose cells must wake now, the most urgent first.

    Cells that carry for sleepers are looked at: their newest measured quarter, and findings. Where
    nothing was measured of them lately, or no load was forecast, who leans on them wakes. Silence
    counts until the present of the network: a delivery that stopped is not a quiet network.

    Args:
        window: what was delivered last.
    """
    asleep = sleeping(services().ledger.entries())
    modes = {cell: mode for modes in asleep.values() for cell, mode in modes.items()}
    if not modes:
        return []
    rules = energy_waking_rules()
    reasons = _reasons(modes, max(window.end, services().network_clock.now()), rules)
    for sentence in reasons.values():
        _LOG.info("%s", sentence)
    return proposals_of(list(reasons), asleep)


def _reasons(
    modes: dict[str, SavingMode], at: datetime, rules: EnergyWakingRules
) -> dict[str, str]:
    """Return by cell to wake why, from what was published by a moment."""
    read = services().tables.read
    network = published_network(read, at, energy_planning_rules(), guardrail_rules())
    carriers = _carriers(network, at)
    if carriers is None:
        return {cell: f"{cell} wakes: no load is forecast." for cell in modes}
    findings = read(
        _FINDINGS, Window(at - timedelta(hours=_FORECAST_HOURS), at), columns=list(FINDINGS)
    ).collect()
    troubled = troubled_cells(findings, at, rules.troubling_categories)
    return overloaded(_measured(at, rules), modes, carriers, rules, troubled)


def _measured(at: datetime, rules: EnergyWakingRules) -> dict[str, Measured]:
    begin = at - timedelta(minutes=rules.newest_minutes)
    rows = services().tables.read(_KPIS, Window(begin, at), columns=kpi_columns()).collect()
    return newest_measured(rows, at, rules.newest_minutes)


def _carriers(network: SavingNetwork, at: datetime) -> Carriers | None:
    """Return who carries for whom by the newest forecast; None where there is none for now."""
    forecast = _forecast_now(network, at)
    if forecast is None:
        return None
    floor = least_floor_mbps(energy_goals_rules(), service_catalogue())
    standing = awake_for_long(len(network.cell_dns)).standing
    problem = sleep_problem(
        network, forecast, np.ones(1), standing, Limits(floor), energy_planning_rules()
    )
    return Carriers(
        cell_dns=network.cell_dns,
        moves=problem.moves,
        capacity=problem.capacity[:, 0],
        kept=network.radios.capacity,
        own_work=problem.expected_work[:, 0],
        floor_mbps=floor,
    )


def _forecast_now(network: SavingNetwork, at: datetime) -> WorkForecast | None:
    """Return the period of the newest forecast in which a moment lies."""
    window = Window(at - timedelta(hours=_FORECAST_HOURS), at + timedelta(minutes=15))
    rows = services().tables.read(_FORECASTS, window).filter(pl.col("made_at") <= at).collect()
    newest = rows.filter(pl.col("made_at") == pl.col("made_at").max())
    if newest.is_empty():
        return None
    told = forecast_of(newest)
    ends = np.cumsum(told.hours)
    period = int(np.searchsorted(ends, (at - told.starts[0]) / timedelta(hours=1), side="right"))
    if period == len(ends):
        return None
    whole = work_forecast(network, told, energy_goals_rules().prepared_quantile)
    one = slice(period, period + 1)
    return WorkForecast(whole.hours[one], whole.work[:, one], whole.expected[:, one])
