"""Trials, choice and gate: the better family wins, and what cheats or costs too much does not."""

from dataclasses import replace

import numpy as np
import pytest

from semantic_layer.finding_worth import finding_worth
from semantic_layer.model_promotion import model_promotion
from tasks.anomaly.training.choice import chosen, limits_broken
from tasks.anomaly.training.gate import judged_challenger
from tasks.anomaly.training.trial import ModelScorer, cases_of, tried
from tasks.anomaly.training.verdict_cases import VerdictCase
from tests.tasks.anomaly.training.doubles import (
    WEEK,
    Blind,
    CountedSeconds,
    Joint,
    Widest,
    moving_together,
    names_of,
)

RULES = model_promotion().model_copy(update={"alert_share": 0.01})
TAIL = finding_worth().calm_tail


def trial_of(family, cases, fit_s=0.0):
    scorer = ModelScorer(family, family.fit(cases.fitted_on, 1))
    return tried(scorer, cases, RULES, TAIL, CountedSeconds(), fit_s)


@pytest.fixture(scope="module")
def cases():
    panel = moving_together()
    return cases_of(panel, names_of(panel), 3 * WEEK, 4, RULES)


@pytest.fixture(scope="module")
def trials(cases):
    return {family.name: trial_of(family, cases) for family in (Widest(), Joint(), Blind())}


def changed(trial, **figures):
    return replace(trial, figures=replace(trial.figures, **figures))


def test_a_trial_tells_a_family_that_sees_from_one_that_does_not(trials):
    precision = {name: trial.figures.average_precision for name, trial in trials.items()}
    assert precision["joint"] > precision["widest"] + 0.05
    assert precision["blind"] < 0.2
    assert trials["joint"].figures.recall > trials["blind"].figures.recall
    assert trials["joint"].figures.delay_hours <= 3
    broken = trials["joint"].figures.recall_by_kind["broken co-movement"]
    assert broken > trials["widest"].figures.recall_by_kind["broken co-movement"]


def test_a_trial_measures_cost_by_the_clock_that_it_is_given(trials, cases):
    assert trials["widest"].figures.score_ms == pytest.approx(1e3 * 0.1 / (40 * 7))
    assert trial_of(Widest(), cases, 2.5).figures.fit_s == 2.5


def test_alerts_stay_near_the_share_that_is_allowed(trials):
    a_day = 24 * RULES.alert_share
    assert trials["widest"].figures.false_alarms < 2 * a_day
    assert trials["widest"].figures.drift < 0.1


def test_a_model_that_drifts_over_the_validation_shows_it(cases):
    class Growing(Widest):
        name = "growing"

        def scores(self, model, panel):
            return super().scores(model, panel) * np.linspace(1, 3, panel.values.shape[2])

    assert trial_of(Growing(), cases).figures.drift > RULES.most_score_shift


def test_people_who_confirmed_what_scores_high_are_agreed_with(cases):
    high, low = (
        np.unravel_index(place, (40, WEEK))
        for place in np.argsort(np.abs(cases.history.values[..., 3 * WEEK :]).max(axis=1).ravel())[
            [-1, 0]
        ]
    )

    def separated(real, unreal):
        verdicts = tuple(
            VerdictCase(int(cell), 3 * WEEK + int(period), 3 * WEEK + int(period) + 1, is_real)
            for (cell, period), is_real in ((real, True), (unreal, False))
        )
        return trial_of(Widest(), replace(cases, verdicts=verdicts)).figures.verdict_separation

    assert separated(high, low) == 1.0
    assert separated(low, high) == 0.0
    assert np.isnan(trial_of(Widest(), cases).figures.verdict_separation)


def test_the_most_precise_within_the_limits_is_chosen(trials):
    first, why = chosen(list(trials.values()), RULES)
    assert first.name == "joint"
    assert "most precise" in why
    dear = changed(trials["joint"], score_ms=99.0)
    first, why = chosen([dear, trials["widest"]], RULES)
    assert first.name == "widest"
    assert "joint" in why


