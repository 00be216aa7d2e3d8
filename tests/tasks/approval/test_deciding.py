"""Who may say yes, when, to what; and what counts for an approval in the end."""

import threading
from datetime import timedelta

import pytest

from semantic_layer.errors import InputError
from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.adapters.system_clock import SystemClock
from tasks.approval.deciding import ApprovalRefusedError
from tasks.guardrails.approvals import approvals_valid
from tasks.messages.proposal_life import proposal_life
from tests.tasks.approval.world import (
    BREACH,
    NOON,
    PEOPLE,
    RESTART,
    TILT_BACK,
    asked,
    by,
    desk,
    judged,
    later,
    proposal,
    told,
)

DIGEST = TILT_BACK.digest


def kinds(at_desk, name):
    return [entry.kind for entry in at_desk.ledger.entries(name)]


def problems(at_desk, name, people=PEOPLE):
    life = proposal_life(at_desk.ledger.entries(name))
    return approvals_valid(life, people, at_desk.clock.now())


def test_where_no_person_is_needed_the_policy_of_the_use_case_approves():
    here = desk()
    name = judged(here.ledger, persons=0)
    assert here.request([name]) == []
    last = here.ledger.entries(name)[-1]
    assert (last.kind, last.actor) == ("approved", "policy:heal_tilt_slip")
    assert last.payload["change_digest"] == DIGEST
    assert problems(here, name) == []


def test_people_are_asked_who_may_approve_and_told_until_when():
    here = desk()
    name = asked(here)
    entry = here.ledger.entries(name)[-1]
    assert entry.kind == "approval_requested"
    assert entry.payload == {
        "change_digest": DIGEST,
        "persons_needed": 1,
        "expires_at": (NOON + timedelta(hours=24)).isoformat(),
        "asked": ["anna", "bo", "cy", "eve"],
    }


def test_asking_again_asks_nobody_twice():
    here = desk()
    name = asked(here)
    later(here, hours=1)
    assert here.request([name]) == [name]
    assert kinds(here, name) == ["proposed", "judged", "approval_requested"]


def test_what_guardrails_refuse_is_asked_of_nobody():
    here = desk()
    name = judged(here.ledger, breaches=(BREACH,))
    assert here.request([name]) == []
    assert kinds(here, name) == ["proposed", "judged"]
    with pytest.raises(ApprovalRefusedError, match="REFUSED"):
        here.approve(name, by("anna"), DIGEST)


def test_one_person_approves_and_the_approval_counts():
    here = desk()
    name = asked(here)
    assert "as many as are needed" in here.approve(name, by("cy"), DIGEST, "looks right")
    assert here.life(name).stage == "APPROVED"
    assert problems(here, name) == []


@pytest.mark.parametrize(
    ("person", "says"),
    [
        pytest.param("dee", "may not approve heal_tilt_slip of medium risk", id="no role for it"),
        pytest.param("mallory", "nobody of the people file", id="a stranger"),
        pytest.param("Anna", "nobody of the people file", id="another spelling is another"),
        pytest.param("аnna", "nobody of the people file", id="a Cyrillic a"),  # noqa: RUF001
        pytest.param("healing_agent", "nobody of the people file", id="the agent itself"),
        pytest.param("policy:heal_tilt_slip", "nobody of the people file", id="a policy by name"),
        pytest.param("", "nobody of the people file", id="nobody"),
        pytest.param("eve", "token only", id="a typed name where a token is needed"),
    ],
)
def test_who_may_not_approve_is_told_why(person, says):
    here = desk()
    name = asked(here)
    with pytest.raises(ApprovalRefusedError, match=says):
        here.approve(name, by(person), DIGEST)
    assert here.life(name).stage == "WAITING"


def test_who_shows_a_token_may_where_a_name_is_not_enough():
    here = desk()
    name = asked(here)
    here.approve(name, by("eve", has_token=True), DIGEST)
    assert here.life(name).stage == "APPROVED"


def test_nobody_approves_what_they_propose():
    here = desk()
    name = asked(here, proposal(by="anna"))
    assert "anna" not in here.ledger.entries(name)[-1].payload["asked"]
    with pytest.raises(ApprovalRefusedError, match="anna proposed it"):
        here.approve(name, by("anna"), DIGEST)


def test_a_role_reaches_its_risk_and_no_higher():
    here = desk()
    name = asked(here, proposal(risk="high"), persons=2)
    with pytest.raises(ApprovalRefusedError, match="of high risk"):
        here.approve(name, by("cy"), DIGEST)


@pytest.mark.parametrize(
    "digest",
    [
        pytest.param(RESTART.digest, id="of another change set"),
        pytest.param(DIGEST[:-1] + ("0" if DIGEST[-1] != "0" else "1"), id="one digit off"),
        pytest.param(DIGEST[:11], id="too few digits"),
        pytest.param("", id="none"),
        pytest.param("0" * 64, id="zeros"),
    ],
)
def test_only_the_very_change_set_that_was_judged_is_approved(digest):
    here = desk()
    name = asked(here)
    with pytest.raises(ApprovalRefusedError, match=r"digest|judged was"):
        here.approve(name, by("anna"), digest)
    assert here.life(name).stage == "WAITING"


