"""The review as a person meets it: a form, an answer through the server, a verdict published."""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY
from tests.tasks.feedback.world import Clock, finding_id, publish_findings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("orchestrator")]

ENTRYPOINT = "flows/review_findings.py:review_findings"


@pytest.fixture
def services(tmp_path):
    services = Services(Settings(home=tmp_path / "home", hot_store="none"))
    services.__dict__["clock"] = Clock()
    publish_findings(services.tables)
    with use_services(services):
        yield services


def client():
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)


def paused(run_id=None, key="", wait_s=60):
    """Return the run that waits for an answer to the form of this key."""
    from prefect.client.schemas.filters import FlowRunFilter

    waiting = FlowRunFilter(state={"type": {"any_": ["PAUSED"]}})
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        with client() as api:
            runs = api.read_flow_runs(flow_run_filter=waiting)
        for run in runs:
            named = str(run.state.state_details.pause_key)
            if named == key and run_id in (None, run.id):
                return run
        time.sleep(0.2)
    raise AssertionError(f"no run waits with the form {key}")


def form_of(run, wait_s=20):
    """Return the form's JSON schema and the text above it, as the UI reads them.

    A run is told to be paused a moment before its form is there.
    """
    import json

    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    keys = run.state.state_details.run_input_keyset
    until = time.monotonic() + wait_s
    while True:
        try:
            with client() as api:
                told = [api.read_flow_run_input(run.id, keys[k]) for k in ("schema", "description")]
        except (ObjectNotFound, PrefectHTTPStatusError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return tuple(json.loads(one) for one in told)


def answer(run, **said):
    """Answer as the UI does; return what the server says to it."""
    with client() as api:
        return api.resume_flow_run(run.id, run_input=said)


def verdicts(services):
    rows = services.tables.read("finding_verdicts").collect().sort("given_at")
    return rows.select("anomaly_id", "verdict", "fault_kind", "author", "source").rows()


def test_answers_become_verdicts_and_a_bad_one_is_asked_for_again(services):
    from flows.review_findings import review_findings

    said = []
    work = threading.Thread(target=lambda: said.append(review_findings(budget=3)))
    work.start()
    first = paused(key="finding-1-1")
    schema, text = form_of(first)
    assert schema["properties"]["verdict"]["enum"] == [
        "CONFIRMED", "REJECTED", "RELABELED", "SKIPPED",
    ]  # fmt: skip
    assert "sleeping_cell" in schema["properties"]["fault_kind"]["enum"]
    assert schema["properties"]["finding"]["default"] == finding_id(1)
    assert "Finding 1 of 3" in text
    assert "seen: =HYPERLINK since 1:00 UTC" in text
    refused = answer(first, finding=finding_id(1), verdict="PERHAPS", author="anna")
    assert refused.status.value == "REJECT"
    answer(first, finding=finding_id(1), verdict="RELABELED", author="anna")
    again = paused(key="finding-1-2")
    assert "could not be taken" in form_of(again)[1]
    answer(again, finding=finding_id(1), verdict="RELABELED", fault_kind="event", author="anna")
    second = paused(key="finding-2-1")
    assert form_of(second)[0]["properties"]["author"]["default"] == "anna"
    answer(second, finding=finding_id(2), verdict="SKIPPED", author="anna")
    answer(paused(key="finding-3-1"), finding=finding_id(3), verdict="CONFIRMED", author="bo")
    work.join(60)
    assert said == [[
        f"Finding {finding_id(1)} relabeled as event by anna.",
        f"Finding {finding_id(3)} confirmed by bo.",
    ]]  # fmt: skip
    assert verdicts(services) == [
        (finding_id(1), "RELABELED", "event", "anna", "form"),
        (finding_id(3), "CONFIRMED", None, "bo", "form"),
    ]


def test_a_form_that_nobody_answers_ends_the_run_and_publishes_nothing(services):
    from prefect.exceptions import FlowPauseTimeout

    from flows.review_findings import review_findings

    with pytest.raises(FlowPauseTimeout):
        review_findings(budget=1, answer_hours=timedelta(seconds=2) / timedelta(hours=1))
    assert verdicts(services) == []
    assert services.tables.history("finding_verdicts").is_empty()


def test_nothing_to_ask_asks_nobody(tmp_path):
    from flows.review_findings import review_findings

    with use_services(Services(Settings(home=tmp_path, hot_store="none"))):
        assert review_findings() == []


def executed(run_id, home: Path) -> None:
    """Run what a worker would: the run's own process, until it ends or gives itself back."""
    from prefect.settings import get_current_settings

    environment = {
        **get_current_settings().to_environment_variables(exclude_unset=True),
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(home),
        "ANOPS_HOME": str(home),
        "ANOPS_HOT_STORE": "none",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT__FLOW_RUN_ID": str(run_id),
    }
    found = subprocess.run(
        [sys.executable, "-m", "prefect.engine"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-3000:]


def test_a_run_of_a_deployment_gives_its_worker_back_and_goes_on_where_it_was(services):
    from flows.review_findings import review_findings

    home = services.settings.root
    with client() as api:
        flow_id = api.create_flow(review_findings)
        deployment = api.create_deployment(
            flow_id, "asked", entrypoint=ENTRYPOINT, path=str(REPOSITORY)
        )
        run = api.create_flow_run_from_deployment(deployment, parameters={"budget": 2})
    executed(run.id, home)
    waiting = paused(run.id, "finding-1-1")
    assert waiting.state.name == "Suspended"
    answer(waiting, finding=finding_id(1), verdict="REJECTED", author="anna")
    executed(run.id, home)
    second = paused(run.id, "finding-2-1")
    assert form_of(second)[0]["properties"]["finding"]["default"] == finding_id(2)
    answer(second, finding=finding_id(2), verdict="CONFIRMED", author="bo")
    executed(run.id, home)
    with client() as api:
        assert api.read_flow_run(run.id).state.is_completed()
    assert [row[:2] for row in verdicts(services)] == [
        (finding_id(1), "REJECTED"),
        (finding_id(2), "CONFIRMED"),
    ]
