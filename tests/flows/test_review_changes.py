"""Approval as a person meets it in the UI: a form, an answer through the server, an entry."""

import threading
from datetime import timedelta

import pytest

from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY
from tests.flows.test_review_findings import answer, client, executed, form_of, paused
from tests.tasks.approval.world import (
    HOSTILE,
    RESTART,
    TILT_BACK,
    StoppedClock,
    asked,
    desk,
    proposal,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("orchestrator")]

ENTRYPOINT = "flows/review_changes.py:review_changes"


@pytest.fixture
def services(tmp_path):
    services = Services(Settings(home=tmp_path / "home", hot_store="none"))
    clock = StoppedClock()
    services.__dict__["clock"] = services.__dict__["network_clock"] = clock
    services.__dict__["ledger"] = SqliteLedger(tmp_path / "home/ledger", None, clock)
    with use_services(services):
        yield services


def kinds(services, name):
    return [(entry.kind, entry.actor) for entry in services.ledger.entries(name)][3:]


def test_answers_are_put_on_record_and_one_that_cannot_be_is_asked_for_again(services):
    from flows.review_changes import review_changes

    here = desk(ledger=services.ledger)
    first, second = asked(here), asked(here, proposal(RESTART, text=HOSTILE))
    said = []
    work = threading.Thread(target=lambda: said.append(review_changes([first, second])))
    work.start()
    form = paused(key="change-1-1")
    schema, text = form_of(form)
    assert schema["properties"]["answer"]["enum"] == [
        "APPROVED", "REJECTED", "DELEGATED", "SKIPPED",
    ]  # fmt: skip
    assert schema["properties"]["digest"]["default"] == TILT_BACK.digest
    assert "90 becomes 60" in text
    assert TILT_BACK.digest in text
    answer(form, proposal=first, answer="APPROVED", digest=RESTART.digest, author="anna")
    again = paused(key="change-1-2")
    assert "only what was judged can be approved" in form_of(again)[1].replace("\\", "")
    answer(again, proposal=second, answer="APPROVED", digest=TILT_BACK.digest, author="anna")
    form = paused(key="change-2-1")
    schema, text = form_of(form)
    assert schema["properties"]["author"]["default"] == "anna"
    assert "<script" not in text
    answer(form, proposal=second, answer="REJECTED", author="chiara", comment="No.")
    work.join(180)
    assert kinds(services, first) == [("approved", "anna")]
    assert kinds(services, second) == [("rejected", "chiara")]
    assert len(said[0]) == 2


def test_a_form_that_nobody_answers_ends_the_run_and_decides_nothing(services):
    from prefect.exceptions import FlowPauseTimeout

    from flows.review_changes import review_changes

    name = asked(desk(ledger=services.ledger))
    with pytest.raises(FlowPauseTimeout):
        review_changes([name], answer_hours=timedelta(seconds=2) / timedelta(hours=1))
    assert kinds(services, name) == []


def test_a_run_of_a_deployment_gives_its_worker_back_and_goes_on_where_it_was(services):
    """In a process of its own the packaged people count, and the machine's time."""
    from flows.review_changes import review_changes
    from tasks.adapters.system_clock import SystemClock

    here = desk(ledger=services.ledger)
    here.clock.moment = SystemClock().now()
    name = asked(here)
    with client() as api:
        flow_id = api.create_flow(review_changes)
        deployment = api.create_deployment(
            flow_id, "asked", entrypoint=ENTRYPOINT, path=str(REPOSITORY)
        )

        run = api.create_flow_run_from_deployment(deployment, parameters={"proposals": [name]})
    executed(run.id, services.settings.root)
    waiting = paused(run.id, "change-1-1")
    assert waiting.state.name == "Suspended"
    answer(waiting, proposal=name, answer="APPROVED", digest=TILT_BACK.digest, author="bogdan")
    executed(run.id, services.settings.root)
    with client() as api:
        assert api.read_flow_run(run.id).state.is_completed()
    assert kinds(services, name) == [("approved", "bogdan")]
