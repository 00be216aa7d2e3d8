"""What counts for an approval before the first write, however it came into the record."""

from dataclasses import replace

import pytest

from tasks.guardrails.approvals import People, approvals_valid
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
    told,
)

DIGEST = TILT_BACK.digest


def kinds(at_desk, name):
    return [entry.kind for entry in at_desk.ledger.entries(name)]


def problems(at_desk, name, people=PEOPLE):
    life = proposal_life(at_desk.ledger.entries(name))
    return approvals_valid(life, people, at_desk.clock.now())


@pytest.mark.parametrize(
    ("actor", "digest", "says"),
    [
        pytest.param("mallory", DIGEST, "nobody of the people file", id="a stranger"),
        pytest.param("dee", DIGEST, "may not approve", id="no role"),
        pytest.param("healing_agent", DIGEST, "nobody", id="the agent"),
        pytest.param("policy:heal_tilt_slip", DIGEST, "no policy stands in", id="the policy"),
        pytest.param("policy:anything", DIGEST, "not the policy", id="another policy"),
        pytest.param("anna", RESTART.digest, "only what was judged", id="another change set"),
    ],
)
def test_an_approval_that_was_never_taken_at_the_desk_does_not_count(actor, digest, says):
    here = desk()
    name = asked(here)
    told(here, name, "approved", actor, change_digest=digest, comment="")
    found = problems(here, name)
    assert any(says in problem for problem in found)
    assert any("0 persons approved; 1 must." in problem for problem in found)


def test_an_approval_that_nobody_was_asked_for_or_that_came_late_does_not_count():
    here = desk()
    name = judged(here.ledger)
    told(here, name, "approved", "anna", change_digest=DIGEST)
    assert "Nobody has been asked" in problems(here, name)[0]
    other = desk()
    name = asked(other)
    later(other, hours=24)
    told(other, name, "approved", "anna", change_digest=DIGEST)
    assert "expired" in problems(other, name)[0]


def test_one_person_twice_on_record_is_one_person():
    here = desk()
    name = asked(here, persons=2)
    for _ in range(2):
        told(here, name, "approved", "anna", change_digest=DIGEST)
    assert "1 persons approved; 2 must." in problems(here, name)


def test_who_lost_the_role_since_has_not_approved():
    here = desk()
    name = asked(here)
    here.approve(name, by("anna"), DIGEST)
    fewer = {word: one for word, one in PEOPLE.persons.items() if word != "anna"}
    assert "nobody of the people" in problems(here, name, replace_persons(fewer))[0]


def replace_persons(persons):
    return People(roles=PEOPLE.roles, persons=persons)


def test_nothing_that_was_not_allowed_can_be_valid():
    here = desk()
    name = judged(here.ledger, breaches=(BREACH,))
    told(here, name, "approved", "anna", change_digest=DIGEST)
    assert problems(here, name) == ["Guardrails have not allowed the proposal."]


def test_a_proposal_whose_verdict_is_of_another_change_set_is_not_valid():
    here = desk()
    name = asked(here)
    here.approve(name, by("anna"), DIGEST)
    life = here.life(name)
    other = replace(life, verdict=replace(life.verdict, change_digest=RESTART.digest))
    assert "not the one that was judged" in approvals_valid(other, PEOPLE, NOON)[0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"roles": {}, "persons": {"anna": {"name": "A", "roles": ["lead"]}}}, "no known role"),
        ({"roles": {}, "persons": {"policy:x": {"name": "A", "roles": ["x"]}}}, "names nobody"),
        ({"roles": {}, "persons": {}, "more": 1}, "Extra inputs"),
        (
            {"roles": {}, "persons": {"a2": {"name": "A", "roles": ["x"], "token_hashes": ["s"]}}},
            "never write the token",
        ),
    ],
)
def test_a_people_file_that_contradicts_itself_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        People.model_validate(wrong)


def test_a_token_is_known_by_its_hash_and_belongs_to_one_person():
    from hashlib import sha256

    told = {"name": "Anna", "roles": ["lead"], "token_hashes": [sha256(b"secret").hexdigest()]}
    lead = {"use_cases": "all", "highest_risk": "high", "description": "Leads."}
    people = People.model_validate({"roles": {"lead": lead}, "persons": {"anna": told}})
    assert people.holder_of("secret") == "anna"
    assert people.holder_of("Secret") is people.holder_of("") is people.holder_of("\ud800") is None
    with pytest.raises(ValueError, match="share a token"):
        People.model_validate({"roles": {"lead": lead}, "persons": {"anna": told, "bo": told}})
