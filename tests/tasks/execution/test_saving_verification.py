"""What savings did: a site's power against sites without any, and what users around them lost."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from semantic_layer.loading import catalogue
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.execution import steps
from tasks.execution.site_savings import (
    Turn,
    one_of_each_element,
    turns_of,
    undisturbed,
    with_savings,
)
from tasks.execution.verification import Schedule
from tasks.messages.change_sets import ChangeSet, ManagedObject
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ExpectedEffect
from tasks.wiring import use_services
from tests.tasks.execution.test_steps import AT, QUARTER, World, until
from tests.tasks.execution.told import (
    CELL,
    DEEP,
    DU,
    ELEMENT,
    SAVE,
    SAVING,
    SLEEP,
    TILT_BACK,
    approved,
    network_objects,
)

pytestmark = pytest.mark.slow  # Great Expectations judges what is published

BESIDE = f"{DU},NRCellDU=2"
LTE = f"{ELEMENT},ENBFunction=1,EUtranCellFDD=1"
SITES = [f"SubNetwork=1,ManagedElement={n}" for n in range(20, 36)]
EXPECTED = ExpectedEffect("site_power", "lower", (CELL,), 0.01, 0.05, 1, 4)
AWAKE = {"energySavingMode": "ACTIVE", "energySavingControl": "toBeNotEnergySaving"}
SECOND = SAVING.replace("NRCellCU=1", "NRCellCU=2")
SLEEP_BESIDE = ChangeSet(tuple(replace(one, dn=SECOND) for one in (DEEP, SAVE)))


class Town(World):
    """A site of three cells, of which one sleeps, and sixteen sites alike with one each."""

    def __init__(self, home):
        second = ManagedObject(SECOND, "CESManagementFunction", AWAKE)
        above = ManagedObject(SECOND.rpartition(",")[0], "NRCellCU", {"cellLocalId": 2})
        super().__init__(home, MemoryGateway([*network_objects(), above, second]))
        cells = [(CELL, [BESIDE]), (BESIDE, [CELL]), (LTE, [])]
        cells += [(f"{site},GNBDUFunction=1,NRCellDU=1", []) for site in SITES]
        cells += [(f"{site},ENBFunction=1,EUtranCellFDD=1", []) for site in SITES]
        self.names = [dn for dn, _ in cells]
        self.publish(
            "network_topology",
            [
                {"cell_dn": dn, "valid_from": AT - timedelta(days=1),
                 "band": "B3" if "EUtran" in dn else "n78", "archetype": "urban",
                 "neighbor_dns": near}
                for dn, near in cells
            ],
        )  # fmt: skip

    def measure_site(self, periods, watts, speed=(), *, asleep=(CELL,)):
        """Publish quarters around the saving; power of the site and users' speed by cell after."""
        energy = catalogue().measurement("pee_energy").column
        rng, start, rows = np.random.default_rng(5), AT.replace(minute=0), []
        speed = dict(speed)
        for number in range(-8, periods):
            shared = {"period_start": start + QUARTER * number, "granularity_s": 900,
                      "is_suspect": False}  # fmt: skip
            for element in [ELEMENT, *SITES]:
                mean = (watts(number) if element == ELEMENT else 1000.0) * rng.normal(1, 0.004)
                rows.append(
                    {"managed_object_dn": element, "cell_dn": None, "object_class":
                     "ManagedElement", "managed_element_dn": element,
                     energy: mean / 4000.0} | shared
                )  # fmt: skip
            for dn in self.names:
                if dn in asleep and number > 0:
                    continue
                is_lte = "EUtran" in dn
                rate = (30.0 if number <= 0 else speed.get(dn, 30.0)) * rng.normal(1, 0.03)
                rows.append(
                    {"managed_object_dn": dn, "cell_dn": dn,
                     "object_class": "EUtranCellFDD" if is_lte else "NRCellDU",
                     "managed_element_dn": ",".join(dn.split(",")[:2])}
                    | told_rate(rate, is_lte=is_lte) | shared
                )  # fmt: skip
        self.publish("pm_measurements", rows)

    def sleep(self, change=SLEEP, cells=(CELL,), at=AT):
        """Propose, approve and write a saving; return its id."""
        self.network_time.moment = at
        expected = replace(EXPECTED, cell_dns=cells)
        name = approved(
            self.ledger, change, at=at, expected=expected, use_case="save_energy", cells=cells
        )
        assert name in steps.apply_approved.fn()
        return name


def told_rate(rate, *, is_lte):
    """Return the measurements of users' speed, in Mbit/s, over some seconds."""
    kpi = catalogue().kpi("lte_user_throughput_dl" if is_lte else "user_throughput_dl")
    above, below = (catalogue().measurement(name).column for _, name in kpi.terms)
    return {above: 100.0 * rate, below: 100.0}


@pytest.fixture
def town(tmp_path):
    made = Town(tmp_path / "home")
    with use_services(made):
        yield made


def stage(town, name):
    life = town.life(name)
    return life.stage, life.effect


def verdict(town, name):
    return next(one for one in town.ledger.entries(name) if one.kind == "verified").payload


def falls(number):
    return 1000.0 if number <= 0 else 900.0


