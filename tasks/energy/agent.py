"""The energy agent: reads a goal, has plans solved under several promises, and chooses by the goal.

All numbers come from tools. A model may read the goal beside rules, and name one of the plans that
the goal asks for; without one, rules read and the solver's ranking decides.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from semantic_layer.services import service_catalogue
from tasks.agents.session import AgentSession, Choice, Option
from tasks.agents.tools import ToolFailedError, ToolResult
from tasks.energy.comparing import PlanFigures, ranked
from tasks.energy.explaining import explanation, option_says
from tasks.energy.goals.goal import EnergyGoal
from tasks.energy.goals.model_reading import PROMPT, GoalAnswer
from tasks.messages.canonical import JsonValue

AGENT = "plan_energy"
"""Name of the agent, by which a replay finds it."""

_FACTS = ("promise", "saved_share", "felt_share", "surge_factor", "floor_mbps", "most_asleep")


def plan_energy(session: AgentSession, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was understood of a goal, and which plan is taken, beside which others, and why.

    Args:
        session: of this run.
        arguments: `text` of the goal; `promises`, the names of those to be compared.

    Returns:
        `goal`, or null with `problems`; `notes` and `read_by`; `promise` taken, `decided_by`,
        `why_solver`, `wanted_kwh`, `plans` worth a choice with their figures, that saving most
        first, `left_out` with why, and `says`, sentences.

    Raises:
        ToolFailedError: no plan could be solved.
    """
    read = _read(session, str(arguments["text"]))
    decision: dict[str, Any] = {name: read[name] for name in ("goal", "problems", "notes")}
    decision["read_by"] = read["read_by"]
    if read["goal"] is not None:
        promises = [str(name) for name in arguments["promises"]]
        decision |= _planned(session, EnergyGoal.from_json(read["goal"]), promises)
    session.decide(decision)
    return decision


def _read(session: AgentSession, text: str) -> Mapping[str, Any]:
    """Return what a text came to, by rules and by a model where one answers and may."""
    row: Mapping[str, Any] = session.call("read_goal", text=text).rows[0]
    if row["goal"] is None and not row["is_silent"]:
        return row
    facts: dict[str, JsonValue] = {"services": sorted(service_catalogue().by_name)}
    answer = session.ask("reader", PROMPT, facts, GoalAnswer, {"goal": text})
    if answer is None:
        return row
    return session.call("settle_goal", **answer.model_dump(mode="json")).rows[0]


def _planned(session: AgentSession, goal: EnergyGoal, promises: Sequence[str]) -> dict[str, Any]:
    left_out = _solved(session, promises)
    kept = _figures(session.call("compare_plans"))
    wanted = _wanted_kwh(goal, kept)
    options = ranked(kept, goal, wanted)
    choice = _chosen(session, goal, options)
    chosen = next(plan for plan, _ in options if plan.promise == choice.option_id)
    return {
        "promise": chosen.promise,
        "decided_by": choice.decided_by,
        "why_solver": choice.why_solver,
        "wanted_kwh": wanted,
        "plans": [plan.to_row() for plan in kept],
        "left_out": left_out,
        "says": explanation(goal, chosen, kept, wanted),
    }


def _solved(session: AgentSession, promises: Sequence[str]) -> dict[str, str]:
    """Have a plan solved under each promise; return why some could not be, by promise.

    Raises:
        ToolFailedError: none could.
    """
    failed: dict[str, str] = {}
    for promise in promises:
        try:
            session.call("plan_sleep", promise=promise)
        except ToolFailedError as error:
            failed[promise] = str(error)
    if len(failed) == len(promises):
        told = " ".join(dict.fromkeys(failed.values())) or "No promise was named."
        raise ToolFailedError(f"No plan could be solved. {told}")
    return failed


def _figures(result: ToolResult) -> list[PlanFigures]:
    """Return figures as the tool told them; the record of the run holds no other."""
    names = PlanFigures.__slots__
    return [PlanFigures(**{name: row[name] for name in names}) for row in result.rows]  # type: ignore[arg-type]


def _wanted_kwh(goal: EnergyGoal, kept: Sequence[PlanFigures]) -> float | None:
    """Return what the wanted share of saving comes to, None where all there is is wanted."""
    if goal.least_saving_share is None:
        return None
    told = [plan for plan in kept if plan.saved_share > 0]
    if not told:
        return 0.0
    whole = told[0].saved_kwh / told[0].saved_share
    return round(goal.least_saving_share * whole, 2)


def _chosen(
    session: AgentSession, goal: EnergyGoal, options: Sequence[tuple[PlanFigures, float]]
) -> Choice:
    rows = [plan.to_row() for plan, _ in options]
    facts: dict[str, JsonValue] = {
        "objective": goal.objective,
        "wants_share": goal.least_saving_share,
        "plans": [{name: row[name] for name in _FACTS} for row in rows],
    }
    listed = [
        Option(plan.promise, option_says(plan, goal.objective), score) for plan, score in options
    ]
    return session.choose("judge", "choose_option", facts, listed)
