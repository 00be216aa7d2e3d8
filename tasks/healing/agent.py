"""The healing agent: looks at one cell, names the cause where it shows, and proposes its repair.

It perceives by tools, weighs causes by rules, and lets a model choose only where several repairs
are probable enough. What a model may name is one of the repairs that code has built.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from semantic_layer.healing import healing_rules
from tasks.agents.closed_loop import run_loop
from tasks.agents.loop_messages import (
    Diagnosis,
    Hypothesis,
    NothingToDo,
    Observation,
    ProposalMade,
)
from tasks.agents.running import recorded
from tasks.agents.session import AgentSession, Choice, Option
from tasks.agents.tools import ToolFailedError, ToolResult
from tasks.healing.diagnosis import CAUSES, Diagnosed, Facts, KpiShift, diagnoses
from tasks.healing.repairs import USE_CASES, Repair, repairs
from tasks.healing.simulation import simulated
from tasks.messages.canonical import JsonValue
from tasks.messages.proposals import Alternative, ChangeProposal, EvidenceReference

_VOLUMES = ("traffic_volume_dl", "lte_traffic_volume_dl")

Row = Mapping[str, Any]


def heal_cell(session: AgentSession, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what should be done about a cell: a proposal, or why it is left alone.

    Args:
        session: of this run.
        arguments: `cell_dn`; `at`, the network's time, ISO 8601; `trigger_ids`, what points at it.

    Returns:
        `cell_dn`, `cause`, `probability`, `reasons`, `decided_by`, and `proposal` as JSON, or null
        with `left_because`.
    """
    healer = _Healer(session, arguments)
    end = run_loop(
        {
            "perception": healer.perceive,
            "analysis": healer.analyse,
            "decision": healer.decide,
        },
        recorded(session),
    )
    left = end.message.says if isinstance(end.message, NothingToDo) else ""
    return _decided(session, healer.cell, healer.cause, left, healer.proposal)


class _Healer:
    """Three roles of the closed loop, about one cell.

    Attributes:
        cause: the one that the decision rests on, or the most probable; None before the analysis.
        proposal: what the decision came to; None where the cell is left alone.
    """

    def __init__(self, session: AgentSession, arguments: Mapping[str, Any]) -> None:
        self.cell = str(arguments["cell_dn"])
        self.cause: Diagnosed | None = None
        self.proposal: ChangeProposal | None = None
        self._session, self._arguments, self._rules = session, arguments, healing_rules()

    def perceive(self, _start: None) -> Observation | NothingToDo:
        """Look at the cell's KPIs, configuration, state and site."""
        call, cell = self._session.call, self.cell
        try:
            self._shifts = _shifts(call("measure_shifts", cell_dn=cell))
            self._departed = call("read_departures", cell_dn=cell)
            self._state = call("read_cell_state", cell_dn=cell)
            self._site = call("compare_site", cell_dn=cell)
        except ToolFailedError as error:
            return NothingToDo(str(error))
        told = self._arguments
        count = len(self._departed.rows)
        says = f"{len(self._shifts)} shifts of KPIs, {count} departures from plan."
        return Observation(cell, told["at"], tuple(told["trigger_ids"]), says)

    def analyse(self, seen: Observation) -> Diagnosis:
        """Weigh the causes."""
        outcomes = {str(cause): _outcomes(self._session, USE_CASES[cause]) for cause in CAUSES}
        facts = _facts(self._shifts, self._departed, self._state, self._site, outcomes)
        self._found = diagnoses(facts, self._rules)
        self.cause = self._found[0]
        is_decided = self.cause.probability >= self._rules.least_probability
        return Diagnosis(
            seen.subject_dn, tuple(_hypothesis(one) for one in self._found), is_decided
        )

    def decide(self, diagnosis: Diagnosis) -> ProposalMade | NothingToDo:
        """Choose among the repairs of causes that are probable enough, and propose one."""
        state, rules = self._state.rows[0], self._rules
        options = repairs(self.cell, self._found, self._departed.rows, state, rules)
        if not options:
            best = diagnosis.hypotheses[0]
            return NothingToDo(
                f"No cause that can be healed here is probable enough: {best.name} comes to "
                f"{best.probability:.2f}, {rules.least_probability:.2f} is asked for."
            )
        choice = _chosen(self._session, self.cell, options)
        chosen = next(one for one in options if one.option_id == choice.option_id)
        self.cause = next(one for one in self._found if one.cause == chosen.cause)
        seen = self._shifts, self._departed, self._state
        said = _Said(self.cell, choice, chosen, self.cause, seen)
        made = self.proposal = _proposal(self._session, self._arguments, said, options)
        return ProposalMade(
            made.proposal_id, made.use_case, made.change_set.digest, made.hypothesis
        )


def _hypothesis(one: Diagnosed) -> Hypothesis:
    told = [(f"{name} {weight:+.2f}", weight) for name, weight in one.reasons]
    return Hypothesis(
        one.cause,
        round(one.probability, 4),
        tuple(says for says, weight in told if weight > 0),
        tuple(says for says, weight in told if weight <= 0),
    )


def _shifts(result: ToolResult) -> list[KpiShift]:
    names = ("kpi", "seen", "usual", "ratio", "scatters", "is_long")
    return [KpiShift(**{name: row[name] for name in names}) for row in result.rows]  # type: ignore[arg-type]


