"""Approval over HTTP as a program meets it: tokens, answers, and what it refuses."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from starlette.testclient import TestClient

from deployments.approval_api import MOST_BYTES, approval_app
from tasks.guardrails.approvals import People
from tests.tasks.approval.world import (
    HOSTILE,
    NOON,
    PEOPLE,
    RESTART,
    TILT_BACK,
    asked,
    desk,
    judged,
    later,
    proposal,
)

DIGEST = TILT_BACK.digest


def with_tokens(people):
    persons = {
        word: one.model_copy(
            update={"token_hashes": (sha256(f"{word}-token".encode()).hexdigest(),)}
        )
        for word, one in people.persons.items()
    }
    return People(roles=people.roles, persons=persons)


class World:
    """A desk, its application, and time that passes when it is told to."""

    def __init__(self):
        self.desk = desk(with_tokens(PEOPLE))
        self.passed = 0.0
        self.client = TestClient(
            approval_app(lambda: self.desk, lambda: self.passed), raise_server_exceptions=False
        )

    def get(self, path, person="anna"):
        return self.client.get(path, headers=self.headers(person))

    def post(self, path, person="anna", **said):
        return self.client.post(path, headers=self.headers(person), content=json.dumps(said))

    def headers(self, person):
        return {"Authorization": f"Bearer {person}-token"} if person else {}


@pytest.fixture
def world():
    return World()


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status
    return told["detail"]


def test_what_waits_is_told_with_all_that_an_answer_needs(world):
    name = asked(world.desk)
    told = world.get("/approvals").json()
    assert (told["you"], told["count"]) == ("anna", 1)
    one = told["waiting"][0]
    assert one == {k: v for k, v in world.get(f"/approvals/{name}").json().items() if k != "you"}
    assert (one["proposal_id"], one["change_digest"], one["stage"]) == (name, DIGEST, "WAITING")
    assert one["rollback"] == TILT_BACK.rollback().to_json()
    assert one["verdict"]["checked"] == ["range", "protected", "freeze"]


def test_the_holder_of_a_token_approves_the_change_set_that_they_name(world):
    name = asked(world.desk)
    response = world.post(f"/approvals/{name}/approve", "eve", change_digest=DIGEST, comment="ok")
    assert response.status_code == 200
    assert response.json()["stage"] == "APPROVED"
    assert response.headers["cache-control"] == "no-store"
    last = world.desk.ledger.entries(name)[-1]
    assert (last.actor, last.payload["channel"], last.payload["comment"]) == ("eve", "rest", "ok")


def test_the_same_answer_sent_again_changes_nothing(world):
    name = asked(world.desk, persons=2)
    for _ in range(2):
        found = world.post(f"/approvals/{name}/approve", change_digest=DIGEST)
        assert (found.status_code, found.json()["approvals"]) == (200, ["anna"])
    assert len(world.desk.ledger.entries(name)) == 4


@pytest.mark.parametrize("word", ["approve", "reject", "withdraw", "delegate"])
def test_another_change_set_than_the_proposals_is_refused(world, word):
    name = asked(world.desk)
    said = {"to": "dee"} if word == "delegate" else {}
    found = world.post(f"/approvals/{name}/{word}", change_digest=RESTART.digest, **said)
    assert "the proposal's is" in problem(found, 409)
    assert world.desk.life(name).stage == "WAITING"


def test_a_no_a_withdrawal_and_a_delegation_are_taken(world):
    name = asked(world.desk)
    until = (NOON + timedelta(hours=1)).isoformat()
    world.post(f"/approvals/{name}/delegate", change_digest=DIGEST, to="dee", until=until)
    assert world.get(f"/approvals/{name}").json()["delegations"] == [
        {"by": "anna", "to": "dee", "until": until}
    ]
    world.post(f"/approvals/{name}/approve", "dee", change_digest=DIGEST)
    assert world.desk.life(name).stage == "APPROVED"
    world.post(f"/approvals/{name}/withdraw", "cy", change_digest=DIGEST, comment="storm")
    assert world.desk.life(name).stage == "WITHDRAWN"
    other = asked(world.desk, proposal(RESTART))
    world.post(f"/approvals/{other}/reject", "cy", change_digest=RESTART.digest)
    assert world.desk.life(other).stage == "REJECTED"


@pytest.mark.parametrize(
    ("person", "says"),
    [("dee", "may not approve"), ("cy", "may not approve")],
)
def test_a_token_gives_no_more_than_its_holders_role(world, person, says):
    name = asked(world.desk, proposal(risk="high"), persons=2)
    found = world.post(f"/approvals/{name}/approve", person, change_digest=DIGEST)
    assert says in problem(found, 409)


def test_too_late_is_a_conflict_to_the_second(world):
    name = asked(world.desk)
    later(world.desk, hours=24)
    found = world.post(f"/approvals/{name}/approve", change_digest=DIGEST)
    assert "expired" in problem(found, 409)
    assert world.get("/approvals").json()["waiting"] == []


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer mallory-token"},
        {"Authorization": "Basic YW5uYTphbm5h"},
        {"Authorization": "anna-token"},
        {"Authorization": b"Bearer \xff\xfe"},
    ],
)
@pytest.mark.parametrize("path", ["/approvals", "/approvals/0000", "/decisions/0000"])
def test_without_a_token_nothing_is_told(world, header, path):
    found = world.client.get(path, headers=header)
    assert problem(found, 401) == "A bearer token is needed."
    assert found.headers["www-authenticate"] == "Bearer"


def test_wrong_tokens_are_counted_and_after_ten_nothing_is_looked_at_for_a_while(world):
    for _ in range(10):
        problem(world.get("/approvals", "mallory"), 401)
    assert world.get("/approvals", "mallory").headers["retry-after"] == "300"
    assert "wrong tokens" in problem(world.get("/approvals", "anna"), 429)
    world.passed = 299.9
    problem(world.get("/approvals"), 429)
    world.passed = 300
    assert world.get("/approvals").status_code == 200


def test_the_count_of_wrong_tokens_holds_no_more_addresses_than_it_may():
    from deployments import approval_api

    failures = approval_api.Failures(desk().rules, lambda: 0.0)
    for number in range(approval_api._MOST_ADDRESSES + 50):
        failures.count(f"10.0.{number}")
    assert len(failures._seen) == approval_api._MOST_ADDRESSES


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 422, "body"),
        (b"{", 422, "Invalid JSON"),
        (b"[]", 422, "body"),
        (b'{"change_digest": "abc"}', 422, "change_digest"),
        (b'{"change_digest": 7}', 422, "change_digest"),
        (json.dumps({"change_digest": DIGEST, "as": "bo"}).encode(), 422, "Extra inputs"),
        (json.dumps({"change_digest": DIGEST, "comment": "x" * 1001}).encode(), 409, "1001"),
        (json.dumps({"change_digest": DIGEST, "comment": "x" * 4001}).encode(), 422, "comment"),
        (b"x" * (MOST_BYTES + 1), 413, "at most 16384 bytes"),
        (b'{"a":' * 3000 + b"1" + b"}" * 1000, 422, ""),
    ],
)
def test_a_body_that_is_no_answer_is_told_what_is_wrong(world, content, status, says):
    name = asked(world.desk)
    found = world.client.post(
        f"/approvals/{name}/approve", headers=world.headers("anna"), content=content
    )
    assert says in problem(found, status)
    assert world.desk.life(name).stage == "WAITING"


@pytest.mark.parametrize(
    "path",
    ["/approvals/zz", "/approvals/0123456789abcdef", "/approvals/..%2f..%2fetc", "/decisions/%00"],
)
def test_what_is_not_there_is_not_found(world, path):
    problem(world.get(path), 404)


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/approvals/"])
def test_nothing_else_is_served(world, path):
    problem(world.get(path), 404)


def test_the_record_of_a_decision_can_be_checked_by_who_reads_it(world):
    from tasks.adapters.ledger_seal import LedgerSeal, entry_of

    name = asked(world.desk)
    told = world.get(f"/decisions/{name}").json()
    seal = LedgerSeal.of_public_key(world.desk.ledger.public_key)
    entries = [entry_of(one) for one in told["entries"]]
    assert [one.kind for one in entries] == ["proposed", "judged", "approval_requested"]
    assert [seal.problem_of(one) for one in entries] == ["", "", ""]


def test_what_others_wrote_travels_as_text(world):
    judged_name = judged(world.desk.ledger, proposal(text=HOSTILE))
    world.desk.request([judged_name])
    found = world.get(f"/approvals/{judged_name}")
    assert found.json()["proposal"]["reason"] == HOSTILE
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"


def test_a_broken_record_is_said_and_not_answered_from(world, monkeypatch):
    from tasks.adapters.ledger_seal import LedgerBrokenError

    name = asked(world.desk)

    def broken(*_):
        raise LedgerBrokenError("Entry 3 was changed.")

    monkeypatch.setattr(world.desk.ledger, "entries", broken)
    assert "Entry 3" in problem(world.get(f"/approvals/{name}"), 500)
