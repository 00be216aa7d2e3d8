"""The agent that explains a cell's finding: perceive, weigh, look up, choose, say.

A plain function of its session: all that it learns and says goes through it, so that a run can be
repeated from its transcript. It proposes nothing and has no tool that could.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from semantic_layer.causes import Cause, causes, explaining_rules
from tasks.agents.session import SOLVER, AgentSession, Choice, Option
from tasks.agents.tools import ToolFailedError
from tasks.explaining.deciding import would_decide
from tasks.explaining.facts import perceived
from tasks.explaining.hypotheses import UNKNOWN, Hypothesis, hypotheses, is_decided
from tasks.explaining.observations import Facts
from tasks.explaining.text import CitedPassage, citations, explanation, facts_for_models

AGENT = "explain_finding"
"""Name of the agent, by which a replay finds it."""

_OPTIONS = 3
_PASSAGES = 2
_CHECK = "what to check"


def explain_finding(session: AgentSession, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a cell strays: the cause, its probability, what else, what would decide, sources.

    Args:
        session: of the agent `explaining_agent`.
        arguments: `anomaly_id` of the finding.

    Returns:
        The decision, as JSON values.

    Raises:
        ToolFailedError: the finding could not be read.
    """
    known, rules = causes(), explaining_rules()
    facts = perceived(session, str(arguments["anomaly_id"]), rules)
    ranked = hypotheses(facts, known, rules)
    leading = [one for one in ranked if one.cause != UNKNOWN][: rules.told_hypotheses]
    passages = session.explore(leading, lambda branch, one: _passages(branch, known[one.cause]))
    by_cause = {one.cause: found for one, found in zip(leading, passages, strict=True)}
    choice, ordered = _chosen(session, facts, ranked)
    sure = is_decided(ranked, rules) and ordered[0] is ranked[0]
    decider = would_decide(ordered, known, is_sure=sure)
    cited = by_cause.get(ordered[0].cause, [])
    spoken = session.write(
        AGENT,
        facts_for_models(facts, ordered, decider, is_decided=sure),
        explanation(facts, ordered, cited, decider, is_decided=sure),
        {one.passage_id: one.text for one in cited},
    )
    first, second = ordered[0], ordered[1]
    decision: dict[str, Any] = {
        "anomaly_id": facts.anomaly_id,
        "cell_dn": facts.cell_dn,
        "cause": first.cause,
        "title": first.title,
        "fault_kind": first.fault_kind,
        "probability": first.probability,
        "runner_up": second.cause,
        "runner_up_probability": second.probability,
        "is_decided": sure,
        "decided_by": choice.decided_by,
        "why_solver": choice.why_solver,
        "would_decide": decider,
        "text": spoken.text,
        "said_by": spoken.said_by,
        "citations": list(
            dict.fromkeys([*citations(facts, first, cited), *spoken.citations])
            if spoken.said_by == SOLVER
            else spoken.citations
        ),
        "contributions": _told_contributions(ordered[:2]),
        "hypotheses": [
            {"cause": one.cause, "log_odds": one.log_odds, "probability": one.probability}
            for one in ordered[: rules.told_hypotheses]
        ],
        "failures": list(facts.failures),
    }
    session.decide(decision)
    return decision


def _passages(session: AgentSession, cause: Cause) -> list[CitedPassage]:
    """Return what runbooks and validated cases say of a cause, what to check first; or nothing."""
    found = []
    for tool, asked in (
        ("search_documents", {"kind": "runbook"}),
        ("search_cases", {}),
    ):
        try:
            rows = session.call(tool, query=f"{cause.runbook} {_CHECK}", **asked).rows
        except ToolFailedError:  # the sentence is on record; runbooks are help and no evidence
            continue
        told = [_cited(row, tool.removeprefix("search_")) for row in rows]
        found += sorted(told, key=lambda one: _CHECK not in one.title.casefold())[:_PASSAGES]
    return found


def _cited(row: Mapping[str, Any], collection: str) -> CitedPassage:
    return CitedPassage(str(row["passage_id"]), str(row["title"]), str(row["text"]), collection)


def _chosen(
    session: AgentSession, facts: Facts, ranked: tuple[Hypothesis, ...]
) -> tuple[Choice, tuple[Hypothesis, ...]]:
    """Return who leads: the solver's first, or by votes of a model where the best are close.

    A model may only name one of the best hypotheses that the solver ranked; it changes their order
    and no probability.
    """
    rules = explaining_rules()
    if ranked[0].probability - ranked[1].probability >= rules.close_margin:
        return Choice(ranked[0].cause, SOLVER, "The first cause leads clearly."), ranked
    options = [Option(one.cause, _says(one), one.log_odds) for one in ranked[:_OPTIONS]]
    moved = {one.name: one.strength for one in facts.of("kpi")[:12]}
    computed = {one.name: one.strength for one in facts.of("fact")}
    choice = session.choose(
        "judge", "rank_hypotheses", {"kpi_distance_in_bands": moved, "facts": computed}, options
    )
    first = next(one for one in ranked if one.cause == choice.option_id)
    return choice, (first, *(one for one in ranked if one is not first))


def _says(one: Hypothesis) -> str:
    """Return an option in words of the definitions; nothing that was delivered stands in it."""
    speaks = [part.because for part in one.contributions if part.log_odds > 0][:3]
    against = [part.because for part in one.contributions if part.log_odds < 0][:2]
    told = f"{one.title}: {'; '.join(speaks) or 'nothing speaks for it'}"
    return f"{told}. Against it: {'; '.join(against)}." if against else f"{told}."


def _told_contributions(some: Sequence[Hypothesis]) -> list[dict[str, Any]]:
    return [
        {
            "cause": one.cause,
            "sign": part.because,
            "log_odds": part.log_odds,
            "says": part.says,
            "reference": part.reference,
        }
        for one in some
        for part in one.contributions[:8]
    ]
