"""Steps of saving energy, on tables, a ledger and a network in memory."""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.errors import TransientError
from semantic_layer.periods import Window
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_load_feed import MemoryLoadFeed
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.memory_transcripts import InMemoryTranscripts
from tasks.adapters.scripted_chat import NoChat
from tasks.adapters.system_clock import SystemClock
from tasks.energy import steps
from tasks.energy.forecasting.forecast_rows import forecast_rows
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.goals.goal import GoalError
from tasks.messages.cell_reports import CellReport
from tasks.messages.ledger import EntryDraft
from tasks.settings import settings
from tasks.twin.sleep_modes import MODE
from tasks.wiring import Services, use_services
from tests.tasks.energy import planned
from tests.tasks.energy.planned import BEGIN, CELLS, SITE_OF
from tests.tasks.energy.test_proposing import functions

pytestmark = pytest.mark.slow  # Great Expectations judges

WINDOW = Window(BEGIN - timedelta(minutes=15), BEGIN)
QUARTER = timedelta(minutes=15)


class _At:
    """A clock that is set by hand."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment."""
        return self.moment


class _Spans:
    def emit(self, spans) -> None:
        """Forget them."""


@pytest.fixture
def night(tmp_path, monkeypatch):
    """Return services of a small network at nine in the evening, its load forecast."""
    chosen = Services(settings().model_copy(update={"home": tmp_path, "worker_pool": "serial"}))
    clock = SystemClock()
    chosen.tables = InMemoryTables(clock)
    chosen.network_clock = _At(BEGIN)
    chosen.ledger = MemoryLedger(clock)
    chosen.gateway = MemoryGateway(functions().values())
    chosen.chat, chosen.spans, chosen.transcripts = NoChat(), _Spans(), InMemoryTranscripts()
    forecast = _forecast()
    with use_services(chosen):
        monkeypatch.setattr(steps, "_ground", lambda *_: planned.desk().ground)
        chosen.door.publish(
            "load_forecasts", Window(BEGIN, BEGIN + QUARTER), forecast_rows(forecast, BEGIN), [],
            "run",
        )  # fmt: skip
        hour = Window(BEGIN, BEGIN + timedelta(hours=1))
        lineage = Lineage("run", "", "1", "1")
        chosen.tables.publish("network_topology", hour, _topology(), lineage, {"source": "cells"})
        yield chosen


def _forecast() -> LoadForecast:
    import numpy as np

    shape = len(CELLS), len(planned.HOURS)
    mean = np.full(shape, 0.05)
    return LoadForecast(
        CELLS, planned.STARTS, np.array(planned.HOURS), np.array([0.5, 0.99]),
        np.stack([mean, 2 * mean]).astype(np.float32), mean,
    )  # fmt: skip


def plan(chosen: Services, goal: str = "Save energy everywhere tonight."):
    """Plan for a goal, and return the snapshot."""
    return steps.plan_saving.fn(chosen.tables.snapshot("load_forecasts"), goal, WINDOW)


def test_a_plan_is_published_with_those_beside_it_and_a_page(night):
    snapshot = plan(night)
    assert (snapshot.table, snapshot.verdict) == ("sleep_plans", "published")
    rows = night.tables.read("sleep_plans").collect()
    compared = night.tables.read("sleep_plans.compared").collect()
    assert rows["made_at"].unique().to_list() == [BEGIN]
    assert compared["is_chosen"].sum() == 1
    assert compared.height >= 2
    page = next((night.settings.root / "reports" / "energy").rglob("plan.html")).read_text()
    assert "<svg" in page
    assert "Save energy everywhere tonight." in page
    assert night.transcripts.runs() == [compared["agent_run_id"][0]]


def test_a_goal_stands_until_another_is_told(night):
    plan(night, "Save energy in the west tonight.")
    plan(night, "")
    goals = night.tables.read("sleep_plans.compared").collect()["goal"].unique().to_list()
    assert goals == ["Save energy in the west tonight."]
    assert steps._standing_goal(Window(BEGIN, BEGIN + timedelta(days=3))) == (
        energy_goals_rules().standing_goal
    )


def test_a_goal_that_is_barred_publishes_nothing_and_is_on_record(night):
    with pytest.raises(GoalError, match="everything to be off"):
        plan(night, "Switch everything off.")
    assert night.tables.read("sleep_plans.compared").collect().is_empty()
    assert len(night.transcripts.runs()) == 1


def test_a_goal_in_markup_stays_text_on_the_page(night):
    plan(night, "Save energy <script>alert('x')</script> everywhere")
    page = next((night.settings.root / "reports" / "energy").rglob("plan.html")).read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_cells_that_know_no_modes_stay_awake_and_are_named(night, caplog):
    snapshot = plan(night)
    night.gateway = MemoryGateway(
        replace(one, attributes={k: v for k, v in one.attributes.items() if k != MODE})
        for one in functions().values()
    )
    night.network_clock.moment = BEGIN + timedelta(hours=1)
    with caplog.at_level("WARNING"):
        assert steps.propose_sleep.fn(snapshot, Window(BEGIN, BEGIN + 3 * QUARTER)) == []
    assert "know the standard's saving alone" in caplog.text


