"""From a plan to proposals and wakings: by site, few, and none that stands already."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import polars as pl
import pytest

from data_products.lineage import Snapshot
from data_products.sleep_plans.derive import derive, derive_compared
from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_waking import energy_waking_rules
from semantic_layer.guardrails import guardrail_rules
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.system_clock import SystemClock
from tasks.energy.ledger_views import lives_of, newest_plan, plan_told, standing_rows
from tasks.energy.left_out import cannot_save, left_out
from tasks.energy.plan_rows import PlanFacts, compared_rows, plan_rows
from tasks.energy.proposing import (
    PLANNED_WAKING,
    no_longer_wanted,
    proposals,
    saving_functions,
    standing_modes,
    unwanted,
    within_entering,
)
from tasks.energy.standing import mode_course
from tasks.energy.waking.sleepers import modes_written
from tasks.energy.wanted import wanted_at
from tasks.messages.change_sets import ManagedObject
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal
from tasks.twin.sleep_modes import MODES
from tests.tasks.energy import planned
from tests.tasks.energy.planned import BEGIN, CELLS, SITE_OF, decision_on

RULES = energy_goals_rules()
NIGHT = BEGIN + timedelta(hours=1)
LEAST_H = 0.5


@cache
def told_plan(text: str = "Save energy everywhere tonight."):
    """Return rows of a plan, those of the plans beside it, and what proposals say of it."""
    decision, desk, _ = decision_on(text)
    facts = PlanFacts(
        BEGIN, planned.STARTS, desk.ground.site_ids, planned.PRICES, text, decision, "run-1"
    )
    plan = desk.plans[decision["promise"]]
    compared = derive_compared(compared_rows(plan, facts))
    forecast = Snapshot("load_forecasts", 7, 10)
    return (
        derive(plan_rows(desk.problem(decision["promise"]), plan, facts)),
        compared,
        plan_told(compared, forecast, RULES),
    )


def functions(modes: dict[str, str] | None = None) -> dict[str, ManagedObject]:
    """Return the network's saving functions; cells sleep in the modes given."""
    told = modes or {}
    live = [
        ManagedObject(
            cell.replace("GNBDUFunction=1,NRCellDU", "GNBCUCPFunction=1,NRCellCU")
            + ",CESManagementFunction=1",
            "CESManagementFunction",
            {
                "cesSwitch": True,
                "energySavingMode": told.get(cell, "ACTIVE"),
                "energySavingControl": "toBeEnergySaving"
                if cell in told
                else "toBeNotEnergySaving",
                "energySavingState": "isNotEnergySaving",
            },
        )
        for cell in CELLS
    ]
    return saving_functions(live)


