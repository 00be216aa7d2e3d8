"""Demand seen last, from published rows and from what cells feed by the minute."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.energy_planning import energy_planning_rules
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.system_clock import SystemClock
from tasks.energy.forecasting.forecast_rows import forecast_rows
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.lately import carrying_badly, demand_missed, plans_before
from tasks.energy.ledger_views import lives_of
from tasks.energy.planning.problem import IS_OFF
from tasks.energy.seen_demand import (
    QUARTER,
    DemandWatch,
    minutes_seen,
    quarter_seen,
    seen_columns,
)
from tasks.energy.standing import deepest_modes
from tasks.messages.cell_reports import CellReport
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, MODES, SAVE, SAVING_FUNCTION
from tests.tasks.energy.planning.saving_town import SavingTown

NOW = datetime(2025, 6, 4, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = energy_planning_rules()
NAMES = ("window_end", "anomaly_start", "is_ongoing", "contributions")
PREPARED, DEEP = 0.06, MODES.index("DEEP_SLEEP")


@pytest.fixture(scope="module")
def network():
    return SavingTown(sites=8).network()


class Written:
    """A ledger in which cells were put to sleep, and woken."""

    def __init__(self):
        self.ledger = MemoryLedger(SystemClock())

    def sleeps(self, cell: str, mode: str, at: datetime) -> str:
        """Put a cell into a mode, and return the proposal."""
        above, _, number = cell.partition(",GNBDUFunction=1,NRCellDU=")
        dn = f"{above},GNBCUCPFunction=1,NRCellCU={number},{SAVING_FUNCTION}=1"
        change = ChangeSet(
            (
                Operation("MODIFY", dn, SAVING_FUNCTION, MODE, "ACTIVE", mode),
                Operation("MODIFY", dn, SAVING_FUNCTION, CONTROL, DO_NOT_SAVE, SAVE),
            )
        )
        effect = ExpectedEffect("site_power", "lower", (cell,), 0.02, 0.05, 1, 4)
        told = ChangeProposal(
            "save_energy", "energy_agent", "solver", at, change, (cell,), "low_load", 1.0,
            "Load is low.", "low", (), (), effect, (), "run-1",
        )  # fmt: skip
        name = told.proposal_id
        self.put(name, "proposed", at - 5 * MINUTE, {"proposal": told.to_json()})
        self.put(name, "execution_prepared", at - MINUTE, {"attempt": 1, "rollback": []})
        self.put(name, "applied", at, {"attempt": 1, "applied_at": at.isoformat()})
        return name

    def put(self, name: str, kind: str, at: datetime, payload: dict) -> None:
        """Put an entry on record."""
        self.ledger.append(EntryDraft(kind, name, "story", at, payload, f"{name}:{kind}"))

    @property
    def lives(self):
        """Return where the proposals stand."""
        return lives_of(self.ledger.entries())


class Tables:
    """Published frames, read like tables."""

    def __init__(self, **frames):
        self.frames = frames

    def read(self, table, window=None, *, columns=None):
        frame = self.frames[table].lazy()
        time = "period_start" if table == "cell_kpis" else "made_at"
        if window is not None:
            frame = frame.filter(pl.col(time) >= window.start, pl.col(time) < window.end)
        return frame.select(columns) if columns else frame


def kpis(loads: dict[str, float | None], at=NOW - QUARTER, granularity="15min") -> pl.DataFrame:
    empty = dict.fromkeys(seen_columns())
    rows = [
        {**empty, "cell_dn": cell, "period_start": at, "granularity": granularity}
        | {"prb_usage_dl_pct": None if load is None else 100.0 * load}
        for cell, load in loads.items()
    ]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(seen_columns()[3:], pl.Float64))


def forecast(network, at, prepared=PREPARED) -> LoadForecast:
    hours = np.array([0.25] * 4 + [1.0] * 2)
    starts = tuple(at + timedelta(hours=float(ahead)) for ahead in np.cumsum(hours) - hours)
    peak = np.full((len(network.cell_dns), len(hours)), prepared)
    levels = np.array([0.5, 0.9])
    return LoadForecast(
        network.cell_dns, starts, hours, levels, np.stack([peak, peak]).astype(np.float32), peak
    )


def watch(network, lives=()) -> DemandWatch:
    return DemandWatch(network, lives, 0.9, RULES)


def tables(network, loads, told_at=NOW - QUARTER) -> Tables:
    told = forecast_rows(forecast(network, told_at), told_at)
    newest = forecast_rows(forecast(network, NOW), NOW)
    return Tables(cell_kpis=kpis(loads), load_forecasts=pl.concat([told, newest]))


def leaning(network) -> tuple[str, str]:
    """Return a cell that may sleep, and the cell that carries most of it."""
    pairs = network.carriers
    first = np.argmax(pairs.share * network.may_sleep[pairs.booster])
    names = network.cell_dns
    return names[pairs.booster[first]], names[pairs.candidate[first]]


def minutes(cell: str, *loads: float, begin=NOW) -> list[CellReport]:
    return [
        CellReport(cell, begin + number * MINUTE, begin + (number + 1) * MINUTE, load)
        for number, load in enumerate(loads)
    ]


def test_a_quarter_is_the_one_that_just_ended_and_silence_is_no_load():
    rows = pl.concat(
        [
            kpis({"a": 0.3, "b": None}),
            kpis({"a": 0.9, "b": 0.9}, NOW - 2 * QUARTER),
            kpis({"b": 0.9}, granularity="1h"),
        ]
    )
    seen = quarter_seen(rows, ("a", "b", "c"), NOW)
    np.testing.assert_allclose(seen.load, [0.3, np.nan, np.nan])
    assert (seen.begin, seen.end) == (NOW - QUARTER, NOW)
    assert quarter_seen(rows, ("b", "c"), NOW) is None
    assert quarter_seen(rows.clear(), ("a",), NOW) is None


def test_minutes_count_by_their_length_and_only_after_the_quarter():
    reports = [
        *minutes("a", 0.2, 0.4),
        CellReport("a", NOW + 2 * MINUTE, NOW + 4 * MINUTE, 0.6),
        *minutes("b", 0.9, begin=NOW - MINUTE),
    ]
    seen = minutes_seen(reports, ("a", "b"), NOW)
    np.testing.assert_allclose(seen.load, [0.45, np.nan])
    assert (seen.begin, seen.end) == (NOW, NOW + 4 * MINUTE)
    assert minutes_seen(reports[-1:], ("a", "b"), NOW) is None
    assert minutes_seen(reports, ("c",), NOW) is None


@pytest.mark.parametrize(
    ("put", "woken", "mode"),
    [
        pytest.param(-60, None, DEEP, id="slept before and after"),
        pytest.param(-10, None, DEEP, id="fell asleep within"),
        pytest.param(-60, -10, DEEP, id="woke within"),
        pytest.param(-60, -20, 0, id="woke before"),
        pytest.param(5, None, 0, id="falls asleep later"),
    ],
)
def test_who_was_off_the_air_for_a_part_of_a_stretch_was_off(network, put, woken, mode):
    story, cell = Written(), leaning(network)[0]
    name = story.sleeps(cell, "DEEP_SLEEP", NOW + put * MINUTE)
    if woken is not None:
        story.put(name, "recalled", NOW + woken * MINUTE, {"reason": "Load asks for its cells."})
    names, kept = network.cell_dns, network.radios.capacity
    found = deepest_modes(names, story.lives, NOW - QUARTER, NOW, kept)
    assert found[network.place[cell]] == mode
    assert found.sum() == mode


def test_of_two_modes_within_a_stretch_the_one_that_leaves_less_counts(network):
    story, cell = Written(), leaning(network)[0]
    muted = story.sleeps(cell, "MIMO_MUTED", NOW - 60 * MINUTE)
    story.put(muted, "recalled", NOW - 12 * MINUTE, {"reason": "planned"})
    story.sleeps(cell, "POWER_REDUCED", NOW - 10 * MINUTE)
    names, kept = network.cell_dns, network.radios.capacity
    found = deepest_modes(names, story.lives, NOW - QUARTER, NOW, kept)
    place = network.place[cell]
    assert kept[place, found[place]] == kept[place, [2, 3]].min()


def test_a_cell_that_carries_twice_what_was_prepared_swells_itself_alone(network):
    busy = network.cell_dns[3]
    loads = dict.fromkeys(network.cell_dns, 0.05) | {busy: 2 * PREPARED}
    (missed,) = demand_missed(
        tables(network, loads).read, (), watch(network), forecast(network, NOW)
    )
    assert missed.times[3] == pytest.approx(2.0, rel=1e-5)
    assert (np.delete(missed.times, 3) == 1.0).all()
    assert missed.hours_ago == 0.25


def test_those_who_lean_on_a_carrier_swell_with_it(network):
    story = Written()
    asleep, carrier = leaning(network)
    story.sleeps(asleep, "DEEP_SLEEP", NOW - 60 * MINUTE)
    loads = dict.fromkeys(network.cell_dns, 0.05) | {asleep: 0.0, carrier: 0.9}
    (missed,) = demand_missed(
        tables(network, loads).read, (), watch(network, story.lives), forecast(network, NOW)
    )
    place = network.place
    assert missed.times[place[carrier]] > 2.0
    assert 1.0 < missed.times[place[asleep]] <= missed.times[place[carrier]]
    assert ((missed.times > 1.0).sum()) == 2


def test_a_sleeper_s_own_zero_and_cells_that_told_nothing_teach_nothing(network):
    story = Written()
    asleep, carrier = leaning(network)
    story.sleeps(asleep, "DEEP_SLEEP", NOW - 60 * MINUTE)
    loads = {cell: None for cell in network.cell_dns if cell != asleep} | {asleep: 0.9}
    (missed,) = demand_missed(
        tables(network, loads).read, (), watch(network, story.lives), forecast(network, NOW)
    )
    assert (missed.times == 1.0).all()
    assert IS_OFF[DEEP]
    assert carrier in network.place


def test_without_a_quarter_or_a_forecast_before_it_nothing_is_missed(network):
    told, loads = forecast(network, NOW), dict.fromkeys(network.cell_dns, 0.9)
    silent = tables(network, dict.fromkeys(network.cell_dns))
    assert demand_missed(silent.read, (), watch(network), told) == ()
    for made in (NOW, NOW - timedelta(hours=RULES.before_hours + 1)):
        other = tables(network, loads, made)
        assert demand_missed(other.read, (), watch(network), told) == ()


def test_a_forecast_of_other_levels_is_no_measure(network):
    asked = replace(watch(network), quantile=0.95)
    loads = dict.fromkeys(network.cell_dns, 0.9)
    assert demand_missed(tables(network, loads).read, (), asked, forecast(network, NOW)) == ()


def test_minutes_since_count_instead_of_the_quarter_for_cells_that_told_them(network):
    calm, still_full = network.cell_dns[3:5]
    loads = dict.fromkeys(network.cell_dns, 0.05) | {calm: 0.24, still_full: 0.24}
    story = tables(network, loads)
    reports = minutes(calm, 0.05, 0.03)
    older, newer = demand_missed(story.read, reports, watch(network), forecast(network, NOW))
    assert older.times[3] == newer.times[3] == 1.0
    assert older.times[4] == pytest.approx(4.0, rel=1e-5)
    rising = minutes(calm, 0.3, 0.36)
    older, newer = demand_missed(story.read, rising, watch(network), forecast(network, NOW))
    assert (older.times[3], newer.hours_ago) == (1.0, 0.0)
    assert newer.times[3] == pytest.approx(5.5, rel=1e-5)


def test_a_sleeper_s_minutes_are_told_by_those_who_carry_for_it(network):
    story = Written()
    asleep, carrier = leaning(network)
    story.sleeps(asleep, "DEEP_SLEEP", NOW - 60 * MINUTE)
    loads = dict.fromkeys(network.cell_dns, 0.05) | {asleep: 0.0, carrier: 0.9}
    older, newer = demand_missed(
        tables(network, loads).read,
        minutes(carrier, 0.05),
        watch(network, story.lives),
        forecast(network, NOW),
    )
    assert older.times[network.place[asleep]] == 1.0, "the surge is over"
    assert (newer.times == 1.0).all()


def test_no_plan_is_older_than_the_rules_let_it_be():
    rows = pl.DataFrame(
        {
            "made_at": [NOW - timedelta(hours=4)],
            "promise": ["keen"],
            "cell_dn": ["a"],
            "period_start": [NOW - timedelta(hours=4)],
            "hours": [1.0],
            "mode": ["DEEP_SLEEP"],
        }
    )
    read = Tables(sleep_plans=rows).read
    assert plans_before(read, ("a",), NOW, ["keen"], 3.0) == {}
    last = plans_before(read, ("a",), NOW, ["keen"], 5.0)["keen"]
    assert (last.hours_ago, last.plan.mode.tolist()) == (4.0, [[DEEP]])


def test_cells_carry_badly_while_a_finding_for_which_waking_relieves_goes_on():
    def told(cell, kpi, ended):
        blame = [{"kpi": kpi, "expected": 1.0, "seen": 2.0, "share": 1.0}]
        values = (cell, cell, ended, ended - QUARTER, True, blame)
        return dict(zip(("anomaly_id", "cell_dn", *NAMES), values, strict=True))

    rows = pl.DataFrame(
        [
            told("broken", "drb_setup_success_rate", NOW),
            told("busy", "prb_usage_dl", NOW),
            told("to come", "drb_setup_success_rate", NOW + QUARTER),
        ]
    )
    asked = []

    def read(table, window, columns):
        asked.append((table, window.end))
        return rows.lazy().select(columns)

    assert carrying_badly(read, NOW, ["accessibility"]) == {"broken"}
    assert asked == [("cell_anomalies", NOW)]