def test_an_hour_later_sites_are_proposed_once_and_withdrawn_when_unwanted(night):
    snapshot = plan(night)
    night.network_clock.moment = BEGIN + timedelta(minutes=15)
    assert steps.propose_sleep.fn(snapshot, WINDOW) == [], "it is not ten yet"
    night.network_clock.moment = BEGIN + timedelta(hours=1)
    late = Window(BEGIN, BEGIN + timedelta(minutes=45))
    made = steps.propose_sleep.fn(snapshot, late)
    assert made
    assert steps.propose_sleep.fn(snapshot, late) == []
    again = plan(night, "Save energy only at site 2 tonight.")
    steps.propose_sleep.fn(again, late)
    kinds = [entry.kind for entry in night.ledger.entries()]
    assert kinds.count("withdrawn") == len(
        [one for one in made if "S002" not in _sites(night, one)]
    )


def _sites(chosen: Services, proposal: str) -> set[str]:
    told = chosen.ledger.entries(proposal)[0].payload["proposal"]
    return {SITE_OF[cell] for cell in told["cell_dns"]}


def test_nothing_is_proposed_from_a_window_of_the_past(night):
    snapshot = plan(night)
    night.network_clock.moment = BEGIN + timedelta(hours=1)
    old = Window(WINDOW.start - timedelta(days=2), WINDOW.end - timedelta(days=2))
    assert steps.propose_sleep.fn(snapshot, old) == []
    night.network_clock.moment = BEGIN + timedelta(hours=3)
    assert steps.propose_sleep.fn(snapshot, WINDOW) == []


def test_what_stands_wakes_by_plan_and_where_no_plan_is_left(night):
    snapshot = plan(night)
    late = Window(BEGIN, BEGIN + timedelta(minutes=45))
    night.network_clock.moment = BEGIN + timedelta(hours=1)
    made = steps.propose_sleep.fn(snapshot, late)
    assert len(made) > 1
    for proposal in made:
        at = night.network_clock.moment
        for kind, payload in (
            ("execution_prepared", {"attempt": 1, "rollback": []}),
            ("applied", {"attempt": 1, "applied_at": at.isoformat()}),
        ):
            night.ledger.append(
                EntryDraft(kind, proposal, "story", at, payload, f"{kind}:{proposal}")
            )
    night.network_clock.moment += timedelta(minutes=15)
    assert steps.due_to_wake.fn(snapshot, late) == []
    narrower = plan(night, "Save energy only at site 2 tonight.")
    awake = steps.due_to_wake.fn(narrower, late)
    assert set(awake) == {one for one in made if "S002" not in _sites(night, one)}
    tomorrow = Window(late.start + timedelta(days=1), late.end + timedelta(days=1))
    night.network_clock.moment += timedelta(days=1)
    assert set(steps.due_to_wake.fn(narrower, tomorrow)) == set(made)


def test_a_person_s_question_is_answered_and_stands_only_where_asked_to(night):
    goal = "Save energy only at site 2 tonight."
    text = steps.planned_text(goal)
    assert "| promise |" in text
    assert "**keen**" in text
    assert steps.status_rows() == []
    assert night.tables.read("sleep_plans").collect().is_empty()
    assert steps.planned_text(goal, stands=True) == text
    assert set(night.tables.read("sleep_plans.compared").collect()["goal"]) == {goal}


def test_minutes_since_the_quarter_are_read_while_a_plan_is_timely(night):
    feed = MemoryLoadFeed()
    night.load_feed = feed
    for late in (-1, 3, 14):
        begin = BEGIN + timedelta(minutes=late)
        feed.tell(CellReport(CELLS[0], begin, begin + timedelta(minutes=1), 0.5))
    assert steps._told_since(BEGIN) == ()
    night.network_clock.moment = BEGIN + timedelta(minutes=10)
    assert [one.begin.minute for one in steps._told_since(BEGIN)] == [3]
    night.network_clock.moment = BEGIN + timedelta(days=2)
    assert steps._told_since(BEGIN) == (), "a plan of the past"


def test_a_feed_that_is_away_hinders_no_plan(night, caplog):
    night.load_feed = _Away()
    night.network_clock.moment = BEGIN + timedelta(minutes=10)
    assert steps._told_since(BEGIN) == ()
    assert "no collector" in caplog.text


class _Away:
    def reports(self, window: Window) -> None:
        raise TransientError(f"The load feed of {window} is away: no collector.")


def _topology() -> pl.DataFrame:
    rows = planned.topology()
    return rows.with_columns(pl.lit(BEGIN).alias("valid_from"), pl.lit("cells").alias("source"))
