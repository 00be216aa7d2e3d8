"""`anops approvals` as a person types it."""

import pytest
import yaml
from typer.testing import CliRunner

from deployments import approvals_command
from deployments.approvals_command import approvals
from semantic_layer.errors import DefinitionError, InputError
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.guardrails.approvals import load_people
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY
from tests.tasks.approval.world import (
    HOSTILE,
    PEOPLE,
    RESTART,
    TILT_BACK,
    StoppedClock,
    judged,
    proposal,
)

DIGEST = TILT_BACK.digest


@pytest.fixture
def people_file(tmp_path):
    path = tmp_path / "people.yaml"
    told = yaml.safe_dump(PEOPLE.model_dump(mode="json"), sort_keys=False)
    path.write_text(f"# Ours.\n# Of two lines.\n{told}", encoding="utf-8")
    path.chmod(0o640)
    return path


@pytest.fixture(autouse=True)
def services(monkeypatch, tmp_path, people_file):
    monkeypatch.setattr(approvals_command, "apply_profile", lambda _: {})
    services = Services(Settings(home=tmp_path / "home", people_file=people_file))
    clock = StoppedClock()
    services.__dict__["clock"] = services.__dict__["network_clock"] = clock
    services.__dict__["ledger"] = MemoryLedger(clock)
    with use_services(services):
        yield services


@pytest.fixture
def waiting(services):
    from tasks.approval import steps

    name = judged(services.ledger)
    assert steps.request_approvals.fn([name]) == [name]
    return name


def said(*words, typed=""):
    return CliRunner().invoke(approvals, list(words), input=typed)


def test_nothing_waits_at_first():
    assert said("list").output == "Nothing waits for approval.\n"


def test_what_waits_is_listed_shown_and_approved_by_its_digest(services, waiting):
    listed = said("list").output
    assert waiting in listed
    assert "0 of 1" in listed
    shown = said("show", waiting[:8]).output
    assert DIGEST in shown
    assert "digitalTilt of CommonBeamformingFunction" in shown
    assert "90 becomes 60" in shown
    assert "60 becomes 90" in shown
    result = said("approve", waiting, "--as", "cy", "--digest", DIGEST[:12], "--comment", "good")
    assert result.exit_code == 0, result.output
    assert services.ledger.entries(waiting)[-1].payload["comment"] == "good"
    assert said("list").output == "Nothing waits for approval.\n"


def test_who_gives_no_digest_is_shown_what_they_approve_and_asked_for_it(services, waiting):
    result = said("approve", waiting, "--as", "anna", typed=f"{DIGEST[:12]}\n")
    assert "How it is taken back" in result.output
    assert result.exit_code == 0
    assert services.ledger.entries(waiting)[-1].kind == "approved"


def test_a_digest_of_something_else_approves_nothing(services, waiting):
    result = said("approve", waiting, "--as", "anna", "--digest", RESTART.digest)
    assert isinstance(result.exception, InputError)
    assert "only what was judged" in str(result.exception)
    assert services.ledger.entries(waiting)[-1].kind == "approval_requested"


def test_a_no_a_delegation_and_a_withdrawal_are_taken(services, waiting):
    given = said("delegate", waiting, "dee", "--as", "anna", "--until", "2026-03-02T18:00:00")
    assert given.output.endswith("until 2026-03-02 18:00Z.\n")
    assert said("approve", waiting, "--as", "dee", "--digest", DIGEST).exit_code == 0
    assert said("withdraw", waiting, "--as", "cy", "--comment", "storm").exit_code == 0
    kinds = [entry.kind for entry in services.ledger.entries(waiting)]
    assert kinds[3:] == ["delegated", "approved", "withdrawn"]
    other = judged(services.ledger, proposal(RESTART))
    from tasks.approval import steps

    steps.request_approvals.fn([other])
    assert "is rejected by anna" in said("reject", other, "--as", "anna").output


def test_who_names_nobody_speaks_as_the_identity_that_is_set(waiting):
    result = said("reject", waiting)
    assert "'operator' is nobody of the people file" in str(result.exception)


def test_a_token_is_printed_once_kept_as_a_hash_and_opens_what_a_name_does_not(
    services, waiting, people_file
):
    made = said("token", "eve").output.splitlines()[-1]
    text = people_file.read_text(encoding="utf-8")
    assert made not in text
    assert text.startswith("# Ours.\n# Of two lines.\n")
    assert people_file.stat().st_mode & 0o777 == 0o640
    assert load_people(people_file).holder_of(made) == "eve"
    assert load_people(people_file).persons.keys() == PEOPLE.persons.keys()
    refused = said("approve", waiting, "--as", "eve", "--digest", DIGEST)
    assert "token only" in str(refused.exception)
    other = said(
        "approve", waiting, "--as", "anna", "--token", "--digest", DIGEST, typed=f"{made}\n"
    )
    assert "another person's" in str(other.exception)
    wrong = said("approve", waiting, "--token", "--digest", DIGEST, typed="guess\n")
    assert "nobody's token" in str(wrong.exception)
    result = said("approve", waiting, "--token", "--digest", DIGEST, typed=f"{made}\n")
    assert result.exit_code == 0, result.exception
    assert services.ledger.entries(waiting)[-1].actor == "eve"


def test_each_token_is_another_and_the_older_ones_stay(people_file):
    first, second = (said("token", "anna").output.splitlines()[-1] for _ in range(2))
    people = load_people(people_file)
    assert first != second
    assert people.holder_of(first) == people.holder_of(second) == "anna"


def test_nobody_elses_token_is_made(people_file):
    before = people_file.read_bytes()
    result = said("token", "an")
    assert "is nobody of" in str(result.exception)
    assert people_file.read_bytes() == before


def test_the_packaged_file_of_people_takes_no_token(tmp_path):
    packaged = Services(Settings(home=tmp_path / "home"))
    with use_services(packaged):
        assert "ANOPS_PEOPLE_FILE" in str(said("token", "anna").exception)


def test_the_packaged_file_of_people_can_be_used_and_holds_no_secret():
    people = load_people(REPOSITORY / "deployments/people.yaml")
    assert len(people.persons) >= 3
    assert all(person.token_hashes == () for person in people.persons.values())


@pytest.mark.parametrize("text", ["", "roles: [", "roles: {}\npersons: {a: &x {}, b: *x}", "1"])
def test_a_file_of_people_that_cannot_be_used_says_so(people_file, text):
    people_file.write_text(text)
    assert isinstance(said("list").exception, DefinitionError)


def test_what_others_wrote_cannot_move_the_cursor_or_turn_the_line(services):
    from tasks.approval import steps

    name = judged(services.ledger, proposal(text=HOSTILE))
    steps.request_approvals.fn([name])
    for words in (("list",), ("show", name)):
        output = said(*words).output
        assert "\x1b" not in output
        assert "\u202e" not in output
    assert "<script>alert(1)</script>" in said("show", name).output
