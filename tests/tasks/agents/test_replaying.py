"""A run repeated from its transcript decides the same, byte by byte, or tells where it parts."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from semantic_layer.errors import InputError
from tasks.adapters.file_transcripts import FileTranscripts
from tasks.agents.budgets import Budget
from tasks.agents.opening import code_version
from tasks.agents.replay_text import replay_json, replay_text
from tasks.agents.replaying import first_difference, replayed
from tasks.messages.canonical import canonical_json
from tasks.messages.chat import BudgetError, NoRouteError
from tests.tasks.agents.doubles import CELL, OTHER, Agency
from tests.tasks.agents.replayed_agent import VERSIONS, thorough

REPOSITORY = Path(__file__).resolve().parents[3]
MORE = [f"SubNetwork=1,ManagedElement={number}" for number in range(80, 84)]


def by_role(request):
    """Answer as a model would, some of it wrong."""
    if request.role == "judge":
        return {"option_id": "restart_cell"}
    if request.role == "reader":
        return {"cause": "tilt_slip"}
    if request.role == "planner":
        is_first = '"found":[]' in request.messages[1].text
        call = {"tool": "read_kpis", "arguments": {"cell_dn": CELL}}
        return call if is_first else {"tool": "stop", "arguments": {}}
    return "It used 12.3 %." if len(request.messages) > 2 else "It used 99 %."


def spent(request):
    raise (BudgetError if request.role == "judge" else NoRouteError)(f"None for {request.role}.")


@pytest.fixture(params=["a model", "no model"])
def agency(request):
    made = Agency(by_role if request.param == "a model" else spent)
    made.run(thorough, arguments={"more": MORE}, seed=11)
    return made


class TestTheSameAnswers:
    def test_give_the_same_decision_and_record(self, agency):
        told = replayed(agency.events(), thorough, VERSIONS)
        assert told.is_same
        assert told.difference == ""
        (decided,) = agency.contents("decided")
        assert told.repeated == canonical_json(decided["decision"])
        assert json.loads(told.repeated)["seed"] == 11

    @pytest.mark.slow
    @pytest.mark.parametrize("hash_seed", ["0", "12345"])
    def test_give_the_same_bytes_in_another_process_with_other_hashes_and_folder(
        self, agency, hash_seed, tmp_path
    ):
        kept = FileTranscripts(tmp_path / "transcripts")
        kept.append("run-1", agency.events())
        found = subprocess.run(
            [sys.executable, "-m", "tests.tasks.agents.replayed_agent", "transcripts/run-1.ndjson"],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        )
        is_same, difference, repeated = json.loads(found.stdout)
        assert (is_same, difference) == (True, "")
        assert repeated == canonical_json(agency.contents("decided")[0]["decision"])

    def test_nothing_is_asked_of_tools_or_models(self, agency):
        asked = len(agency.chat.requests)
        replayed(agency.events(), thorough, VERSIONS)
        assert len(agency.chat.requests) == asked

    def test_a_run_that_failed_fails_again_in_the_same_way(self):
        def failing(session, _):
            session.call("read_broken", cell_dn=CELL)

        agency = Agency()
        with pytest.raises(Exception, match="not yet due"):
            agency.run(failing)
        told = replayed(agency.events(), failing, VERSIONS)
        assert told.is_same
        assert (told.recorded, told.repeated) == ("", "")
        assert "the run failed" in replay_text(told)

    def test_a_used_up_budget_is_used_up_again(self):
        def greedy(session, _):
            count = 0
            try:
                while True:
                    session.call("read_kpis", cell_dn=CELL)
                    count += 1
            except BudgetError:
                return {"count": count}

        agency = Agency()
        assert agency.run(greedy, budget=Budget(3, 0, 600)) == {"count": 3}
        assert replayed(agency.events(), greedy, VERSIONS).is_same


class TestOtherRequests:
    def test_another_call_is_told_by_what_differs_first(self):
        def old(session, _):
            return {"n": len(session.call("read_kpis", cell_dn=CELL).rows)}

        def new(session, _):
            return {"n": len(session.call("read_kpis", cell_dn=OTHER).rows)}

        agency = Agency()
        agency.run(old)
        told = replayed(agency.events(), new, VERSIONS)
        assert not told.is_same
        assert told.difference.startswith("The run asks otherwise: arguments.cell_dn was")
        assert OTHER in told.difference
        assert "NOT REPEATED" in replay_text(told)

    def test_a_changed_prompt_is_told_by_its_place(self):
        def told_of(score):
            def agent(session, _):
                session.write("explain_finding", {"score": score}, "by code")
                return {}

            return agent

        agency = Agency(["It is bad."])
        agency.run(told_of(4))
        told = replayed(agency.events(), told_of(5), VERSIONS)
        assert "messages.1.text" in told.difference
        assert (told.recorded, told.repeated) == ("{}", "")
        assert "NOT REPEATED" in replay_text(told)

    def test_a_difference_is_told_even_where_the_agent_swallows_it(self):
        def swallowing(session, arguments):
            with suppress(Exception):  # what an agent should not do
                session.call("read_kpis", cell_dn=arguments.get("dn", CELL))
            return {}

        agency = Agency()
        agency.run(swallowing)
        events = agency.events()
        events[0]["content"]["arguments"] = {"dn": OTHER}
        assert "arguments.cell_dn" in replayed(events, swallowing, VERSIONS).difference

    def test_more_and_fewer_calls_are_told(self):
        def calls(count):
            def agent(session, _):
                for number in range(count):
                    session.call("read_kpis", cell_dn=f"{CELL}{number}")
                return {}

            return agent

        agency = Agency()
        agency.run(calls(2))
        assert "nothing more" in replayed(agency.events(), calls(3), VERSIONS).difference
        assert "Event 3" in replayed(agency.events(), calls(1), VERSIONS).difference

    def test_another_decision_from_the_same_facts_is_told(self):
        agency = Agency()
        agency.run(lambda _session, _arguments: {"a": 1})
        told = replayed(agency.events(), lambda _session, _arguments: {"a": 2}, VERSIONS)
        assert not told.is_same
        assert told.difference == "Event 2: content.decision.a was 1 and is 2."
        assert json.loads(replay_json(told))["repeated"] == {"a": 2}
        assert "ANOTHER DECISION" in replay_text(told)

    def test_another_way_to_the_same_decision_is_told(self):
        def remembering(session, _):
            session.remember("a", 1)
            return {}

        agency = Agency()
        agency.run(lambda _session, _arguments: {})
        told = replayed(agency.events(), remembering, VERSIONS)
        assert not told.is_same
        assert "another way to it" in replay_text(told)

    def test_other_versions_are_told_and_are_no_difference(self):
        agency = Agency()
        agency.run(lambda _session, _arguments: {})
        told = replayed(agency.events(), lambda _session, _arguments: {}, VERSIONS)
        assert told.is_same
        assert told.versions["code_version"] == (code_version(), "")


@pytest.mark.parametrize("broken", [[], slice(1, None), slice(None, -1)])
def test_a_part_of_a_run_cannot_be_repeated(broken):
    agency = Agency()
    agency.run(lambda _session, _arguments: {})
    events = agency.events()[broken] if broken else []
    with pytest.raises(InputError, match="whole transcript"):
        replayed(events, lambda _session, _arguments: {}, VERSIONS)


def test_a_transcript_of_another_schema_is_not_guessed_at():
    agency = Agency()
    agency.run(lambda _session, _arguments: {})
    events = agency.events()
    events[0]["content"]["schema_version"] = 99
    with pytest.raises(InputError, match="schema 99"):
        replayed(events, lambda _session, _arguments: {}, VERSIONS)


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, ""),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a.1.b was 2 and is 3"),
        ([1], [1, 2], "1 was null and is 2"),
        ({"a": 1}, {}, "a was 1 and is null"),
        (1, 1.0, "value was 1 and is 1.0"),
        ("1", 1, 'value was "1" and is 1'),
    ],
)
def test_the_first_difference_is_named_with_both_values(then, now, told):
    assert first_difference(then, now) == told
