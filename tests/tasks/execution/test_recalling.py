"""Taking back as planned: once, wholly, whatever stands; and what is never taken back so."""

from threading import Thread

import pytest

from semantic_layer.autonomy import autonomy_rules
from semantic_layer.errors import InputError
from semantic_layer.execution_rules import execution_rules
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_tables import InMemoryTables
from tasks.approval.decision_story import decision_story, story_text
from tasks.execution import steps
from tasks.execution.executing import carried_out
from tasks.execution.outcomes import due_window, ended_rows
from tasks.execution.recalling import recall_refusal, recalled
from tasks.guardrails.autonomy import outcomes
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import proposal_life
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.execution.told import (
    DEEP,
    NOON,
    SAVE,
    SAVING,
    SLEEP,
    StoppedClock,
    approved,
    hands,
    memory_ledger,
    modify,
    network_objects,
)

WHY = "The plan wakes it."


@pytest.fixture
def ledger():
    return memory_ledger()


@pytest.fixture
def gateway():
    return MemoryGateway(network_objects())


def asleep(ledger, gateway):
    name = approved(ledger, SLEEP, use_case="save_energy")
    assert carried_out(name, hands(ledger, gateway)).stage == "APPLIED"
    return name


def verified(ledger, name, verdict):
    payload = {"verdict": verdict, "reason": "Measured.", "effect": {}}
    ledger.append(EntryDraft("verified", name, "executor", NOON, payload, f"verified:{name}"))


def attributes(gateway):
    return dict(gateway.read([SAVING])[SAVING].attributes)


def life(ledger, name):
    return proposal_life(ledger.entries(name))


def kinds(ledger, name):
    return [one.kind for one in ledger.entries(name)]


@pytest.mark.parametrize("verdict", ["", "better", "as_before", "unclear"])
def test_what_stands_is_taken_back_last_write_first_and_keeps_its_verdict(ledger, gateway, verdict):
    name = asleep(ledger, gateway)
    if verdict:
        verified(ledger, name, verdict)
    assert recalled(name, WHY, hands(ledger, gateway)).stage == "RECALLED"
    assert gateway.journal == [DEEP, SAVE, SAVE.inverse(), DEEP.inverse()]
    told = life(ledger, name)
    assert (told.stage, told.effect, told.recall_reason) == ("RECALLED", verdict, WHY)
    assert told.entries[-1].payload["reason"] == WHY


def test_the_reason_is_on_record_before_the_first_write_back(ledger, gateway):
    name = asleep(ledger, gateway)
    seen = []
    write = gateway.write

    def look(operation):
        seen.append(kinds(ledger, name)[-2:])
        write(operation)

    gateway.write = look
    recalled(name, WHY, hands(ledger, gateway))
    assert seen[0] == ["recall_begun", "write_intended"]


