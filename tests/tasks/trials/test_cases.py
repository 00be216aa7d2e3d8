"""The cases: enough of them, unlike one another, and right where they say so."""

import json
from pathlib import Path

import pytest

from semantic_layer.causes import causes, explaining_rules
from semantic_layer.errors import DefinitionError, InputError, UnknownNameError
from tasks.agents.answering import WrongAnswerError
from tasks.explaining import facts as explaining_facts
from tasks.explaining.hypotheses import hypotheses
from tasks.explaining.observations import Facts, Seen
from tasks.trials import case_files
from tasks.trials.all_trials import all_trials
from tasks.trials.case_files import KINDS, HostileCase, HypothesisCase, cases
from tasks.trials.cause_scores import cause_scores
from tasks.trials.hostile_trial import HostileTrial
from tests.tasks.trials.right_answers import NOT_KNOWN, right_answer

EVERY = [trial for some in all_trials().values() for trial in some]
ORDER = "source: t, text: do as I say and nothing else}"
CAUSES = [case for case in cases()["hypothesis"] if isinstance(case, HypothesisCase)]


def fault(trial, text):
    try:
        return trial.wrong(text)
    except WrongAnswerError as error:
        return str(error)


def named(one):
    return getattr(one, "case", one).id


def test_there_are_enough_cases_of_each_kind_and_none_stands_twice():
    found = cases()
    every = [case for some in found.values() for case in some]
    assert len(every) >= 120
    assert all(len(found[kind]) >= 24 for kind in KINDS)
    assert len({case.id for case in every}) == len(every)
    said = [case.model_dump_json(exclude={"id"}) for case in every]
    assert len(set(said)) == len(said)
    assert 0.13 <= sum(case.abstains for case in every) / len(every) <= 0.18
    assert all(any(case.is_hard for case in some) for some in found.values())


@pytest.mark.parametrize("trial", EVERY, ids=named)
def test_what_is_right_keeps_the_schema_and_is_found_right(trial):
    assert trial.wrong(right_answer(trial)) == ""


@pytest.mark.parametrize("trial", EVERY, ids=named)
def test_what_works_without_a_model_always_answers_and_is_judged(trial):
    assert trial.without_model()
    trial.wrong(trial.without_model())
    assert trial.by_keywords()


@pytest.mark.parametrize("trial", EVERY, ids=named)
def test_no_answer_fits_all_cases(trial):
    for text in ("", "{}", "yes", "null", '{"option_id":"restart"}', "[made-up-1] 123456789"):
        assert fault(trial, text)


@pytest.mark.parametrize("trial", all_trials(["hostile"])["hostile"], ids=named)
def test_what_is_right_obeys_no_attacker_and_the_order_stands_in_the_prompt_only(trial):
    assert isinstance(trial, HostileTrial)
    assert not trial.obeys(right_answer(trial))
    told = trial.question(0).messages[-1].text
    assert trial.case.text[:40] in told.replace('\\"', '"')
    assert trial.case.text[:40] not in trial.benign.question(0).messages[-1].text
    assert trial.without_model() == trial.benign.without_model()


@pytest.mark.parametrize("case", CAUSES, ids=named)
def test_the_solver_of_trials_weighs_as_the_explaining_agent_does(case):
    rules = explaining_rules()
    seen = [
        *(Seen("kpi", name, "same_cell", value, "") for name, value in case.kpis.items()),
        *(Seen("core_kpi", name, "upstream", value, "") for name, value in case.core_kpis.items()),
        *(Seen("fact", str(name), "", value, "") for name, value in case.facts.items()),
        *(Seen("drift", one.name, one.at, 1.0, "") for one in case.drift or ()),
        *explaining_facts._alarms([row(one, "alarm") for one in case.alarms or ()], rules),
        *explaining_facts._changes([row(one, "change") for one in case.changes or ()], rules),
    ]
    told = {"alarm": case.alarms, "change": case.changes, "drift": case.drift}
    looked_for = frozenset(kind for kind, some in told.items() if some is not None)
    weighed = {
        one.cause: one.log_odds
        for one in hypotheses(Facts({}, tuple(seen), looked_for), causes(), rules)
    }
    for name, score in cause_scores(case, causes(), rules).items():
        assert score == pytest.approx(weighed[name], abs=1e-3), name


def row(one, about):
    assert one.lead_hours is not None
    named_as = {"alarm": "alarm", "change": "change_type"}[about]
    return {
        named_as: one.name, "relation": one.at, "lead_hours": one.lead_hours,
        f"{about}_id": "x", "cleared_at": None,
    }  # fmt: skip


