"""How well load is forecast: beside last week, beside the last value, and beside a floor.

Rules were chosen on towns 31 and 32; what is printed is town 7. Judged are two stretches, always
with a forecaster fitted on what was known at midnight and origins every three hours: the fourth
week, and the two newest days, into which the sample network puts as many faults as into the four
weeks before. Real loads are those of a public site energy data set, by hour, six days long.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl

from semantic_layer.energy_calendar import energy_calendar
from semantic_layer.load_forecasting import LoadForecastingRules, load_forecasting_rules
from tasks.energy.forecasting.forecast_rows import planning_hours
from tasks.energy.forecasting.forecaster import LoadForecaster
from tasks.energy.forecasting.load_calendar import LoadCalendar
from tasks.energy.forecasting.load_history import QUARTER, QUARTERS_A_DAY, Floats, LoadHistory
from tasks.twin.sample_network import simulated_run
from tasks.twin.scenario import NETWORKS
from tests.benchmarks._load_rivals import (
    Periods,
    Rival,
    Told,
    floor_errors,
    periods_of,
    rolling_starts,
)
from tests.benchmarks.detection import _kpis

SEED = 7
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "site_energy" / "CLdata.csv.gz"
SHOWN = (0.05, 0.5, 0.9, 0.95, 0.99, 0.999)
STRETCHES = {
    "next quarter": slice(0, 1), "rest of the hour": slice(1, 4), "1 to 4 h": slice(4, 7),
    "4 to 12 h": slice(7, 15), "12 to 24 h": slice(15, 27),
}  # fmt: skip
_STEP = 12
Forecast = Callable[[LoadHistory, datetime], Told]
Fit = Callable[[LoadHistory], Forecast]


def main() -> None:
    """Print quality and speed."""
    rules = load_forecasting_rules()
    calendar = LoadCalendar(
        energy_calendar().time_zone, {day.date: day.like for day in energy_calendar().days}
    )
    town, expected = delivered_load(SEED)
    hours = planning_hours(rules)
    rivals = fits(calendar, rules, hours)
    for where, first, days in (("week four", 21, 7), ("the two days of many faults", 28, 2)):
        for name, fit in rivals.items():
            report(f"town {SEED}, {where}, {name}", town, fit, (first, days), periods_of(hours))
    week = slice(None, 28 * QUARTERS_A_DAY)
    for ahead, error in floor_errors(
        town.load[:, week], expected[:, week], 21 * QUARTERS_A_DAY, [1, 4, 12, 32, 72]
    ):
        _say("floor", f"single quarters {ahead / 4:g} h ahead: weighted error {error:.4f}")
    real(rules)
    speed(town, calendar, rules, hours)


def delivered_load(seed: int) -> tuple[LoadHistory, Floats]:
    """Return the load that a town delivers, and (C, P) what it would be but for chance."""
    chosen = replace(NETWORKS["town"], seed=seed)
    run, _, _ = simulated_run(chosen)
    days = range(0, run.calendar.periods, QUARTERS_A_DAY)
    load = pl.coalesce("prb_usage_dl_pct", "lte_prb_usage_dl_pct").alias("load")
    rows = pl.concat([_kpis(run, first).select("cell_dn", "period_start", load) for first in days])
    with (
        patch(
            "tasks.twin.traffic._noise", lambda _, kinds, periods: np.zeros((periods, len(kinds)))
        ),
        patch("tasks.twin.sample_network.benign_shocks", lambda *_: []),
    ):
        _, calm, _ = simulated_run(chosen)
    dns = [cell.dn for cell in calm.network.cells]
    history = _gridded(rows, chosen.start, run.calendar.periods)
    places = [dns.index(name) for name in history.cell_dns]
    return history, np.asarray(calm.sound.load.T[places], np.float32)


def fits(calendar: LoadCalendar, rules: LoadForecastingRules, hours: Floats) -> dict[str, Fit]:
    """Return what is compared: each takes what was known and returns a forecast."""
    periods, levels = periods_of(hours), np.array(rules.quantiles)

    def ours(known: LoadHistory) -> Forecast:
        forecaster = LoadForecaster.fitted(known, calendar, rules)

        def told(history: LoadHistory, start: datetime) -> Told:
            found = forecaster.forecast(history, start, hours)
            return Told(found.peak, found.mean)

        return told

    return {
        "forecaster": ours,
        "seasonal naive": lambda known: Rival(known, calendar, periods, 7, levels).forecast,
        "persistence": lambda known: Rival(known, calendar, periods, 0, levels).forecast,
    }


def report(
    where: str, town: LoadHistory, fit: Fit, judged: tuple[int, int], periods: Periods
) -> None:
    """Print what a forecast is worth, by how far ahead."""
    peaks, means, came_peaks, came_means = [], [], [], []
    for day in range(judged[0], sum(judged)):
        midnight = town.first + timedelta(days=day)
        forecast = fit(town.between(town.first, midnight))
        for start in rolling_starts(midnight, 1, _STEP):
            origin = int((start - town.first) / QUARTER)
            came = town.load[:, origin : origin + periods.total]
            if came.shape[1] < periods.total:
                came = np.pad(
                    came, ((0, 0), (0, periods.total - came.shape[1])), constant_values=np.nan
                )
            known = town.between(town.first, start)
            told = forecast(known, start)
            peak, mean = periods.peak_and_mean(came)
            peaks.append(told.peak), means.append(told.mean)
            came_peaks.append(peak), came_means.append(mean)
    whole = np.stack(peaks, 1), np.stack(means), np.stack(came_peaks), np.stack(came_means)
    for name, part in STRETCHES.items():
        if part.start < len(periods.firsts):
            _say(where, name, _figures(*(it[..., part] for it in whole)))


def _figures(peak: Floats, mean: Floats, came_peak: Floats, came_mean: Floats) -> str:
    levels = np.array(load_forecasting_rules().quantiles)
    is_there = np.isfinite(came_peak) & np.isfinite(mean) & np.isfinite(peak[0])
    peak, mean = peak[:, is_there], mean[is_there]
    came_peak, came_mean = came_peak[is_there], came_mean[is_there]
    over = peak - came_peak
    loss = np.where(over >= 0, (1 - levels[:, None]) * over, -levels[:, None] * over).mean(axis=1)
    places = [int(np.argmin(np.abs(levels - level))) for level in SHOWN]
    under = "  ".join(
        f"{level:g}: {(over[place] >= 0).mean():.4f}"
        for level, place in zip(SHOWN, places, strict=True)
    )
    high = places[SHOWN.index(0.99)]
    crps = 2.0 * float(np.trapezoid(loss, levels)) / (levels[-1] - levels[0])
    return (
        f"weighted error {np.abs(mean - came_mean).sum() / came_mean.sum():.4f}, CRPS "
        f"{1e4 * crps:.1f}e-4, pinball .99 {1e4 * loss[high]:.2f}e-4, .99 is "
        f"{peak[high].mean() / came_peak.mean():.2f} x load; under {under}"
    )


def real(rules: LoadForecastingRules) -> None:
    """Print the same of real loads, where they lie beside the clone."""
    if not REAL.is_file():
        _say("real load", f"skipped: no {REAL.parent.name} beside the clone")
        return
    history = real_load(REAL)
    rules = rules.model_copy(
        update={"least_history_days": 3, "rehearsed_after_days": 2, "origins_a_day": 12}
    )
    hours = np.ones(18)
    periods, levels = periods_of(hours), np.array(rules.quantiles)
    days = history.load.shape[1] // QUARTERS_A_DAY
    dates = [(history.first + timedelta(days=day)).date() for day in range(days + 2)]
    calendar = LoadCalendar("UTC", dict.fromkeys(dates, "WORKDAY"))  # a week teaches no kinds
    chosen = fits(calendar, rules, hours) | {
        "the same hour yesterday": lambda known: Rival(known, calendar, periods, 1, levels).forecast
    }
    for name in ("forecaster", "the same hour yesterday", "persistence"):
        report(f"real load of {len(history.cell_dns)} cells, {name}", history, chosen[name],
               (days - 2, 2), periods)  # fmt: skip


def real_load(path: Path) -> LoadHistory:
    """Return real loads by hour, each hour standing for its four quarters."""
    rows = pl.read_csv(path, columns=["Time", "BS", "CellName", "load"], infer_schema_length=None)
    rows = rows.select(
        pl.concat_str("BS", "CellName", separator=" ").alias("cell_dn"),
        pl.col("Time").str.to_datetime("%m/%d/%Y %H:%M", time_unit="us", time_zone="UTC")
        .alias("period_start"),
        pl.col("load") * 100.0,
    )  # fmt: skip
    start = datetime(2023, 1, 1, tzinfo=UTC)
    rows = rows.unique(["cell_dn", "period_start"], keep="first", maintain_order=True)
    count = int((rows["period_start"].max() - start) / QUARTER) + 4
    history = _gridded(rows, start, count)
    hourly = history.load[:, ::4]
    is_dense = np.isfinite(hourly).mean(axis=1) > 0.7
    names = tuple(np.array(history.cell_dns)[is_dense])
    return LoadHistory(names, start, np.repeat(hourly[is_dense], 4, axis=1))


def speed(
    town: LoadHistory, calendar: LoadCalendar, rules: LoadForecastingRules, hours: Floats
) -> None:
    """Print the CPU time of fitting and forecasting, of a town and of 20,000 cells."""
    copies = -(-20_000 // len(town.cell_dns))
    load = np.tile(town.load, (copies, 1))[:20_000]
    nation = LoadHistory(tuple(str(cell) for cell in range(len(load))), town.first, load)
    for history in (town, nation):
        started = time.process_time()
        forecaster = LoadForecaster.fitted(history, calendar, rules)
        fitted = time.process_time() - started
        started = time.process_time()
        forecaster.forecast(history, history.end, hours)
        _say(
            f"{len(history.cell_dns)} cells x {len(hours)} periods",
            f"fitted in {fitted:.1f} CPU-s, forecast in {time.process_time() - started:.2f} CPU-s",
        )


def _gridded(rows: pl.DataFrame, start: datetime, count: int) -> LoadHistory:
    cells = rows["cell_dn"].unique().sort()
    load = np.full((len(cells), count), np.nan, np.float32)
    away = (rows["period_start"] - start).dt.total_seconds().to_numpy()
    told = rows["load"].cast(pl.Float32).fill_null(float("nan")).to_numpy() / 100.0
    load[cells.search_sorted(rows["cell_dn"]).to_numpy(), (away // 900).astype(int)] = told
    return LoadHistory(tuple(cells.to_list()), start, load)


def _say(*words: str | Sequence[str]) -> None:
    print("bench load_forecast:", ": ".join(map(str, words)), flush=True)


if __name__ == "__main__":
    main()
