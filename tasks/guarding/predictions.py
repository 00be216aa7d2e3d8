"""What the twin's what-if says of proposals: from operations on objects to changes of cells."""

from collections.abc import Callable, Mapping, Sequence

from semantic_layer.errors import InputError
from tasks.guardrails.change_forms import ADMINISTRATIVE_STATE, is_restart
from tasks.guardrails.circumstances import ObjectFacts, PredictedCell, Prediction
from tasks.guardrails.floors import changes_radio
from tasks.messages.change_sets import ChangeSet
from tasks.messages.proposals import ChangeProposal
from tasks.twin.what_if import CellChange, WhatIf
from tasks.twin.what_if_facts import TILTS
from tasks.twin.what_if_rows import cannot_tell
from tasks.twin.what_if_rows import cell_changes as changes_of_cells

Ask = Callable[[Sequence[CellChange]], WhatIf]


def predictions(
    proposals: Sequence[ChangeProposal], objects: Mapping[str, ObjectFacts], ask: Ask
) -> dict[str, Prediction]:
    """Return the twin's numbers by digest; where it cannot answer, why.

    Args:
        proposals: that can be written as JSON.
        objects: facts of what they write.
        ask: what would follow of changes of cells; raises InputError where it cannot tell.
    """
    found = {}
    for proposal in proposals:
        if not changes_radio(proposal.change_set):
            continue
        try:
            told = ask(cell_changes(proposal.change_set, objects))
            found[proposal.change_set.digest] = _prediction(told)
        except InputError as error:
            found[proposal.change_set.digest] = Prediction({}, 0.0, 0.0, lacking=str(error))
    return found


def live_tilts(
    proposals: Sequence[ChangeProposal], objects: Mapping[str, ObjectFacts]
) -> dict[str, float]:
    """Return the downtilts, in degrees, of the cells that are to be tilted, as they are now."""
    found: dict[str, float] = {}
    for proposal in proposals:
        for operation in proposal.change_set.operations:
            known = objects.get(operation.dn)
            live = (known.live or {}).get(operation.attribute) if known else None
            if known and operation.attribute in TILTS and _is_number(live):
                found |= dict.fromkeys(known.cell_dns, float(live) / 10.0)  # type: ignore[arg-type]
    return found


def cell_changes(change_set: ChangeSet, objects: Mapping[str, ObjectFacts]) -> list[CellChange]:
    """Return what a change set does to cells while it acts.

    Raises:
        InputError: an operation does to no known cell what the twin can compute, or writes an
            administrative state and is no part of a restart.
    """
    operations = change_set.operations
    for one in operations:
        if one.attribute == ADMINISTRATIVE_STATE and not is_restart(one.dn, operations):
            raise cannot_tell(one)
    cells = {dn: known.cell_dns for dn, known in objects.items()}
    return changes_of_cells(change_set, lambda dn: cells.get(dn, ()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prediction(told: WhatIf) -> Prediction:
    cells = {
        dn: PredictedCell(
            outlook.uncovered_share_before,
            outlook.uncovered_share_after,
            outlook.load_before_pct,
            outlook.load_after_pct,
        )
        for dn, outlook in told.cells.items()
    }
    return Prediction(cells, told.users_interrupted, told.users_uncovered)
