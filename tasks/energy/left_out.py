"""Cells that a plan wants to save and that nobody can tell how: left awake, and said so."""

from collections.abc import Iterable, Mapping

from tasks.energy.wanted import ACTIVE, Wanted
from tasks.messages.change_sets import ManagedObject
from tasks.twin.sleep_modes import MODE, SAVING_FUNCTION, SWITCH

_MOST_TOLD = 8
_NO_FUNCTION = (
    f"have no {SAVING_FUNCTION} that is switched on; they stay awake until their element has one, "
    f"with {SWITCH} true."
)
_NO_MODES = (
    "know the standard's saving alone, by which they would leave the air whatever is planned; they "
    f"stay awake. Told how to save are elements, or a mediator before them, that implement {MODE} "
    "as anops-energy-saving.yang has it."
)


def cannot_save(cells: Iterable[str], functions: Mapping[str, ManagedObject]) -> dict[str, str]:
    """Return why cells cannot be told how to save, by cell; those that can are not in it.

    The standard's saving function knows whether a cell saves, not how: told to, the cell leaves the
    air as a whole. A plan that rests on modes is not carried out by that, so such cells are left
    awake; to take them for deep sleepers would be another plan.

    Args:
        cells: of the network, or of a plan.
        functions: saving functions by cell, as the network tells them now.
    """
    found = {}
    for cell in cells:
        function = functions.get(cell)
        if function is None:
            found[cell] = _NO_FUNCTION
        elif MODE not in function.attributes:
            found[cell] = _NO_MODES
    return found


def left_out(wanted: Mapping[str, Wanted], functions: Mapping[str, ManagedObject]) -> list[str]:
    """Return a sentence for each reason why cells that a plan wants to save are not proposed.

    Args:
        wanted: by cell, as the plan has it now.
        functions: saving functions by cell, as the network tells them now.
    """
    planned = sorted(cell for cell, one in wanted.items() if one.mode != ACTIVE)
    reasons: dict[str, list[str]] = {}
    for cell, reason in cannot_save(planned, functions).items():
        reasons.setdefault(reason, []).append(cell)
    return [
        f"{len(named)} of {len(planned)} cells that the plan wants to save {reason} Such as "
        f"{', '.join(named[:_MOST_TOLD])}."
        for reason, named in sorted(reasons.items())
    ]
