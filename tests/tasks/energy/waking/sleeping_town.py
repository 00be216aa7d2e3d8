"""A small town on published rows in which one cell sleeps, for stories of waking."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.periods import Window
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_load_feed import MemoryLoadFeed
from tasks.energy.forecasting.forecast_rows import forecast_rows
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.waking.seen_rows import FINDINGS, kpi_columns
from tasks.messages.cell_reports import CellReport
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect
from tasks.settings import settings
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, SAVE, SAVING_FUNCTION
from tasks.wiring import Services

NIGHT = datetime(2025, 6, 4, 1, tzinfo=UTC)
QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
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


def town_services(network, home):
    """Return services of a town in which one cell sleeps, and who carries most for it."""
    chosen = Services(settings().model_copy(update={"home": home}))
    booster, candidate = leaning(network)
    chosen.tables = Published(
        cell_kpis=kpis(network, 3.0),
        cell_anomalies=pl.DataFrame(schema=dict.fromkeys(FINDINGS, pl.Null)),
        load_forecasts=forecast_rows(forecast(network), NIGHT - QUARTER),
    )
    chosen.clock = chosen.network_clock = Clock()
    chosen.ledger, chosen.load_feed = MemoryLedger(chosen.clock), MemoryLoadFeed()
    return chosen, put_to_sleep(chosen.ledger, booster), candidate


def told(network, minutes, *, until=NIGHT, load=0.03, rate=60.0):
    """Return a feed of which every cell on the air told some minutes until a moment."""
    feed, booster = MemoryLoadFeed(), leaning(network)[0]
    for cell in network.cell_dns:
        if cell != booster:
            tell(feed, cell, [load] * minutes, until=until, rate=rate)
    return feed


def tell(feed, cell, loads, *, until=NIGHT, rate=60.0):
    """Let a cell tell the load of minutes, the last of which ends at a moment; None: nothing."""
    for ago, load in enumerate(reversed(loads)):
        end = until - ago * MINUTE
        if load is not None:
            feed.tell(CellReport(cell, end - MINUTE, end, load, rate))


def leaning(network):
    """Return the pair of which the candidate takes most."""
    pairs = network.carriers
    first = np.argmax(pairs.share * network.may_sleep[pairs.booster])
    names = network.cell_dns
    return names[pairs.booster[first]], names[pairs.candidate[first]]


def sleep_of(cell):
    """Return the change set that takes a cell into deep sleep."""
    above, _, number = cell.partition(",GNBDUFunction=1,NRCellDU=")
    dn = f"{above},GNBCUCPFunction=1,NRCellCU={number},{SAVING_FUNCTION}=1"
    return ChangeSet(
        (
            Operation("MODIFY", dn, SAVING_FUNCTION, MODE, "ACTIVE", "DEEP_SLEEP"),
            Operation("MODIFY", dn, SAVING_FUNCTION, CONTROL, DO_NOT_SAVE, SAVE),
        )
    )


def put_to_sleep(ledger, cell):
    """Put on record that a cell sleeps since an hour ago; return the proposal's id."""
    change = sleep_of(cell)
    expected = ExpectedEffect("site_power", "lower", (cell,), 0.02, 0.05, 1, 4)
    told = ChangeProposal(
        "save_energy", "energy_agent", "solver", NIGHT, change, (cell,), "low_load", 1.0,
        "Load is low.", "low", (), (), expected, (), "run-1",
    )  # fmt: skip
    for kind, payload in (
        ("proposed", {"proposal": told.to_json()}),
        ("applied", {"applied_at": (NIGHT - timedelta(hours=1)).isoformat()}),
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