def test_a_saving_that_saves_is_kept_though_its_cell_is_silent(town):
    name = town.sleep()
    town.measure_site(8, falls)
    assert steps.verify_applied.fn(until(6)) == [name]
    assert stage(town, name) == ("KEPT", "better")
    told = verdict(town, name)
    assert told["effect"]["gain"] == pytest.approx(0.1, abs=0.01)
    assert len(told["effect"]["controls"]) == len(SITES), "a site is one control, not one a cell"
    assert told["effect"]["alike_by"].endswith("at sites without savings")
    assert {one["kpi"] for one in told["effect"]["around"]} >= {"lte_user_throughput_dl"}


def test_a_site_that_draws_more_is_woken(town):
    name = town.sleep()
    town.measure_site(3, lambda number: 1000.0 if number <= 0 else 1200.0)
    assert steps.verify_applied.fn(until(3)) == [name]
    assert stage(town, name) == ("UNDONE", "worse")
    assert town.gateway.journal[-2:] == [SAVE.inverse(), DEEP.inverse()]


@pytest.mark.parametrize("dn", [BESIDE, LTE], ids=["NR beside", "LTE of the site"])
def test_users_around_who_lose_their_speed_take_a_saving_back_whatever_it_saves(town, dn):
    name = town.sleep()
    town.measure_site(4, falls, {dn: 9.0})
    assert steps.verify_applied.fn(until(4)) == [name]
    assert stage(town, name) == ("UNDONE", "worse")
    assert "user_throughput_dl" in verdict(town, name)["reason"]


def test_what_was_recalled_before_a_verdict_is_not_verified(town):
    name = town.sleep()
    assert steps.recall.fn([name], "Load rises.") == [name]
    town.measure_site(8, falls)
    assert steps.verify_applied.fn(until(6)) == []
    assert stage(town, name) == ("RECALLED", "")


def test_a_saving_beside_it_that_is_woken_makes_it_no_harm(town):
    """The site draws more again, for the other one woke: nothing is said against this one."""
    other = town.sleep(SLEEP_BESIDE, (BESIDE,), AT - timedelta(hours=1))
    name = town.sleep()
    town.network_time.moment = AT + 2 * QUARTER
    assert steps.recall.fn([other], "Load rises.") == [other]
    town.measure_site(9, lambda number: 800.0 if number <= 0 else 700.0 if number < 3 else 1100.0)
    assert steps.verify_applied.fn(until(6)) == [name]
    assert stage(town, name)[0] == "KEPT"
    assert verdict(town, name)["verdict"] in ("better", "unclear")


def test_an_old_verdict_ends_a_saving_instead_of_beginning_it(town):
    name = approved(
        town.ledger, SLEEP, at=AT, expected=EXPECTED, use_case="save_energy", cells=(CELL,)
    )
    town.network_time.moment = AT + timedelta(minutes=61)
    assert steps.apply_approved.fn() == []
    assert stage(town, name)[0] == "WITHDRAWN"
    assert "planned anew" in town.ledger.entries(name)[-1].payload["reason"]


def test_a_saving_waits_for_a_repair_of_its_element(town):
    repair = approved(town.ledger, TILT_BACK, at=AT, cells=(BESIDE,))
    assert steps.apply_approved.fn() == [repair]
    name = approved(
        town.ledger, SLEEP, at=AT, expected=EXPECTED, use_case="save_energy", cells=(CELL,)
    )
    assert steps.apply_approved.fn() == []
    assert stage(town, name)[0] == "APPROVED"
    town.ledger.append(
        EntryDraft("verified", repair, "executor", AT, {"verdict": "better"}, f"verified:{repair}")
    )
    assert steps.apply_approved.fn() == [name]


def quarters(first, last):
    return tuple(AT.replace(minute=0) + QUARTER * number for number in range(first, last))


@pytest.mark.parametrize(
    ("turns", "before", "after"),
    [
        ([], (-8, 0), (1, 5)),
        ([Turn(AT - timedelta(minutes=50), is_waking=False)], (-3, 0), (1, 5)),
        ([Turn(AT + timedelta(minutes=2), is_waking=False)], (-8, 0), (1, 5)),
        ([Turn(AT + timedelta(minutes=2), is_waking=True)], (0, 0), (1, 5)),
        ([Turn(AT + timedelta(minutes=35), is_waking=True)], (-8, 0), (1, 2)),
        ([Turn(AT + timedelta(minutes=12), is_waking=False)], (-8, 0), (1, 1)),
    ],
)
def test_only_periods_free_of_other_savings_tell_of_one(turns, before, after):
    due = Schedule(quarters(-8, 0), quarters(1, 5), is_all=True, is_over=False)
    found = undisturbed(due, turns)
    assert (found.before, found.after) == (quarters(*before), quarters(*after))


def test_turns_and_sites_with_savings_follow_from_the_record(town):
    other = town.sleep(SLEEP_BESIDE, (BESIDE,), AT - timedelta(hours=1))
    name = town.sleep()
    lives = [town.life(other), town.life(name)]
    turns = turns_of(lives, lives[1].proposal)
    assert [turn.is_waking for turn in turns] == [False, False]
    assert {turn.at for turn in turns} == {AT - timedelta(hours=1)}
    moved, stood = with_savings(lives, until(0))
    assert (moved, stood) == (set(), {ELEMENT})
    assert one_of_each_element(town.names, {ELEMENT, SITES[0]})[0].startswith(SITES[1])
