r"""Names of managed objects: distinguished names (DNs), root first, as TS 32.300 writes them.

`SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3`. A comma, backslash or other special
character inside a value is escaped by a backslash, or written as a backslash and two hexadecimal
digits a byte (RFC 4514). Every function on one DN has a twin on a Polars column.

One cell is one row: the CU half of a cell takes the name of its DU half, which has the same
managed element, function id and cell id.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from semantic_layer.errors import InputError

CELL_CLASSES = ("NRCellDU", "EUtranCellFDD", "EUtranCellTDD")
"""Classes whose instances are cells, one row each."""

MANAGED_ELEMENT = "ManagedElement"
_SPECIAL = ',+"\\<>;='
_HALVES = {"NRCellCU": "NRCellDU", "GNBCUCPFunction": "GNBDUFunction"}
SPELLINGS = {"ENodeBFunction": "ENBFunction", "eNBFunction": "ENBFunction"}
"""Spellings seen in files, and the standard's."""

# A value is escaped pairs and plain characters; a class holds neither '=' nor ','.
_VALUE = r"(?:\\.|[^,\\])*"
_RDN = rf"[^,=\\]+={_VALUE}"
_ABOVE = rf"(?:{_RDN},)*"


class Rdn(NamedTuple):
    """One step of a DN: an object class and the value that names the object in its parent."""

    object_class: str
    value: str


def parse_dn(dn: str) -> tuple[Rdn, ...]:
    r"""Return the steps of a DN, root first, values unescaped.

    >>> parse_dn(r"ManagedElement=Lille\, Nord,NRCellDU=3")[0].value
    'Lille, Nord'

    Raises:
        InputError: a step is no `Class=value`, its class is escaped, or an escape is cut off.
    """
    steps = []
    for text in _split(dn):
        object_class, mark, value = text.partition("=")
        if not mark or not object_class.strip() or "\\" in object_class or not value:
            raise InputError(
                f"DN {dn!r} has the step {text!r}; each step reads Class=value, joined by commas."
            )
        steps.append(Rdn(object_class.strip(), _unescaped(value, dn)))
    return tuple(steps)


def format_dn(steps: Iterable[tuple[str, str]]) -> str:
    r"""Return the DN of steps, root first, values escaped.

    >>> format_dn([("ManagedElement", "Lille, Nord"), ("NRCellDU", "3")])
    'ManagedElement=Lille\\, Nord,NRCellDU=3'
    """
    return ",".join(f"{object_class}={_escaped(value)}" for object_class, value in steps)


def network_root(dn: str) -> str:
    """Return what a network's elements hang from: all above the managed element, or the first step.

    >>> network_root("SubNetwork=1,SubNetwork=2,ManagedElement=7,GNBDUFunction=1")
    'SubNetwork=1,SubNetwork=2'
    >>> network_root("ManagedElement=7,GNBDUFunction=1")
    'ManagedElement=7'
    """
    steps = _split(dn)
    above = [place for place, step in enumerate(steps) if step.startswith(f"{MANAGED_ELEMENT}=")]
    return ",".join(steps[: above[0]]) if above and above[0] else steps[0]


def joined_dn(prefix: str, element: str, local: str) -> str:
    """Return the full DN of a measured object from the three parts that a file gives.

    Files differ: the object's local DN may begin at the element or below it, and the element's
    may be a bare name. A part that the next one repeats is taken once.

    Args:
        prefix: the file header's `dnPrefix`; may be empty.
        element: the managed element's `localDn`; may be empty.
        local: the object's `measObjLdn`.

    >>> joined_dn("SubNetwork=G3", "node7", "ManagedElement=node7,GNBDUFunction=1")
    'SubNetwork=G3,ManagedElement=node7,GNBDUFunction=1'
    >>> joined_dn("", "ManagedElement=7", "GNBDUFunction=1,NRCellDU=3")
    'ManagedElement=7,GNBDUFunction=1,NRCellDU=3'

    Raises:
        InputError: a part is no DN.
    """
    steps = _rooted(parse_dn(prefix) if prefix.strip() else (), _element_steps(element))
    return format_dn(_rooted(steps, parse_dn(local) if local.strip() else ()))


def parent(dn: str) -> str | None:
    """Return the DN of the object that contains this one; None at the root."""
    steps = parse_dn(dn)
    return format_dn(steps[:-1]) if len(steps) > 1 else None


def ancestor(dn: str, object_class: str) -> str | None:
    """Return the DN of the nearest object of a class, the object itself included.

    >>> ancestor("SubNetwork=1,ManagedElement=7,GNBDUFunction=1", "ManagedElement")
    'SubNetwork=1,ManagedElement=7'
    """
    steps = parse_dn(dn)
    for count in range(len(steps), 0, -1):
        if steps[count - 1].object_class == object_class:
            return format_dn(steps[:count])
    return None


def object_class_of(dn: str) -> str:
    """Return the class of the named object, in standard spelling."""
    object_class = parse_dn(dn)[-1].object_class
    return SPELLINGS.get(object_class, object_class)


def normalized_dn(dn: str) -> str:
    """Return the DN with classes in standard spelling and plain escapes.

    >>> normalized_dn("ManagedElement=7,ENodeBFunction=1,EUtranCellFDD=2")
    'ManagedElement=7,ENBFunction=1,EUtranCellFDD=2'
    """
    return format_dn(
        (SPELLINGS.get(object_class, object_class), value) for object_class, value in parse_dn(dn)
    )


