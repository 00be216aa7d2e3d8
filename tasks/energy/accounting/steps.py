"""Steps of energy accounting: measurements and the ledger in; what was saved out."""

import logging
from datetime import datetime, timedelta

import polars as pl

from data_products.energy_savings.derive import ACCOUNTED, ALL, DAYS, derive, derive_days
from data_products.lineage import Snapshot
from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from semantic_layer.services import service_catalogue
from tasks.energy.accounting import published
from tasks.energy.accounting.accounts import accounted_days, accounted_hours, accounts
from tasks.energy.accounting.cell_days import cell_hours, kpi_columns
from tasks.energy.accounting.efficiency import designated_area_m2
from tasks.energy.accounting.model_view import model_view
from tasks.energy.accounting.savers import SHARES, first_saving, saving_shares, stretches
from tasks.energy.accounting.savings_text import savings_text
from tasks.energy.accounting.site_days import site_hours
from tasks.energy.site_power.judging import judged
from tasks.energy.site_power.judging_text import judging_text
from tasks.energy.site_power.published import cell_loads, site_configuration, told_cells
from tasks.step import run_id, show_markdown, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_SAVINGS, _DAYS = "energy_savings", "energy_savings.days"
INPUTS = _MEASUREMENTS, _KPIS, _TOPOLOGY = "pm_measurements", "cell_kpis", "network_topology"
"""Tables that accounts are made of."""


@step
def publish_energy_savings(window: Window) -> Snapshot:
    """Publish `energy_savings` of the days of a window, and their totals.

    The baseline is the days before anybody first saved, as the ledger and the counters tell it;
    a window in which nobody saved publishes no rows.

    Args:
        window: whole days, over and delivered.
    """
    days = window.widened_to("day")
    inputs = [services().tables.snapshot(name) for name in INPUTS]
    hours, totals = accounted(days, inputs)
    door, rules = services().door, energy_accounting_rules()
    found = door.publish(_SAVINGS, days, derive(hours, rules), inputs, run_id())
    told = derive_days(totals)
    door.publish(_DAYS, days, told, inputs, run_id())
    show_markdown("energy-savings", savings_text(told, rules), f"Energy saved on {days}")
    for row in told.filter(pl.col("scope") == ALL).iter_rows(named=True):
        _LOG.info(
            "%s: %.1f kWh saved net at %d sites.",
            row["day_start"].date(), row["net_saved_kwh"] or 0.0, row["sites_count"],
        )  # fmt: skip
    return found


def savings_report() -> str:
    """Return what every accounted day saved, as Markdown, the newest accounts of each day."""
    told = services().tables.read(_DAYS).collect()
    if told.is_empty():
        return "Nothing was accounted for yet; `anops start account-energy` does a day."
    return savings_text(told.select(*DAYS), energy_accounting_rules())


def model_report() -> str:
    """Return how well the model of site energy does on this network's own sites, as Markdown.

    The newest days that are measured whole are looked at, as many as a baseline has.

    Raises:
        InputError: too few sites tell anything.
    """
    rules = energy_accounting_rules()
    inputs = [services().tables.snapshot(name) for name in INPUTS]
    newest = services().tables.read(_MEASUREMENTS, columns=["period_start"])
    last = newest.select(pl.col("period_start").max()).collect().item()
    if not isinstance(last, datetime):
        raise InputError("Nothing was measured yet; `anops run` fills a home with a sample network.")  # noqa: E501 # fmt: skip
    days = published.baseline_before(last + timedelta(minutes=15), rules)
    topology = _topology(inputs[2])
    readings = site_hours(
        _quarters(inputs[0], days),
        pl.DataFrame(schema=SHARES),
        published.site_pairs(topology),
        [days],
        rules.least_available_pct,
    )
    loads = cell_loads(_hourly(inputs[1], [days]), catalogue())
    configuration = told_cells(site_configuration(topology), loads)
    energies = published.site_energies(readings, configuration)
    found = judged(configuration, loads, energies, rules.model_sites, rules.confidence)
    return judging_text(found, f"the days {days.start:%Y-%m-%d} to {last:%Y-%m-%d}")


