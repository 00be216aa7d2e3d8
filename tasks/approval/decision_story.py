"""A decision told from its entries: who, what, why, on what evidence, with which limits, and then.

Everything is a fold over the ledger; nothing is looked up anywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.approval.approval_text import effect_line
from tasks.approval.entry_text import TITLES, entry_says
from tasks.approval.wording import counted, moment, plain, value_text
from tasks.guardrails.approvals import POLICY
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ENDED, ProposalLife
from tasks.messages.proposals import ChangeProposal

_ENDS = {
    "PROPOSED": "Guardrails have not judged it yet.",
    "REFUSED": "Guardrails refused it; nothing was written.",
    "WAITING": "It waits for people; nothing is written.",
    "APPROVED": "It is approved and not begun; nothing is written.",
    "REJECTED": "A person rejected it; nothing was written.",
    "EXPIRED": "Nobody answered in time; nothing was written.",
    "WITHDRAWN": "It was taken back before it began; nothing was written.",
    "EXECUTING": "It is being written; the rollback is stored.",
    "APPLIED": "It is written; its effect is being measured.",
    "ROLLED_BACK": "It could not be written whole; nothing of it stands.",
    "KEPT": "It is written, was measured and stands.",
    "UNDONE": "It was measured to do harm and taken back.",
    "RECALLED": "It was written and taken back as planned; nothing of it stands.",
}
_ANSWERS = ("approval_requested", "approved", "rejected", "delegated", "expired", "withdrawn")
_GOOD, _BAD = {"KEPT", "RECALLED"}, {"REFUSED", "REJECTED", "ROLLED_BACK", "UNDONE", "EXPIRED"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; writes of one attempt are one line."""

    at: datetime
    recorded_at: datetime
    numbers: str
    kind: str
    title: str
    actor: str
    says: str