def _outcomes(session: AgentSession, use_case: str) -> tuple[int, int, int]:
    row: Row = session.call("read_outcomes", use_case=use_case).rows[0]
    names = ("kept_count", "without_effect_count", "undone_count")
    kept, without, undone = (int(row[name]) for name in names)
    return kept, without, undone


def _facts(
    shifts: Sequence[KpiShift],
    departed: ToolResult,
    state: ToolResult,
    site: ToolResult,
    outcomes: Mapping[str, tuple[int, int, int]],
) -> Facts:
    tilts: list[Row] = [row for row in departed.rows if row["kind"] == "tilt"]
    told: Row = state.rows[0]
    ratios: list[Row] = [row for row in site.rows if row["kpi"] in _VOLUMES and not row["is_long"]]
    return Facts(
        shifts=shifts,
        site_ratios=[float(row["ratio"]) for row in ratios],
        tilt_departure=float(tilts[0]["live"]) - float(tilts[0]["planned"]) if tilts else None,
        lacking_relations=sum(row["kind"] == "relation" for row in departed.rows),
        is_locked=told["administrative_state"] != "UNLOCKED",
        alarms=list(told["alarms"]),
        changes=list(told["changes"]),
        outcomes=outcomes,
    )


def _chosen(session: AgentSession, cell: str, options: Sequence[Repair]) -> Choice:
    facts: dict[str, JsonValue] = {
        "cell_dn": cell,
        "repairs": [{"id": one.option_id, "risk": one.risk} for one in options],
    }
    listed = [Option(one.option_id, one.says, one.score) for one in options]
    return session.choose("judge", "choose_option", facts, listed)


class _Said:
    """What was decided, and from what."""

    def __init__(
        self,
        cell: str,
        choice: Choice,
        repair: Repair,
        cause: Diagnosed,
        seen: tuple[Sequence[KpiShift], ToolResult, ToolResult],
    ) -> None:
        self.cell, self.choice, self.repair, self.cause = cell, choice, repair, cause
        self.shifts, self.departed, self.state = seen


def _proposal(
    session: AgentSession, arguments: Mapping[str, Any], said: _Said, options: Sequence[Repair]
) -> ChangeProposal:
    repair = said.repair
    others = [one for one in options if one is not repair]
    return ChangeProposal(
        use_case=USE_CASES[repair.cause],
        proposed_by=session.identity,
        decided_by=said.choice.decided_by,
        proposed_at=datetime.fromisoformat(arguments["at"]),
        change_set=repair.change_set,
        cell_dns=(said.cell,),
        hypothesis=repair.cause,
        probability=round(said.cause.probability, 4),
        reason=repair.says,
        risk=repair.risk,
        trigger_ids=tuple(arguments["trigger_ids"]),
        evidence=tuple(_evidence(session, arguments, said)),
        expected=repair.expected,
        alternatives=tuple(
            Alternative(one.option_id, options.index(one) + 1, one.score, "less probable")
            for one in others
        ),
        run_id=session.run_id,
    )


def _evidence(
    session: AgentSession, arguments: Mapping[str, Any], said: _Said
) -> list[EvidenceReference]:
    found = [
        EvidenceReference("finding", trigger, "It pointed at the cell.")
        for trigger in arguments["trigger_ids"]
        if not trigger.startswith(("departure:", "attempt:"))
    ]
    strongest = sorted(said.shifts, key=lambda one: -abs(one.scatters))[:4]
    found += [
        EvidenceReference(
            "kpi",
            one.kpi,
            f"{one.seen:.4g} where {one.usual:.4g} is usual at this time of the week, "
            f"{one.scatters:+.1f} scatters{', over longer' if one.is_long else ''}.",
        )
        for one in strongest
    ]
    departures: Sequence[Row] = said.departed.rows
    found += [
        EvidenceReference(
            "configuration", row["dn"], f"Planned {row['planned']}, live {row['live']}."
        )
        for row in departures[:6]
    ]
    found += [
        EvidenceReference("rule", name, f"adds {weight:+.2f} to the log-odds of the cause.")
        for name, weight in said.cause.reasons
    ]
    found += simulated(session, said.repair.change_set)
    return found + _passages(session, said.repair.cause)


def _passages(session: AgentSession, cause: str) -> list[EvidenceReference]:
    """Return the runbook's passage on the cause, where one is found; it decides nothing."""
    try:
        found = session.call("search_documents", query=cause.replace("_", " "), limit=1)
    except ToolFailedError:
        return []
    rows: Sequence[Row] = found.rows
    return [
        EvidenceReference("passage", row["passage_id"], f'"{row["title"]}"') for row in rows[:1]
    ]


def _decided(
    session: AgentSession,
    cell: str,
    cause: Diagnosed | None,
    left_because: str,
    proposal: ChangeProposal | None = None,
) -> dict[str, Any]:
    decision = {
        "cell_dn": cell,
        "cause": cause.cause if cause else None,
        "probability": round(cause.probability, 4) if cause else None,
        "reasons": [list(reason) for reason in cause.reasons] if cause else [],
        "decided_by": proposal.decided_by if proposal else "solver",
        "left_because": left_because,
        "proposal": proposal.to_json() if proposal else None,
    }
    session.decide(decision)
    return decision
