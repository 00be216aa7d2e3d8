"""Savings beside other changes: repairs prevail; trouble, busy hours and protection keep awake."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.guardrails.circumstances import OpenChange, PredictedCell, Prediction
from tasks.guardrails.judging import judgment, may_pass_later
from tests.tasks.guardrails.town import (
    AUTONOMY,
    EVENING,
    NOON,
    RULES,
    beam,
    broken,
    cell,
    facts,
    life,
    lonely,
    place,
    proposal,
    saving,
    sleeping,
    slipped,
    verdicts,
)


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