class Story:
    """A ledger in which proposals come as far as a story says."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger(SystemClock())

    def put(self, proposal: ChangeProposal, *steps: tuple[str, datetime, dict]) -> None:
        """Put a proposal on record, and what became of it."""
        key = proposal.proposal_id
        drafts = [("proposed", proposal.proposed_at, {"proposal": proposal.to_json()}), *steps]
        for number, (kind, at, payload) in enumerate(drafts):
            self.ledger.append(EntryDraft(kind, key, "story", at, payload, f"{key}:{number}"))

    def applied(self, proposal: ChangeProposal, at: datetime, *later) -> None:
        """Put a proposal on record that was written."""
        self.put(
            proposal,
            ("execution_prepared", at, {"attempt": 1, "rollback": []}),
            ("applied", at, {"attempt": 1, "applied_at": at.isoformat()}),
            *later,
        )

    @property
    def lives(self):
        """Return where the proposals stand."""
        return lives_of(self.ledger.entries())


def proposed(at: datetime = NIGHT, lives=(), live=None) -> list[ChangeProposal]:
    """Return what is proposed at a moment."""
    rows, _, plan = told_plan()
    wanted = wanted_at(rows, at)
    assert wanted is not None
    return proposals(wanted, live or functions(), list(lives), plan, at, LEAST_H, RULES)


def test_a_site_gets_one_proposal_of_two_writes_a_cell_from_active_into_its_mode():
    made = proposed()
    assert made
    sites = [{SITE_OF[cell] for cell in one.cell_dns} for one in made]
    assert all(len(site) == 1 for site in sites)
    assert len({min(site) for site in sites}) == len(made)
    for one in made:
        assert len(one.change_set.operations) == 2 * len(one.cell_dns)
        assert [op.attribute for op in one.change_set.operations[:2]] == [
            "energySavingMode", "energySavingControl",
        ]  # fmt: skip
        assert {op.before for op in one.change_set.operations} == {"ACTIVE", "toBeNotEnergySaving"}
        assert set(modes_written(one.change_set)) == set(one.cell_dns)
        assert ChangeProposal.from_json(one.to_json()) == one
    assert made == sorted(made, key=lambda one: -_told_kwh(one))


def _told_kwh(proposal: ChangeProposal) -> float:
    return float(proposal.reason.rsplit(";", 1)[1].split()[0])


def test_a_proposal_tells_forecast_plan_carriers_and_the_plans_not_taken():
    one = next(one for one in proposed() if one.risk == "medium")
    kinds = [evidence.kind for evidence in one.evidence]
    assert {"forecast", "plan", "candidate"} <= set(kinds)
    carrier = next(evidence for evidence in one.evidence if evidence.kind == "candidate")
    assert "NRCellDU=2" in carrier.says
    assert one.alternatives
    assert one.expected.kpi == "site_power"
    assert RULES.least_gain <= one.expected.least_gain < 1
    assert (one.hypothesis, one.use_case, one.proposed_by) == (
        "low_load", "save_energy", "energy_agent",
    )  # fmt: skip


def test_nothing_is_proposed_before_the_hours_of_the_goal_begin():
    assert proposed(BEGIN) == []


def test_a_mode_that_ends_too_soon_is_not_entered():
    end = planned.STARTS[-1] + timedelta(hours=planned.HOURS[-1])
    assert proposed(end - timedelta(minutes=20)) == []
    assert proposed(end - timedelta(minutes=40)) != []


def test_a_cell_that_sleeps_already_or_was_set_by_others_is_left_alone():
    asleep = {CELLS[0]: "DEEP_SLEEP"}
    assert CELLS[0] not in {
        cell for one in proposed(live=functions(asleep)) for cell in one.cell_dns
    }


def test_a_cell_without_a_saving_function_is_never_proposed():
    known = {cell: told for cell, told in functions().items() if cell != CELLS[2]}
    assert CELLS[2] not in {cell for one in proposed(live=known) for cell in one.cell_dns}


ENDS = {
    "waits": ([], False),
    "refused": ([("judged", {"breaches": True})], False),
    "rejected by people": ([("rejected", {"comment": ""})], False),
    "withdrawn": ([("withdrawn", {"reason": ""})], True),
}


@pytest.mark.parametrize("told", ENDS, ids=list(ENDS))
def test_what_was_proposed_before_is_not_proposed_again_at_once(told):
    story, first = Story(), proposed()[0]
    entries, may_again = ENDS[told]
    steps = []
    for kind, payload in entries:
        if kind == "judged":
            verdict = {
                "proposal_id": first.proposal_id, "change_digest": "", "autonomy_level": 1,
                "breaches": [{"rule": "rate", "says": "Too many."}], "persons_needed": 1,
                "checked": [], "reason": "",
            }  # fmt: skip
            steps.append((kind, NIGHT, {"verdict": verdict}))
        else:
            steps.append((kind, NIGHT, payload))
    story.put(first, *steps)
    soon = NIGHT + timedelta(minutes=15)
    again = {cell for one in proposed(soon, story.lives) for cell in one.cell_dns}
    assert bool(again & set(first.cell_dns)) is may_again


def test_a_plan_that_still_wants_what_stands_wakes_nobody():
    story, first = Story(), proposed()[0]
    story.applied(first, NIGHT)
    rows, _, _ = told_plan()
    later = NIGHT + timedelta(minutes=30)
    assert unwanted(wanted_at(rows, later), story.lives, later, RULES) == []
    assert not {cell for one in proposed(later, story.lives) for cell in one.cell_dns} & set(
        first.cell_dns
    )


def test_cells_wake_when_the_plan_wants_them_or_no_plan_is_left():
    story, first = Story(), proposed()[0]
    story.applied(first, NIGHT)
    rows, _, _ = told_plan()
    active = rows.with_columns(pl.lit("ACTIVE").alias("mode"))
    later = NIGHT + timedelta(minutes=15)
    assert unwanted(wanted_at(active, later), story.lives, later, RULES) == [first.proposal_id]
    assert unwanted({}, story.lives, later, RULES) == [first.proposal_id]
    assert wanted_at(rows, NIGHT + timedelta(days=2)) is None, "its horizon is over"


def test_less_saving_is_heeded_at_once_and_another_way_only_after_a_while():
    story, first = Story(), next(one for one in proposed() if one.risk == "medium")
    story.applied(first, NIGHT)
    rows, _, _ = told_plan()
    soon, late = NIGHT + timedelta(minutes=15), NIGHT + timedelta(hours=RULES.restless_hours)
    shallower = rows.with_columns(
        pl.when(pl.col("mode") == "DEEP_SLEEP").then(pl.lit("MIMO_MUTED")).otherwise("mode")
        .alias("mode")
    )  # fmt: skip
    assert unwanted(wanted_at(shallower, soon), story.lives, soon, RULES) == [first.proposal_id]
    lighter = rows.with_columns(
        pl.when(pl.col("mode") == "DEEP_SLEEP").then(pl.lit("LIGHT_SLEEP")).otherwise("mode")
        .alias("mode")
    )  # fmt: skip
    assert unwanted(wanted_at(lighter, late), story.lives, late, RULES) == []
    muted = Story()
    light = next(
        one for one in proposed() if "MIMO_MUTED" in modes_written(one.change_set).values()
    )
    muted.applied(light, NIGHT)
    deeper = rows.with_columns(
        pl.when(pl.col("mode") == "MIMO_MUTED").then(pl.lit("DEEP_SLEEP")).otherwise("mode")
        .alias("mode")
    )  # fmt: skip
    assert unwanted(wanted_at(deeper, soon), muted.lives, soon, RULES) == []
    assert unwanted(wanted_at(deeper, late), muted.lives, late, RULES) == [light.proposal_id]


def test_an_approval_that_comes_late_finds_its_proposal_withdrawn():
    story, first = Story(), proposed()[0]
    story.put(first)
    rows, _, _ = told_plan()
    assert no_longer_wanted(wanted_at(rows, NIGHT), story.lives) == []
    found = no_longer_wanted({}, story.lives)
    assert [life.proposal.proposal_id for life in found] == [first.proposal_id]


def test_a_plan_knows_who_sleeps_since_when_and_who_was_woken_by_load():
    story, made = Story(), proposed()
    hold = energy_waking_rules().hold_hours
    story.applied(made[0], NIGHT)
    woken = NIGHT + timedelta(minutes=15)
    story.applied(
        made[1], NIGHT,
        ("recall_begun", woken, {"reason": "load", "attempt": 1}),
        ("recalled", woken, {"reason": "load", "attempt": 1}),
    )  # fmt: skip
    story.applied(
        made[2], NIGHT,
        ("recall_begun", woken, {"reason": PLANNED_WAKING, "attempt": 1}),
        ("recalled", woken, {"reason": PLANNED_WAKING, "attempt": 1}),
    )  # fmt: skip
    now = NIGHT + timedelta(minutes=30)
    asleep = modes_written(made[0].change_set)
    modes = standing_modes(functions(asleep))
    course = mode_course(CELLS, modes, story.lives, now, hold)
    at = {cell: index for index, cell in enumerate(CELLS)}
    first, second, third = (at[one.cell_dns[0]] for one in made[:3])
    assert MODES[course.mode[first]] == asleep[CELLS[first]]
    assert course.hours[first] == pytest.approx(0.5)
    assert (course.hours[second], course.hold_hours[second]) == pytest.approx((0.25, hold - 0.25))
    assert course.hold_hours[third] == 0.0
    again = {cell for one in proposed(now, story.lives) for cell in one.cell_dns}
    assert not again & set(made[1].cell_dns)
    assert set(made[2].cell_dns) <= again


def test_rows_of_a_plan_hold_cells_that_save_and_add_up():
    rows, compared, _ = told_plan()
    chosen = compared.filter("is_chosen").row(0, named=True)
    assert rows["saved_kwh"].sum() == pytest.approx(chosen["saved_kwh"], abs=0.02)
    assert rows["saved_money"].sum() == pytest.approx(chosen["saved_money"], abs=0.02)
    assert (rows.group_by("cell_dn").agg((pl.col("mode") != "ACTIVE").any())["mode"]).all()
    assert newest_plan(compared).height == compared.height
    assert rows["plan_id"].n_unique() == 1
    earlier = compared.with_columns(pl.col("made_at") - timedelta(hours=1))
    assert newest_plan(pl.concat([earlier, compared])).equals(compared)


def test_the_status_tells_what_saves_now_and_since_when():
    story, made = Story(), proposed()
    story.applied(made[0], NIGHT)
    story.put(made[1])
    rows = standing_rows(story.lives, SITE_OF, NIGHT + timedelta(hours=2))
    assert [row["proposal"] for row in rows] == [made[0].proposal_id]
    assert (rows[0]["hours"], rows[0]["site"]) == (2.0, SITE_OF[made[0].cell_dns[0]])


def test_no_more_cells_are_proposed_than_guards_let_enter_in_a_while():
    made = proposed()
    rules = guardrail_rules()
    count = len(made[0].cell_dns) + len(made[1].cell_dns)
    few = int(count / rules.most_entering_share)
    kept = within_entering(made, [], NIGHT, few, rules)
    assert kept == made[:2]
    story = Story()
    story.put(made[0])
    left = within_entering(made[1:], story.lives, NIGHT, few, rules)
    assert sum(len(one.cell_dns) for one in left) <= len(made[1].cell_dns)
    later = NIGHT + timedelta(hours=rules.entering_hours, minutes=15)
    assert within_entering(made[1:3], story.lives, later, few, rules) == made[1:3]


def test_a_cell_that_still_says_it_saves_is_proposed_when_it_says_that_it_does_not():
    live = functions()
    waking = proposed()[0].cell_dns[0]
    told = live[waking]
    still = {**told.attributes, "energySavingState": "isEnergySaving"}
    live[waking] = replace(told, attributes=still)
    assert waking not in {cell for one in proposed(live=live) for cell in one.cell_dns}
    assert waking in {cell for one in proposed() for cell in one.cell_dns}


def without_modes(live: dict[str, ManagedObject], cells, **more) -> dict[str, ManagedObject]:
    """Return functions of which some know the standard's attributes alone."""
    plain = {
        cell: {name: each for name, each in live[cell].attributes.items() if "Mode" not in name}
        for cell in cells
    }
    return live | {cell: replace(live[cell], attributes=plain[cell] | more) for cell in cells}


