"""From a run of the agent to what its page tells."""

import polars as pl

from tasks.energy.goals.goal import EnergyGoal
from tasks.energy.pages import AsleepHour, PlanStory
from tasks.energy.plan_rows import PlanFacts
from tasks.energy.tools import PlanningDesk
from tasks.twin.sleep_modes import MODES


def plan_story(desk: PlanningDesk, facts: PlanFacts, rows: pl.DataFrame) -> PlanStory:
    """Return the story of a plan.

    Args:
        desk: with all plans that were solved.
        facts: of the one that was taken.
        rows: of `sleep_plans`, of the same.
    """
    decision = facts.decision
    goal = EnergyGoal.from_json(decision["goal"])
    kept = [str(row["promise"]) for row in decision["plans"]]
    return PlanStory(
        text=facts.goal,
        understood=goal.says,
        made_at=f"{facts.made_at:%Y-%m-%d %H:%M} UTC",
        promise=str(decision["promise"]),
        decided_by=str(decision["decided_by"]),
        plans=[desk.told[name] for name in kept],
        solved=list(desk.told.values()),
        says=[str(sentence) for sentence in decision["says"]],
        notes=[*map(str, decision["notes"]), *map(str, decision["left_out"].values())],
        hours=_hours(rows),
        objective=goal.objective,
        currency=facts.prices.currency,
    )


def _hours(rows: pl.DataFrame) -> list[AsleepHour]:
    """Return how many cells save in which mode, period by period."""
    saving = rows.filter(pl.col("mode") != MODES[0])
    if saving.is_empty():
        return []
    counts = saving.group_by("period_start", "mode").len().sort("period_start")
    of: dict[object, dict[str, int]] = {}
    for start, mode, count in counts.iter_rows():
        of.setdefault(start, {})[mode] = count
    ordered = {
        start: {str(mode): by_mode[mode] for mode in MODES if mode in by_mode}
        for start, by_mode in of.items()
    }
    return [AsleepHour(f"{start:%Y-%m-%d %H:%M}", by_mode) for start, by_mode in ordered.items()]
