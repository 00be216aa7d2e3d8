"""Each rule of savings, by a story that breaks it and one that does not; and who prevails."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.guardrails.change_forms import is_off_air
from tasks.guardrails.circumstances import ObjectFacts, OpenChange, PredictedCell, Prediction
from tasks.guardrails.judging import judgment, may_pass_later
from tasks.messages.change_sets import ChangeSet
from tasks.messages.proposals import ExpectedEffect
from tasks.twin.sleep_modes import MODES, OFF_AIR
from tests.tasks.guardrails.town import (
    AUTONOMY,
    AWAKE,
    EVENING,
    NOON,
    RULES,
    SITES,
    beam,
    broken,
    cell,
    facts,
    life,
    lonely,
    place,
    proposal,
    saver,
    saving,
    sleep,
    sleeping,
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


def test_repairs_and_sleepers_do_not_use_up_each_others_radius():
    asleep = {cell(site, n): "DEEP_SLEEP" for site in range(2, 5) for n in range(4, 7)}
    savings = tuple(life(saving(site, 4, 5, 6), "APPLIED") for site in range(2, 5))
    assert broken(sleeping(6), asleep=asleep, lives=savings) == set()
    repairs = tuple(life(sleeping(site), "APPLIED", 5.0) for site in (7, 8, 9, 10, 11, 12))
    spread = tuple(life(sleeping(site, 2), "APPLIED", 5.0) for site in (8, 10))
    assert "cells_at_once" in broken(sleeping(1), lives=(*repairs, *spread))
    assert broken(saving(1), lives=(*repairs, *spread)) == set()


@pytest.mark.parametrize("repair", [sleeping(4, 4), slipped(4, 4), sleeping(3, 4), sleeping(4, 5)])
def test_a_repair_prevails_over_a_saving_on_same_and_neighboring_cells(repair):
    one = saving(4, 4)
    told = dict(zip(("saving", "repair"), verdicts(one, repair), strict=True))
    assert told["repair"].is_allowed
    assert {breach.rule for breach in told["saving"].breaches} == {"other_proposal"}
    for stage in ("WAITING", "APPROVED", "EXECUTING", "APPLIED"):
        assert "other_proposal" in broken(one, lives=(life(repair, stage, 5.0),)), stage


def test_a_repair_that_cannot_begin_yet_keeps_its_cells_awake():
    repair, one = sleeping(4, 4), saving(4, 4)
    change = OpenChange("C", (cell(4, 4),), NOON, None)
    told = facts(one, repair, open_changes=(change,))
    assert all(not verdict.is_allowed for verdict in verdicts(one, repair, open_changes=(change,)))
    busy = facts(one, repair, at=EVENING)
    assert busy.at == EVENING
    own = judgment([one, repair], told, RULES, AUTONOMY).verdicts[0]
    assert "open_change" in {breach.rule for breach in own.breaches}


def test_a_repair_that_waits_for_rest_bars_a_saving_beside_it():
    lately = life(sleeping(4, 4), "KEPT", 1.0)
    repair, one = sleeping(4, 4, trigger_ids=("again",)), saving(4, 5)
    repaired, saved = verdicts(repair, one, lives=(lately,))
    assert {breach.rule for breach in repaired.breaches} == {"same_cell_rest"}
    assert {breach.rule for breach in saved.breaches} == {"other_proposal"}


@pytest.mark.parametrize("stage", ["APPROVED", "APPLIED", "KEPT", "RECALLED"])
def test_a_repair_waits_for_no_saving_that_is_not_being_written(stage):
    assert broken(sleeping(4, 4), lives=(life(saving(4, 4), stage, 0.2),)) == set()


def test_a_repair_waits_while_a_saving_is_written_at_its_very_cell():
    written = life(saving(4, 4), "EXECUTING")
    assert "other_proposal" in broken(sleeping(4, 4), lives=(written,))
    assert broken(sleeping(4, 5), lives=(written,)) == set()
    assert broken(lonely(5), lives=(written,)) == set()


def test_a_saving_that_waits_for_people_yields_to_a_repair():
    waiting = life(saving(4, 4), "WAITING")
    told = judgment([sleeping(4, 5)], facts(sleeping(4, 5), lives=(waiting,)), RULES, AUTONOMY)
    assert told.verdicts[0].is_allowed
    assert [one.proposal for (one,) in told.yielding.values()] == [waiting.proposal]


@pytest.mark.parametrize("stage", ["WAITING", "APPROVED", "EXECUTING", "APPLIED", "KEPT"])
def test_one_cell_is_put_to_sleep_once(stage):
    standing = life(saving(4, 4, mode="MIMO_MUTED", probability=1.0), stage, 5.0)
    found = broken(saving(4, 4, mode="DEEP_SLEEP"), lives=(standing,))
    assert "other_proposal" in found
    assert broken(saving(4, 5), lives=(standing,)) == set(), "its neighbor is the twin's to judge"
    taken_back = replace(standing, stage="RECALLED")
    assert broken(saving(4, 4), lives=(taken_back,)) == set()


def test_of_two_savings_of_one_cell_one_is_kept():
    told = verdicts(saving(4, 4), saving(4, 4, mode="MICRO_SLEEP"), saving(4, 4, 5))
    assert [one.is_allowed for one in told].count(True) == 1


def test_a_cell_in_trouble_or_asleep_or_lately_repaired_stays_awake():
    assert "cell_in_trouble" in broken(saving(1), troubled={cell(1, 4): "Alarm x stands there."})
    assert "present_value" in broken(saving(1), asleep={cell(1, 4): "DEEP_SLEEP"})
    assert "same_cell_rest" in broken(saving(1), lives=(life(sleeping(1, 4), "KEPT", 1.0),))


def test_what_did_harm_does_not_sleep_again_that_night():
    harmed = replace(life(saving(1), "UNDONE", 3.0), effect="worse")
    assert "rest_after_harm" in broken(saving(1), lives=(harmed,))
    assert broken(saving(2), lives=(harmed,)) == set()
    long_ago = replace(life(saving(1), "UNDONE", 13.0), effect="worse")
    assert broken(saving(1), lives=(long_ago,)) == set()


@pytest.mark.parametrize(
    ("rule", "mode", "is_allowed"),
    [
        ("never", "MICRO_SLEEP", False),
        ("no_interruption", "DEEP_SLEEP", False),
        ("no_interruption", "LIGHT_SLEEP", False),
        ("no_interruption", "MIMO_MUTED", True),
        ("two_persons", "DEEP_SLEEP", True),
    ],
)
def test_protected_places_are_spared_and_nobody_there_loses_a_cell(rule, mode, is_allowed):
    (verdict,) = verdicts(saving(1, mode=mode), protected=place(rule, 1))
    assert verdict.is_allowed == is_allowed
    assert verdict.persons_needed == (2 if rule == "two_persons" else 1)


def test_in_busy_hours_no_cell_with_many_users_leaves_the_air():
    one = saving(1, proposed_at=EVENING)

    def many(_kept, asked):
        cells = dict.fromkeys(asked.cell_dns, PredictedCell(0.0, 0.0, 1.0, 1.0))
        return Prediction(cells, 41.0, 0.0)

    assert broken(one, at=EVENING) == set()
    assert broken(one, at=EVENING, sleep_what_if=many) == {"busy_hour"}
    muted = saving(1, mode="MIMO_MUTED", proposed_at=EVENING)
    assert broken(muted, at=EVENING, sleep_what_if=many) == set()
    assert broken(saving(1), sleep_what_if=many) == set()


def test_a_frozen_network_and_an_open_change_let_nothing_sleep():
    assert "frozen_by_hand" in broken(saving(1), frozen="A storm.")
    change = OpenChange("C", (cell(2, 4),), NOON, None)
    assert "open_change" in broken(saving(1), open_changes=(change,))


def test_savings_have_rates_of_their_own():
    lives = tuple(
        replace(life(saving(1, mode="MICRO_SLEEP", trigger_ids=(str(n),)), "RECALLED", 2.0),
                prepared=life(saving(1), "EXECUTING", 2.0).prepared)
        for n in range(12)
    )  # fmt: skip
    assert broken(saving(1), lives=lives) == {"rate_of_cell"}
    assert broken(saving(1), lives=lives[1:]) == set()
    assert broken(sleeping(1, 4), lives=lives) == set(), "a repair is not kept waiting by them"


def test_a_saving_night_after_night_is_no_cause_that_comes_back():
    nights = tuple(life(saving(1), "RECALLED", 24.0 * n) for n in (1, 2, 3))
    nights = tuple(replace(one, applied_at=NOON - timedelta(days=n + 1))
                   for n, one in enumerate(nights))  # fmt: skip
    assert verdicts(saving(1), lives=nights)[0].persons_needed == 1


def test_a_saving_is_never_kept_waiting():
    one = saving(1)
    told = facts(one, frozen="A storm.")
    (verdict,) = judgment([one], told, RULES, AUTONOMY).verdicts
    assert not may_pass_later(verdict, one, told, RULES)


def test_a_tilt_may_not_ride_upon_a_saving():
    one = proposal("save_energy", *slipped(1).change_set.operations, cells=(cell(1),),
                   proposed_by="energy_agent")  # fmt: skip
    assert {"allow_list", "saving_form"} <= broken(one)
    assert beam(1) in one.change_set.dns
