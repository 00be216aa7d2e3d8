"""Runs are opened under a free name, and put on record even where they fail."""

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from tasks.agents.budgets import Budget
from tasks.agents.opening import code_version
from tasks.agents.tools import ToolFailedError
from tests.tasks.agents.doubles import CELL, HOSTILE, Agency


def test_the_header_says_who_what_and_by_which_code_and_definitions():
    agency = Agency()
    with agency.open(seed=3, arguments={"cell_dn": CELL}, votes=5, budget=Budget(4, 3, 60)):
        pass
    (header,) = agency.contents("run_began")
    assert header == {
        "schema_version": 1,
        "agent": "heal_cell",
        "identity": "healing_agent",
        "use_case": "heal_tilt_slip",
        "run_id": "run-1",
        "seed": 3,
        "arguments": {"cell_dn": CELL},
        "votes": 5,
        "budget": {"calls": 4, "questions": 3, "seconds": 60},
        "code_version": code_version(),
        "catalogue_version": catalogue().version,
    }


def test_a_run_has_an_end_that_counts_its_events():
    agency = Agency()
    assert agency.run(lambda _session, _arguments: {"a": 1}) == {"a": 1}
    events = agency.events()
    assert [one["kind"] for one in events] == ["run_began", "decided", "run_ended"]
    assert [one["number"] for one in events] == [1, 2, 3]
    assert events[-1]["content"] == {"events": 3}


def test_a_run_that_fails_is_on_record_with_its_reason_and_fails():
    agency = Agency()
    with pytest.raises(ToolFailedError):
        agency.run(lambda session, _: session.call("read_broken", cell_dn=CELL))
    assert agency.contents("run_failed")[0]["error"].startswith("ToolFailedError: No rows for")
    assert agency.spans.told[0].error == "ToolFailedError"
    assert [span.error for span in agency.spans.told[1:]] == ["failed"]


def test_a_run_done_again_gets_a_name_of_its_own():
    agency = Agency()
    for _ in range(3):
        with agency.open() as session:
            session.decide({"run_id": session.run_id})
    assert agency.transcripts.runs() == ["run-1", "run-1-2", "run-1-3"]
    assert agency.contents("decided", "run-1-3") == [{"decision": {"run_id": "run-1-3"}}]


def test_an_agent_that_decides_one_thing_and_returns_another_is_wrong():
    def two_faced(session, _):
        session.decide({"a": 1})
        return {"a": 2}

    with pytest.raises(InputError, match="returned another"):
        Agency().run(two_faced)


def test_arguments_that_are_no_json_are_refused_before_anything_happens():
    agency = Agency()
    with pytest.raises(InputError, match="JSON"):
        agency.open(arguments={"when": object()})
    assert agency.transcripts.runs() == []


def test_spans_tell_names_times_and_tokens_but_no_text():
    agency = Agency(["It is bad."])

    def agent(session, _):
        session.call("read_tickets", cell_dn=CELL)
        session.write("explain_finding", {"cell": CELL}, "by code", {"ticket": HOSTILE})
        return {}

    agency.run(agent)
    run, tool, chat = agency.spans.told
    assert (run.name, tool.name) == ("invoke_agent heal_cell", "execute_tool read_tickets")
    assert chat.name.startswith("chat ")
    assert run.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert run.attributes["gen_ai.agent.name"] == "heal_cell"
    assert tool.attributes["gen_ai.tool.name"] == "read_tickets"
    assert chat.attributes["gen_ai.request.model"]
    assert isinstance(chat.attributes["gen_ai.usage.input_tokens"], int)
    assert {span.trace_id for span in agency.spans.told} == {run.trace_id}
    assert (run.parent_id, tool.parent_id, chat.parent_id) == ("", run.span_id, run.span_id)
    assert len({span.span_id for span in agency.spans.told}) == 3
    for span in agency.spans.told:
        assert (len(span.trace_id), len(span.span_id)) == (32, 16)
        assert run.started_ns <= span.started_ns < span.ended_ns <= run.ended_ns
        told = " ".join(map(str, span.attributes.values())) + span.error
        assert "bad" not in told
        assert "Ignore" not in told
        assert CELL not in told


def test_spans_use_the_names_of_the_conventions():
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    operations = {one.value for one in gen_ai_attributes.GenAiOperationNameValues}
    agency = Agency(["It is bad."])

    def agent(session, _):
        session.call("read_kpis", cell_dn=CELL)
        session.write("explain_finding", {}, "by code")
        return {}

    agency.run(agent)
    for span in agency.spans.told:
        assert {name for name in span.attributes if name.startswith("gen_ai.")} <= known
        assert all(name.startswith(("gen_ai.", "anops.")) for name in span.attributes)
        assert span.attributes["gen_ai.operation.name"] in operations
        assert span.name.startswith(span.attributes["gen_ai.operation.name"])
