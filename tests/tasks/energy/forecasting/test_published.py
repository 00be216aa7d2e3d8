"""From published rows to a forecast's inputs, and from a forecast to rows and back."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_products.load_forecasts.derive import FORECAST_SCHEMA, derive
from data_products.registry import table
from semantic_layer.energy_calendar import CalendarDay, CalendarEvent, EnergyCalendar, Surroundings
from semantic_layer.errors import InputError
from semantic_layer.load_forecasting import load_forecasting_rules
from semantic_layer.periods import Window
from tasks.energy.forecasting.findings import StandingFinding, widening_and_lift
from tasks.energy.forecasting.forecast_rows import forecast_of, forecast_rows, planning_hours
from tasks.energy.forecasting.forecaster import LoadForecaster
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.forecasting.load_history import QUARTER
from tasks.energy.forecasting.published import (
    load_calendar,
    load_history,
    newest_topology,
    standing_findings,
)
from tests.tasks.energy.forecasting.world import CALENDAR, DAY_AHEAD, planted

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = load_forecasting_rules()
LEVELS = np.array([0.05, 0.5, 0.999])
TOPOLOGY = pl.DataFrame(
    {
        "cell_dn": ["a", "b", "c"],
        "site_id": ["S1", "S1", "S2"],
        "latitude_deg": [51.34, 51.34, 51.40],
        "longitude_deg": [12.37, 12.37, 12.37],
        "neighbor_dns": [["b"], ["a"], []],
        "valid_from": [NOON - timedelta(days=9)] * 3,
    }
)


def told(cells: int, periods: int, seed: int = 0) -> LoadForecast:
    random = np.random.default_rng(seed)
    peak = np.sort(random.random((3, cells, periods)), axis=0).astype(np.float32)
    peak[:, cells // 2] = np.nan
    mean = np.where(np.isnan(peak[1]), np.nan, 0.9 * peak[1]).astype(np.float32)
    starts = tuple(NOON + place * QUARTER for place in range(periods))
    names = tuple(f"NRCellDU={number:03d}" for number in range(cells))
    return LoadForecast(names, starts, np.full(periods, 0.25), LEVELS, peak, mean)


@given(cells=st.integers(1, 5), periods=st.integers(1, 4), seed=st.integers(0, 99))
def test_a_forecast_comes_back_from_its_rows(cells, periods, seed):
    forecast = told(cells, periods, seed)
    rows = forecast_rows(forecast, NOON).sample(fraction=1.0, shuffle=True, seed=seed)
    if cells == 1:  # nothing is known of it, not even the levels
        assert np.isnan(forecast_of(rows).mean).all()
        return
    found = forecast_of(derive(rows))
    assert (found.cell_dns, found.starts) == (forecast.cell_dns, forecast.starts)
    assert np.array_equal(found.quantiles, LEVELS)
    assert np.array_equal(found.peak, forecast.peak, equal_nan=True)
    assert np.array_equal(found.mean, forecast.mean, equal_nan=True)


def test_rows_are_those_of_the_product_and_what_is_not_forecast_is_null():
    rows = forecast_rows(told(3, 2), NOON)
    shape = table("load_forecasts")
    assert rows.schema == pl.Schema(FORECAST_SCHEMA)
    assert {name: shape.schema[name] for name in rows.columns} == dict(rows.schema)
    unknown = rows.filter(pl.col("cell_dn") == "NRCellDU=001")
    assert unknown.height == 2
    assert unknown["mean_load_share"].null_count() == 2
    assert unknown["peak_load_shares"].null_count() == 2


def test_of_two_rows_of_a_period_the_last_stands():
    rows = forecast_rows(told(3, 2), NOON)
    again = rows.with_columns(mean_load_share=pl.lit(0.5))
    found = derive(pl.concat([rows, again]))
    assert found.height == rows.height
    assert (found["mean_load_share"] == 0.5).all()
    assert found.equals(found.sort("cell_dn", "period_start"))


def test_rows_that_are_no_forecast_are_refused():
    rows = forecast_rows(told(3, 2), NOON)
    with pytest.raises(InputError, match="got none or more"):
        forecast_of(rows.clear())
    later = forecast_rows(told(3, 2), NOON + QUARTER)
    with pytest.raises(InputError, match="got none or more"):
        forecast_of(pl.concat([rows, later]))
    with pytest.raises(InputError, match="the same periods"):
        forecast_of(rows[:-1])


def test_cells_of_a_forecast_can_be_asked_for_in_any_order():
    forecast = told(4, 2)
    found = forecast.of_cells(("NRCellDU=003", "new", "NRCellDU=000"))
    assert np.array_equal(found.mean[[0, 2]], forecast.mean[[3, 0]])
    assert np.isnan(found.mean[1]).all()
    assert np.isnan(found.peak[:, 1]).all()


def test_the_plan_begins_with_quarters_and_reaches_a_day():
    hours = planning_hours(RULES)
    assert hours.sum() == RULES.ahead_hours
    assert (hours[: RULES.single_quarters] == 0.25).all()
    assert (hours[RULES.single_quarters :] == 1.0).all()


def kpi_rows(*told_rows) -> pl.DataFrame:
    schema = {
        "cell_dn": pl.String(),
        "period_start": pl.Datetime("us", "UTC"),
        "load_pct": pl.Float64(),
        "off_pct": pl.Float64(),
        "restrained_pct": pl.Float64(),
    }
    rows = [(cell, NOON + place * QUARTER, load, off, 0.0) for cell, place, load, off in told_rows]
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_history_has_gaps_where_nothing_was_told():
    rows = kpi_rows(("b", 0, 50.0, None), ("a", 1, 25.0, None), ("a", 0, None, 0.0))
    found = load_history(rows, Window(NOON, NOON + 3 * QUARTER), TOPOLOGY, RULES)
    assert found.cell_dns == ("a", "b")
    assert found.own is None
    nan = np.nan
    assert np.array_equal(found.load, [[nan, 0.25, nan], [0.5, nan, nan]], equal_nan=True)


def test_sleepers_and_those_that_carry_them_are_marked():
    nights = [
        ("abc"[cell], place, 20.0, 0.0) for cell in range(3) for place in range(0, 96 * 3, 96)
    ]
    slept = [("a", 288, None, 100.0), ("b", 288, 40.0, 0.0), ("c", 288, 20.0, 0.0)]
    window = Window(NOON, NOON + 289 * QUARTER)
    found = load_history(kpi_rows(*nights, *slept), window, TOPOLOGY, RULES)
    assert found.own is not None
    assert found.own[:, 288].tolist() == [False, False, True]
    assert found.own[:, :288].all()


def test_events_are_placed_by_cell_site_and_surroundings():
    times = {"begins": NOON, "ends": NOON + timedelta(hours=2), "load_factor": 2.0}
    near = Surroundings(latitude_deg=51.395, longitude_deg=12.37, radius_km=1.0)
    found = load_calendar(
        EnergyCalendar(
            time_zone="Europe/Berlin",
            days=(CalendarDay(date=NOON.date(), name="fair", like="SATURDAY"),),
            events=(
                CalendarEvent(name="by site", site_ids=("S1",), **times),
                CalendarEvent(name="by cell", cell_dns=("b", "gone"), **times),
                CalendarEvent(name="around", near=near, **times),
            ),
        ),
        TOPOLOGY,
    )
    assert [event.cell_dns for event in found.events] == [{"a", "b"}, {"b"}, {"c"}]
    assert found.day_kinds == {NOON.date(): "SATURDAY"}


def finding(anomaly_id, hours_ago, *, is_ongoing=True, cell="a", **load):
    end = NOON - timedelta(hours=hours_ago)
    contribution = {"kpi": "prb_usage_dl", "expected": 20.0, "seen": 20.0, "share": 0.5} | load
    return {
        "anomaly_id": anomaly_id,
        "window_start": end - timedelta(hours=1),
        "window_end": end,
        "cell_dn": cell,
        "is_ongoing": is_ongoing,
        "contributions": [contribution],
    }


def test_findings_stand_until_the_newest_window_says_otherwise():
    rows = pl.DataFrame(
        [
            finding("ended", 1), finding("ended", 0, is_ongoing=False),
            finding("not seen again", 1), finding("stands", 1), finding("stands", 0, seen=50.0),
            finding("other kpi", 0, cell="b", kpi="traffic_volume_dl", seen=90.0),
            finding("later", -1, cell="c"),
        ]
    )  # fmt: skip
    assert standing_findings(rows, NOON) == [StandingFinding("a", 2.5), StandingFinding("b", 1.0)]
    assert standing_findings(rows.clear(), NOON) == []


def test_the_worst_finding_at_a_cell_counts_up_to_the_most_lift():
    found = [StandingFinding("b", 1.2), StandingFinding("b", 9.0), StandingFinding("a", 0.3)]
    wider, lift = widening_and_lift(found, ["a", "b", "c"], widening=1.5, most_lift=3.0)
    assert wider.tolist() == [1.5, 1.5, 1.0]
    assert lift.tolist() == [1.0, 3.0, 1.0]


def test_the_inventory_is_as_it_held_then():
    moved = TOPOLOGY.with_columns(site_id=pl.lit("S9"), valid_from=pl.lit(NOON))
    later = TOPOLOGY.with_columns(valid_from=pl.lit(NOON + QUARTER))
    found = newest_topology(pl.concat([moved, later, TOPOLOGY]), NOON)
    assert found["cell_dn"].to_list() == ["a", "b", "c"]
    assert (found["site_id"] == "S9").all()


def test_a_finding_widens_and_lifts_the_upper_quantiles():
    history = planted(cells=6)
    forecaster = LoadForecaster.fitted(history, CALENDAR, RULES)
    plain = forecaster.forecast(history, history.end, DAY_AHEAD)
    found = forecaster.forecast(
        history,
        history.end,
        DAY_AHEAD,
        findings=[StandingFinding("ManagedElement=1,NRCellDU=1", 0.2),
                  StandingFinding("ManagedElement=2,NRCellDU=1", 2.0)],
    )  # fmt: skip
    assert np.array_equal(found.peak[:, [0, 3, 4, 5]], plain.peak[:, [0, 3, 4, 5]])
    assert (found.peak_at(0.99)[1] > plain.peak_at(0.99)[1]).all()
    assert (found.peak_at(0.05)[1] < plain.peak_at(0.05)[1]).all()
    assert (found.peak_at(0.9)[2] >= np.minimum(2.0 * plain.mean[2], 1.0) - 1e-6).all()
    assert np.array_equal(found.mean, plain.mean)
