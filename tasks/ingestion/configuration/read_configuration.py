"""What a document of configuration says: objects and their attributes, and what it covers.

Readers hand over objects one by one; here their rows gather, doubles are found, and the subtrees
that the document tells whole are told apart from what it merely mentions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import polars as pl

from data_products.network_configuration.derive import EXISTENCE
from semantic_layer.errors import InputError
from semantic_layer.identity import format_dn, normalized_dn, object_class_of
from tasks.ingestion.configuration.object_values import flattened
from tasks.ingestion.delivered_bytes import UnreadableFileError

Purpose = Literal["actual", "planned"]

LONGEST_VALUE = 1 << 16
"""Longest text of one value that is kept, in characters."""

MOST_OBJECTS = 5_000_000
_MOST_REMARKS = 1_000
_SPELLINGS = {"mecontext": "MeContext"}
_CONTAINERS = ("SubNetwork",)
_DN, _ATTRIBUTE, _VALUE = "managed_object_dn", "attribute", "value"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in a document that cannot be used: where, about which object, why, and what."""

    place: str
    key: str
    reason: str
    content: str = ""


@dataclass(frozen=True)
class ReadConfiguration:
    """What one document says.

    Attributes:
        taken_at: when it was so; None when the document does not say.
        purpose: whether it is so, or is to be so.
        rows: managed_object_dn, attribute, value; each object has `objectClass`.
        looks: root_dn, is_whole, objects_count, attributes_count.
        remarks: what could not be used.
    """

    taken_at: datetime | None
    purpose: Purpose
    rows: pl.DataFrame
    looks: pl.DataFrame
    remarks: Sequence[Remark]


