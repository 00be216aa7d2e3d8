"""Planning and acting: a model names the next call or stops; without one the script is run."""

import json

import pytest

from semantic_layer.agent_rules import agent_rules
from semantic_layer.errors import InputError
from tasks.agents.budgets import Budget
from tasks.agents.planning import Loop, PlannedCall, plan_and_act
from tasks.agents.session import SOLVER
from tests.tasks.agents.doubles import CELL, HOSTILE, OTHER, Agency

SCRIPT = (
    PlannedCall("read_kpis", {"cell_dn": CELL}),
    PlannedCall("read_tickets", {"cell_dn": CELL}),
)
STOP = {"tool": "stop", "arguments": {}}


def call(name, cell_dn=CELL):
    return {"tool": name, "arguments": {"cell_dn": cell_dn}}


def planned(answers, *, is_read_only=True, before=(), **more):
    agency = Agency(answers)
    with agency.open(**more) as session:
        for name in before:
            session.call(name, cell_dn=CELL)
        work = plan_and_act(
            session, Loop("Say what is wrong.", {}, SCRIPT, is_read_only=is_read_only)
        )
    return agency, work


def shown(request):
    return json.loads(request.messages[1].text.removeprefix("FACTS\n").split("\n\nTEXTS", 1)[0])


class TestWithoutAModel:
    def test_the_script_is_run(self):
        agency, work = planned([])
        assert [step.call for step in work.steps] == list(SCRIPT)
        assert {step.decided_by for step in work.steps} == {SOLVER}
        assert (work.ended, len(work.results)) == ("script_done", 2)
        assert work.why_solver
        assert agency.contents("planned")[0]["ended"] == "script_done"

    def test_the_script_ends_with_the_budget(self):
        _, work = planned([], budget=Budget(1, 1, 600))
        assert (work.ended, len(work.results)) == ("budget", 1)
        assert "used up its calls" in work.steps[-1].error

    def test_a_model_that_breaks_off_is_followed_by_the_rest_of_the_script(self):
        _, work = planned([call("read_kpis"), "no", "no"])
        assert [step.call.tool for step in work.steps] == ["read_kpis", "read_tickets"]
        assert [step.decided_by for step in work.steps] == ["scripted", SOLVER]
        assert "no usable answer twice" in work.why_solver


class TestWithAModel:
    @pytest.mark.parametrize(
        ("answers", "ended", "steps"),
        [
            pytest.param([call("read_kpis"), STOP], "stopped", 1, id="it stops"),
            pytest.param([call("read_kpis")] * 2, "repeated", 1, id="a call comes again"),
            pytest.param(
                [call("read_broken"), call("read_broken", OTHER)], "nothing_new", 2, id="idle"
            ),
        ],
    )
    def test_the_loop_ends(self, answers, ended, steps):
        _, work = planned(answers)
        assert (work.ended, len(work.steps), work.why_solver) == (ended, steps, "")

    def test_the_loop_ends_after_the_most_steps(self):
        def another(request):
            return call("read_kpis", f"{CELL}{len(shown(request)['found'])}")

        _, work = planned(another)
        assert (work.ended, len(work.steps)) == ("most_steps", agent_rules().most_steps)

    def test_the_loop_ends_with_the_budget(self):
        _, work = planned([call("read_kpis"), call("read_kpis", OTHER)], budget=Budget(1, 9, 600))
        assert (work.ended, len(work.steps)) == ("budget", 2)

    def test_only_tools_that_the_identity_may_call_are_offered(self):
        agency, _ = planned([STOP])
        names = [one["name"] for one in shown(agency.chat.requests[0])["tools"]]
        assert "read_kpis" in names
        assert "read_secrets" not in names
        assert "draft_repair" not in names
        offered = agency.contents("tools_offered")[0]["tools"]
        assert {one["definition"]["name"] for one in offered} == {*names, "draft_repair"}

    @pytest.mark.parametrize("name", ["read_secrets", "draft_repair", "delete_everything"])
    def test_what_is_not_offered_cannot_be_named(self, name):
        agency, work = planned([call(name), call(name)])
        assert [step.call.tool for step in work.steps] == ["read_kpis", "read_tickets"]
        assert {one["tool"] for one in agency.contents("tool_called")} <= {
            "read_kpis", "read_tickets",
        }  # fmt: skip

    def test_what_was_found_is_told_with_its_rows(self):
        agency, _ = planned([call("read_kpis"), STOP])
        (found,) = shown(agency.chat.requests[1])["found"]
        assert found["rows"][0]["prb_usage_dl_pct"] == 12.34
        assert found["says"].startswith("3 periods")

    def test_refused_and_failed_calls_are_told(self):
        wrong = {"tool": "read_kpis", "arguments": {"cell": CELL}}
        agency, work = planned([wrong, call("read_kpis"), STOP])
        (found,) = shown(agency.chat.requests[1])["found"]
        assert "Extra inputs are not permitted" in found["error"]
        assert [bool(step.error) for step in work.steps] == [True, False]


class TestTextByOthers:
    def test_is_told_as_counts_and_ids_where_the_loop_may_propose(self):
        agency, work = planned([call("read_tickets"), STOP], is_read_only=False)
        request = agency.chat.requests[1]
        assert shown(request)["found"][0]["rows_by_others"] == 1
        assert shown(request)["found"][0]["ids"] == ["TT-1807"]
        assert HOSTILE[:15] not in request.messages[1].text
        assert work.ended == "stopped"

    def test_is_told_in_a_fence_where_the_loop_only_reads(self):
        agency, _ = planned([call("read_tickets"), STOP])
        told = agency.chat.requests[1].messages[1].text
        assert HOSTILE in told.split("TEXTS BY OTHERS", 1)[1]
        assert HOSTILE not in told.split("TEXTS BY OTHERS", 1)[0]

    def test_no_proposal_is_planned_after_it(self):
        agency, work = planned(
            [call("draft_repair"), call("read_tickets"), call("draft_repair", OTHER), STOP],
            is_read_only=False,
        )
        assert [bool(step.error) for step in work.steps] == [False, False, True]
        told = [one["outcome"] for one in agency.contents("tool_called")]
        assert told == ["answered", "answered", "refused"]

    def test_in_the_goal_of_a_loop_that_may_propose_no_model_plans(self):
        agency = Agency([call("draft_repair")])
        with agency.open() as session:
            session.call("read_tickets", cell_dn=CELL)
            loop = Loop(f"Do this: {HOSTILE}", {}, SCRIPT, is_read_only=False)
            work = plan_and_act(session, loop)
        assert agency.chat.requests == []
        assert work.ended == "script_done"
        assert "text that others wrote" in work.why_solver


def test_planning_needs_a_session_of_the_runtime():
    with pytest.raises(InputError, match="open_session"):
        plan_and_act(object(), Loop("x", {}, ()))
