"""What is to be done next with an approved change: read off its ledger entries, and nothing else.

A write is on record before it is begun and after it is done, so that whoever comes after a crash
finds at most one write of which it is not known whether it happened. Such a write is begun again:
a gateway writes only where `before` stands, so it takes effect once. Which of two values is
`before` follows from the step: where a cell is locked and unlocked, the step that was begun tells
what a cell found unlocked means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tasks.messages.ledger import LedgerEntry
from tasks.messages.operation_states import is_same, said, standing, written
from tasks.messages.proposal_life import ProposalLife

Direction = Literal["apply", "rollback"]


@dataclass(frozen=True, slots=True)
class Prepare:
    """Compare the network with the change, and put on record how it is taken back."""

    attempt: int


@dataclass(frozen=True, slots=True)
class WriteStep:
    """Write one operation, or find that it is written.

    Attributes:
        step: from 0, of the operations in this direction.
        is_intended: it is on record that it was begun; whether it happened is not known.
    """

    attempt: int
    direction: Direction
    step: int
    operation: Operation
    is_intended: bool


@dataclass(frozen=True, slots=True)
class Conclude:
    """All writes are done: put on record what that makes of the proposal."""

    attempt: int
    kind: Literal["applied", "rolled_back", "undone", "recalled"]
    reason: str


Action = Prepare | WriteStep | Conclude | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the writes of an attempt have come.

    Attributes:
        rollback: takes everything back, as stored before the first write.
        begun, done: steps of the change itself.
        back_begun, back_done: steps of taking it back.
        failure: why it is taken back, be it as planned; empty while it is not.
        refused_step: the step that was surely not written; None where there is none.
    """

    attempt: int
    rollback: ChangeSet
    begun: frozenset[int] = frozenset()
    done: frozenset[int] = frozenset()
    back_begun: frozenset[int] = frozenset()
    back_done: frozenset[int] = frozenset()
    failure: str = ""
    refused_step: int | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a change would find and how it is taken back.

    Attributes:
        rollback: with the values that the network holds now.
        problems: a sentence for each operation that does not find what it expects.
    """

    rollback: ChangeSet
    problems: tuple[str, ...]


def next_action(life: ProposalLife) -> Action:
    """Return what is to be done next with a proposal; None where there is nothing to do."""
    if life.stage == "APPROVED":
        return Prepare(1 + sum(one.kind == "execution_prepared" for one in life.entries))
    if life.prepared is None:
        return None
    told = progress(life)
    if life.stage == "EXECUTING":
        if life.recall_reason:
            return _back(told, "recalled")
        return _back(told, "rolled_back") if told.failure else _forward(life, told)
    if life.stage == "APPLIED" and life.effect == "worse":
        return _back(told, "undone")
    return None


def progress(life: ProposalLife) -> Progress:
    """Return how far the last attempt of a proposal has come.

    Args:
        life: of a proposal that was prepared.
    """
    prepared = life.prepared
    if prepared is None:
        return Progress(0, ChangeSet(()))
    attempt = int(prepared.payload["attempt"])
    own = [one for one in life.entries if one.payload.get("attempt") == attempt]
    failed = next((one for one in own if one.kind == "execution_failed"), None)
    refused = failed.payload.get("refused_step") if failed is not None else None
    worse = next((one for one in life.entries if one.kind == "verified"), None)
    failure = failed or worse
    reason = str(failure.payload.get("reason") or "not told") if failure is not None else ""
    return Progress(
        attempt,
        ChangeSet.from_json(prepared.payload["rollback"]),
        _steps(own, "write_intended", "apply"),
        _steps(own, "write_done", "apply"),
        _steps(own, "write_intended", "rollback"),
        _steps(own, "write_done", "rollback"),
        life.recall_reason or reason,
        refused,
    )


def taken_back(told: Progress) -> tuple[Operation, ...]:
    """Return the operations that take back what was or may have been written, last one first.

    A change that is wholly written and leaves every value as it was, such as the restart of a
    cell, has nothing to take back.
    """
    operations = told.rollback.operations
    written_count = len(told.begun - {told.refused_step})
    back = operations[len(operations) - written_count :]
    is_certain = told.begun - {told.refused_step} == told.done
    return () if is_certain and _leaves_all_as_it_was(back) else back


def foreseen(change: ChangeSet, live: Mapping[str, ManagedObject]) -> Foreseen:
    """Return what the operations of a change would find one after the other.

    Args:
        change: what is to be written.
        live: the objects that exist of those it names.
    """
    objects: dict[str, ManagedObject | None] = {dn: live.get(dn) for dn in change.dns}
    problems, inverses = [], []
    for operation in change.operations:
        found = objects[operation.dn]
        state = standing(operation, found)
        if state != "before":
            has = "already holds" if state == "after" else "holds"
            problems.append(
                f"{operation.dn} {operation.attribute or operation.kind} {has} "
                f"{said(found, operation)}; {operation.before!r} was expected."
            )
        inverses.append(_inverse(operation, found))
        objects[operation.dn] = written(operation, found)
    return Foreseen(ChangeSet(tuple(reversed(inverses))), tuple(problems))


def _inverse(operation: Operation, found: ManagedObject | None) -> Operation:
    """Return what takes an operation back to what was found, not to what it expected."""
    inverse = operation.inverse()
    if found is None or operation.kind == "CREATE":
        return inverse
    if operation.kind == "DELETE":
        restored = dict(found.attributes)
    else:
        return Operation(
            "MODIFY", inverse.dn, inverse.object_class, inverse.attribute, inverse.before,
            found.attributes.get(operation.attribute),
        )  # fmt: skip
    return Operation("CREATE", inverse.dn, inverse.object_class, "", None, restored)


def _forward(life: ProposalLife, told: Progress) -> Action:
    operations = life.proposal.change_set.operations
    for step, operation in enumerate(operations):
        if step not in told.done:
            return WriteStep(told.attempt, "apply", step, operation, step in told.begun)
    return Conclude(told.attempt, "applied", "")


def _back(told: Progress, kind: Literal["rolled_back", "undone", "recalled"]) -> Action:
    for step, operation in enumerate(taken_back(told)):
        if step not in told.back_done:
            is_begun = step in told.back_begun
            return WriteStep(told.attempt, "rollback", step, operation, is_begun)
    return Conclude(told.attempt, kind, told.failure)


def _steps(entries: list[LedgerEntry], kind: str, direction: Direction) -> frozenset[int]:
    return frozenset(
        int(one.payload["step"])
        for one in entries
        if one.kind == kind and one.payload["direction"] == direction
    )


def _leaves_all_as_it_was(back: tuple[Operation, ...]) -> bool:
    """Tell whether operations that take a change back begin and end with the same values."""
    if any(operation.kind != "MODIFY" for operation in back):
        return False
    first: dict[tuple[str, str], Operation] = {}
    last: dict[tuple[str, str], Operation] = {}
    for operation in back:
        place = (operation.dn, operation.attribute)
        first.setdefault(place, operation)
        last[place] = operation
    return all(is_same(first[place].before, last[place].after) for place in first)
