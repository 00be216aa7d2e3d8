"""From what a plan wants now to proposals: a site each, few writes, never the same one in a row.

A proposal takes cells of one site from ACTIVE into modes. Its taking back wakes them all; another
mode is a taking back and a new proposal. Nothing here writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.energy_waking import energy_waking_rules
from semantic_layer.guardrails import GuardrailRules, guardrail_rules
from semantic_layer.identity import cell_dn_of, parent
from tasks.energy.tools import ENERGY_AGENT
from tasks.energy.waking.sleepers import USE_CASE, modes_written
from tasks.energy.wanted import ACTIVE, Wanted, lasts, wakes_now
from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tasks.messages.proposal_life import ProposalLife, Stage
from tasks.messages.proposals import Alternative, ChangeProposal, EvidenceReference, ExpectedEffect
from tasks.twin.sleep_modes import (
    CONTROL,
    DO_NOT_SAVE,
    MODE,
    SAVE,
    SAVES_NOT,
    SAVING_FUNCTION,
    STATE,
    SWITCH,
    SavingMode,
    acting_mode,
)

HYPOTHESIS = "low_load"
PLANNED_WAKING = "The plan wants its cells awake, or in another mode."
"""Why a change is taken back as planned; for any other reason its cells are held awake a while."""

OPEN: frozenset[Stage] = frozenset({"PROPOSED", "WAITING", "APPROVED"})
_AT_WORK: frozenset[Stage] = frozenset({"EXECUTING"})
_STANDING: frozenset[Stage] = frozenset({"APPLIED", "KEPT"})
_FAILED: frozenset[Stage] = frozenset({"REFUSED", "EXPIRED", "ROLLED_BACK"})
_UNWANTED: frozenset[Stage] = frozenset({"REJECTED", "UNDONE"})
_MOST_TOLD = 8
_WHOLE: dict[str, object] = {MODE: "DEEP_SLEEP"}


@dataclass(frozen=True)
class PlanTold:
    """What proposals say of the plan that they follow from.

    Attributes:
        plan_id, promise, decided_by, gap_share: of the plan.
        says: why that plan, a sentence.
        run_id: of the agent.
        probability: that load stays below what the plan prepares for.
        others: plans that were not taken, by name, with their rank and score and why not.
        forecast: the snapshot that it rests on.
    """

    plan_id: str
    promise: str
    decided_by: str
    gap_share: float
    says: str
    run_id: str
    probability: float
    others: tuple[Alternative, ...]
    forecast: str


def saving_functions(live: Sequence[ManagedObject]) -> dict[str, ManagedObject]:
    """Return the saving function below each cell, of those that may be told to save."""
    found = {}
    for one in live:
        above = parent(one.dn)
        cell = cell_dn_of(above) if above else None
        is_saver = one.object_class == SAVING_FUNCTION and one.attributes.get(SWITCH) is True
        if is_saver and cell is not None:
            found[cell] = one
    return found


def standing_modes(functions: Mapping[str, ManagedObject]) -> dict[str, SavingMode]:
    """Return the mode in which each cell stands, as the network tells it.

    One that knows the standard's saving alone is off the air while it is told to save.
    """
    return {cell: acting_mode({**_WHOLE, **one.attributes}) for cell, one in functions.items()}


def proposals(
    wanted: Mapping[str, Wanted],
    functions: Mapping[str, ManagedObject],
    lives: Sequence[ProposalLife],
    plan: PlanTold,
    moment: datetime,
    least_asleep_hours: float,
    rules: EnergyGoalRules,
) -> list[ChangeProposal]:
    """Return what is to be proposed now, the sites that save most first.

    Args:
        wanted: by cell, as the plan has it now.
        functions: saving functions by cell, as the network tells them now.
        lives: of all proposals on record, of any use case.
        plan: that it follows from.
        moment: time of the network.
        least_asleep_hours: a mode that is wanted for less is not entered.
        rules: of goals.
    """
    barred = set(_barred_cells(lives, moment, rules))
    by_site: dict[str, list[Wanted]] = {}
    for one in wanted.values():
        function = functions.get(one.cell_dn)
        if (
            one.mode == ACTIVE
            or one.saved_kwh <= 0.0
            or one.cell_dn in barred
            or function is None
            or not _is_free(function)
            or not lasts(one, moment, least_asleep_hours)
        ):
            continue
        by_site.setdefault(one.site_id, []).append(one)
    most = guardrail_rules().most_saving_cells
    chosen = {
        site: sorted(cells, key=lambda one: (-one.saved_kwh, one.cell_dn))[:most]
        for site, cells in by_site.items()
    }
    sites = sorted(chosen.items(), key=lambda site: (-_saved(site[1]), site[0]))
    return [
        _proposal(site, cells, functions, plan, moment, rules)
        for site, cells in sites[: rules.sites_a_run]
    ]


def within_entering(
    made: Sequence[ChangeProposal],
    lives: Sequence[ProposalLife],
    moment: datetime,
    cells_count: int,
    guardrails: GuardrailRules,
) -> list[ChangeProposal]:
    """Return as many proposals as guards let cells enter modes in a while, the first ones first.

    What would be refused is better proposed later.

    Args:
        made: those that save most first.
        lives: of all proposals on record.
        moment: time of the network.
        cells_count: of the network.
        guardrails: the share that may enter, and in which time.
    """
    since = moment - timedelta(hours=guardrails.entering_hours)
    entered = {
        cell
        for life in lives
        if life.proposal.use_case == USE_CASE
        and life.stage in OPEN | _AT_WORK | _STANDING
        and (life.applied_at or life.proposal.proposed_at) > since
        for cell in life.proposal.cell_dns
    }
    room = int(guardrails.most_entering_share * cells_count) - len(entered)
    kept = []
    for proposal in made:
        if len(proposal.cell_dns) <= room:
            kept.append(proposal)
            room -= len(proposal.cell_dns)
    return kept


def unwanted(
    wanted: Mapping[str, Wanted],
    lives: Sequence[ProposalLife],
    moment: datetime,
    rules: EnergyGoalRules,
) -> list[str]:
    """Return the proposals that stand and whose cells the plan wants in another mode now.

    Args:
        wanted: by cell, as the plan has it now.
        lives: of all proposals on record.
        moment: time of the network.
        rules: of goals.
    """
    found = []
    for life in lives:
        if life.proposal.use_case != USE_CASE or life.stage not in _STANDING:
            continue
        since = life.applied_at or life.proposal.proposed_at
        may_differ = moment - since >= timedelta(hours=rules.restless_hours)
        modes = modes_written(life.proposal.change_set)
        if wakes_now(modes, wanted, may_differ=may_differ):
            found.append(life.proposal.proposal_id)
    return found


def no_longer_wanted(
    wanted: Mapping[str, Wanted], lives: Sequence[ProposalLife]
) -> list[ProposalLife]:
    """Return proposals that nobody has begun to write and whose modes would burden users by now.

    An approval that comes late must not put cells to sleep in the morning. Who is asked keeps the
    same question as long as it can be carried out.
    """
    return [
        life
        for life in lives
        if life.proposal.use_case == USE_CASE
        and life.stage in OPEN
        and wakes_now(modes_written(life.proposal.change_set), wanted, may_differ=False)
    ]


def _barred_cells(
    lives: Sequence[ProposalLife], moment: datetime, rules: EnergyGoalRules
) -> Iterator[str]:
    """Give the cells that must not be proposed now, because of what was proposed before."""
    retry = timedelta(hours=rules.retry_hours)
    rejected = timedelta(hours=rules.rejected_hours)
    held = timedelta(hours=energy_waking_rules().hold_hours)
    for life in lives:
        age = moment - life.entries[-1].at
        is_own = life.proposal.use_case == USE_CASE
        if (
            life.stage in OPEN | _AT_WORK
            or (is_own and life.stage in _STANDING)
            or (is_own and life.stage in _FAILED and age < retry)
            or (is_own and life.stage in _UNWANTED and age < rejected)
            or (is_own and was_woken(life) and age < held)
        ):
            yield from life.proposal.cell_dns


def was_woken(life: ProposalLife) -> bool:
    """Tell whether cells were woken for another reason than that the plan wants another mode."""
    return life.stage == "RECALLED" and life.recall_reason != PLANNED_WAKING


def _is_free(function: ManagedObject) -> bool:
    """Tell whether a saving function stands as a proposal expects to find it.

    One that was just told to wake says for a while that it saves: guards would refuse it.
    """
    told = function.attributes
    is_told_to = told.get(MODE) != ACTIVE or told.get(CONTROL) != DO_NOT_SAVE
    return not is_told_to and told.get(STATE) == SAVES_NOT


def _saved(cells: Sequence[Wanted]) -> float:
    return sum(one.saved_kwh for one in cells)


def _proposal(
    site: str,
    cells: Sequence[Wanted],
    functions: Mapping[str, ManagedObject],
    plan: PlanTold,
    moment: datetime,
    rules: EnergyGoalRules,
) -> ChangeProposal:
    ordered = sorted(cells, key=lambda one: one.cell_dn)
    operations = [
        operation for one in ordered for operation in _operations(functions[one.cell_dn], one.mode)
    ]
    names = tuple(one.cell_dn for one in ordered)
    return ChangeProposal(
        use_case=USE_CASE,
        proposed_by=ENERGY_AGENT,
        decided_by=plan.decided_by,
        proposed_at=moment,
        change_set=ChangeSet(tuple(operations)),
        cell_dns=names,
        hypothesis=HYPOTHESIS,
        probability=plan.probability,
        reason=_reason(site, ordered),
        risk="medium" if any(one.is_off for one in ordered) else "low",
        trigger_ids=(f"plan:{plan.plan_id}", f"sleep:{site}:{moment:%Y%m%dT%H%M%S}Z"),
        evidence=tuple(_evidence(ordered, plan)),
        expected=_expected(ordered, rules),
        alternatives=plan.others,
        run_id=plan.run_id,
    )


def _operations(function: ManagedObject, mode: SavingMode) -> Iterator[Operation]:
    for attribute, before, after in ((MODE, ACTIVE, mode), (CONTROL, DO_NOT_SAVE, SAVE)):
        yield Operation("MODIFY", function.dn, SAVING_FUNCTION, attribute, before, after)


def _reason(site: str, cells: Sequence[Wanted]) -> str:
    counts = {mode: sum(one.mode == mode for one in cells) for mode in {c.mode for c in cells}}
    told = ", ".join(f"{count} in {mode}" for mode, count in sorted(counts.items()))
    until = min(one.until for one in cells)
    return (
        f"Load at {site} is low enough to save: {told}, until {until:%Y-%m-%d %H:%M} UTC at least; "
        f"{_saved(cells):.2f} kWh less are expected."
    )


def _evidence(cells: Sequence[Wanted], plan: PlanTold) -> Iterator[EvidenceReference]:
    yield EvidenceReference(
        "forecast",
        plan.forecast,
        f"With a chance of {100 * plan.probability:g} % no quarter's load is higher than what the "
        "plan prepares for.",
    )
    yield EvidenceReference(
        "plan",
        plan.plan_id,
        f"{plan.says} By the solver's bound at most {100 * plan.gap_share:.2f} % is too much.",
    )
    for one in [cell for cell in cells if cell.is_off][:_MOST_TOLD]:
        carried = ", ".join(one.candidate_dns) or "cells around it"
        yield EvidenceReference(
            "candidate", one.cell_dn, f"While it is off the air, {carried} carry its users."
        )
    for one in [cell for cell in cells if not cell.is_off][:_MOST_TOLD]:
        yield EvidenceReference(
            "saving", one.cell_dn, f"In {one.mode} it saves {one.saved_kwh:.3f} kWh and serves on."
        )


def _expected(cells: Sequence[Wanted], rules: EnergyGoalRules) -> ExpectedEffect:
    """Return the fall of the site's power that must be seen: a part of what is expected."""
    whole = max((one.site_kwh for one in cells), default=0.0)
    share = _saved(cells) / whole if whole > 0 else 0.0
    gain = min(max(rules.expected_share * share, rules.least_gain), 0.99)
    return ExpectedEffect(
        "site_power",
        "lower",
        tuple(sorted(one.cell_dn for one in cells)),
        round(gain, 4),
        rules.worst_loss,
        rules.settle_periods,
        rules.verify_periods,
    )


def proposal_row(proposal: ChangeProposal) -> dict[str, str]:
    """Return what a table shows of a proposal."""
    return {
        "proposal": proposal.proposal_id,
        "cells": str(len(proposal.cell_dns)),
        "risk": proposal.risk,
        "why": proposal.reason,
    }
