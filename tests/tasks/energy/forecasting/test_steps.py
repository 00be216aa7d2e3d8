"""The step that forecasts load: what it reads, what it publishes, and that it learns from both."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.energy.forecasting import steps
from tasks.energy.forecasting.forecast_rows import forecast_of
from tasks.energy.forecasting.load_history import QUARTER
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.energy.forecasting.world import DAYS, MONDAY, RULES, midnight, planted

pytestmark = pytest.mark.slow  # Great Expectations judges

FROM = Lineage("test", "1", "x")
NOW = midnight(DAYS) + timedelta(hours=2)
LAST = Window(NOW - QUARTER, NOW)


class StoppedClock:
    def now(self):
        return NOW


@pytest.fixture(scope="module")
def lived():
    return planted(cells=6, days=DAYS + 1)


@pytest.fixture
def tables(tmp_path, lived):
    services = Services(Settings(home=tmp_path, worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        deliver(services.tables, lived)
        yield services.tables


def deliver(tables, history):
    cells, quarters = history.load.shape
    load = catalogue().kpis["prb_usage_dl"].column
    rows = pl.DataFrame(
        {
            "cell_dn": np.repeat(np.array(history.cell_dns), quarters),
            "period_start": [MONDAY + place * QUARTER for place in range(quarters)] * cells,
            load: 100.0 * history.load.reshape(-1).astype(float),
        }
    ).with_columns(
        pl.col("period_start").dt.cast_time_unit("us"),
        granularity=pl.lit("15min"),
        object_class=pl.lit("NRCellDU"),
    )
    window = Window(MONDAY, history.end)
    scope = {"source": "pm_measurements", "granularity": "15min"}
    tables.publish("cell_kpis", window, rows, FROM, scope)
    places = pl.DataFrame(
        {
            "cell_dn": list(history.cell_dns),
            "site_id": ["S021"] + ["S001"] * (cells - 1),
            "latitude_deg": 51.3,
            "longitude_deg": 12.4,
            "neighbor_dns": [[]] * cells,
            "valid_from": MONDAY,
        },
        schema_overrides={
            "neighbor_dns": pl.List(pl.String),
            "valid_from": pl.Datetime("us", "UTC"),
        },
    )
    tables.publish("network_topology", window, places, FROM, {"source": "delivered"})


def published(tables, made_at):
    rows = tables.read("load_forecasts").collect()
    return forecast_of(rows.filter(pl.col("made_at") == made_at))


def test_a_day_of_load_is_published_from_the_end_of_the_window(tables, lived):
    found = steps.forecast_load.fn(LAST)
    assert found.verdict == "published"
    told = published(tables, NOW)
    assert told.cell_dns == lived.cell_dns
    assert told.starts[0] == NOW
    assert told.hours.sum() == RULES.ahead_hours
    place = (NOW - MONDAY) // QUARTER
    came = lived.load[:, place : place + 4]
    assert told.mean[:, :4] == pytest.approx(came, rel=0.6)
    assert (came <= told.peak_at(0.999)[:, :4]).mean() > 0.9


def test_publishing_a_window_twice_replaces_it(tables):
    steps.forecast_load.fn(LAST)
    first = tables.read("load_forecasts").collect()
    steps.forecast_load.fn(LAST)
    again = tables.read("load_forecasts").collect()
    shown = [name for name in first.columns if name not in {"run_id", "input_snapshots"}]
    assert again.select(shown).equals(first.select(shown))


def test_what_is_delivered_later_changes_nothing(tables, lived):
    steps.forecast_load.fn(LAST)
    first = published(tables, NOW)
    later = planted(cells=6, days=DAYS + 1, seed=9)
    load = lived.load.copy()
    load[:, (NOW - MONDAY) // QUARTER :] = later.load[:, (NOW - MONDAY) // QUARTER :]
    deliver(tables, type(lived)(lived.cell_dns, lived.first, load))
    steps.forecast_load.fn(LAST)
    assert np.array_equal(published(tables, NOW).peak, first.peak)


def test_forecasts_that_were_passed_too_often_widen_the_next(tables):
    plain = published_after(tables, [])
    bold = tables.read("load_forecasts").collect().filter(pl.col("made_at") == NOW)
    shares = pl.col("peak_load_shares").list.eval(pl.element() * 0.01)
    told = []
    for hours in range(1, 7):
        back = timedelta(hours=hours)
        moved = bold.with_columns(shares, pl.col("made_at", "period_start") - back)
        told.append(moved.select(pl.exclude("run_id", "^.*_version$", "input_snapshots")))
    wary = published_after(tables, told)
    assert (wary.peak_at(0.99)[:, :4] > plain.peak_at(0.99)[:, :4]).all()
    assert (wary.peak_at(0.99) >= plain.peak_at(0.99)).all()
    assert np.array_equal(wary.mean, plain.mean)


def test_the_operators_own_calendar_takes_the_packaged_ones_place(tables, tmp_path):
    plain = published_after(tables, [])
    event = {
        "name": "fair",
        "site_ids": ["S021"],
        "begins": NOW.isoformat(),
        "ends": (NOW + timedelta(hours=1)).isoformat(),
        "load_factor": 2,
    }
    entries = {"time_zone": "Europe/Berlin", "days": [], "events": [event]}
    text = "".join(
        f"- {{name: {name}, value: {value!r}, unit: '1', owner: x, description: x}}\n"
        for name, value in entries.items()
    )
    (tmp_path / "energy_calendar.yaml").write_text(text)
    found = published_after(tables, [])
    assert found.mean[0, :4] == pytest.approx(2.0 * plain.mean[0, :4], rel=0.1)
    assert found.mean[1:, :4] == pytest.approx(plain.mean[1:, :4], rel=0.1)


@pytest.mark.usefixtures("tables")
def test_a_network_without_history_is_refused():
    with pytest.raises(InputError, match="values on 14 days"):
        steps.forecast_load.fn(Window(MONDAY + timedelta(days=9), MONDAY + timedelta(days=10)))


def published_after(tables, earlier):
    for rows in earlier:
        made_at = rows["made_at"][0]
        tables.publish("load_forecasts", Window(made_at, made_at + QUARTER), rows, FROM)
    steps.forecast_load.fn(LAST)
    return published(tables, NOW)
