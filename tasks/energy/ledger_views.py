"""What ledger and published plans tell those who propose sleep and end it, and their entries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.energy_goals import EnergyGoalRules
from tasks.energy.proposing import PlanTold
from tasks.energy.tools import ENERGY_AGENT
from tasks.energy.waking.sleepers import USE_CASE, modes_written
from tasks.messages.ledger import EntryDraft, LedgerEntry
from tasks.messages.proposal_life import ProposalLife, proposal_life
from tasks.messages.proposals import Alternative, ChangeProposal

_STANDING = ("APPLIED", "KEPT")


def lives_of(entries: Iterable[LedgerEntry]) -> list[ProposalLife]:
    """Return where each proposal on record stands, oldest first, of all use cases."""
    told: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        told.setdefault(entry.subject_id, []).append(entry)
    return [proposal_life(own) for own in told.values() if own[0].kind == "proposed"]


def proposed_entry(proposal: ChangeProposal, now: datetime) -> EntryDraft:
    """Return the entry that puts a proposal on record."""
    name = proposal.proposal_id
    payload = {"proposal": proposal.to_json()}
    return EntryDraft("proposed", name, proposal.proposed_by, now, payload, f"proposed:{name}")


def withdrawn_entry(proposal_id: str, now: datetime) -> EntryDraft:
    """Return the entry that withdraws a proposal that a newer plan does not ask for."""
    payload = {"reason": "The plan wants its cells in this mode no more."}
    key = f"withdrawn:{proposal_id}"
    return EntryDraft("withdrawn", proposal_id, ENERGY_AGENT, now, payload, key)


def newest_plan(compared: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the plan made last; none where there is none.

    Args:
        compared: rows of `sleep_plans.compared`.
    """
    return (
        compared.filter(pl.col("made_at") == pl.col("made_at").max())
        if compared.height
        else compared
    )


def plan_told(rows: pl.DataFrame, forecast: Snapshot, rules: EnergyGoalRules) -> PlanTold:
    """Return what proposals say of the plan that they follow from.

    Args:
        rows: of `sleep_plans.compared`, of one plan.
        forecast: that it rests on.
        rules: of goals.
    """
    chosen = rows.filter("is_chosen").row(0, named=True)
    others = rows.filter(~pl.col("is_chosen")).sort("saved_kwh", descending=True)
    return PlanTold(
        plan_id=str(chosen["plan_id"]),
        promise=str(chosen["promise"]),
        decided_by=str(chosen["decided_by"]),
        gap_share=float(chosen["gap_share"]),
        says=_plan_says(chosen),
        run_id=str(chosen["agent_run_id"]),
        probability=rules.prepared_quantile,
        others=tuple(
            Alternative(
                f"plan_{one['promise']}",
                rank,
                round(float(one["saved_kwh"]), 2),
                _why_not(one, chosen),
            )
            for rank, one in enumerate(others.iter_rows(named=True), start=2)
        ),
        forecast=f"{forecast.table}@{forecast.id}",
    )


def standing_rows(
    lives: Sequence[ProposalLife], site_of: Mapping[str, str], now: datetime
) -> list[dict[str, Any]]:
    """Return a row a change that saves energy now: where, which cells how deep, and since when."""
    rows = []
    for life in lives:
        if life.proposal.use_case != USE_CASE or life.stage not in _STANDING:
            continue
        modes = modes_written(life.proposal.change_set)
        since = life.applied_at or life.proposal.proposed_at
        rows.append(
            {
                "proposal": life.proposal.proposal_id,
                "site": ", ".join(sorted({site_of.get(cell, "?") for cell in modes})),
                "cells": len(modes),
                "modes": ", ".join(sorted(set(modes.values()))),
                "since": f"{since:%Y-%m-%d %H:%M}",
                "hours": round((now - since).total_seconds() / 3600.0, 2),
                "verified": life.effect or "not yet",
            }
        )
    return rows


def _plan_says(chosen: Mapping[str, Any]) -> str:
    return (
        f"The plan keeps the promise {chosen['promise']} ({chosen['floor_mbps']:g} Mbit/s for the "
        f"5th percentile of users) and saves {chosen['saved_kwh']:.1f} kWh, "
        f"{100 * chosen['saved_share']:.1f} % of what all cells on would take."
    )


def _why_not(one: Mapping[str, Any], chosen: Mapping[str, Any]) -> str:
    more = float(one["saved_kwh"]) - float(chosen["saved_kwh"])
    if more < 0:
        return f"It saves {-more:.1f} kWh less over the whole plan."
    felt = float(one["moved_share"]) + float(one["reduced_share"])
    return (
        f"It saves {more:.1f} kWh more; {100 * felt:.1f} % of the traffic is not served as usual."
    )
