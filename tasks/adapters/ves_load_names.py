"""Names of measured cells: the element's DN and the object's below it, joined.

A nation repeats few names below its elements, and each element's many times: both are read once.
"""

from typing import NamedTuple

from semantic_layer.identity import (
    CELL_CLASSES,
    cell_dn_of,
    joined_dn,
    normalized_dn,
    object_class_of,
    parse_dn,
)


class NamedCell(NamedTuple):
    """DN of a cell's row, and its class."""

    dn: str
    object_class: str


class _Part(NamedTuple):
    """One of the two parts of a name, its classes in standard spelling."""

    dn: str
    classes: frozenset[str]
    first_class: str
    last_class: str


class CellNames:
    """Joins names of cells; what it has read, it keeps as long as it lives."""

    def __init__(self) -> None:
        self._elements: dict[str, _Part] = {}
        self._locals: dict[str, _Part] = {}

    def named(self, element: str, local: str) -> NamedCell | None:
        """Return the cell that an element's DN and one below it name; None for what is no cell.

        Args:
            element: DN, or bare name, of the managed element; may be empty.
            local: DN below it, or a whole one.

        Raises:
            InputError: they are no DN.
        """
        above, below = self._elements.get(element), self._locals.get(local)
        if above is None or below is None:
            above = self._elements[element] = _part(joined_dn("", element, "") or local)
            below = self._locals[local] = _part(local)
        is_apart = bool(element) and below.first_class not in above.classes
        # What the two share is told once; the CU half of a cell takes the DU's name.
        if not is_apart or below.last_class not in CELL_CLASSES:
            dn = cell_dn_of(joined_dn("", element, local))
            return None if dn is None else NamedCell(dn, object_class_of(dn))
        return NamedCell(f"{above.dn},{below.dn}", below.last_class)


def _part(dn: str) -> _Part:
    plain = normalized_dn(dn)
    classes = [step.object_class for step in parse_dn(plain)]
    return _Part(plain, frozenset(classes), classes[0], classes[-1])
