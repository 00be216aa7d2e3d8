"""Managed object classes: what may contain what, and which classes together make one cell row.

The classes themselves are data (`catalogue/managed_objects.yaml`). A class that is `counted_on`
another has its measurements on that class's row: a cell's CU and DU halves are one row.
"""

from collections.abc import Mapping
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from semantic_layer.identity import (
    SPELLINGS,
    ancestor,
    cell_dn_of,
    normalized_dn,
    object_class_of,
)

Technology = Literal["NR", "LTE", "5GC", "transport", "any"]
"""What a definition belongs to: a radio technology, the 5G core, transport, or all of them."""


class ObjectClass(BaseModel):
    """A class of managed objects, spelled as in the standard.

    Attributes:
        name: such as `NRCellDU`.
        contained_by: the classes that may name-contain it; empty for a root.
        technology: NR, LTE, 5GC, transport, or any.
        is_cell: its instances are cells, one row each.
        counted_on: the class on whose row its measurements stand; itself when None.
        also_spelled: other spellings seen in files.
        source: document, and clause where confirmed.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    contained_by: tuple[str, ...] = ()
    technology: Technology = "any"
    is_cell: bool = False
    counted_on: str | None = None
    also_spelled: tuple[str, ...] = ()
    source: str
    description: str

    @property
    def row_class(self) -> str:
        """The class on whose row its measurements stand."""
        return self.counted_on or self.name


def is_within(name: str, ancestor: str, classes: Mapping[str, ObjectClass]) -> bool:
    """Tell whether objects of class `name` are, or may lie below, objects of class `ancestor`."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current == ancestor:
            return True
        if current in classes and current not in seen:
            seen.add(current)
            waiting.extend(classes[current].contained_by)
    return False


def row_dn(dn: str, classes: Mapping[str, ObjectClass]) -> str:
    """Return the DN of the row on which an object's measurements stand.

    A cell's halves share the cell's row; an object counted on one above it takes that one's.

    Raises:
        InputError: the DN cannot be read.
    """
    cell = cell_dn_of(dn)
    if cell is not None:
        return cell
    known = classes.get(object_class_of(dn))
    above = ancestor(dn, known.counted_on) if known is not None and known.counted_on else None
    return normalized_dn(above or dn)


def is_row_dn(column: str, classes: Mapping[str, ObjectClass]) -> pl.Expr:
    r"""Return whether a DN, plainly written, is that of its own row; false says nothing of it.

    It spares asking `row_dn` one by one for what needs no change.
    """
    moved = {"NRCellCU"} | {name for name, known in classes.items() if known.counted_on}
    moved |= {spelling for known in classes.values() for spelling in known.also_spelled}
    named = "|".join(sorted(moved | set(SPELLINGS)))
    step = r"[A-Za-z]\w*=[\w.:/-]+"
    is_plain = pl.col(column).str.contains(rf"^{step}(?:,{step})*$")
    return is_plain & ~pl.col(column).str.contains(rf"(?:^|,)(?:{named})=")
