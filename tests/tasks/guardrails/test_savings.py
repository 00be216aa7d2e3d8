"""Each rule of savings, by a story that breaks it and one that does not; and who prevails."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.guardrails.change_forms import is_off_air
from tasks.guardrails.circumstances import ObjectFacts, PredictedCell, Prediction
from tasks.messages.change_sets import ChangeSet
from tasks.messages.proposals import ExpectedEffect
from tasks.twin.sleep_modes import MODES, OFF_AIR
from tests.tasks.guardrails.town import (
    AWAKE,
    NOON,
    RULES,
    SITES,
    broken,
    cell,
    facts,
    life,
    saver,
    saving,
    sleep,
    slipped,
    verdicts,
)

LTE = "SubNetwork=1,ManagedElement=1,ENBFunction=1,EUtranCellFDD=1"


def changed(one, *operations, **others):
    return replace(one, change_set=ChangeSet(tuple(operations)), **others)


def with_object(dn, **told):
    """Return the town's objects with one of them changed."""
    objects = dict(facts().objects)
    objects[dn] = replace(objects[dn], **told)
    return objects


def expected(**told):
    return replace(saving(1).expected, **told)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "ACTIVE"])
def test_a_saving_in_order_is_allowed_in_every_mode_and_a_person_approves_at_l2(mode):
    (verdict,) = verdicts(saving(1, 4, 5, 6, mode=mode))
    assert verdict.is_allowed, verdict.breaches
    assert (verdict.autonomy_level, verdict.persons_needed) == (2, 1)


def test_the_rules_know_every_mode_and_which_leave_the_air():
    assert {one.mode for one in RULES.saving_modes} == {*MODES} - {"ACTIVE"}
    for mode, is_off in zip(MODES, OFF_AIR, strict=True):
        assert is_off_air(mode, RULES) == is_off
    assert is_off_air("ABYSS", RULES), "a mode that nobody knows may be any"


MODE, CONTROL = sleep(saver(1, 4))
OTHER = sleep(saver(1, 5))


@pytest.mark.parametrize(
    ("operations", "rule"),
    [
        pytest.param((MODE,), "saving_form", id="a mode alone"),
        pytest.param((CONTROL,), "saving_form", id="told to save, not how deep"),
        pytest.param((CONTROL, MODE), "saving_form", id="the wrong way round"),
        pytest.param((MODE, OTHER[0], CONTROL, OTHER[1]), "saving_form", id="mixed up"),
        pytest.param((MODE, CONTROL, MODE, CONTROL), "change_set_size", id="twice"),
        pytest.param(
            (MODE, CONTROL, *sleep(saver(1, 4), "LIGHT_SLEEP")), "change_set_size", id="two modes"
        ),
        pytest.param((), "change_set_size", id="nothing at all"),
        pytest.param(sleep(saver(1, 4), "ACTIVE"), "saving_mode", id="stays awake"),
        pytest.param(sleep(saver(1, 4), "ABYSS"), "saving_mode", id="a mode of its own"),
        pytest.param(sleep(saver(1, 4), None), "saving_mode", id="no mode"),
        pytest.param(sleep(saver(1, 4), 5), "saving_mode", id="a number"),
        pytest.param((replace(MODE, before="DEEP_SLEEP", after="MICRO_SLEEP"), CONTROL),
                     "saving_mode", id="from another mode"),
        pytest.param((MODE.inverse(), CONTROL.inverse()), "saving_mode", id="woken"),
        pytest.param((MODE, replace(CONTROL, after="toBeSwitchedOff")), "saving_mode",
                     id="another control"),
        pytest.param((replace(MODE, attribute="cesSwitch", before=True, after=False), CONTROL),
                     "allow_list", id="the switch"),
        pytest.param((replace(MODE, kind="DELETE", attribute="", after=None),), "allow_list",
                     id="deleted"),
        pytest.param(tuple(one for _ in range(13) for one in (MODE, CONTROL)), "change_set_size",
                     id="many writes"),
    ],
)  # fmt: skip
def test_writes_that_are_no_saving_are_refused(operations, rule):
    assert rule in broken(changed(saving(1), *operations))


