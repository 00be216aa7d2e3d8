"""Change proposals: what an agent hands to guards, people and executors; and what guards say.

A proposal is built by code from values that code has read or computed. A language model may have
chosen among candidates; `decided_by` says so. It can only ever choose what code had put there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from semantic_layer.errors import InputError
from tasks.messages.canonical import digest_of
from tasks.messages.change_sets import ChangeSet

Risk = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class EvidenceReference:
    """One thing that a proposal rests on.

    Attributes:
        kind: such as `finding`, `kpi`, `configuration`, `alarm`, `change`, `passage`, `case`.
        reference: id of the row, passage or object.
        says: a sentence built by code; what others wrote stands in it in quotation marks.
    """

    kind: str
    reference: str
    says: str


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """What should follow, and when it must be undone.

    Attributes:
        kpi: name in the semantic layer.
        better: whether more or less of it is better.
        cell_dns: the cells in which the effect is expected.
        least_gain: relative change towards better, against control cells, that counts as success.
        worst_loss: relative change towards worse, against control cells, beyond which it is undone.
        settle_periods: periods after the last write that are not judged.
        verify_periods: periods that are judged, after those.
    """

    kpi: str
    better: Literal["higher", "lower"]
    cell_dns: tuple[str, ...]
    least_gain: float
    worst_loss: float
    settle_periods: int
    verify_periods: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate that was not chosen, with its rank by the solver and why it was not."""

    name: str
    rank: int
    score: float
    why_not: str


@dataclass(frozen=True, slots=True)
class ChangeProposal:
    """One change that an agent proposes.

    Attributes:
        use_case: such as `heal_sleeping_cell`; autonomy and rights are told by it.
        proposed_by: the agent's identity, such as `healing_agent`.
        decided_by: `solver`, or the route of the model that chose among the solver's candidates.
        proposed_at: time of the network.
        change_set: what is to be written.
        cell_dns: the cells whose service the change touches, beside those of its operations.
        hypothesis: the cause that it rests on, such as `sleeping_cell`.
        probability: of the hypothesis, 0 to 1, as computed.
        reason: a sentence or two, built from facts by code.
        trigger_ids: ids of findings that it answers.
        run_id: the agent's run, whose transcript tells everything.
    """

    use_case: str
    proposed_by: str
    decided_by: str
    proposed_at: datetime
    change_set: ChangeSet
    cell_dns: tuple[str, ...]
    hypothesis: str
    probability: float
    reason: str
    risk: Risk
    trigger_ids: tuple[str, ...]
    evidence: tuple[EvidenceReference, ...]
    expected: ExpectedEffect
    alternatives: tuple[Alternative, ...]
    run_id: str

    @property
    def proposal_id(self) -> str:
        """16 digits that follow from what it is about, so that the same proposal is made once."""
        return digest_of(
            [self.use_case, self.change_set.digest, sorted(self.trigger_ids), self.proposed_by]
        )[:16]

    def to_json(self) -> dict[str, Any]:
        """Return the proposal as JSON values, its id included."""
        told = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("change_set", "evidence", "expected", "alternatives")
        }
        return told | {
            "proposal_id": self.proposal_id,
            "proposed_at": self.proposed_at.isoformat(),
            "cell_dns": list(self.cell_dns),
            "trigger_ids": list(self.trigger_ids),
            "change_set": self.change_set.to_json(),
            "evidence": [asdict(one) for one in self.evidence],
            "expected": asdict(self.expected) | {"cell_dns": list(self.expected.cell_dns)},
            "alternatives": [asdict(one) for one in self.alternatives],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "ChangeProposal":
        """Return the proposal that `to_json` told.

        Raises:
            InputError: it is not whole, or its id is not that of its content.
        """
        rest = {key: value for key, value in told.items() if key != "proposal_id"}
        try:
            expected = {**rest["expected"], "cell_dns": tuple(rest["expected"]["cell_dns"])}
            made = cls(
                **{
                    **rest,
                    "proposed_at": datetime.fromisoformat(rest["proposed_at"]),
                    "change_set": ChangeSet.from_json(rest["change_set"]),
                    "cell_dns": tuple(rest["cell_dns"]),
                    "trigger_ids": tuple(rest["trigger_ids"]),
                    "evidence": tuple(EvidenceReference(**one) for one in rest["evidence"]),
                    "expected": ExpectedEffect(**expected),
                    "alternatives": tuple(Alternative(**one) for one in rest["alternatives"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Not a change proposal: {error}.") from error
        if told.get("proposal_id", made.proposal_id) != made.proposal_id:
            raise InputError(
                f"Proposal {told['proposal_id']} is not what it says; its content is that of "
                f"{made.proposal_id}."
            )
        return made


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that a proposal breaks: the rule's name, and a sentence with both values."""

    rule: str
    says: str


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """What guardrails say of a proposal, once, for one change set.

    Attributes:
        change_digest: of the change set that was judged.
        breaches: none where it is allowed.
        autonomy_level: of its use case then, 0 to 5.
        persons_needed: who must approve: 0 where policy may, 2 for the two-person rule.
        checked: names of all rules that were applied.
        reason: why so many persons, a sentence.
    """

    proposal_id: str
    change_digest: str
    breaches: tuple[Breach, ...]
    autonomy_level: int
    persons_needed: int
    checked: tuple[str, ...]
    reason: str

    @property
    def is_allowed(self) -> bool:
        """Whether no rule is broken."""
        return not self.breaches

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return {
            **asdict(self),
            "breaches": [asdict(one) for one in self.breaches],
            "checked": list(self.checked),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "GuardVerdict":
        """Return the verdict that `to_json` told."""
        breaches = tuple(Breach(**one) for one in told["breaches"])
        return cls(**{**told, "breaches": breaches, "checked": tuple(told["checked"])})