def test_taken_back_again_or_by_four_at_once_it_is_taken_back_once(ledger, gateway):
    name = asleep(ledger, gateway)
    threads = [Thread(target=recalled, args=(name, WHY, hands(ledger, gateway))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = len(ledger.entries(name))
    assert recalled(name, "Another reason.", hands(ledger, gateway)).stage == "RECALLED"
    assert len(ledger.entries(name)) == count
    assert len(gateway.journal) == 4
    assert kinds(ledger, name).count("recall_begun") == kinds(ledger, name).count("recalled") == 1


EVIDENCE = {"asked_at": NOON.isoformat(), "cells": [{"cell_dn": "NRCellDU=1", "delay_s": 2.5}]}


def test_evidence_is_on_record_once_whatever_crashes_and_whoever_asks_again(ledger, gateway):
    name, write = asleep(ledger, gateway), gateway.write

    def die(_operation):
        raise KeyboardInterrupt

    gateway.write = die
    with pytest.raises(KeyboardInterrupt):
        recalled(name, WHY, hands(ledger, gateway), EVIDENCE)
    gateway.write = write
    later = {**EVIDENCE, "asked_at": "later"}
    assert recalled(name, WHY, hands(ledger, gateway), later).stage == "RECALLED"
    told = [one.payload for one in ledger.entries(name) if "evidence" in one.payload]
    assert told == [{"reason": WHY, "evidence": EVIDENCE}]


def test_evidence_of_what_never_began_stands_with_its_withdrawal(ledger, gateway):
    name = approved(ledger, SLEEP, use_case="save_energy")
    recalled(name, WHY, hands(ledger, gateway), EVIDENCE)
    assert ledger.entries(name)[-1].payload == {"reason": WHY, "evidence": EVIDENCE}


def test_what_others_set_since_is_theirs_and_the_rest_is_taken_back(ledger, gateway):
    name = asleep(ledger, gateway)
    gateway.write(modify(SAVING, DEEP.object_class, DEEP.attribute, "DEEP_SLEEP", "LIGHT_SLEEP"))
    assert recalled(name, WHY, hands(ledger, gateway)).stage == "RECALLED"
    assert attributes(gateway) == {
        "energySavingMode": "LIGHT_SLEEP",
        "energySavingControl": "toBeNotEnergySaving",
    }
    assert "Left as others set it" in ledger.entries(name)[-1].payload["reason"]


def test_a_network_that_does_not_let_go_is_asked_again_by_the_next_run(ledger, gateway):
    name, write, refusals = asleep(ledger, gateway), gateway.write, [1, 1]

    def refuse(operation):
        if operation == SAVE.inverse() and refusals:
            refusals.pop()
            raise InputError("The cell is busy.")
        write(operation)

    gateway.write = refuse
    first = recalled(name, WHY, hands(ledger, gateway))
    assert (first.stage, "busy" in first.says) == ("EXECUTING", True)
    assert recalled(name, WHY, hands(ledger, gateway)).stage == "EXECUTING"
    assert carried_out(name, hands(ledger, gateway)).stage == "RECALLED"
    assert attributes(gateway)["energySavingMode"] == "ACTIVE"


def test_what_was_not_begun_is_withdrawn_and_never_begins(ledger, gateway):
    name = approved(ledger, SLEEP, use_case="save_energy")
    assert recalled(name, WHY, hands(ledger, gateway)).stage == "WITHDRAWN"
    assert carried_out(name, hands(ledger, gateway)).stage == "WITHDRAWN"
    assert gateway.journal == []


def test_what_was_found_worse_is_undone_as_such(ledger, gateway):
    name = asleep(ledger, gateway)
    verified(ledger, name, "worse")
    assert recalled(name, WHY, hands(ledger, gateway)).stage == "UNDONE"
    assert "recall_begun" not in kinds(ledger, name)


def test_what_fails_on_its_own_is_rolled_back_as_such(ledger, gateway):
    name, write = approved(ledger, SLEEP, use_case="save_energy"), gateway.write

    def refuse(operation):
        if operation in (SAVE, DEEP.inverse()):
            raise InputError("Not now.")
        write(operation)

    gateway.write = refuse
    assert carried_out(name, hands(ledger, gateway)).stage == "EXECUTING"
    gateway.write = write
    assert recalled(name, WHY, hands(ledger, gateway)).stage == "ROLLED_BACK"
    assert attributes(gateway)["energySavingMode"] == "ACTIVE"


def test_a_repair_is_not_taken_back_as_planned(ledger):
    name = approved(ledger, SLEEP)
    said = recall_refusal(life(ledger, name), execution_rules())
    assert "'heal_tilt_slip', which is not taken back as planned" in said


def test_to_be_taken_back_as_planned_is_no_outcome_and_takes_none_away(ledger, gateway):
    assert autonomy_rules().of("save_energy") is not None
    name = asleep(ledger, gateway)
    recalled(name, WHY, hands(ledger, gateway))
    assert outcomes("save_energy", ledger.entries()) == []
    verified(ledger, name, "better")
    assert [one.result for one in outcomes("save_energy", ledger.entries())] == ["good"]


def test_the_decisions_page_tells_that_and_why(ledger, gateway):
    name = asleep(ledger, gateway)
    verified(ledger, name, "better")
    recalled(name, WHY, hands(ledger, gateway))
    told = decision_story(life(ledger, name))
    assert told.tone == "good"
    assert told.lead.endswith(f"taken back as planned; nothing of it stands. {WHY}")
    assert "Taken back as planned by executor" in story_text(told)


def test_an_outcome_that_was_kept_is_told_anew_on_both_its_days(ledger, gateway):
    name = asleep(ledger, gateway)
    verified(ledger, name, "better")
    kept = ended_rows([life(ledger, name)])
    clock = StoppedClock(NOON.replace(day=NOON.day + 3))
    recalled(name, WHY, hands(ledger, gateway, clock))
    ended = ended_rows([life(ledger, name)])
    assert ended["outcome"].to_list() == ["RECALLED"]
    assert ended["effect"].to_list() == ["better"]
    window = due_window(ended, kept)
    assert (window.start.day, window.end.day) == (NOON.day, NOON.day + 4)
    assert due_window(ended, ended) is None


@pytest.fixture
def world(tmp_path, ledger, gateway):
    clock = StoppedClock()
    made = Services(Settings(home=tmp_path))
    made.__dict__ |= {
        "ledger": ledger,
        "gateway": gateway,
        "clock": clock,
        "network_clock": clock,
        "tables": InMemoryTables(clock),
    }
    with use_services(made):
        yield made


@pytest.mark.usefixtures("world")
def test_the_step_takes_back_what_may_be_and_tells_of_the_rest(ledger, gateway):
    name = asleep(ledger, gateway)
    repair = approved(ledger, SLEEP)
    assert steps.recall.fn([name, repair, name], WHY, {name: EVIDENCE}) == [name]
    (begun,) = (one for one in ledger.entries(name) if one.kind == "recall_begun")
    assert begun.payload["evidence"] == EVIDENCE
    assert steps.recall.fn([name], WHY) == [name], "the same again"
    assert life(ledger, repair).stage == "APPROVED"
    with pytest.raises(InputError, match="not taken back as planned"):
        steps.recall.fn([repair], WHY)
    with pytest.raises(InputError, match="No proposal 'none' is on record"):
        steps.recall.fn([name, "none"], WHY)
    with pytest.raises(InputError, match="say why"):
        steps.recall.fn([name], " ")
    assert steps.recall.fn([], WHY) == []


@pytest.mark.usefixtures("world")
def test_a_recall_that_a_crash_left_half_way_is_resumed(ledger, gateway):
    name = asleep(ledger, gateway)
    key, payload = f"recall_begun:{name}", {"reason": WHY}
    ledger.append(EntryDraft("recall_begun", name, "executor", NOON, payload, key))
    assert steps.resume_interrupted.fn() == [name]
    assert life(ledger, name).stage == "RECALLED"
