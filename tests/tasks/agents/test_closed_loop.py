"""The six roles speak in turn, hand over what is theirs, and stop where nothing is to be done."""

import pytest

from semantic_layer.errors import InputError
from tasks.agents.closed_loop import run_loop
from tasks.agents.loop_messages import (
    LOOP_ROLES,
    Diagnosis,
    EffectMeasured,
    ExecutionReport,
    Hypothesis,
    Lesson,
    NothingToDo,
    Observation,
    ProposalMade,
    message_json,
    message_of,
)
from tests.tasks.agents.doubles import CELL, Agency

SEEN = Observation(CELL, "2026-03-01T08:15:00+00:00", ("a1",), "It carries nothing.", {"n": 0})
CAUSE = Diagnosis(CELL, (Hypothesis("sleeping_cell", 0.9, ("no traffic",), ()),), is_decided=True)
PROPOSED = ProposalMade("p1", "heal_sleeping_cell", "d" * 64, "sleeping_cell")
APPLIED = ExecutionReport("p1", "applied", "2026-03-01T08:20:00+00:00")
BETTER = EffectMeasured("p1", "better", "traffic_volume_dl", 0.8, "2026-03-01T09:15:00+00:00")
LEARNED = Lesson("case-1", "sleeping_cell", "better", "A restart helped.")
ALL = (SEEN, CAUSE, PROPOSED, APPLIED, BETTER, LEARNED)


class Heard:
    def __init__(self):
        self.told = []

    def post(self, kind, content):
        self.told.append((kind, content))


def roles(**instead):
    """Each role checks what it was told, and says its own."""
    before = dict(zip(LOOP_ROLES, (None, *ALL[:-1]), strict=True))
    says = dict(zip(LOOP_ROLES, ALL, strict=True)) | instead

    def speaking(role):
        def speak(told):
            assert told == before[role]
            return says[role]

        return speak

    return {role: speaking(role) for role in LOOP_ROLES}


def test_each_role_is_told_what_the_one_before_said_and_all_is_on_record():
    agency = Agency()
    with agency.open() as session:
        end = run_loop(roles(), session)
    assert (end.role, end.message, end.is_whole) == ("learning", LEARNED, True)
    handed = agency.contents("handed_over")
    assert [one["from_role"] for one in handed] == list(LOOP_ROLES)
    assert [one["to_role"] for one in handed] == [*LOOP_ROLES[1:], ""]
    assert [message_of(one["message"]) for one in handed] == list(ALL)


@pytest.mark.parametrize("message", [*ALL, NothingToDo("All is well.")])
def test_messages_come_back_from_json(message):
    assert message_of(message_json(message)) == message


@pytest.mark.parametrize("told", [{}, {"type": "Order"}, {"type": "Lesson", "cell": "x"}])
def test_what_is_no_message_is_refused(told):
    with pytest.raises(InputError, match="No message"):
        message_of(told)


@pytest.mark.parametrize("role", LOOP_ROLES)
def test_any_role_may_end_the_loop(role):
    heard = Heard()
    end = run_loop(roles(**{role: NothingToDo("Nothing.")}), heard)
    assert (end.role, end.is_whole) == (role, False)
    assert len(heard.told) == LOOP_ROLES.index(role) + 1
    assert heard.told[-1][1]["to_role"] == ""


def test_a_loop_goes_on_where_it_had_to_wait():
    parts = {role: speak for role, speak in roles().items() if role in LOOP_ROLES[4:]}
    assert run_loop(parts, Heard(), APPLIED).message == LEARNED


@pytest.mark.parametrize(
    ("names", "start", "says"),
    [
        ([], None, "next to each other"),
        (["perception", "decision"], None, "next to each other"),
        (["verification"], None, "told ExecutionReport"),
        (["verification"], PROPOSED, "told ExecutionReport"),
    ],
)
def test_roles_stand_next_to_each_other_and_are_told_what_they_need(names, start, says):
    with pytest.raises(InputError, match=says):
        run_loop({name: roles()[name] for name in names}, Heard(), start)


def test_a_role_hands_over_only_what_is_its_own():
    heard = Heard()
    with pytest.raises(InputError, match="analysis hands over Diagnosis, not ProposalMade"):
        run_loop(roles(analysis=PROPOSED), heard)
    assert len(heard.told) == 1
