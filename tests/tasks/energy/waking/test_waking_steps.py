"""The step that finds who must wake, on a small town's published rows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.periods import Window
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_load_feed import MemoryLoadFeed
from tasks.energy.forecasting.forecast_rows import forecast_rows
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.waking import steps
from tasks.energy.waking.seen_rows import (
    FINDINGS,
    kpi_columns,
    standing_findings,
    told_quarters,
)
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect
from tasks.settings import settings
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, SAVE, SAVING_FUNCTION
from tasks.wiring import Services, use_services
from tests.tasks.energy.planning.saving_town import SavingTown

NIGHT = datetime(2025, 6, 4, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
WINDOW = Window(NIGHT - QUARTER, NIGHT)


class Published:
    """Tables that hold frames."""

    def __init__(self, **frames):
        self.frames = frames

    def read(self, table, _window=None, *, columns=None):
        frame = self.frames[table]
        return frame.lazy().select(columns) if columns else frame.lazy()


class Clock:
    def __init__(self, moment=NIGHT):
        self.moment = moment

    def now(self):
        return self.moment


@pytest.fixture(scope="module")
def network():
    return SavingTown(sites=8).network()


@pytest.fixture
def town(network, tmp_path, monkeypatch):
    """Return services of a town in which one cell sleeps, the cell, and who carries most for it."""
    chosen = Services(settings().model_copy(update={"home": tmp_path}))
    booster, candidate = _leaning(network)
    chosen.tables = Published(
        cell_kpis=kpis(network, 3.0),
        cell_anomalies=pl.DataFrame(schema=dict.fromkeys(FINDINGS, pl.Null)),
        load_forecasts=forecast_rows(forecast(network), NIGHT - QUARTER),
    )
    chosen.ledger, chosen.network_clock = MemoryLedger(Clock()), Clock()
    chosen.load_feed = MemoryLoadFeed()
    asleep = put_to_sleep(chosen.ledger, booster)
    monkeypatch.setattr(steps, "published_network", lambda *_: network)
    with use_services(chosen):
        yield chosen, asleep, candidate


def _leaning(network):
    """Return the pair of which the candidate takes most."""
    pairs = network.carriers
    first = np.argmax(pairs.share * network.may_sleep[pairs.booster])
    names = network.cell_dns
    return names[pairs.booster[first]], names[pairs.candidate[first]]


def put_to_sleep(ledger, cell):
    above, _, number = cell.partition(",GNBDUFunction=1,NRCellDU=")
    dn = f"{above},GNBCUCPFunction=1,NRCellCU={number},{SAVING_FUNCTION}=1"
    change = ChangeSet(
        (
            Operation("MODIFY", dn, SAVING_FUNCTION, MODE, "ACTIVE", "DEEP_SLEEP"),
            Operation("MODIFY", dn, SAVING_FUNCTION, CONTROL, DO_NOT_SAVE, SAVE),
        )
    )
    expected = ExpectedEffect("site_power", "lower", (cell,), 0.02, 0.05, 1, 4)
    told = ChangeProposal(
        "save_energy", "energy_agent", "solver", NIGHT, change, (cell,), "low_load", 1.0,
        "Load is low.", "low", (), (), expected, (), "run-1",
    )  # fmt: skip
    for kind, payload in (
        ("proposed", {"proposal": told.to_json()}),
        ("applied", {"applied_at": NIGHT.isoformat()}),
    ):
        ledger.append(EntryDraft(kind, told.proposal_id, "anops", NIGHT, payload, kind))
    return told.proposal_id


def kpis(network, load_pct, at=NIGHT - QUARTER):
    empty = dict.fromkeys(kpi_columns())
    rows = [
        empty
        | {"cell_dn": cell, "period_start": at, "granularity": "15min"}
        | {"prb_usage_dl_pct": load_pct, "user_throughput_dl_mbps": 60.0}
        for cell in network.cell_dns
    ]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(kpi_columns()[3:], pl.Float64))


def forecast(network):
    shape = len(network.cell_dns), 2
    mean = np.full(shape, 0.03)
    return LoadForecast(
        network.cell_dns, (NIGHT - QUARTER, NIGHT), np.array([0.25, 0.25]),
        np.array([0.5, 0.99]), np.stack([mean, 1.5 * mean]).astype(np.float32), mean,
    )  # fmt: skip


def of_cell(frame, cell, load_pct):
    is_cell = pl.col("cell_dn") == cell
    told = pl.when(is_cell).then(pl.lit(load_pct)).otherwise(pl.col("prb_usage_dl_pct"))
    return frame.with_columns(told.alias("prb_usage_dl_pct"))


@pytest.mark.usefixtures("town")
def test_a_cell_sleeps_on_while_those_who_carry_for_it_have_room():
    assert steps.find_overloaded.fn(WINDOW) == {}


def test_it_wakes_when_a_cell_that_carries_for_it_is_full(town):
    chosen, asleep, candidate = town
    chosen.tables.frames["cell_kpis"] = of_cell(chosen.tables.frames["cell_kpis"], candidate, 95.0)
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_the_cell_that_carries_for_it_told_nothing(town):
    chosen, asleep, candidate = town
    told = chosen.tables.frames["cell_kpis"]
    chosen.tables.frames["cell_kpis"] = told.filter(pl.col("cell_dn") != candidate)
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_what_was_measured_is_old(town, network):
    chosen, asleep, _ = town
    chosen.tables.frames["cell_kpis"] = kpis(network, 3.0, NIGHT - timedelta(hours=3))
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_deliveries_stopped_an_hour_ago(town):
    chosen, asleep, _ = town
    chosen.network_clock.moment = NIGHT + timedelta(hours=1)
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_no_load_is_forecast(town):
    chosen, asleep, _ = town
    chosen.tables.frames["load_forecasts"] = chosen.tables.frames["load_forecasts"].clear()
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_nobody_is_looked_at_while_nobody_sleeps(town):
    chosen, _, _ = town
    chosen.ledger = MemoryLedger(Clock())
    chosen.tables = None
    assert steps.find_overloaded.fn(WINDOW) == {}


def test_quarters_that_began_too_long_ago_tell_nothing(network):
    quarters = [kpis(network, 9.0, NIGHT - 4 * QUARTER), kpis(network, 3.0)]
    found = told_quarters(pl.concat(quarters), NIGHT, 45)
    assert {(told.load, told.begin, told.end) for told in found} == {(0.03, NIGHT - QUARTER, NIGHT)}


def finding(cell, kpi, *, is_ongoing=True, ended=NIGHT):
    return {
        "anomaly_id": f"{cell}{kpi}",
        "window_end": ended,
        "anomaly_start": ended - QUARTER,
        "cell_dn": cell,
        "is_ongoing": is_ongoing,
        "contributions": [{"kpi": kpi, "expected": 1.0, "seen": 2.0, "share": 1.0}],
    }


def test_findings_of_service_trouble_a_cell_and_findings_of_load_do_not():
    rows = pl.DataFrame(
        [
            finding("broken", "drb_setup_success_rate"),
            finding("busy", "prb_usage_dl"),
            finding("mended", "drb_setup_success_rate", is_ongoing=False),
            finding("long ago", "drb_setup_success_rate", ended=NIGHT - timedelta(hours=1)),
            finding("to come", "drb_setup_success_rate", ended=NIGHT + timedelta(hours=1)),
        ]
    )
    found = standing_findings(rows, NIGHT, ["accessibility", "availability"])
    assert found == {"broken": NIGHT - QUARTER}
    assert standing_findings(rows.clear(), NIGHT, ["accessibility"]) == {}
