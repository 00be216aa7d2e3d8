"""Asking and judging, by scripted models; figures of it, side by side."""

import json
from dataclasses import replace

import pytest

from tasks.adapters.scripted_chat import NoChat, ObedientChat, ScriptedChat
from tasks.messages.chat import BudgetError
from tasks.trials.all_trials import all_trials
from tasks.trials.attempts import Attempt, attempts, baseline, tallies
from tasks.trials.report import TrialReport, report_json, report_markdown
from tasks.trials.results import ALL, Series, calm_share, comparisons, figures
from tasks.trials.statistics import Tally
from tests.tasks.trials.right_answers import right_answer


def knowing(trials, wrong_repeats=()):
    """A model that knows every answer, and errs in some repeats."""
    known = {
        trial.question(repeat).messages: right_answer(trial)
        for some in trials.values()
        for trial in some
        for repeat in range(4)
    }

    def given(request):
        return "" if request.seed in wrong_repeats else known[request.messages]

    return ScriptedChat(given, "knowing")


def made(trials, chat, repeats=2):
    return list(attempts(trials, chat, repeats, "a-trial"))


def test_a_model_that_knows_everything_has_everything_right():
    trials = all_trials([], 4)
    found = made(trials, knowing(trials))
    assert {one.outcome for one in found} == {"right"}
    assert len(found) == 5 * 4 * 2
    assert set(tallies(found).values()) == {Tally(2, 2)}


def test_each_case_is_a_run_of_its_own_and_each_repeat_has_a_seed():
    trials = all_trials(["intent"], 3)
    chat = knowing(trials)
    made(trials, chat, 4)
    runs = [request.run_id for request in chat.requests]
    assert len(set(runs)) == 3
    assert [request.seed for request in chat.requests] == [0, 1, 2, 3] * 3
    assert all(request.temperature > 0 for request in chat.requests)
    assert {request.use_case for request in chat.requests} == {"trial"}


def test_an_answer_that_keeps_no_schema_is_asked_for_once_more():
    trials = all_trials(["hypothesis"], 1)
    [trial] = trials["hypothesis"]
    chat = ScriptedChat(["I think so", right_answer(trial)])
    [one] = made(trials, chat, 1)
    assert (one.outcome, one.rejected_count) == ("right", 1)
    assert "cannot be used" in chat.requests[1].messages[-1].text
    assert one.prompt_tokens > 0

    [one] = made(trials, ScriptedChat(["I think so", "I still do"]), 1)
    assert (one.outcome, one.rejected_count) == ("rejected", 2)
    assert one.why


def test_a_wrong_answer_is_not_asked_for_again():
    trials = all_trials(["hypothesis"], 1)
    [trial] = trials["hypothesis"]
    other = next(one for one in trial.case.options if one != trial.case.right)
    chat = ScriptedChat([{"option_id": other}])
    [one] = made(trials, chat, 1)
    assert (one.outcome, one.why) == ("wrong", f"{other} is not the cause")
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    ("chat", "outcome"),
    [
        (NoChat(), "no_route"),
        (ScriptedChat([BudgetError("used up")] * 99), "over_budget"),
    ],
)
def test_who_does_not_answer_fails_and_it_is_said(chat, outcome):
    trials = all_trials(["tool", "summary"], 2)
    found = made(trials, chat)
    assert {one.outcome for one in found} == {outcome}
    series = Series("away", tuple(found))
    assert figures(series)[-1].pass_1.value == 0
    text = report_markdown(TrialReport("A trial", (series,), 1))
    assert ("did not answer 8 of 8 attempts" in text) == (outcome == "no_route")


def test_who_always_obeys_is_told_by_what_it_answers():
    trials = all_trials(["hostile"])
    found = made(trials, ObedientChat(), 1)
    obeyed = [one for one in found if one.is_obedient]
    assert len(obeyed) >= 5
    assert not any(one.outcome == "right" and one.is_obedient for one in found)


def test_code_answers_every_case_once_and_orders_reach_only_the_matcher_of_words():
    trials = all_trials()
    rules = baseline(trials, lambda trial: trial.without_model())
    assert len(rules) == sum(len(some) for some in trials.values())
    assert not any(one.is_obedient for one in rules)
    words = baseline(trials, lambda trial: trial.by_keywords())
    assert any(one.is_obedient for one in words)


def series(name, outcomes, repeats=4, kind="tool"):
    """A series whose case number n is right in outcomes[n] of its repeats."""
    return Series(
        name,
        tuple(
            Attempt(kind, f"case{number}", repeat, "right" if repeat < right else "wrong")
            for number, right in enumerate(outcomes)
            for repeat in range(repeats)
        ),
    )


def test_figures_tell_first_and_fourth():
    [line] = figures(series("a", [4, 4, 2, 0]))
    assert (line.cases, line.asked, line.k) == (4, 16, 4)
    assert line.pass_1.value == pytest.approx(10 / 16)
    assert line.pass_k.value == pytest.approx(2 / 4)


def test_a_clear_difference_is_significant_and_a_slight_one_is_not():
    good, bad, fair = (series(n, [o] * 20) for n, o in (("good", 4), ("bad", 1), ("fair", 3)))
    [clear] = comparisons(good, bad)
    assert clear.is_significant
    assert "75.0 percentage points more right than bad" in clear.says
    assert "is significant at the level" in clear.says
    [slight] = comparisons(good, fair)  # by majority both have every case right
    assert not slight.is_significant
    assert "chance" in slight.says
    [none] = comparisons(good, replace(good, name="twin"))
    assert none.test.p_value == 1.0


def test_a_model_is_compared_with_code_that_was_asked_once():
    [found] = comparisons(series("model", [0] * 12), series("code", [1] * 12, repeats=1))
    assert "100.0 percentage points fewer right than code" in found.says
    assert found.test.second_only == 12


def test_hostile_cases_stand_beside_their_calm_ones():
    trials = all_trials(["hypothesis", "hostile"])
    chat = knowing(trials)
    found = Series("knowing", tuple(made({"hypothesis": trials["hypothesis"]}, chat, 1)))
    assert calm_share(found) is None
    every = all_trials()
    whole = Series("knowing", tuple(made(every, knowing(every), 1)))
    calm = calm_share(whole)
    assert calm is not None
    assert calm.value == 1.0
    assert "with an order beside it" in report_markdown(TrialReport("T", (whole,), 1))


def test_a_report_tells_all_and_its_json_can_be_read():
    trials = all_trials([], 5)
    model = Series("model", tuple(made(trials, knowing(trials, wrong_repeats=(1,)), 4)))
    code = Series("no model", tuple(baseline(trials, lambda trial: trial.without_model())))
    report = TrialReport("Trial of model", (model, code), 1)
    text = report_markdown(report)
    columns = ("model pass^4", "no model pass^1", "answers rejected", "| all ")
    for said in (*columns, "McNemar", "no right answer"):
        assert said in text
    told = json.loads(json.dumps(report_json(report)))
    assert [one["name"] for one in told["series"]] == ["model", "no model"]
    by_kind = {line["kind"]: line for line in told["series"][0]["figures"]}
    assert by_kind[ALL]["pass_1"]["value"] == pytest.approx(0.75, abs=0.05)
    assert by_kind["intent"]["pass_k"]["value"] == 0.0


def test_what_was_never_right_is_listed():
    text = report_markdown(TrialReport("T", (series("a", [0, 4]), series("b", [1, 1])), 1))
    assert "- case0:" in text
    assert "- case1:" not in text
