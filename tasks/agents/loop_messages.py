"""What the six roles of the closed loop hand to one another: typed, frozen, plain JSON on record.

A message says what its sender found and by which facts; never what the receiver should do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from semantic_layer.errors import InputError
from tasks.messages.canonical import JsonValue

LoopRole = Literal["perception", "analysis", "decision", "execution", "verification", "learning"]
LOOP_ROLES: tuple[LoopRole, ...] = (
    "perception", "analysis", "decision", "execution", "verification", "learning",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observation:
    """Perception: something was noticed.

    Attributes:
        subject_dn: the object that it is about.
        noticed_at: ISO time of the network.
        trigger_ids: findings or alarms that it rests on.
        facts: values from tools.
    """

    subject_dn: str
    noticed_at: str
    trigger_ids: tuple[str, ...]
    says: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause, with how probable it is and what speaks for and against it."""

    name: str
    probability: float
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Analysis: what probably caused it.

    Attributes:
        hypotheses: most probable first; `is_decided` where the first may be acted on.
        would_decide: what would have to be known where it is not.
        decided_by: `solver`, or a model's route.
    """

    subject_dn: str
    hypotheses: tuple[Hypothesis, ...]
    is_decided: bool
    would_decide: tuple[str, ...] = ()
    decided_by: str = "solver"


@dataclass(frozen=True, slots=True)
class ProposalMade:
    """Decision: a change is proposed; it stands in the ledger under its id."""

    proposal_id: str
    use_case: str
    change_digest: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """Execution: what became of the proposal; only `applied` is verified."""

    proposal_id: str
    outcome: Literal["applied", "rolled_back", "refused", "waiting"]
    at: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EffectMeasured:
    """Verification: what the change did, against control cells."""

    proposal_id: str
    verdict: Literal["better", "as_before", "worse", "unclear"]
    kpi: str
    effect: float | None
    measured_until: str
    is_undone: bool = False


@dataclass(frozen=True, slots=True)
class Lesson:
    """Learning: what is remembered of it."""

    case_id: str
    hypothesis: str
    outcome: str
    says: str


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Any role: the loop ends here, and why."""

    says: str


LoopMessage: TypeAlias = (
    Observation | Diagnosis | ProposalMade | ExecutionReport | EffectMeasured | Lesson | NothingToDo
)
GIVES: Mapping[LoopRole, type[LoopMessage]] = {
    "perception": Observation,
    "analysis": Diagnosis,
    "decision": ProposalMade,
    "execution": ExecutionReport,
    "verification": EffectMeasured,
    "learning": Lesson,
}
"""What each role hands on; any may end the loop with `NothingToDo`."""

_TYPES: Mapping[str, Callable[..., LoopMessage]] = {
    made.__name__: made for made in (*GIVES.values(), NothingToDo)
}


def message_json(message: LoopMessage) -> dict[str, Any]:
    """Return a message as JSON values, its type included."""
    told = {one.name: getattr(message, one.name) for one in fields(message)}
    if isinstance(message, Diagnosis):
        told["hypotheses"] = [
            {one.name: getattr(hypothesis, one.name) for one in fields(hypothesis)}
            for hypothesis in message.hypotheses
        ]
    return {"type": type(message).__name__, **told}


def message_of(told: Mapping[str, Any]) -> LoopMessage:
    """Return the message that `message_json` told, lists as tuples again.

    Raises:
        InputError: it is none of the loop's messages.
    """
    rest = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in told.items()
        if name != "type"
    }
    try:
        if told["type"] == "Diagnosis":
            rest["hypotheses"] = tuple(_hypothesis(one) for one in rest["hypotheses"])
        return _TYPES[told["type"]](**rest)
    except (KeyError, TypeError) as error:
        raise InputError(f"No message of the closed loop: {error}.") from error


def _hypothesis(told: Mapping[str, Any]) -> Hypothesis:
    speaks = {name: tuple(told[name]) for name in ("speaks_for", "speaks_against")}
    return Hypothesis(**{**told, **speaks})
