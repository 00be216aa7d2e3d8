"""Branches of a run: the same record however they race; memory, and one decision."""

import time

import pytest

from semantic_layer.errors import InputError
from tasks.agents.budgets import Budget
from tasks.agents.tools import ToolFailedError
from tasks.messages.chat import BudgetError
from tests.tasks.agents.doubles import CELL, Agency


class TestBranches:
    def test_the_record_is_the_same_however_branches_race(self):
        def work(branch, number):
            time.sleep(0.01 * (number % 2) + 0.005 * (3 - number))
            branch.call("read_kpis", cell_dn=f"{CELL}{number}")
            branch.remember("last", number)
            return number * 10

        records = []
        for items in ([0, 1, 2, 3], [0, 1, 2, 3]):
            agency = Agency()
            with agency.open() as session:
                assert session.explore(items, work) == [0, 10, 20, 30]
                assert session.recall("last") == 3
                session.call("read_kpis", cell_dn=CELL)
            records.append([(one["kind"], one["place"], one["content"]) for one in agency.events()])
        assert records[0] == records[1]
        places = [place for _, place, _ in records[0]]
        assert places == ["", "", *(f"1.{n}" for n in (0, 0, 1, 1, 2, 2, 3, 3)), "", ""]
        ids = [told["call_id"] for kind, _, told in records[0] if kind == "tool_called"]
        assert len(set(ids)) == 5

    def test_branches_share_the_calls_that_are_left(self):
        def greedy(branch, _):
            for count in range(9):
                try:
                    branch.call("read_kpis", cell_dn=CELL)
                except BudgetError:
                    return count
            return 9

        with Agency().open(budget=Budget(7, 0, 600)) as session:
            session.call("read_kpis", cell_dn=CELL)
            assert session.explore("abcd", greedy) == [2, 2, 1, 1]
            with pytest.raises(BudgetError):
                session.call("read_kpis", cell_dn=CELL)

    def test_the_first_failure_in_order_is_raised_and_all_is_on_record(self):
        def work(branch, name):
            branch.call(name, cell_dn=CELL)

        agency = Agency()
        with agency.open() as session, pytest.raises(ToolFailedError, match="not yet due"):
            session.explore(["read_kpis", "read_broken", "read_secrets"], work)
        assert [one["outcome"] for one in agency.contents("tool_called")] == [
            "answered", "failed", "refused",
        ]  # fmt: skip

    def test_what_a_branch_read_taints_the_run_after_it_but_not_its_neighbor(self):
        def work(branch, name):
            branch.call(name, cell_dn=CELL)
            time.sleep(0.02)
            return branch.is_tainted

        with Agency().open() as session:
            assert session.explore(["read_tickets", "read_kpis"], work) == [True, False]
            assert session.is_tainted

    def test_a_branch_decides_nothing(self):
        with Agency().open() as session, pytest.raises(InputError, match="none of its branches"):
            session.explore([1], lambda branch, _: branch.decide({}))

    def test_branches_within_branches_have_places_of_their_own(self):
        agency = Agency()
        with agency.open() as session:
            session.explore(
                "ab",
                lambda branch, _: branch.explore(
                    "cd", lambda inner, _: inner.call("read_kpis", cell_dn=CELL)
                ),
            )
        called = [one["place"] for one in agency.events(kind="tool_called")]
        assert called == ["1.0/1.0", "1.0/1.1", "1.1/1.0", "1.1/1.1"]


class TestMemoryAndDecision:
    def test_a_value_is_kept_and_unknown_ones_are_none(self):
        with Agency().open() as session:
            session.remember("seen", [CELL])
            assert session.recall("seen") == [CELL]
            assert session.recall("unseen") is None

    def test_a_run_decides_once(self):
        with Agency().open() as session:
            session.decide({"a": 1})
            with pytest.raises(InputError, match="decides once"):
                session.decide({"a": 1})

    def test_a_decision_is_json(self):
        with Agency().open() as session, pytest.raises(InputError, match="JSON"):
            session.decide({"a": float("inf")})