def accounted(days: Window, inputs: list[Snapshot]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return hours and days as they are accounted; columns `ACCOUNTED` and `DAYS`.

    Nothing is published.

    Args:
        days: whole days, over and delivered.
        inputs: snapshots of `INPUTS`, in their order.
    """
    rules = energy_accounting_rules()
    written = stretches(services().ledger.entries())
    own = _quarters(inputs[0], days)
    counted = published.counted_shares(own)
    began = first_saving(written, counted)
    if own.is_empty() or began is None or began >= days.end:
        return pl.DataFrame(schema=ACCOUNTED), pl.DataFrame(schema=DAYS)
    began = _first_counted(inputs[0], began, days)
    baseline = published.baseline_before(min(began, days.start), rules)
    topology = _topology(inputs[2])
    quarters = pl.concat([_quarters(inputs[0], baseline), own])
    readings = site_hours(
        quarters,
        saving_shares(written, counted, published.cells_of_sites(topology), days),
        published.site_pairs(topology),
        [baseline, days],
        rules.least_available_pct,
    )
    model = model_view(
        readings,
        cell_hours(_hourly(inputs[1], [baseline, days]), topology, readings, catalogue()),
        readings.inside(baseline),
        rules,
    )
    kept = accounts(readings, baseline, rules, model)
    hours = accounted_hours(kept, days)
    felt = {
        day.start: _felt(inputs[1], hours, day, baseline)
        for day in days.split("day")
        if hours.height
    }
    positions = topology.select("latitude_deg", "longitude_deg").drop_nulls().unique()
    area = designated_area_m2(list(positions.iter_rows()))
    return hours, accounted_days(kept, days, area, felt)


def _first_counted(measurements: Snapshot, began: datetime, days: Window) -> datetime:
    """Return when sites first saved, should counters of the baseline tell of an earlier moment."""
    rules = energy_accounting_rules()
    earlier = Window(min(began, days.start) - timedelta(days=2 * rules.baseline_days), days.start)
    counted = published.counted_shares(_quarters(measurements, earlier))
    return first_saving([], counted.filter(pl.col("period_start") < began)) or began


def _quarters(measurements: Snapshot, window: Window) -> pl.DataFrame:
    tables = services().tables
    present = tables.read(_MEASUREMENTS).collect_schema().names()
    rows = tables.read(
        _MEASUREMENTS,
        window,
        columns=published.measured_columns(present, catalogue()),
        snapshot_id=measurements.id or None,
    )
    return published.site_quarters(rows, catalogue())


def _hourly(kpis: Snapshot, windows: list[Window]) -> pl.DataFrame:
    """Return what cells did by the hour."""
    columns, seen = kpi_columns(catalogue()), kpis.id or None
    return pl.concat(
        services()
        .tables.read(_KPIS, one, columns=columns, snapshot_id=seen)
        .filter(pl.col("granularity") == "hour")
        .collect()
        for one in windows
    )


def _topology(inventory: Snapshot) -> pl.DataFrame:
    rows = services().tables.read(
        _TOPOLOGY, columns=list(published.TOPOLOGY), snapshot_id=inventory.id or None
    )
    return published.newest_topology(rows.collect())


def _felt(
    kpis: Snapshot, hours: pl.DataFrame, day: Window, baseline: Window
) -> dict[str, float | None]:
    before = published.week_before(day, baseline)
    columns = ["managed_element_dn", "period_start", "granularity"]
    wanted = [*columns, *published.felt_columns(catalogue())]
    tables, seen = services().tables, kpis.id or None
    rows = pl.concat(
        [
            tables.read(_KPIS, one, columns=wanted, snapshot_id=seen)
            .filter(pl.col("granularity") == "15min")
            .collect()
            for one in (before, day)
        ]
    )
    floor = published.floor_mbps(energy_accounting_rules(), service_catalogue())
    told = published.cell_quarters(rows, catalogue())
    return dict(published.day_felt(told, hours, day, before, floor))