def test_of_equally_precise_families_the_cheapest_is_chosen(trials):
    best = trials["joint"].figures.average_precision
    other = replace(
        changed(trials["joint"], average_precision=best - 0.005, score_ms=0.001), name="cheap"
    )
    first, why = chosen([trials["joint"], other], RULES)
    assert first.name == "cheap"
    assert "cheapest" in why


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"false_alarms": 9.0}, "false alarms"),
        ({"delay_hours": 9.0}, "delay"),
        ({"delay_hours": float("nan")}, "delay"),
        ({"score_ms": 9.0}, "CPU-ms"),
        ({"average_precision": float("nan")}, "no case"),
    ],
)
def test_what_breaks_a_limit_is_not_chosen(trials, figures, says):
    broken = changed(trials["joint"], **figures)
    assert says in limits_broken(broken.figures, RULES)[0]
    first, why = chosen([broken], RULES)
    assert first is None
    assert says in why


def test_a_better_challenger_is_promoted_with_its_figures(trials, cases):
    decision = judged_challenger(trials["joint"], trials["widest"], cases, RULES)
    assert decision.is_promoted
    assert decision.reason.startswith("Promoted over widest: average precision 0.")
    assert all(check.is_kept for check in decision.checks)


def test_a_worse_one_or_the_same_is_not(trials, cases):
    for challenger in ("widest", "joint", "blind"):
        decision = judged_challenger(trials[challenger], trials["joint"], cases, RULES)
        assert not decision.is_promoted
        assert "broken" in decision.reason


def test_luck_on_a_few_cells_is_not_enough(trials, cases):
    """A margin in the mean without confidence over cells does not promote."""
    lucky = changed(trials["joint"], average_precision=0.99)
    decision = judged_challenger(lucky, trials["joint"], cases, RULES)
    kept = {check.name: check.is_kept for check in decision.checks}
    assert kept["average precision"]
    assert not kept["confidence"]
    assert not decision.is_promoted


@pytest.mark.parametrize(
    ("figures", "check"),
    [
        ({"false_alarms": 3.0}, "false alarms per cell-day"),
        ({"delay_hours": 30.0}, "delay in hours"),
        ({"score_ms": 1e4}, "CPU-ms a cell-day"),
        ({"drift": 0.4}, "drift of scores"),
    ],
)
def test_precision_does_not_buy_alarms_delay_cost_or_drift(trials, cases, figures, check):
    decision = judged_challenger(
        changed(trials["joint"], **figures), trials["widest"], cases, RULES
    )
    assert [one.name for one in decision.checks if not one.is_kept] == [check]
    assert not decision.is_promoted


def test_a_challenger_must_agree_with_people_as_far_as_the_champion_does(trials, cases):
    many = replace(
        cases, verdicts=tuple(VerdictCase(cell, 3 * WEEK, 3 * WEEK + 1, True) for cell in range(12))
    )
    mine = changed(trials["joint"], verdict_separation=0.6)
    theirs = changed(trials["widest"], verdict_separation=0.9)
    decision = judged_challenger(mine, theirs, many, RULES)
    assert [one.name for one in decision.checks if not one.is_kept] == ["confirmed above rejected"]
    few = replace(many, verdicts=many.verdicts[:5])
    assert judged_challenger(mine, theirs, few, RULES).is_promoted


def test_an_old_champion_gives_way_to_what_is_no_worse(trials, cases):
    same = trials["joint"]
    young = judged_challenger(same, same, cases, RULES, RULES.refresh_after_days - 1.0)
    old = judged_challenger(same, same, cases, RULES, float(RULES.refresh_after_days))
    assert not young.is_promoted
    assert old.is_promoted
    assert "as a refresh" in old.reason
    worse = judged_challenger(trials["widest"], same, cases, RULES, 99.0)
    assert not worse.is_promoted
