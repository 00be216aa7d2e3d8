"""A plan as rows of `sleep_plans`: each cell and period with its mode, and what that saves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from data_products.sleep_plans.derive import COMPARED_SCHEMA, PLAN_SCHEMA
from tasks.energy.comparing import Prices, cell_savings
from tasks.energy.planning.problem import IS_OFF, Floats, SleepPlan, SleepProblem
from tasks.energy.planning.terms import terms_of
from tasks.messages.canonical import canonical_json, digest_of
from tasks.twin.sleep_modes import MODES

_CANDIDATES = 3


@dataclass(frozen=True)
class PlanFacts:
    """What all rows of a plan say alike.

    Attributes:
        made_at: when; its first period begins here.
        starts: (T,) of periods.
        site_ids: of the cells.
        prices: of the periods.
        goal: as the person wrote it.
        decision: of the agent.
        run_id: of the agent's run.
    """

    made_at: datetime
    starts: Sequence[datetime]
    site_ids: Sequence[str]
    prices: Prices
    goal: str
    decision: dict[str, Any]
    run_id: str

    def plan_id(self, plan: SleepPlan) -> str:
        """Return 16 digits that follow from what was decided and when."""
        modes = plan.mode.astype(int).tolist()
        told = [self.made_at.isoformat(), self.goal, self.decision["promise"], modes]
        return digest_of(told)[:16]


def plan_rows(problem: SleepProblem, plan: SleepPlan, facts: PlanFacts) -> pl.DataFrame:
    """Return a row a cell and period, columns of `PLAN_SCHEMA`.

    Args:
        problem: that was solved.
        plan: of it.
        facts: what all rows say.
    """
    cells, periods = problem.cells, problem.periods
    ones = np.ones(periods)
    saved = {
        "saved_kwh": cell_savings(problem, plan, ones),
        "saved_money": cell_savings(problem, plan, facts.prices.money),
        "saved_co2_kg": cell_savings(problem, plan, facts.prices.co2_kg),
    }
    names = np.array(MODES)[plan.mode.astype(np.intp)]
    carriers = _candidates(problem, plan)
    is_off = IS_OFF[plan.mode.astype(np.intp)]
    return pl.DataFrame(
        {
            "plan_id": facts.plan_id(plan),
            "cell_dn": np.repeat(np.array(problem.cell_dns), periods),
            "made_at": facts.made_at,
            "period_start": list(facts.starts) * cells,
            "hours": np.tile(problem.hours, cells),
            "mode": names.reshape(-1),
            "site_id": np.repeat(np.array(facts.site_ids), periods),
            "candidate_dns": [
                carriers[cell] if off else []
                for cell, row in enumerate(is_off.tolist())
                for off in row
            ],
            "site_kwh": _site_kwh(problem, facts.site_ids).reshape(-1),
            **{name: values.reshape(-1) for name, values in saved.items()},
            "promise": str(facts.decision["promise"]),
            "decided_by": str(facts.decision["decided_by"]),
            "gap_share": plan.gap,
            "goal": facts.goal,
        },
        schema=PLAN_SCHEMA,
    )


def compared_rows(plan: SleepPlan, facts: PlanFacts) -> pl.DataFrame:
    """Return a row a plan that was worth a choice, columns of `COMPARED_SCHEMA`.

    Args:
        plan: that was taken.
        facts: of the run.
    """
    decision = facts.decision
    alike = {
        "plan_id": facts.plan_id(plan),
        "made_at": facts.made_at,
        "decided_by": str(decision["decided_by"]),
        "goal": facts.goal,
        "goal_json": canonical_json(decision["goal"]),
        "says": [str(sentence) for sentence in decision["says"]],
        "agent_run_id": facts.run_id,
    }
    rows = [
        {**row, **alike, "is_chosen": row["promise"] == decision["promise"]}
        for row in decision["plans"]
    ]
    told = [{name: row[name] for name in COMPARED_SCHEMA} for row in rows]
    return pl.DataFrame(told, schema=COMPARED_SCHEMA)


def _site_kwh(problem: SleepProblem, site_ids: Sequence[str]) -> Floats:
    """Return (C, T) what the cells of a cell's site would take were all ACTIVE."""
    energy = terms_of(replace(problem, price=np.ones(problem.periods))).cost[:, :, 0]
    _, site = np.unique(np.array(site_ids), return_inverse=True)
    sums = np.zeros((int(site.max(initial=-1)) + 1, problem.periods))
    np.add.at(sums, site, energy)
    found: Floats = sums[site]
    return found


def _candidates(problem: SleepProblem, plan: SleepPlan) -> list[list[str]]:
    """Return for each cell the cells that carry most of its work whenever it is off the air."""
    moves, is_off = problem.moves, IS_OFF[plan.mode.astype(np.intp)]
    found: list[list[str]] = [[] for _ in range(problem.cells)]
    both = (is_off[moves.booster] & is_off[moves.candidate]).any(axis=1)
    carries = ~both & is_off[moves.booster].any(axis=1) & (moves.work > 0)
    entries = np.flatnonzero(carries)
    order = entries[np.lexsort((-moves.work[entries], moves.booster[entries]))]
    for booster, candidate in zip(
        moves.booster[order].tolist(), moves.candidate[order].tolist(), strict=True
    ):
        if len(found[booster]) < _CANDIDATES:
            found[booster].append(problem.cell_dns[candidate])
    return found
