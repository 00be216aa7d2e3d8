"""Steps of waking: what operators measure between plans says who must wake."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data_products.cell_wakings.derive import derive
from data_products.lineage import Snapshot
from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.energy_waking import EnergyWakingRules, energy_waking_rules
from semantic_layer.errors import TransientError
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.periods import Window
from semantic_layer.services import service_catalogue
from tasks.energy.forecasting.forecast_rows import forecast_of
from tasks.energy.planning.compiling import Limits, WorkForecast, sleep_problem, work_forecast
from tasks.energy.planning.published import SavingNetwork, published_network
from tasks.energy.promises import least_floor_mbps
from tasks.energy.waking.evidence import Asked, Evidence
from tasks.energy.waking.load_rule import Carriers
from tasks.energy.waking.minute_rule import feed_window
from tasks.energy.waking.mode_course import awake_for_long
from tasks.energy.waking.seen_rows import FINDINGS, kpi_columns, standing_findings, told_quarters
from tasks.energy.waking.sleepers import asleep_by, half_woken, savings_on_record
from tasks.energy.waking.waking_rows import due_window, waking_rows
from tasks.energy.waking.wakings_text import TOLD, wakings_text
from tasks.energy.waking.who_wakes import Found, Known, who_wakes
from tasks.messages.cell_reports import CellReport, FedReports
from tasks.messages.proposal_life import ProposalLife
from tasks.step import run_id, show_table, step
from tasks.twin.sleep_modes import MODES, SavingMode
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_KPIS, _FINDINGS, _FORECASTS = "cell_kpis", "cell_anomalies", "load_forecasts"
_WAKINGS = "cell_wakings"
_FORECAST_HOURS = 24
_REFUSED_SHOWN, _LONGEST_SHOWN = 20, 300


@step
def find_overloaded(window: Window | None = None) -> dict[str, Evidence]:
    """Return the proposals whose cells must wake now with the evidence, the most urgent first.

    Cells that carry for sleepers are looked at: their load by the minute where it is fed, their
    newest quarter where it is not, and findings. Where nothing was measured of them lately, or no
    load was forecast, who leans on them wakes. Silence counts until the present of the network: a
    delivery that stopped is not a quiet network. What a crash left half woken is returned as well,
    with no evidence: that is on record by then.

    Args:
        window: before whose end the present does not lie; the network's present when None.
    """
    chosen = services()
    now, machine_at = chosen.network_clock.now(), chosen.clock.now()
    asked = Asked(now if window is None else max(window.end, now), machine_at)
    lives = savings_on_record(chosen.ledger.entries())
    resumed: dict[str, Evidence] = {proposal_id: {} for proposal_id in half_woken(lives)}
    if not asleep_by(lives):
        return resumed
    rules = energy_waking_rules()
    known = _known(lives, asked.at, rules)
    found = who_wakes(known, asked, rules)
    _show(found, known.feed)
    return {**resumed, **found.evidence}


@step
def publish_wakings() -> Snapshot:
    """Publish `cell_wakings`: how late cells woke that were asked for, on the days they woke.

    From the ledger alone: what a crash kept from being published is published by the next run.
    """
    tables = services().tables
    wakings = derive(waking_rows(savings_on_record(services().ledger.entries())))
    standing = tables.read(_WAKINGS, columns=["proposal_id", "cell_dn"]).collect()
    window = due_window(wakings, standing)
    if window is None:
        return tables.snapshot(_WAKINGS)
    of_days = pl.col("woken_at").is_between(window.start, window.end, closed="left")
    return services().door.publish(_WAKINGS, window, wakings.filter(of_days), [], run_id())


def wakings_report(days: int = 7) -> str:
    """Return how late cells woke lately as Markdown.

    Args:
        days: before the network's present that are told of.
    """
    now = services().network_clock.now()
    window = Window(now - timedelta(days=days), now + timedelta(minutes=15))
    rows = services().tables.read(_WAKINGS, window, columns=list(TOLD))
    return wakings_text(rows.collect())


def _known(lives: Sequence[ProposalLife], at: datetime, rules: EnergyWakingRules) -> Known:
    """Return what was told and published of cells by a moment."""
    read = services().tables.read
    feed = _fed(feed_window(at, rules))
    network = published_network(read, at, energy_planning_rules(), guardrail_rules())
    place = network.place

    def switch_s(cell: str, mode: SavingMode) -> float:
        number = place.get(cell)
        return 0.0 if number is None else float(network.radios.switch_s[number, MODES.index(mode)])

    window = Window(at - timedelta(hours=_FORECAST_HOURS), at)
    findings = read(_FINDINGS, window, columns=list(FINDINGS)).collect()
    return Known(
        lives,
        feed,
        _quarters(at, rules),
        standing_findings(findings, at, rules.troubling_categories),
        _carriers(network, at),
        switch_s,
    )


def _fed(window: Window) -> FedReports:
    """Return what the feed tells; of a feed that is away, that it is: counters speak then."""
    try:
        return services().load_feed.reports(window)
    except TransientError as error:
        return FedReports(refused=(f"The feed is away: {error}",))


def _quarters(at: datetime, rules: EnergyWakingRules) -> list[CellReport]:
    begin = at - timedelta(minutes=rules.newest_minutes)
    rows = services().tables.read(_KPIS, Window(begin, at), columns=kpi_columns()).collect()
    return told_quarters(rows, at, rules.newest_minutes)


def _show(found: Found, feed: FedReports) -> None:
    """Tell who wakes and what of the feed could not be used, in the log and on the run's page."""
    refused = [sentence[:_LONGEST_SHOWN] for sentence in feed.refused[:_REFUSED_SHOWN]]
    if len(feed.refused) > _REFUSED_SHOWN:
        refused.append(f"{len(feed.refused) - _REFUSED_SHOWN} more parts could not be read.")
    amiss = [*([found.says] if found.says else []), *refused]
    for sentence in amiss:
        _LOG.warning("%s", sentence)
    for waking in found.wakings:
        _LOG.info("%s", waking.says)
    rows = [{"cell": one.cell_dn, "says": one.says} for one in found.wakings]
    rows += [{"cell": "", "says": sentence} for sentence in amiss]
    if rows:
        show_table("cells-to-wake", rows, f"{len(found.wakings)} cells must wake")


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