def test_a_radio_that_knows_the_standard_alone_stays_awake_whatever_is_planned_and_it_is_told():
    made = proposed()
    modes = {cell: mode for one in made for cell, mode in modes_written(one.change_set).items()}
    assert {"MIMO_MUTED", "DEEP_SLEEP"} <= set(modes.values())
    plain = without_modes(functions(), modes)
    assert proposed(live=plain) == []
    rows, _, _ = told_plan()
    (says,) = left_out(wanted_at(rows, NIGHT), plain)
    assert says.startswith(f"{len(modes)} of {len(modes)} cells")
    assert "standard's saving alone" in says
    assert "anops-energy-saving.yang" in says
    assert left_out(wanted_at(rows, NIGHT), functions()) == []


def test_cells_beside_it_are_proposed_as_ever():
    made = proposed()
    plain = made[0].cell_dns[0]
    live = without_modes(functions(), [plain])
    rest = {cell for one in proposed(live=live) for cell in one.cell_dns}
    assert plain not in rest
    assert rest >= {cell for one in made[1:] for cell in one.cell_dns}
    assert set(cannot_save(CELLS, live)) == {plain}


def test_a_cell_without_a_saving_function_that_is_switched_on_is_told_as_well():
    live = functions()
    (gone, *_) = proposed()[0].cell_dns
    del live[gone]
    rows, _, _ = told_plan()
    (says,) = left_out(wanted_at(rows, NIGHT), live)
    assert says.startswith("1 of ")
    assert "cesSwitch true" in says
    assert gone in says


def test_what_the_standard_alone_tells_to_save_is_off_the_air():
    cell = CELLS[0]
    live = without_modes(functions(), [cell], energySavingControl="toBeEnergySaving")
    assert standing_modes(live)[cell] == "DEEP_SLEEP"
    assert standing_modes(without_modes(functions(), [cell]))[cell] == "ACTIVE"