def managed_element_dn(dn: str) -> str | None:
    """Return the DN of the managed element that holds the object; None when it names none."""
    return ancestor(dn, MANAGED_ELEMENT)


def cell_dn_of(dn: str) -> str | None:
    """Return the DN of the cell's row; None when the object is no cell.

    Relations, beams and other objects below a cell are no cells: adding their counters to the
    cell's would count twice.

    >>> cell_dn_of("ManagedElement=7,GNBCUCPFunction=1,NRCellCU=3")
    'ManagedElement=7,GNBDUFunction=1,NRCellDU=3'
    >>> cell_dn_of("ManagedElement=7,GNBCUCPFunction=1,NRCellCU=3,NRCellRelation=1") is None
    True
    """
    steps = parse_dn(dn)
    if steps[-1].object_class == "NRCellCU":
        steps = tuple(Rdn(_HALVES.get(name, name), value) for name, value in steps)
    elif steps[-1].object_class not in CELL_CLASSES:
        return None
    return format_dn(Rdn(SPELLINGS.get(name, name), value) for name, value in steps)


def cell_dn_expression(column: str) -> pl.Expr:
    """Return `cell_dn_of` on a column of normalized DNs; text that is no DN gives null."""
    cells = "|".join((*CELL_CLASSES, "NRCellCU"))
    is_cell = pl.col(column).str.contains(rf"^{_ABOVE}(?:{cells})={_VALUE}$")
    is_half = pl.col(column).str.contains(rf"^{_ABOVE}NRCellCU={_VALUE}$")
    whole = pl.when(is_half).then(_renamed(pl.col(column), _HALVES)).otherwise(pl.col(column))
    return pl.when(is_cell).then(_renamed(whole, SPELLINGS))


def managed_element_expression(column: str) -> pl.Expr:
    """Return `managed_element_dn` on a column of normalized DNs."""
    return ancestor_expression(column, MANAGED_ELEMENT)


def ancestor_expression(column: str, object_class: str) -> pl.Expr:
    """Return `ancestor` on a column of normalized DNs."""
    wanted = re.escape(object_class)
    return pl.col(column).str.extract(rf"^({_ABOVE}{wanted}={_VALUE})(?:,{_RDN})*$", 1)


def object_class_expression(column: str) -> pl.Expr:
    """Return `object_class_of` on a column of normalized DNs."""
    last = pl.col(column).str.extract(rf"^{_ABOVE}([^,=\\]+)={_VALUE}$", 1)
    return last.replace(list(SPELLINGS), list(SPELLINGS.values()))


def _renamed(dns: pl.Expr, names: dict[str, str]) -> pl.Expr:
    for old, new in names.items():
        # Only a class name stands at the start or after a comma that is not escaped.
        dns = dns.str.replace_all(rf"(^|[^\\](?:\\\\)*,){old}=", f"${{1}}{new}=")
    return dns


def _split(dn: str) -> list[str]:
    if not dn.strip():
        raise InputError("A DN is empty; it names at least one object, as ManagedElement=7.")
    if "\\" not in dn:
        return dn.split(",")
    steps, current, is_escaped = [], "", False
    for character in dn:
        if character == "," and not is_escaped:
            steps.append(current)
            current = ""
            continue
        is_escaped = character == "\\" and not is_escaped
        current += character
    if is_escaped:
        raise InputError(f"DN {dn!r} ends within an escape; a backslash escapes what follows.")
    return [*steps, current]


def _unescaped(value: str, dn: str) -> str:
    if "\\" not in value:
        return value

    def plain(found: re.Match[str]) -> str:
        if found["hex"]:
            return bytes.fromhex(found["hex"].replace("\\", "")).decode()
        return found["one"]

    try:
        return re.sub(r"(?P<hex>(?:\\[0-9A-Fa-f]{2})+)|\\(?P<one>.)", plain, value, flags=re.DOTALL)
    except UnicodeDecodeError as error:
        raise InputError(f"DN {dn!r} has escaped bytes that are not UTF-8.") from error


def _escaped(value: str) -> str:
    if value.isalnum():
        return value
    text = "".join(f"\\{character}" if character in _SPECIAL else character for character in value)
    text = re.sub(r"[\x00-\x1f]", lambda found: f"\\{ord(found[0]):02x}", text)
    if text[:1] in ("#", " "):
        text = f"\\{text}"
    if text.endswith(" ") and not text.endswith("\\ "):
        text = f"{text[:-1]}\\ "
    return text


def _element_steps(element: str) -> tuple[Rdn, ...]:
    if not element.strip():
        return ()
    if "=" not in element:
        return (Rdn(MANAGED_ELEMENT, element.strip()),)
    return parse_dn(element)


def _rooted(above: tuple[Rdn, ...], below: tuple[Rdn, ...]) -> tuple[Rdn, ...]:
    """Return `above` followed by `below`, without what `below` repeats of it."""
    for start in range(len(above)):
        shared = above[start:]
        if below[: len(shared)] == shared:
            return above[:start] + below
    if above and below:
        names = [step.object_class for step in above]
        if below[0].object_class in names and below[0].object_class != "SubNetwork":
            return above[: names.index(below[0].object_class)] + below
    return above + below