@dataclass
class ObjectCollector:
    """Gathers the objects of one document."""

    remarks: list[Remark] = field(default_factory=list)
    remarks_beyond: int = 0
    _dns: list[str] = field(default_factory=list)
    _attributes: list[str] = field(default_factory=list)
    _values: list[str | None] = field(default_factory=list)
    _dns_told: dict[str, None] = field(default_factory=dict)
    _broken: list[str] = field(default_factory=list)

    def remark(self, place: str, key: str, reason: str, content: object = "") -> None:
        """Keep what cannot be used, as far as memory allows; the rest is counted."""
        if len(self.remarks) < _MOST_REMARKS:
            self.remarks.append(Remark(place, key, reason, str(content)[:2_000]))
        else:
            self.remarks_beyond += 1

    def lacks(self, dn: str) -> None:
        """Take note that something below an object could not be read: the rest is not whole."""
        self._broken.append(dn)

    def add(self, dn: str, object_class: str) -> None:
        """Add an object; its attributes follow.

        Raises:
            UnreadableFileError: there are too many.
        """
        if len(self._dns_told) >= MOST_OBJECTS:
            raise UnreadableFileError(f"The file holds more than {MOST_OBJECTS:,} objects.")
        if dn in self._dns_told:
            self.remark("", dn, "The object stands twice; what both say is put together.")
        self._dns_told[dn] = None
        self._keep(dn, EXISTENCE, object_class)

    def tell(self, dn: str, name: str, value: object, place: str) -> None:
        """Add an attribute of an object that was added, flattened."""
        if not name or name == EXISTENCE:
            self.remark(place, dn, f"An attribute cannot be called {name!r}.", value)
            return
        for path, text in flattened(value, name):
            kept = text
            if text is not None and len(text) > LONGEST_VALUE:
                self.remark(
                    place, dn, f"{path} has {len(text):,} characters; {LONGEST_VALUE:,} are kept."
                )
                kept = text[:LONGEST_VALUE]
            self._keep(dn, path, kept)

    def finished(
        self, taken_at: datetime | None, purpose: Purpose, declared: Iterable[str] = ()
    ) -> ReadConfiguration:
        """Return what was gathered.

        Args:
            taken_at: when it was so.
            purpose: of the document.
            declared: DNs whose whole subtrees the document says that it tells.
        """
        rows = pl.DataFrame(
            {_DN: self._dns, _ATTRIBUTE: self._attributes, _VALUE: self._values},
            schema={_DN: pl.String, _ATTRIBUTE: pl.String, _VALUE: pl.String},
        )
        rows = self._single(rows)
        looks = self._looks(rows, tuple(declared))
        if self.remarks_beyond:
            beyond = f"{self.remarks_beyond} more things cannot be used; these are the first."
            self.remarks.append(Remark("", "", beyond))
        return ReadConfiguration(taken_at, purpose, rows, looks, tuple(self.remarks))

    def _keep(self, dn: str, attribute: str, value: str | None) -> None:
        self._dns.append(dn)
        self._attributes.append(attribute)
        self._values.append(value)

    def _single(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with one value an attribute: the later one, where a document says two."""
        if not rows.select(_DN, _ATTRIBUTE).is_duplicated().any():
            return rows
        said = rows.group_by(_DN, _ATTRIBUTE, maintain_order=True).agg(
            pl.col(_VALUE).unique(maintain_order=True)
        )
        for dn, attribute, values in said.filter(pl.col(_VALUE).list.len() > 1).iter_rows():
            reason = f"{attribute} has {len(values)} values; the last one counts."
            self.remark("", dn, reason, values)
        return rows.unique([_DN, _ATTRIBUTE], keep="last", maintain_order=True)

    def _looks(self, rows: pl.DataFrame, declared: tuple[str, ...]) -> pl.DataFrame:
        broken = {root_of(dn)[0] for dn in self._broken}
        if broken:
            declared = ()
        found = {dn: _root(dn, declared, broken) for dn in self._dns_told}
        told = pl.DataFrame(
            [(dn, *root) for dn, root in found.items()],
            schema={_DN: pl.String, "root_dn": pl.String, "is_whole": pl.Boolean},
            orient="row",
        )
        counted = rows.group_by(_DN).agg((pl.col(_ATTRIBUTE) != EXISTENCE).sum().alias("\tcount"))
        looks = (
            told.join(counted, on=_DN)
            .group_by("root_dn", "is_whole", maintain_order=True)
            .agg(
                pl.len().cast(pl.Int64).alias("objects_count"),
                pl.col("\tcount").sum().cast(pl.Int64).alias("attributes_count"),
            )
        )
        empty = [root for root in declared if root not in set(looks["root_dn"])]
        nothing = pl.DataFrame(
            {
                "root_dn": empty,
                "is_whole": [True] * len(empty),
                "objects_count": [0] * len(empty),
                "attributes_count": [0] * len(empty),
            },
            schema=looks.schema,
        )
        return pl.concat([looks, nothing])


def root_of(dn: str) -> tuple[str, bool]:
    """Return the subtree that an object belongs to, and whether a document tells it whole.

    A document that holds a managed element, or another object right below the sub-networks,
    tells all of it; a sub-network is told alone, since dumps list parts of it.

    >>> root_of("SubNetwork=1,ManagedElement=7,GNBDUFunction=1")
    ('SubNetwork=1,ManagedElement=7', True)
    >>> root_of("SubNetwork=1")
    ('SubNetwork=1', False)
    """
    steps = _steps(dn)
    for count, step in enumerate(steps, 1):
        object_class = step.partition("=")[0]
        if object_class not in _CONTAINERS:
            # A MeContext is but the frame of one managed element.
            return ",".join(steps[:count]), True
    return dn, False


def object_dn(above: str, object_class: str, value: str) -> tuple[str, str]:
    """Return the DN and class, in standard spelling, of an object below another.

    Raises:
        InputError: the class or the value cannot stand in a DN.
    """
    if not value.strip():
        raise InputError(f"A {object_class} has no id.")
    known = _class_of(object_class)
    step = format_dn([(known, value.strip())])
    return (f"{above},{step}" if above else step), known


def object_named(dn: str) -> tuple[str, str]:
    """Return a whole DN and its class, both in standard spelling.

    Raises:
        InputError: it is no DN.
    """
    plain = normalized_dn(dn)
    return plain, object_class_of(plain)


def moment_of(text: object) -> datetime | None:
    """Return the time that a text says, in UTC; one without a zone is taken as UTC."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 1980 <= found.year < 2200 else None


@lru_cache(maxsize=4096)
def _class_of(object_class: str) -> str:
    spelled = _SPELLINGS.get(object_class.strip().lower(), object_class.strip())
    if not spelled or any(character in spelled for character in ',=\\+"<>;') or len(spelled) > 200:
        raise InputError(f"{object_class[:200]!r} cannot be the class of an object.")
    return object_class_of(f"{spelled}=1")


def _root(dn: str, declared: tuple[str, ...], broken: set[str]) -> tuple[str, bool]:
    for root in declared:
        if dn == root or dn.startswith(f"{root},"):
            return root, True
    root, is_whole = root_of(dn)
    return (dn, False) if root in broken else (root, is_whole)


def _steps(dn: str) -> list[str]:
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
    return [*steps, current]
