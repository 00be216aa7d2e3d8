"""The record as tables and files: published once, exported whole, checked by anybody."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from deployments import decisions_command
from deployments.decisions_command import decisions
from semantic_layer.errors import InputError
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.approval import steps
from tasks.approval.record import export_lines, export_problems, read_export
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.golden.agent_runs.test_agent_runs_story import events_by_run
from tests.ports.test_ledger_tampering import sql
from tests.tasks.approval.world import (
    NOON,
    RESTART,
    TILT_BACK,
    StoppedClock,
    asked,
    by,
    desk,
    judged,
    later,
    proposal,
)


@pytest.fixture
def services(monkeypatch, tmp_path):
    monkeypatch.setattr(decisions_command, "apply_profile", lambda _: {})
    services = Services(Settings(home=tmp_path / "home"))
    clock = StoppedClock()
    services.__dict__["clock"] = services.__dict__["network_clock"] = clock
    services.__dict__["tables"] = InMemoryTables(clock)
    services.__dict__["ledger"] = SqliteLedger(tmp_path / "home/ledger", None, clock)
    with use_services(services):
        yield services


@pytest.fixture
def decided(services):
    """Put an approved and a waiting proposal on record."""
    here = desk(ledger=services.ledger)
    name = asked(here)
    here.approve(name, by("anna"), TILT_BACK.digest)
    later(here, hours=13)
    asked(here, proposal(RESTART))
    return here, name


def said(*words):
    return CliRunner().invoke(decisions, list(words))


def rows(services, table):
    return services.tables.read(table).collect()


def test_a_decision_is_listed_shown_and_has_a_page(services, decided):
    _, name = decided
    assert "2 of 2 shown: 1 APPROVED, 1 WAITING." in said("list").output
    assert "Approved by anna" in said("show", name[:8]).output
    path = services.settings.root / "reports/decisions" / f"{name}.html"
    assert said("page", name).output == f"{path}\n"
    assert "Approved by anna" in path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("decided")
def test_an_export_is_checked_here_and_elsewhere(tmp_path):
    path = tmp_path / "record.ndjson"
    assert "BEGIN PUBLIC KEY" in said("export", str(path)).output
    assert said("verify", str(path)).exit_code == 0
    assert said("verify").exit_code == 0
    elsewhere = Services(Settings(home=tmp_path / "elsewhere"))
    elsewhere.__dict__["ledger"] = SqliteLedger(tmp_path / "elsewhere/ledger", None, StoppedClock())
    with use_services(elsewhere):
        assert said("verify", str(path)).exit_code == 0


def test_an_older_export_is_still_good_after_more_was_decided(decided, tmp_path):
    here, _ = decided
    path = tmp_path / "record.ndjson"
    said("export", str(path))
    judged(here.ledger, proposal(RESTART, by="another_agent"))
    assert said("verify", str(path)).exit_code == 0


def lines(change):
    def changed(text):
        parts = text.splitlines()
        return "\n".join(change(parts)) + "\n"

    return changed


def _header(parts, **other):
    return [json.dumps({**json.loads(parts[0]), **other}), *parts[1:]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace('"anna"', '"bo"'), id="another approver"),
        pytest.param(lines(lambda parts: parts[:-1]), id="the last entry cut"),
        pytest.param(lines(lambda parts: [parts[0], *parts[2:]]), id="the first cut"),
        pytest.param(lines(lambda parts: parts[:3] + parts[4:]), id="one from the middle"),
        pytest.param(lines(lambda p: [*p[:2], p[3], p[2], *p[4:]]), id="two exchanged"),
        pytest.param(lines(lambda parts: [*parts, parts[-1]]), id="one twice"),
        pytest.param(lambda text: text[:-1], id="no end of line"),
        pytest.param(lambda text: text[:-40], id="half a line"),
        pytest.param(lines(lambda parts: [*parts, "{}"]), id="a line that is no entry"),
        pytest.param(lines(lambda parts: [*parts, "[" * 9000]), id="a line that is too deep"),
        pytest.param(lines(lambda p: _header(p, head=None)), id="no head"),
    ],
)
@pytest.mark.usefixtures("decided")
def test_whatever_is_done_to_an_export_is_found(tmp_path, change):
    path = tmp_path / "record.ndjson"
    said("export", str(path))
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    result = said("verify", str(path))
    assert result.exit_code == 1
    assert result.output.strip()


@pytest.mark.usefixtures("decided")
def test_an_export_signed_by_somebody_else_agrees_with_itself_and_not_with_the_ledger(tmp_path):
    forged = MemoryLedger(StoppedClock())
    asked(desk(ledger=forged))
    text = "".join(export_lines(forged.entries(), forged.public_key))
    assert export_problems(text, None) == []
    path = tmp_path / "forged.ndjson"
    path.write_text(text, encoding="utf-8")
    result = said("verify", str(path))
    assert result.exit_code == 1
    assert "another public key" in result.output


@pytest.mark.parametrize(
    "text", ["", "hello", "{}", '{"format": "other", "public_key": "x"}', "[]"]
)
def test_what_is_no_export_is_said_so(text):
    with pytest.raises(InputError, match="export"):
        read_export(text)


@pytest.mark.usefixtures("services")
def test_nothing_on_record_is_nothing_to_export(tmp_path):
    assert isinstance(said("export", str(tmp_path / "x")).exception, InputError)
    assert said("verify").exit_code == 0
    assert said("list").output == "Nothing was ever proposed.\n"


def test_a_tampered_ledger_fails_the_check_and_its_pages_say_so(services, decided):
    here, name = decided
    here.ledger.close()
    sql(services.settings.root / "ledger", "UPDATE entries SET actor = 'bo' WHERE number = 7")
    assert said("verify").exit_code == 1
    said("page", name)
    text = (services.settings.root / "reports/decisions" / f"{name}.html").read_text()
    assert "do not rely on this page" in text


@pytest.mark.slow  # Great Expectations judges
def test_what_is_on_record_is_published_once_and_only_what_is_new(services, decided):
    here, name = decided
    first = steps.publish_decisions.fn()
    assert (first.table, first.verdict) == ("decisions", "published")
    told = rows(services, "decisions")
    assert told["number"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert rows(services, "decisions.heads")["last_number"].to_list() == [6, 7]
    again = steps.publish_decisions.fn()
    assert again.id == first.id
    later(here, hours=14)
    here.approve(here.waiting()[0].proposal.proposal_id, by("bo"), RESTART.digest)
    assert steps.publish_decisions.fn().id > first.id
    after = rows(services, "decisions")
    names = ["number", "entry_hash", "signature", "payload"]
    assert after.sort("number").head(7).select(names).equals(told.sort("number").select(names))
    assert after.height == 8
    found = rows(services, "change_proposals").select("proposal_id", "stage", "approvals")
    assert dict(zip(found["proposal_id"], found["stage"], strict=True))[name] == "APPROVED"
    assert set(found["stage"]) == {"APPROVED"}
    assert said("verify").exit_code == 0


@pytest.mark.slow  # Great Expectations judges
def test_an_older_copy_of_the_whole_ledger_is_betrayed_by_the_heads_that_were_published(
    services, decided, tmp_path
):
    here, _ = decided
    folder = services.settings.root / "ledger"
    here.ledger.close()
    shutil.copytree(folder, tmp_path / "older")
    later(here, hours=14)
    here.approve(here.waiting()[0].proposal.proposal_id, by("bo"), RESTART.digest)
    steps.publish_decisions.fn()
    here.ledger.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "older", folder)
    assert here.ledger.problems() == []
    result = said("verify")
    assert result.exit_code == 1
    assert "the ledger ends before it" in result.output


def test_requests_and_expiries_run_as_steps_over_the_networks_time(services):
    name = judged(services.ledger)
    assert steps.request_approvals.fn([name]) == steps.find_waiting.fn() == [name]
    services.network_clock.moment = NOON.replace(day=3)
    assert steps.expire_requests.fn() == [name]
    assert steps.find_waiting.fn() == []


class ToldRuns:
    """Transcripts of the runs of a story."""

    def __init__(self, events):
        self.events = events

    def runs(self):
        return sorted(self.events)

    def read(self, run_id):
        return self.events[run_id]


@pytest.mark.slow  # Great Expectations judges
def test_runs_of_agents_are_published_by_their_transcripts(services):
    services.__dict__["transcripts"] = ToldRuns(events_by_run())
    first = steps.publish_agent_runs.fn()
    found = rows(services, "agent_runs")
    assert sorted(found["identity"]) == ["explaining_agent", "explaining_agent", "healing_agent"]
    assert set(found["agent_run_id"]) <= events_by_run().keys()
    assert steps.publish_agent_runs.fn().id == first.id


@pytest.mark.usefixtures("services")
def test_where_nothing_was_decided_there_is_no_page_and_no_error():
    assert steps.write_decision_pages.fn([]) == []
