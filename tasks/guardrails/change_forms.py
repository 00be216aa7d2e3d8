"""What a change set does, read from its operations alone: what restarts, what is put to sleep."""

from collections.abc import Sequence
from itertools import pairwise

from semantic_layer.errors import InputError
from semantic_layer.guardrails import GuardrailRules
from tasks.messages.canonical import digest_of
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.proposals import ChangeProposal

ADMINISTRATIVE_STATE = "administrativeState"
LOCKED, UNLOCKED = "LOCKED", "UNLOCKED"

SAVING_FUNCTION = "CESManagementFunction"
"""Class of the objects by which cells are told to save energy (3GPP TS 28.541)."""

SAVING_MODE, ACTIVE = "energySavingMode", "ACTIVE"
SAVING_CONTROL, SAVE, DO_NOT_SAVE = "energySavingControl", "toBeEnergySaving", "toBeNotEnergySaving"
SAVING_STATE, SAVES_NOT = "energySavingState", "isNotEnergySaving"
SAVING_SWITCH = "cesSwitch"


def restarted_dns(change_set: ChangeSet) -> tuple[str, ...]:
    """Return the objects whose administrative state is written, in order."""
    return tuple(
        dict.fromkeys(
            operation.dn
            for operation in change_set.operations
            if operation.attribute == ADMINISTRATIVE_STATE
        )
    )


def interrupts(change_set: ChangeSet) -> bool:
    """Return whether users are cut off while the change is carried out."""
    return bool(restarted_dns(change_set))


def is_saving(change_set: ChangeSet) -> bool:
    """Return whether a change set tells cells to save energy, or not to."""
    return any(one.object_class == SAVING_FUNCTION for one in change_set.operations)


def entered_modes(change_set: ChangeSet) -> dict[str, object]:
    """Return the mode that each object is to enter, by its DN, whatever it holds."""
    return {one.dn: one.after for one in change_set.operations if one.attribute == SAVING_MODE}


def leaves_air(change_set: ChangeSet, rules: GuardrailRules) -> bool:
    """Return whether a cell is to leave the air; a mode that no rule knows counts so."""
    return any(is_off_air(mode, rules) for mode in entered_modes(change_set).values())


def is_off_air(mode: object, rules: GuardrailRules) -> bool:
    """Return whether a cell serves nobody in a mode; one that no rule knows counts so."""
    known = rules.saving_mode(mode)
    return mode != ACTIVE and (known is None or known.is_off_air)


def is_restart(dn: str, operations: Sequence[Operation]) -> bool:
    """Return whether an object's administrative state is locked, at once unlocked, no more.

    Args:
        dn: of the object.
        operations: all of the change set, in order.
    """
    places = [
        place
        for place, operation in enumerate(operations)
        if operation.dn == dn and operation.attribute == ADMINISTRATIVE_STATE
    ]
    if len(places) != 2 or any(after - before != 1 for before, after in pairwise(places)):
        return False
    lock, unlock = (operations[place] for place in places)
    steps = [(one.kind, one.before, one.after) for one in (lock, unlock)]
    return steps == [("MODIFY", UNLOCKED, LOCKED), ("MODIFY", LOCKED, UNLOCKED)]


def is_writable(proposal: ChangeProposal) -> bool:
    """Return whether a proposal holds what its fields say, so that it has an id and a digest."""
    try:
        digest_of(proposal.to_json())
        return _has_texts(proposal) and _has_numbers(proposal)
    except (InputError, AttributeError, TypeError, ValueError, RecursionError):
        return False


def _has_texts(proposal: ChangeProposal) -> bool:
    texts: list[object] = [proposal.use_case, proposal.proposed_by, proposal.hypothesis]
    texts += [proposal.risk, *proposal.cell_dns, *proposal.trigger_ids]
    for operation in proposal.change_set.operations:
        texts += [operation.kind, operation.dn, operation.object_class, operation.attribute]
    return all(isinstance(text, str) for text in texts)


def _has_numbers(proposal: ChangeProposal) -> bool:
    numbers: tuple[object, ...] = (proposal.probability, proposal.expected.least_gain)
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers)