@pytest.mark.parametrize("digest", [DIGEST[:12], f" {DIGEST.upper()} "])
def test_enough_of_the_digest_names_it(digest):
    here = desk()
    here.approve(asked(here), by("anna"), digest)
    assert here.ledger.entries()[-1].payload["change_digest"] == DIGEST


def test_an_approval_that_comes_again_counts_once():
    here = desk()
    name = asked(here, persons=2)
    here.approve(name, by("anna"), DIGEST)
    later(here, minutes=5)
    assert "1 more person must" in here.approve(name, by("anna"), DIGEST, "again")
    assert here.life(name).stage == "WAITING"
    here.approve(name, by("bo"), DIGEST)
    assert here.life(name).stage == "APPROVED"
    assert problems(here, name) == []


def test_at_the_second_of_expiry_it_is_too_late_and_one_second_before_it_is_not():
    here = desk()
    name = asked(here, persons=2)
    later(here, hours=24, seconds=-1)
    assert [life.proposal.proposal_id for life in here.waiting()] == [name]
    here.approve(name, by("anna"), DIGEST)
    assert here.expire() == []
    later(here, hours=24)
    with pytest.raises(ApprovalRefusedError, match="expired at 2026-03-03 12:00:00Z"):
        here.approve(name, by("bo"), DIGEST)
    assert here.waiting() == []
    assert here.expire() == [name]
    assert here.life(name).stage == "EXPIRED"
    assert here.expire() == []


def test_what_was_approved_and_not_begun_in_time_does_not_count_any_more():
    here = desk()
    name = asked(here)
    here.approve(name, by("anna"), DIGEST)
    later(here, hours=24, seconds=-1)
    assert problems(here, name) == []
    later(here, hours=24)
    assert problems(here, name) == ["It was to begin before 2026-03-03 12:00:00Z."]
    assert here.expire() == []


def test_one_no_is_a_no():
    here = desk()
    name = asked(here, persons=2)
    here.approve(name, by("anna"), DIGEST)
    here.reject(name, by("bo"), "The site is being rebuilt.")
    assert here.life(name).stage == "REJECTED"
    for person in ("anna", "cy"):
        with pytest.raises(ApprovalRefusedError, match="REJECTED"):
            here.reject(name, by(person))
    with pytest.raises(ApprovalRefusedError, match="REJECTED"):
        here.approve(name, by("cy"), DIGEST)


def test_who_approved_may_still_say_no_and_a_stranger_may_not():
    here = desk()
    name = asked(here, persons=2)
    here.approve(name, by("anna"), DIGEST)
    with pytest.raises(ApprovalRefusedError):
        here.reject(name, by("dee"))
    here.reject(name, by("anna"), "I looked again.")
    assert here.life(name).stage == "REJECTED"


def test_a_delegate_approves_in_anothers_place_until_then():
    here = desk()
    name = asked(here)
    here.delegate(name, by("anna"), "dee", NOON + timedelta(hours=2))
    later(here, hours=2, seconds=-1)
    here.approve(name, by("dee"), DIGEST)
    assert here.life(name).stage == "APPROVED"
    assert problems(here, name) == []


def test_a_delegation_ends_to_the_second_and_the_right_comes_back():
    here = desk()
    name = asked(here)
    here.delegate(name, by("anna"), "dee", NOON + timedelta(hours=2))
    with pytest.raises(ApprovalRefusedError, match="given the right to dee"):
        here.approve(name, by("anna"), DIGEST)
    later(here, hours=2)
    with pytest.raises(ApprovalRefusedError, match="dee may not approve"):
        here.approve(name, by("dee"), DIGEST)
    here.approve(name, by("anna"), DIGEST)
    assert problems(here, name) == []


@pytest.mark.parametrize(
    ("giver", "to", "hours", "says"),
    [
        pytest.param("anna", "mallory", 2, "nobody of the people file", id="to a stranger"),
        pytest.param("anna", "anna", 2, "no other person's judgment", id="to oneself"),
        pytest.param("dee", "cy", 2, "may not approve", id="by one who has no right"),
        pytest.param("mallory", "cy", 2, "nobody of the people file", id="by a stranger"),
        pytest.param("anna", "dee", 0, "is over", id="until now"),
        pytest.param("anna", "dee", -1, "is over", id="until before"),
        pytest.param("eve", "dee", 2, "token only", id="by a typed name"),
    ],
)
def test_a_right_is_given_by_whom_and_to_whom_it_can(giver, to, hours, says):
    here = desk()
    name = asked(here)
    with pytest.raises(ApprovalRefusedError, match=says):
        here.delegate(name, by(giver), to, NOON + timedelta(hours=hours))
    assert here.life(name).delegations == ()


