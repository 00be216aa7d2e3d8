"""Which cells save energy as the network says, and how those of a saving would."""

from collections.abc import Iterable, Mapping

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.identity import cell_dn_of, parent
from tasks.guardrails.change_forms import (
    ACTIVE,
    SAVE,
    SAVES_NOT,
    SAVING_CONTROL,
    SAVING_MODE,
    SAVING_STATE,
    entered_modes,
    is_off_air,
)
from tasks.guardrails.circumstances import ObjectFacts
from tasks.messages.change_sets import ManagedObject
from tasks.messages.proposals import ChangeProposal
from tasks.twin.what_if_sleep import Sleeper

_NOT_TOLD = "not told"


def asleep_cells(objects: Iterable[ManagedObject]) -> dict[str, str]:
    """Return the mode of each cell that saves energy, as its saving function says.

    A cell that is told to save, or says that it does, sleeps in the mode that it tells; in one that
    nobody knows where it does though its mode is none.
    """
    found = {}
    for one in objects:
        cell = _cell_of(one.dn)
        told = one.attributes
        is_told = told.get(SAVING_CONTROL) == SAVE and told.get(SAVING_MODE) != ACTIVE
        does = told.get(SAVING_STATE, SAVES_NOT) != SAVES_NOT
        if cell is not None and (is_told or does):
            mode = told.get(SAVING_MODE)
            found[cell] = _NOT_TOLD if mode in (None, ACTIVE) else str(mode)
    return found


def sleepers_of(
    proposal: ChangeProposal, objects: Mapping[str, ObjectFacts], rules: GuardrailRules
) -> list[Sleeper]:
    """Return the cells of a saving as they would sleep."""
    modes = entered_modes(proposal.change_set)
    return [
        sleeper(cell, mode, rules)
        for dn, mode in modes.items()
        for cell in (objects[dn].cell_dns if dn in objects else ())
    ]


def sleeper(cell_dn: str, mode: object, rules: GuardrailRules) -> Sleeper:
    """Return a cell in a mode; in one that no rule knows it counts as off the air."""
    known = rules.saving_mode(mode)
    if known is None or is_off_air(mode, rules):
        return Sleeper(cell_dn, is_off_air=True, capacity_share=0.0)
    return Sleeper(
        cell_dn, is_off_air=False, power_db=known.power_db, capacity_share=known.capacity_share
    )


def _cell_of(dn: str) -> str | None:
    """Return the cell below whose half a saving function stands."""
    above = parent(dn)
    return cell_dn_of(above) if above is not None else None
