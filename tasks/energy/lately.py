"""What was published of late that a plan begins with: the one before, what it missed, findings."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import polars as pl

from data_products.load_forecasts.derive import FORECAST_SCHEMA
from semantic_layer.periods import Window
from tasks.energy.forecasting.forecast_rows import forecast_of
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.last_plan import COLUMNS, last_plans
from tasks.energy.seen_demand import (
    QUARTER,
    DemandWatch,
    minutes_seen,
    quarter_seen,
    seen_columns,
)
from tasks.energy.swelling import Missed
from tasks.energy.waking.rolling import LastPlan
from tasks.energy.waking.seen_rows import FINDINGS, standing_findings
from tasks.messages.cell_reports import CellReport
from tasks.twin.what_if_rows import PublishedRows

_PLANS, _FORECASTS, _KPIS = "sleep_plans", "load_forecasts", "cell_kpis"
_ANOMALIES, _FINDINGS_LAST = "cell_anomalies", timedelta(days=1)


def plans_before(
    read: PublishedRows,
    cell_dns: Sequence[str],
    at: datetime,
    promises: Iterable[str],
    hours: float,
) -> dict[str, LastPlan]:
    """Return from which published plan the search begins under each promise.

    Args:
        read: published rows.
        cell_dns: to be planned.
        at: when the new plan begins.
        promises: that plans are solved under.
        hours: age above which a plan is no start.
    """
    window = Window(at - timedelta(hours=hours), at)
    rows = read(_PLANS, window, columns=list(COLUMNS)).collect()
    return last_plans(rows, cell_dns, at, promises)


def carrying_badly(
    read: PublishedRows, at: datetime, categories: Collection[str]
) -> frozenset[str]:
    """Return the cells with a finding for which waking would relieve them at once.

    Nobody is to lean on them: who did would be woken, held, and put to sleep again.

    Args:
        read: published rows.
        at: when the plan begins.
        categories: of KPIs on which such a finding rests.
    """
    window = Window(at - _FINDINGS_LAST, at)
    rows = read(_ANOMALIES, window, columns=list(FINDINGS)).collect()
    return frozenset(standing_findings(rows, at, categories))


def demand_missed(
    read: PublishedRows,
    reports: Sequence[CellReport],
    watch: DemandWatch,
    forecast: LoadForecast,
) -> tuple[Missed, ...]:
    """Return how much more demand came than was prepared for, by what was measured last.

    Args:
        read: published rows.
        reports: of minutes after the forecast was made; none where nothing is fed.
        watch: what demand is compared with.
        forecast: made as the plan begins, at the end of the newest quarter that is measured.
    """
    at, dns = forecast.starts[0], watch.network.cell_dns
    rows = read(_KPIS, Window(at - QUARTER, at), columns=seen_columns()).collect()
    quarter = quarter_seen(rows, dns, at)
    before = None if quarter is None else _forecast_before(read, at, watch)
    return watch.misses(quarter, before, minutes_seen(reports, dns, at), forecast)


def _forecast_before(read: PublishedRows, at: datetime, watch: DemandWatch) -> LoadForecast | None:
    """Return the newest forecast made as the quarter before a moment began, or earlier.

    One made under other rules, that does not know the quantile prepared for, counts as none.
    """
    window = Window(at - timedelta(hours=watch.rules.before_hours), at)
    told = read(_FORECASTS, window, columns=list(FORECAST_SCHEMA)).filter(
        pl.col("made_at") <= at - QUARTER
    )
    newest = told.filter(pl.col("made_at") == pl.col("made_at").max()).collect()
    if newest.is_empty():
        return None
    found = forecast_of(newest)
    knows = found.quantiles[0] <= watch.quantile <= found.quantiles[-1]
    return found if knows else None
