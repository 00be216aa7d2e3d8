"""What a step tells of what it published, and that telling never fails a run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from data_products.lineage import Snapshot
from data_products.publication import ContractBrokenError
from semantic_layer.periods import Window
from tasks import step as steps

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
GOOD = Snapshot("cell_kpis", 7, 10, window=HOUR, scope="granularity=15min,source=pm")


@pytest.fixture
def told(monkeypatch):
    """Return the events that a run of a deployment tells."""
    events = []
    run = SimpleNamespace(id="run-1", deployment_id="d", parent_task_run_id=None)
    context = SimpleNamespace(flow_run=run, flow=SimpleNamespace(name="curate-data-products"))
    monkeypatch.setattr(steps, "FlowRunContext", SimpleNamespace(get=lambda: context))
    monkeypatch.setattr(steps, "emit_event", lambda **event: events.append(event))
    yield events
    monkeypatch.undo()


def returning(value):
    @steps.step
    def publish_something() -> object:
        return value

    return publish_something.fn


def test_a_published_product_is_told_with_its_window_and_who_started_the_run(told):
    assert returning([GOOD])() == [GOOD]
    (event,) = told
    assert event["event"] == "anops.product.published"
    assert event["resource"]["prefect.resource.id"] == "anops.cell_kpis"
    assert event["resource"]["anops.started"] == "by itself"
    assert event["resource"]["anops.scope"] == "granularity=15min,source=pm"
    assert event["payload"]["window_start"] == HOUR.start.isoformat()
    assert event["payload"]["run_id"] == "run-1"


def test_a_run_within_another_says_so(told, monkeypatch):
    run = SimpleNamespace(id="run-2", deployment_id=None, parent_task_run_id="t")
    context = SimpleNamespace(flow_run=run, flow=SimpleNamespace(name="curate-data-products"))
    monkeypatch.setattr(steps, "FlowRunContext", SimpleNamespace(get=lambda: context))
    returning(GOOD)()
    assert told[0]["resource"]["anops.started"] == "within another run"


def test_a_refused_product_is_told_with_its_reason(told):
    returning(replace(GOOD, verdict="refused", reason="It broke a."))()
    (event,) = told
    assert (event["event"], event["payload"]["reason"]) == ("anops.product.refused", "It broke a.")


def test_a_contract_that_changed_is_told_beside_the_publish(told):
    returning(replace(GOOD, reason="Contract 2.0.0 drops band."))()
    assert [event["event"] for event in told] == [
        "anops.product.published",
        "anops.contract.broken",
    ]


def test_rows_that_do_not_fit_their_contract_are_told_and_still_fail_the_step(told):
    @steps.step
    def publish_something() -> None:
        raise ContractBrokenError("Column 'x' is Int64; the frame brings String.")

    with pytest.raises(ContractBrokenError):
        publish_something.fn()
    assert told[0]["event"] == "anops.contract.broken"
    assert "brings String" in told[0]["payload"]["reason"]


@pytest.mark.parametrize("value", [None, "path", [], [1], Snapshot("cell_kpis", 7, 10)])
def test_what_no_door_published_is_not_told(told, value):
    assert returning(value)() == value
    assert told == []


@pytest.mark.usefixtures("told")
def test_a_server_that_is_away_does_not_fail_a_run(monkeypatch, caplog):
    def away(**_):
        raise ConnectionError("no server")

    monkeypatch.setattr(steps, "emit_event", away)
    assert returning(GOOD)() == GOOD
    assert "could not be told" in caplog.text


def test_a_file_is_late_only_for_a_time_before_the_run_s_own(told):
    steps.tell_late_file("a.xml", HOUR, HOUR)
    assert told == []
    later = Window(HOUR.end, HOUR.end + timedelta(hours=1))
    steps.tell_late_file("a.xml", HOUR, later)
    (event,) = told
    assert event["event"] == "anops.file.late"
    assert event["payload"]["window_end"] == HOUR.end.isoformat()


def test_outside_a_run_nothing_is_told(monkeypatch):
    monkeypatch.setattr(steps, "emit_event", lambda **_: pytest.fail("told outside a run"))
    assert returning(GOOD)() == GOOD