@pytest.mark.parametrize(
    ("live", "is_allowed"),
    [
        (AWAKE, True),
        (AWAKE | {"cesSwitch": False}, False),
        (AWAKE | {"cesSwitch": 1}, False),
        (AWAKE | {"energySavingMode": "LIGHT_SLEEP"}, False),
        (AWAKE | {"energySavingControl": "toBeEnergySaving"}, False),
        (AWAKE | {"energySavingState": "isEnergySaving"}, False),
        ({name: AWAKE[name] for name in AWAKE if name != "energySavingState"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_cell_sleeps_only_from_what_the_network_says_is_awake(live, is_allowed):
    objects = with_object(saver(1, 4), live=live)
    assert ("present_value" in broken(saving(1), objects=objects)) != is_allowed


def test_forged_values_before_are_refused_by_the_networks_own():
    objects = with_object(saver(1, 4), live=AWAKE | {"energySavingMode": "DEEP_SLEEP"})
    assert "present_value" in broken(saving(1), objects=objects)


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        pytest.param(saving(1, 4, cell_dns=()), "cells_named", id="names none"),
        pytest.param(saving(1, 4, cell_dns=(cell(1, 5),)), "cells_named", id="names another"),
        pytest.param(saving(1, 4, cell_dns=(cell(1, 4), cell(2, 4))), "cells_named", id="and more"),
        pytest.param(
            changed(saving(1), *sleep(saver(1, 4)), *sleep(saver(2, 4)),
                    cell_dns=(cell(1, 4), cell(2, 4))),
            "one_site", id="two sites",
        ),
        pytest.param(changed(saving(1), *sleep(saver(99))), "object_known", id="of nobody"),
        pytest.param(changed(saving(1), *sleep(f"{cell(1, 4)},CESManagementFunction=1")),
                     "object_known", id="below the other half"),
        pytest.param(saving(1, proposed_by="healing_agent"), "privilege", id="another agent"),
        pytest.param(saving(1, use_case="heal_tilt_slip"), "allow_list", id="called a repair"),
        pytest.param(saving(1, use_case="explain_findings"), "privilege", id="called a reading"),
        pytest.param(saving(1, use_case="save_Energy"), "autonomy_level", id="spelt otherwise"),
        pytest.param(
            changed(saving(1), *sleep(saver(1, 4)), *slipped(1).change_set.operations),
            "allow_list", id="a tilt beside it",
        ),
        pytest.param(saving(1, proposed_at=NOON - timedelta(minutes=45)), "too_old", id="old"),
        pytest.param(saving(1, proposed_at=NOON + timedelta(hours=9)), "form", id="of tomorrow"),
    ],
)  # fmt: skip
def test_a_saving_is_of_cells_that_it_names_by_whom_it_may_and_now(one, rule):
    assert rule in broken(one)


@pytest.mark.parametrize(
    "told",
    [
        {"kpi": "user_throughput_dl"},
        {"better": "higher"},
        {"cell_dns": ()},
        {"cell_dns": (cell(9),)},
        {"least_gain": -1.0},
        {"least_gain": 2.0},
        {"worst_loss": -0.1},
        {"worst_loss": 1e9},
        {"worst_loss": True},
        {"settle_periods": -1},
        {"settle_periods": 8},
        {"verify_periods": 0},
        {"verify_periods": 9},
        {"verify_periods": 2.5},
    ],
)
def test_a_saving_lets_its_harm_be_found(told):
    assert "expected_effect" in broken(saving(1, 4, expected=expected(**told)))


def test_lte_never_sleeps():
    objects = dict(facts().objects)
    dn = f"{LTE},CESManagementFunction=1"
    objects[dn] = ObjectFacts("CESManagementFunction", (LTE,), AWAKE, None)
    cells = dict(facts().cells)
    cells[LTE] = replace(cells[cell(1, 4)], cell_dn=LTE)
    hopes = ExpectedEffect("site_power", "lower", (LTE,), 0.02, 0.05, 1, 4)
    one = changed(saving(1), *sleep(dn), cell_dns=(LTE,), expected=hopes)
    assert "voice_cell" in broken(one, objects=objects, cells=cells)


def test_two_functions_of_one_cell_are_no_two_cells():
    objects = dict(facts().objects)
    second = saver(1, 4).replace("CESManagementFunction=1", "CESManagementFunction=2")
    objects[second] = objects[saver(1, 4)]
    one = changed(saving(1), *sleep(saver(1, 4)), *sleep(second, "MICRO_SLEEP"))
    assert "cells_named" in broken(one, objects=objects)


def test_what_nobody_knows_is_no_permission():
    for told, rule in (
        ({"asleep": None}, "sleepers_known"),
        ({"troubled": None}, "trouble_known"),
        ({"sleep_what_if": None}, "what_if"),
        ({"cells": {}}, "cell_known"),
        ({"objects": {}}, "object_known"),
        ({"open_changes": None}, "change_record"),
        ({"levels": {}}, "autonomy_level"),
    ):
        assert rule in broken(saving(1), **told), rule


@pytest.mark.parametrize(
    ("prediction", "rule"),
    [
        (Prediction({}, 0.0, 0.0), "what_if"),
        (Prediction({}, 0.0, 0.0, lacking="A cell is silent."), "what_if"),
        ({"after": (float("nan"), 0.0)}, "what_if"),
        ({"after": (0.021, 0.0)}, "coverage_floor"),
        ({"after": (0.02, 75.0)}, None),
        ({"after": (0.0, 75.2)}, "capacity_floor"),
        ({"after": (0.5, 99.0), "before": (0.5, 99.0)}, None),
        ({"after": (0.5, 99.5), "before": (0.5, 99.0)}, "capacity_floor"),
        ({"unheard": (cell(1, 4),)}, "emergency_coverage"),
    ],
)
def test_floors_are_those_of_the_twins_numbers(prediction, rule):
    if isinstance(prediction, dict):
        before, after = prediction.get("before", (0.0, 1.0)), prediction.get("after", (0.0, 1.0))
        told = PredictedCell(before[0], after[0], before[1], after[1])
        prediction = Prediction(
            {cell(1, 4): told}, 1.0, 0.0, unheard_near=prediction.get("unheard", ())
        )
    found = broken(saving(1), sleep_what_if=lambda _kept, _one: prediction)
    assert found == ({rule} if rule else set())


def test_savings_judged_together_are_asked_about_upon_each_other():
    asked = []

    def what_if(kept, one):
        asked.append((tuple(sorted(other.proposal_id for other in kept)), one.proposal_id))
        share = 0.015 * (1 + len(kept))
        told = PredictedCell(0.015 * len(kept), share, 1.0, 1.0)
        return Prediction(dict.fromkeys(one.cell_dns, told), 1.0, 0.0)

    savings = [saving(site) for site in (1, 2, 3)]
    told = verdicts(*savings, sleep_what_if=what_if)
    assert [one.is_allowed for one in told].count(True) == 1, "two together lose 3 % of ground"
    assert max(len(kept) for kept, _ in asked) == 1


@given(st.permutations(range(1, 9)))
def test_the_order_of_savings_changes_no_verdict(order):
    savings = [saving(site, 4, 5, 6) for site in order]
    told = {one.proposal_id: one.is_allowed for one in verdicts(*savings)}
    first = [saving(site, 4, 5, 6) for site in range(1, 9)]
    assert {one.proposal_id: one.is_allowed for one in verdicts(*first)} == told


def asleep_by(verdict_list, savings):
    pairs = zip(savings, verdict_list, strict=True)
    return {dn for one, told in pairs if told.is_allowed for dn in one.cell_dns}


def test_no_more_than_a_share_of_a_community_is_off_the_air_in_whatever_portions():
    size = sum(facts().cells[dn].community == "S001" for dn in facts().cells)
    most = RULES.most_asleep_share * size
    every = [saving(site, number) for site in range(1, 7) for number in range(1, 7)]
    found = asleep_by(verdicts(*every), every)
    assert most - 1 < len(found) <= most
    larger = [saving(site, 1, 2, 3, 4, 5, 6) for site in range(1, 7)]
    assert len(asleep_by(verdicts(*larger), larger)) <= most


def test_cells_that_sleep_already_count_whoever_put_them_to_sleep():
    asleep = {cell(site, n): "LIGHT_SLEEP" for site in range(2, 6) for n in range(1, 7)}
    assert "asleep_share" in broken(saving(1), asleep=asleep)
    awake = dict.fromkeys(asleep, "MICRO_SLEEP")
    assert broken(saving(1), asleep=awake) == set(), "on the air they carry their users"
    strange = dict.fromkeys(asleep, "ABYSS")
    assert "asleep_share" in broken(saving(1), asleep=strange)


@pytest.mark.parametrize("stage", ["WAITING", "APPROVED", "EXECUTING"])
def test_savings_that_are_about_to_begin_count_as_asleep(stage):
    lives = tuple(life(saving(site, 1, 2, 3, 4, 5, 6), stage) for site in range(2, 6))
    assert "asleep_share" in broken(saving(1), lives=lives)


def test_modes_on_the_air_are_bound_by_no_share_off_it():
    asleep = {cell(site, n): "DEEP_SLEEP" for site in range(2, 6) for n in range(1, 7)}
    assert broken(saving(1, mode="MIMO_MUTED"), asleep=asleep) == set()


def test_the_whole_network_has_a_share_too():
    rules = RULES.model_copy(update={"most_asleep_share": 1.0, "most_network_asleep_share": 0.1})
    every = [saving(site, 4, 5, 6) for site in range(1, SITES + 1)]
    assert len(asleep_by(verdicts(*every, rules=rules), every)) <= 0.1 * 6 * SITES
    rules = rules.model_copy(update={"most_network_asleep_share": 1.0, "most_entering_share": 0.1})
    muted = [saving(site, 4, 5, 6, mode="MIMO_MUTED") for site in range(1, SITES + 1)]
    assert len(asleep_by(verdicts(*muted, rules=rules), muted)) <= 0.1 * 6 * SITES
    lately = tuple(life(one, "RECALLED", hours_ago=0.5) for one in muted[:2])
    begun = life(muted[0], "EXECUTING").prepared
    lately = tuple(replace(one, prepared=begun) for one in lately)
    assert "entering_share" in broken(saving(9, 4, 5), rules=rules, lives=lately)
