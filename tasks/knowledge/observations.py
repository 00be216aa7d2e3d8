"""What bears a case out or speaks against it: people's verdicts, and how repairs turned out.

An observation is of one finding or one proposal. All of it is values that code has computed or
people have chosen from a list; free text of people and documents has no part in it.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import polars as pl

from semantic_layer.identity import object_class_of
from semantic_layer.knowledge_rules import KnowledgeRules
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife, proposal_life

Outcome = Literal["", "better", "as_before", "worse"]
_REAL = 0.5
_MOST_ALARMS = 2
_OUTCOMES: Mapping[str, Outcome] = {"better": "better", "as_before": "as_before", "worse": "worse"}


class Looks(NamedTuple):
    """What a finding looked like: the class of its object, and its signs, sorted."""

    object_class: str
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that somebody said, or that was measured after a repair.

    Attributes:
        looks: what the finding looked like.
        cause: name of the fault kind that is borne out; empty where nothing was wrong.
        remedy: what was done, in words; empty for a verdict alone.
        outcome: of the repair; empty for a verdict alone.
        strength: 0 to 1; how much it counts.
        is_for: it bears its own case out; else it speaks against it.
        at: when it was said or measured.
        source_id: the finding or proposal.
    """

    looks: Looks
    cause: str
    remedy: str
    outcome: Outcome
    strength: float
    is_for: bool
    at: datetime
    source_id: str


def looks_of_findings(
    findings: pl.DataFrame, alarms: pl.DataFrame, rules: KnowledgeRules
) -> dict[str, Looks]:
    """Return what each finding looked like, by its id.

    Args:
        findings: anomaly_id, cell_dn, contributions; one row a finding.
        alarms: anomaly_id, alarm_name; those at the finding's own cell.
        rules: how many KPIs count.
    """
    named = alarms.group_by("anomaly_id").agg(pl.col("alarm_name").unique().sort())
    own = dict(named.iter_rows())
    return {
        row["anomaly_id"]: Looks(
            object_class_of(row["cell_dn"]),
            (
                *_deviations(row["contributions"] or (), rules.case_signs),
                *(f"alarm {name}" for name in own.get(row["anomaly_id"], ())[:_MOST_ALARMS]),
            ),
        )
        for row in findings.select("anomaly_id", "cell_dn", "contributions").iter_rows(named=True)
    }


def verdict_observations(
    weighed: pl.DataFrame, looks: Mapping[str, Looks], kinds: Container[str]
) -> list[Observation]:
    """Return what people said of findings: a cause, or that nothing was wrong.

    A finding that is real, but that nobody gave a kind that is defined, tells nothing of causes.

    Args:
        weighed: rows of `finding_verdicts.weighed`.
        looks: of findings; a verdict on one that is gone is left out.
        kinds: names of fault kinds.
    """
    found = []
    for row in weighed.sort("anomaly_id").iter_rows(named=True):
        is_real = row["is_real_probability"] >= _REAL
        cause = row["fault_kind"] if row["fault_kind"] in kinds else ""
        if row["anomaly_id"] not in looks or not row["weight"] or (is_real and not cause):
            continue
        found.append(
            Observation(
                looks=looks[row["anomaly_id"]],
                cause=cause,
                remedy="",
                outcome="",
                strength=float(row["weight"]),
                is_for=True,
                at=row["last_given_at"],
                source_id=row["anomaly_id"],
            )
        )
    return found


def repair_observations(
    entries: Sequence[LedgerEntry], looks: Mapping[str, Looks], rules: KnowledgeRules
) -> list[Observation]:
    """Return how repairs turned out, by the ledger: better bears the case out, worse does not.

    What is unclear, refused, waiting or rolled back before it worked tells nothing.

    Args:
        entries: of the ledger, in order.
        looks: of findings; a proposal that answers none of them looks like its cells.
        rules: what a repair without effect counts.
    """
    found = (_of_life(life, looks, rules) for life in _lives(entries))
    return [one for one in found if one is not None]


def remedy_of(changes: ChangeSet) -> str:
    """Return in words what a change set does, without objects and numbers: a case is of many.

    >>> one = Operation("MODIFY", "A=1", "NRCellDU", "administrativeState", "UNLOCKED", "LOCKED")
    >>> remedy_of(ChangeSet((one, one.inverse())))
    'administrativeState of NRCellDU set to LOCKED, then to UNLOCKED'
    """
    said: list[str] = []
    before: Operation | None = None
    for operation in changes.operations:
        said.append(_REMEDIES[operation.kind](operation, before))
        before = operation
    return "".join(said)


def _of_life(
    life: ProposalLife, looks: Mapping[str, Looks], rules: KnowledgeRules
) -> Observation | None:
    outcome, proposal = _outcome(life), life.proposal
    if not outcome or proposal.use_case not in rules.case_use_cases:
        return None
    answered = [looks[it] for it in sorted(proposal.trigger_ids) if it in looks]
    cells = [object_class_of(dn) for dn in proposal.cell_dns[:1]]
    last = next(it for it in reversed(life.entries) if it.kind in ("verified", "undone"))
    return Observation(
        looks=answered[0] if answered else Looks((*cells, "")[0], ()),
        cause=rules.case_causes.get(proposal.hypothesis, proposal.hypothesis),
        remedy=remedy_of(proposal.change_set),
        outcome=outcome,
        strength=rules.case_no_effect if outcome == "as_before" else 1.0,
        is_for=outcome == "better",
        at=last.at,
        source_id=proposal.proposal_id,
    )


def _outcome(life: ProposalLife) -> Outcome:
    if life.stage == "UNDONE":
        return "worse"
    return _OUTCOMES.get(life.effect, "") if life.stage in ("KEPT", "RECALLED") else ""


def _lives(entries: Sequence[LedgerEntry]) -> list[ProposalLife]:
    by_subject: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        by_subject.setdefault(entry.subject_id, []).append(entry)
    return [
        proposal_life(own)
        for own in by_subject.values()
        if own[0].kind == "proposed" and any(it.kind in ("verified", "undone") for it in own)
    ]


def _deviations(contributions: Sequence[Mapping[str, object]], most: int) -> list[str]:
    """Return the KPIs that deviated most, and how, by name."""
    ordered = sorted(contributions, key=lambda it: (-_number(it["share"]), str(it["kpi"])))
    return sorted(
        f"{it['kpi']} {'above' if _number(it['seen']) > _number(it['expected']) else 'below'}"
        for it in ordered[:most]
        if it["seen"] is not None and it["expected"] is not None
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _modified(operation: Operation, before: Operation | None) -> str:
    if before is not None and (before.dn, before.attribute) == (operation.dn, operation.attribute):
        return f", then to {operation.after}"
    start = "; " if before is not None else ""
    named = f"{start}{operation.attribute} of {operation.object_class}"
    return (
        f"{named} set to {operation.after}"
        if isinstance(operation.after, str)
        else (f"{named} changed")
    )


def _created(operation: Operation, before: Operation | None) -> str:
    return f"{'; ' if before is not None else ''}{operation.object_class} created"


def _deleted(operation: Operation, before: Operation | None) -> str:
    return f"{'; ' if before is not None else ''}{operation.object_class} deleted"


_REMEDIES: Mapping[str, Callable[[Operation, Operation | None], str]] = {
    "MODIFY": _modified,
    "CREATE": _created,
    "DELETE": _deleted,
}
