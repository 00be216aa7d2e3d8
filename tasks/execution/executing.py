"""Carrying out what is to be done next: the one place that writes to a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from semantic_layer.errors import InputError, TransientError
from semantic_layer.execution_rules import ExecutionRules
from tasks.action_ports import ConfigurationGateway, ForeignChangeError, Ledger
from tasks.execution.beginning import Hindrance, Present, frozen_reason, hindrance
from tasks.execution.writing import (
    Action,
    Conclude,
    Prepare,
    WriteStep,
    foreseen,
    next_action,
)
from tasks.messages.ledger import EntryDraft, EntryKind
from tasks.messages.proposal_life import ProposalLife, Stage, proposal_life

EXECUTOR = "executor"
"""Who writes to the network, as the ledger names it."""

NETWORK = "network"
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Hands:
    """What an executor works with.

    Attributes:
        ledger: what was decided, and where each write is put on record.
        gateway: the way into the network.
        now: time of the network.
        wait: lets seconds pass before another try.
        not_now: why guards or approvals do not let a proposal begin; empty where they do.
        rules: how often to try, and how old a verdict may be.
    """

    ledger: Ledger
    gateway: ConfigurationGateway
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    not_now: Callable[[ProposalLife, datetime], str]
    rules: ExecutionRules


@dataclass(frozen=True, slots=True)
class Carried:
    """How far a proposal came.

    Attributes:
        says: why it came no further; empty where there is nothing left to do.
    """

    proposal_id: str
    stage: Stage
    says: str = ""


class _HeldError(Exception):
    """Nothing more can be done with a proposal now; a later run goes on where this one ends."""


def carried_out(proposal_id: str, hands: Hands) -> Carried:
    """Do what is to be done with a proposal, alone, until nothing is or nothing can be.

    Begun by a second process meanwhile, it waits and then finds nothing to do; begun again after
    a crash at any point, it goes on from the entries on record.
    """
    with hands.ledger.alone(proposal_id):
        while True:
            life = proposal_life(hands.ledger.entries(proposal_id))
            action = next_action(life)
            if action is None:
                return Carried(proposal_id, life.stage)
            try:
                _take(action, life, hands)
            except _HeldError as held:
                stage = proposal_life(hands.ledger.entries(proposal_id)).stage
                return Carried(proposal_id, stage, str(held))


def append(
    hands: Hands, proposal_id: str, kind: EntryKind, key: str, payload: Mapping[str, object]
) -> None:
    """Put an entry about a proposal on record, in the executor's name and the network's time."""
    hands.ledger.append(EntryDraft(kind, proposal_id, EXECUTOR, hands.now(), payload, key))


def _take(action: Action, life: ProposalLife, hands: Hands) -> None:
    match action:
        case Prepare():
            _prepare(action, life, hands)
        case WriteStep(direction="apply"):
            _apply(action, life, hands)
        case WriteStep():
            _take_back(action, life, hands)
        case Conclude():
            _conclude(action, life, hands)


def _prepare(action: Prepare, life: ProposalLife, hands: Hands) -> None:
    proposal = life.proposal
    hindered = _hindrance(life, hands)
    if hindered is None:
        live = _tried(lambda: hands.gateway.read(proposal.change_set.dns), hands)
        found = foreseen(proposal.change_set, live)
        if found.problems:
            hindered = Hindrance("withdrawn", "Others changed it: " + " ".join(found.problems))
    if hindered is not None:
        _stop(hindered, life, hands)
        return
    append(
        hands,
        proposal.proposal_id,
        "execution_prepared",
        f"prepared:{proposal.proposal_id}:{action.attempt}",
        {
            "attempt": action.attempt,
            "change_digest": proposal.change_set.digest,
            "rollback": found.rollback.to_json(),
        },
    )


def _stop(hindered: Hindrance, life: ProposalLife, hands: Hands) -> None:
    """End a proposal that can never begin; hold one that may begin later."""
    if hindered.end is None:
        raise _HeldError(hindered.reason)
    proposal_id = life.proposal.proposal_id
    payload: dict[str, object] = {"reason": hindered.reason}
    if hindered.end == "expired" and life.expires_at is not None:
        payload = {"expires_at": life.expires_at.isoformat()}
    append(hands, proposal_id, hindered.end, f"{hindered.end}:{proposal_id}", payload)


def _hindrance(life: ProposalLife, hands: Hands) -> Hindrance | None:
    now = hands.now()
    present = Present(
        now,
        hands.ledger.entries(NETWORK),
        hands.ledger.entries(life.proposal.use_case),
        hands.not_now(life, now),
    )
    return hindrance(life, present, hands.rules)


def _apply(action: WriteStep, life: ProposalLife, hands: Hands) -> None:
    """Write one step of a change; what hinders it is put on record, and it is taken back.

    A freeze stops a change between two steps: what is half done is never left for its length.
    """
    if not action.is_intended:
        reason = _hindered_on_the_way(action, life, hands)
        if reason:
            _fail(action, life, reason, hands, refused_step=None)
            return
        _append_step("write_intended", action, life, hands)
    try:
        _tried(lambda: hands.gateway.write(action.operation), hands, is_held=False)
    except (InputError, ForeignChangeError) as error:
        _fail(action, life, str(error), hands, refused_step=action.step)
    except TransientError as error:
        reason = f"{error} Tried {hands.rules.write_tries} times; not known whether written."
        _fail(action, life, reason, hands, refused_step=None)
    else:
        _append_step("write_done", action, life, hands)


def _hindered_on_the_way(action: WriteStep, life: ProposalLife, hands: Hands) -> str:
    if action.step > 0:
        return frozen_reason(hands.ledger.entries(NETWORK))
    hindered = _hindrance(life, hands)
    return hindered.reason if hindered is not None else ""


def _take_back(action: WriteStep, life: ProposalLife, hands: Hands) -> None:
    """Take one step back; what others have set since is theirs, and left to them."""
    if not action.is_intended:
        _append_step("write_intended", action, life, hands)
    left = ""
    try:
        _tried(lambda: hands.gateway.write(action.operation), hands)
    except ForeignChangeError as error:
        left = f"Left as others set it: {error}"
    except InputError as error:
        raise _HeldError(f"The network does not let it be taken back: {error}") from error
    _append_step("write_done", action, life, hands, {"left": left} if left else {})


def _conclude(action: Conclude, life: ProposalLife, hands: Hands) -> None:
    proposal_id, kind = life.proposal.proposal_id, action.kind
    if kind == "applied":
        payload = {"attempt": action.attempt, "applied_at": hands.now().isoformat()}
        append(hands, proposal_id, kind, f"applied:{proposal_id}", payload)
        return
    left = [
        str(one.payload["left"])
        for one in life.entries
        if one.kind == "write_done" and one.payload.get("left")
    ]
    suffix = f":{action.attempt}" if kind == "rolled_back" else ""
    payload = {"attempt": action.attempt, "reason": " ".join([action.reason, *left])}
    append(hands, proposal_id, kind, f"{kind}:{proposal_id}{suffix}", payload)


def _fail(
    action: WriteStep, life: ProposalLife, reason: str, hands: Hands, *, refused_step: int | None
) -> None:
    proposal_id = life.proposal.proposal_id
    payload = {"attempt": action.attempt, "reason": reason, "refused_step": refused_step}
    key = f"execution_failed:{proposal_id}:{action.attempt}"
    append(hands, proposal_id, "execution_failed", key, payload)


def _append_step(
    kind: EntryKind,
    action: WriteStep,
    life: ProposalLife,
    hands: Hands,
    more: Mapping[str, object] | None = None,
) -> None:
    proposal_id = life.proposal.proposal_id
    word = "intended" if kind == "write_intended" else "done"
    key = f"{word}:{proposal_id}:{action.attempt}:{action.direction}:{action.step}"
    payload = {"attempt": action.attempt, "direction": action.direction, "step": action.step}
    append(hands, proposal_id, kind, key, {**payload, **(more or {})})


def _tried(work: Callable[[], Made], hands: Hands, *, is_held: bool = True) -> Made:
    """Return what `work` returns, tried again while the network does not answer.

    Args:
        work: a read or write.
        hands: how often, and how to wait.
        is_held: whether silence holds the proposal; else the error goes on.
    """
    for number in range(1, hands.rules.write_tries):
        try:
            return work()
        except TransientError:
            hands.wait(hands.rules.write_wait_s * 2 ** (number - 1))
    try:
        return work()
    except TransientError as error:
        if is_held:
            raise _HeldError(f"{error} A later run goes on.") from error
        raise