@dataclass(frozen=True, slots=True)
class Write:
    """One write, as before and after."""

    kind: str
    name: str
    object_class: str
    dn: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The effect as it was measured, with where it lies between its bounds.

    Attributes:
        marks: name of a mark and its place in per cent of the scale, for the picture.
        rows: quantity and value, for the table.
        around: guard KPIs of the cells around, likewise.
    """

    verdict: str
    reason: str
    until: str
    marks: Mapping[str, float]
    rows: tuple[tuple[str, str], ...]
    controls: tuple[str, ...]
    around: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class DecisionStory:
    """What the page of a decision shows."""

    proposal: ChangeProposal
    stage: str
    tone: str
    title: str
    lead: str
    answers: tuple[tuple[str, str, str], ...]
    timeline: tuple[Moment, ...]
    writes: tuple[Write, ...]
    rollback: tuple[Write, ...]
    is_rollback_stored: bool
    is_unwritten: bool
    rules: tuple[tuple[str, str], ...]
    verdict_reason: str
    level: str
    expected: str
    approvals: tuple[Moment, ...]
    approval_line: str
    measured: Measured | None
    entries: tuple[LedgerEntry, ...]


def decision_story(life: ProposalLife) -> DecisionStory:
    """Return the story of a proposal as it stands."""
    proposal, verdict = life.proposal, life.verdict
    prepared = life.prepared.payload.get("rollback") if life.prepared else None
    rollback = ChangeSet.from_json(prepared) if prepared else proposal.change_set.rollback()
    timeline = _timeline(life.entries)
    measured = _measured(life)
    return DecisionStory(
        proposal=proposal,
        stage=life.stage,
        tone="good" if life.stage in _GOOD else "bad" if life.stage in _BAD else "open",
        title=plain(proposal.use_case.replace("_", " "), 80).capitalize(),
        lead=plain(f"{proposal.reason} {_end(life)}", 900),
        answers=_answers(life, measured),
        timeline=timeline,
        writes=_writes(proposal.change_set),
        rollback=_writes(rollback),
        is_rollback_stored=prepared is not None,
        is_unwritten=life.stage in ENDED and prepared is None,
        rules=_rules(life),
        verdict_reason=plain(verdict.reason, 600) if verdict else "Not judged yet.",
        level=f"L{verdict.autonomy_level}" if verdict else "not judged",
        expected=effect_line(life),
        approvals=tuple(one for one in timeline if one.kind in _ANSWERS),
        approval_line=_approval_line(life),
        measured=measured,
        entries=life.entries,
    )


def _end(life: ProposalLife) -> str:
    """Return how far a proposal has come, with the reason where it is taken back as planned."""
    if life.stage == "EXECUTING" and life.recall_reason:
        return f"It is being taken back as planned: {life.recall_reason}"
    if life.stage == "RECALLED":
        return f"{_ENDS[life.stage]} {life.recall_reason}"
    return _ENDS[life.stage]


def _answers(life: ProposalLife, measured: Measured | None) -> tuple[tuple[str, str, str], ...]:
    """Return each question, its short answer, and where on the page the whole one is."""
    proposal, verdict = life.proposal, life.verdict
    checked = len(verdict.checked) if verdict else 0
    broken = len(verdict.breaches) if verdict else 0
    happened = measured.reason if measured and not life.recall_reason else _end(life)
    return (
        ("Who", f"{plain(proposal.proposed_by, 60)} proposed, {plain(proposal.decided_by, 60)} "
         f"decided. {_approval_line(life)}", "approvals"),
        ("What", f"{counted(len(proposal.change_set.operations), 'write')} to "
         f"{counted(len(proposal.change_set.dns), 'object')}, touching "
         f"{counted(len(proposal.cell_dns), 'cell')}.", "writes"),
        ("Why", f"{plain(proposal.hypothesis.replace('_', ' '), 80).capitalize()}, probability "
         f"{proposal.probability:.0%}.", "evidence"),
        ("On what evidence", f"{counted(len(proposal.evidence), 'piece')} of evidence for "
         f"{counted(len(proposal.trigger_ids), 'finding')}; "
         f"{counted(len(proposal.alternatives), 'alternative')} weighed.", "evidence"),
        ("Within which limits", f"{counted(checked, 'rule')} checked, "
         f"{broken or 'none'} broken; {plain(proposal.risk, 10)} risk, autonomy "
         f"{f'L{verdict.autonomy_level}' if verdict else 'not judged'}.", "limits"),
        ("What happened", plain(happened, 300), "effect" if measured else "timeline"),
    )  # fmt: skip


def _timeline(entries: Sequence[LedgerEntry]) -> tuple[Moment, ...]:
    """Return the entries in order; a run of writes is one line, for each is told by its step."""
    told: list[Moment] = []
    run: list[LedgerEntry] = []
    for entry in entries:
        if entry.kind in ("write_intended", "write_done"):
            run.append(entry)
            continue
        told += _run_of_writes(run)
        run = []
        told.append(_moment(entry))
    return (*told, *_run_of_writes(run))


def _run_of_writes(run: Sequence[LedgerEntry]) -> list[Moment]:
    if not run:
        return []
    first, last = run[0], run[-1]
    done = sum(entry.kind == "write_done" for entry in run)
    begun = sum(entry.kind == "write_intended" for entry in run)
    is_back = last.payload.get("direction") == "rollback"
    says = f"{done} of {counted(begun, 'write')} done, attempt {last.payload.get('attempt', 1)}."
    title = "Taken back" if is_back else "Written"
    numbers = f"{first.number} to {last.number}" if last is not first else str(first.number)
    return [Moment(last.at, last.recorded_at, numbers, "write", title, plain(last.actor, 60), says)]


def _moment(entry: LedgerEntry) -> Moment:
    is_refused = entry.kind == "judged" and bool(entry.payload["verdict"]["breaches"])
    return Moment(
        entry.at,
        entry.recorded_at,
        str(entry.number),
        "refused" if is_refused else entry.kind,
        TITLES.get(entry.kind, plain(entry.kind, 40)),
        plain(entry.actor, 60),
        entry_says(entry),
    )


def _writes(change_set: ChangeSet) -> tuple[Write, ...]:
    return tuple(_write(one) for one in change_set.operations)


def _write(one: Operation) -> Write:
    is_whole = one.kind != "MODIFY"
    return Write(
        one.kind,
        "whole object" if is_whole else plain(one.attribute, 80),
        plain(one.object_class, 60),
        plain(one.dn, 400),
        value_text(one.before),
        value_text(one.after),
    )


def _rules(life: ProposalLife) -> tuple[tuple[str, str], ...]:
    """Return each rule that was checked with how it is broken; empty where it is kept."""
    if life.verdict is None:
        return ()
    broken: dict[str, str] = {}
    for one in life.verdict.breaches:
        broken[one.rule] = f"{broken.get(one.rule, '')} {one.says}".strip()
    names = dict.fromkeys((*broken, *life.verdict.checked))
    return tuple((plain(name, 60), plain(broken.get(name, ""), 400)) for name in names)


def _approval_line(life: ProposalLife) -> str:
    if life.verdict is None:
        return "Not judged yet."
    if life.stage == "REFUSED":
        return "Nobody was asked, for guardrails refused it."
    people = [plain(name, 60) for name in life.approvals]
    if life.verdict.persons_needed == 0:
        is_policy = any(name.startswith(POLICY) for name in people)
        return "Approved by policy." if is_policy else "No person need approve."
    told = ", ".join(people) or "nobody yet"
    return f"Approved by {told}; {counted(life.verdict.persons_needed, 'person')} must."


def _measured(life: ProposalLife) -> Measured | None:
    entry = next((one for one in reversed(life.entries) if one.kind == "verified"), None)
    if entry is None:
        return None
    payload = entry.payload
    told = payload.get("effect")
    effect: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    controls = effect.get("controls")
    return Measured(
        plain(str(payload.get("verdict", "")).replace("_", " "), 40),
        plain(payload.get("reason", ""), 600) or _end(life),
        plain(str(payload.get("measured_until", ""))[:16].replace("T", " "), 20),
        _marks(effect, life),
        _effect_rows(effect),
        tuple(plain(dn, 300) for dn in controls) if isinstance(controls, list) else (),
        tuple(
            (plain(one.get("kpi"), 60), _share(one.get("gain")), _interval(one))
            for one in effect.get("around", [])
        ),
    )


def _marks(effect: Mapping[str, Any], life: ProposalLife) -> dict[str, float]:
    """Return where gain, interval and bounds lie on one scale, in per cent from its left end."""
    told = {name: effect.get(name) for name in ("low", "gain", "high")}
    numbers = {name: float(one) for name, one in told.items() if isinstance(one, int | float)}
    if len(numbers) < 3:
        return {}
    bounds = {
        "worst": -life.proposal.expected.worst_loss,
        "zero": 0.0,
        "least": life.proposal.expected.least_gain,
    }
    every = numbers | bounds
    reach = max(abs(one) for one in every.values()) * 1.15 or 1.0
    return {
        name: round(min(100.0, max(0.0, 50 + 50 * one / reach)), 2) for name, one in every.items()
    }


def _effect_rows(effect: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    rows = (
        ("KPI", plain(effect.get("kpi", ""), 80)),
        ("before", _number(effect.get("before"))),
        ("after", _number(effect.get("after"))),
        ("expected, as the control cells moved", _number(effect.get("expected_after"))),
        ("gain against control cells", _share(effect.get("gain"))),
        ("interval of the gain", _interval(effect)),
        ("control cells alike by", plain(effect.get("alike_by", ""), 120)),
        ("periods before and after", _periods(effect)),
    )
    return tuple(row for row in rows if row[1])


def _periods(effect: Mapping[str, Any]) -> str:
    counts = [effect.get("periods_before"), effect.get("periods_after")]
    return " and ".join(str(len(one)) for one in counts if isinstance(one, list))


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def _share(value: object) -> str:
    return f"{value:+.1%}" if isinstance(value, int | float) else ""


def _interval(effect: Mapping[str, Any]) -> str:
    low, high = _share(effect.get("low")), _share(effect.get("high"))
    return f"{low} to {high}" if low and high else ""


def story_text(story: DecisionStory) -> str:
    """Return a story as lines of plain text, for a terminal."""
    lines = [
        f"Decision {story.proposal.proposal_id}: {story.title}, {story.stage}",
        f"  {story.lead}",
        *(f"  {question:20} {answer}" for question, answer, _ in story.answers),
        "Timeline (time of the network)",
        *(
            f"  {moment(one.at)}  {one.numbers:>8}  {one.title} by {one.actor}. {one.says}".rstrip()
            for one in story.timeline
        ),
        "Writes",
        *(f"  {one.name} of {one.object_class} {one.dn}: {one.before} becomes {one.after}"
          for one in story.writes),
        "Rules",
        *(f"  {'broken' if broken else 'kept  '}  {name} {broken}".rstrip()
          for name, broken in story.rules),
        f"  {story.expected}",
        f"Transcript of the agent's run: {plain(story.proposal.run_id, 80)}",
        f"Digest of the change set: {story.proposal.change_set.digest}",
    ]  # fmt: skip
    return "\n".join(lines)
