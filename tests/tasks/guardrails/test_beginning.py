"""The last look before the first write."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.adapters.memory_ledger import MemoryLedger
from tasks.guardrails.beginning import beginning_breaches, digest_breaches, frozen_because
from tasks.messages.ledger import EntryDraft
from tests.tasks.guardrails.town import NOON, RULES, life, sleeping, slipped, verdicts


def approved(*names):
    one = sleeping(1)
    return replace(life(one, "APPROVED"), verdict=verdicts(one)[0], approvals=names)


def rules_broken(told, at=NOON, frozen=None):
    return {breach.rule for breach in beginning_breaches(told, at, frozen, RULES)}


def test_what_was_approved_by_enough_people_may_begin():
    assert rules_broken(approved("anna")) == set()


@pytest.mark.parametrize("names", [(), ("policy:heal_sleeping_cell",)])
def test_too_few_people_are_no_approval(names):
    assert rules_broken(approved(*names)) == {"approval"}


def test_another_change_set_than_the_one_judged_does_not_begin():
    told = approved("anna")
    other = replace(told, proposal=slipped(1))
    assert rules_broken(other) == {"digest"}
    assert digest_breaches(told.proposal.change_set, "0" * 64)[0].rule == "digest"


def test_nothing_begins_in_a_freeze_or_before_approval():
    assert rules_broken(approved("anna"), frozen="An exercise.") == {"frozen_by_hand"}
    january = datetime(2026, 1, 2, tzinfo=UTC)
    assert rules_broken(approved("anna"), at=january) == {"freeze_window"}
    assert rules_broken(life(sleeping(1), "WAITING")) == {"approval"}


def test_a_freeze_stands_until_it_is_thawed():
    class Clock:
        def now(self):
            return NOON

    ledger = MemoryLedger(Clock())
    assert frozen_because(ledger.entries()) is None
    ledger.append(EntryDraft("frozen", "network", "anna", NOON, {"reason": "Storm."}))
    assert frozen_because(ledger.entries()) == "Storm."
    ledger.append(EntryDraft("thawed", "network", "anna", NOON, {"reason": "Over."}))
    assert frozen_because(ledger.entries()) is None