def test_a_right_is_not_given_to_the_proposer_nor_to_who_has_approved():
    here = desk()
    name = asked(here, proposal(by="dee"), persons=2)
    with pytest.raises(ApprovalRefusedError, match="no other person's judgment"):
        here.delegate(name, by("anna"), "dee", None)
    here.approve(name, by("bo"), DIGEST)
    with pytest.raises(ApprovalRefusedError, match="bo has approved already and counts once"):
        here.delegate(name, by("anna"), "bo", None)
    with pytest.raises(ApprovalRefusedError, match="nothing left to give"):
        here.delegate(name, by("bo"), "cy", None)


def test_a_right_that_was_given_is_not_given_on():
    here = desk()
    name = asked(here)
    here.delegate(name, by("anna"), "dee", None)
    with pytest.raises(ApprovalRefusedError, match="not given on"):
        here.delegate(name, by("dee"), "cy", None)
    with pytest.raises(ApprovalRefusedError, match="given the right to dee already"):
        here.delegate(name, by("anna"), "cy", None)


def test_who_gives_and_who_gets_a_right_are_one_person_of_two():
    here = desk()
    name = asked(here, proposal(risk="high"), persons=2)
    here.delegate(name, by("anna"), "dee", NOON + timedelta(hours=1))
    here.approve(name, by("dee"), DIGEST)
    later(here, hours=1)
    with pytest.raises(ApprovalRefusedError, match="count as one"):
        here.approve(name, by("anna"), DIGEST)
    here.approve(name, by("bo"), DIGEST)
    assert here.life(name).stage == "APPROVED"
    assert problems(here, name) == []


def test_one_delegate_of_two_people_is_still_one_person():
    here = desk()
    name = asked(here, proposal(risk="high"), persons=2)
    here.delegate(name, by("anna"), "dee", None)
    here.delegate(name, by("bo"), "dee", None)
    here.approve(name, by("dee"), DIGEST)
    assert here.life(name).stage == "WAITING"
    assert "1 more person" in here.approve(name, by("dee"), DIGEST)
    here.approve(name, by("eve", has_token=True), DIGEST)
    assert problems(here, name) == []


def test_a_proposal_is_withdrawn_before_anything_is_written_and_not_after():
    here = desk()
    name = asked(here)
    here.approve(name, by("anna"), DIGEST)
    with pytest.raises(ApprovalRefusedError, match="neither proposed it"):
        here.withdraw(name, by("dee"), "no")
    here.withdraw(name, by("cy"), "The mast is climbed today.")
    assert here.life(name).stage == "WITHDRAWN"
    other = desk()
    name = asked(other)
    other.approve(name, by("anna"), DIGEST)
    told(other, name, "execution_prepared", "executor", attempt=1, rollback=[])
    with pytest.raises(ApprovalRefusedError, match="EXECUTING"):
        other.withdraw(name, by("cy"), "too late")


def test_who_proposed_may_take_it_back():
    here = desk()
    name = asked(here)
    here.withdraw(name, by("healing_agent"), "A better one follows.")
    assert here.life(name).stage == "WITHDRAWN"


def test_a_comment_that_is_too_long_is_refused_and_not_cut():
    here = desk()
    name = asked(here)
    with pytest.raises(ApprovalRefusedError, match="1001 characters"):
        here.approve(name, by("anna"), DIGEST, "x" * 1001)


@pytest.mark.parametrize("word", ["", "zz", "0", "nothing like it", "../../etc", "%"])
def test_a_proposal_that_is_not_there_is_said_so(word):
    here = desk()
    asked(here)
    with pytest.raises(InputError, match="No proposal"):
        here.life(word)


def test_the_beginning_of_an_id_names_a_proposal():
    here = desk()
    name = asked(here)
    assert here.life(name[:6]).proposal.proposal_id == name


def test_two_who_answer_at_once_are_one_after_the_other(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger", None, SystemClock())
    here = desk(ledger=ledger)
    name = asked(here, persons=2)
    said = []

    def answer(person, is_yes):
        try:
            if is_yes:
                said.append(here.approve(name, by(person), DIGEST))
            else:
                said.append(here.reject(name, by(person)))
        except ApprovalRefusedError as error:
            said.append(str(error))

    answers = [("anna", True), ("bo", True), ("cy", False), ("anna", True), ("bo", False)]
    threads = [threading.Thread(target=answer, args=one) for one in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = [entry.kind for entry in ledger.entries(name)][3:]
    assert len(said) == 5
    assert found.count("approved") <= 2
    assert found.count("rejected") <= 1
    assert sorted(set(found)) in (["approved"], ["approved", "rejected"], ["rejected"])
    if "rejected" in found:
        assert found[-1] == "rejected"
    assert ledger.problems() == []