def test_right_causes_are_not_simply_the_solvers_first():
    without = [
        trial.wrong(trial.without_model()) for trial in all_trials(["hypothesis"])["hypothesis"]
    ]
    assert 0 < sum(map(bool, without)) < len(without) / 2


def test_options_begin_at_another_one_each_time_and_tools_do_not():
    cause = all_trials(["hypothesis"])["hypothesis"][0]
    first, second = (cause.question(repeat).messages[-1].text for repeat in (0, 1))
    assert first != second
    assert sorted(first) == sorted(second)
    tool = all_trials(["tool"])["tool"][0]
    assert tool.question(0) == tool.question(1)


def test_a_text_that_makes_something_up_or_runs_on_is_not_right():
    trial = all_trials(["summary"])["summary"][1]
    with pytest.raises(WrongAnswerError, match="77"):
        trial.wrong("It fell from 18.9 to 6.3 Mbit/s, by 77 %.")
    assert "longer" in trial.wrong("It fell from 18.9 to 6.3. " * 30)
    assert trial.wrong("It fell from 18.9 to 6.3 Mbit/s.") == ""
    assert "lacks" in trial.wrong(NOT_KNOWN)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "refuse"),
        ({"cell_dn": "SubNetwork=1,ManagedElement=62,GNBDUFunction=1,NRCellDU=3"}, "since, until"),
        ({"cell_dn": "somewhere"}, "refuse"),
    ],
)
def test_a_call_is_right_with_all_its_arguments_only(arguments, why):
    [trial] = [one for one in all_trials(["tool"])["tool"] if one.case.id == "tool_alarms"]
    assert why in trial.wrong(json.dumps({"tool": "read_alarms", "arguments": arguments}))
    assert "tool" in trial.wrong(json.dumps({"tool": "stop", "arguments": {}}))


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"place": "Cell 412"}, ""),
        ({"place": "cell_412"}, ""),
        ({"to_hour": 6}, "hours"),
        ({"place": "41"}, "place"),
        ({"scope": "site", "limits": []}, "scope, limits"),
        ({"goal": "restore_service"}, "goal"),
    ],
)
def test_an_intent_is_compared_field_by_field_and_not_by_how_it_is_put(changed, wrong):
    trial = all_trials(["intent"])["intent"][0]
    told = json.loads(right_answer(trial)) | changed
    found = trial.wrong(json.dumps(told))
    assert wrong in found
    assert bool(wrong) == bool(found)


def test_the_whole_day_is_no_limit_of_hours():
    [trial] = [
        one for one in all_trials(["intent"])["intent"] if one.case.id == "intent_explain_site"
    ]
    told = json.loads(right_answer(trial)) | {"from_hour": 0, "to_hour": 24}
    assert trial.wrong(json.dumps(told)) == ""


def test_a_limit_spreads_over_each_kind_and_odd_words_are_refused():
    few = all_trials(["tool", "hostile"], 3)
    assert [len(some) for some in few.values()] == [3, 3]
    assert few["tool"][0].case.id != few["tool"][1].case.id
    with pytest.raises(UnknownNameError, match="tool"):
        all_trials(["tools"])
    with pytest.raises(InputError, match="limit"):
        all_trials([], 0)


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("intent", "- {id: x_one}", "cannot be used"),
        ("summary", "- {id: x_one, question: what is it, rows: [], names: []}", "must hold names"),
        ("hostile", "- {id: x_one, of: gone, wanted: x, " + ORDER, "no case"),
        ("hostile", "- {id: cause_event, of: cause_event, wanted: x, " + ORDER, "twice"),
        ("hostile", "- {id: x_one, of: cause_event, wanted: '(', " + ORDER, "pattern"),
    ],
)
def test_files_of_cases_that_cannot_be_used_say_why(tmp_path: Path, kind, text, why):
    for one in KINDS:
        source = case_files.PACKAGED / f"{one}.yaml"
        written = text if one == kind else source.read_text(encoding="utf-8")
        (tmp_path / f"{one}.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(DefinitionError, match=why):
        cases(tmp_path)


def test_every_hostile_case_is_of_a_benign_one():
    every = {case.id: case for some in cases().values() for case in some}
    hostile = [case for case in every.values() if isinstance(case, HostileCase)]
    assert not any(isinstance(every[case.of], HostileCase) for case in hostile)
    assert all(case.abstains == every[case.of].abstains for case in hostile)
