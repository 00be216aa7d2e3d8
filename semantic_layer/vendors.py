"""Vendor maps: which counters of a vendor's file give which measurements, in which unit.

A map is read once, at ingestion; vendor names appear nowhere behind it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.measurements import UnitText, signed

Counted = float | Sequence[float] | None
"""What a file says of one counter: a number, a vector, or nothing."""


class CounterMapping(BaseModel):
    """One measurement from a vendor's counters.

    The value is the sum of `counters` times `factor`, divided by `divided_by` where given
    (a sum of samples and its number of samples make a mean).

    Attributes:
        measurement: the catalogue's name.
        object_class: the class, in standard spelling, whose objects carry the counters.
        counters: counters that are added (a leading `-` subtracts); vectors bin by bin.
        divided_by: the counter of samples.
        unit: of the counters (of the mean, when divided).
        layout: `plain`, or `pairs`: a count of pairs, then index and value of each.
        factor: from `unit` to the measurement's unit; worked out by the loader.
        description: why these counters are that measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measurement: str
    object_class: str
    counters: tuple[str, ...] = Field(min_length=1)
    divided_by: str | None = None
    unit: UnitText
    layout: Literal["plain", "pairs"] = "plain"
    factor: float = 1.0
    description: str

    def value(self, counted: Mapping[str, Counted]) -> float | None:
        """Return the measurement from counter values; None when any part is absent.

        A mean over zero samples is no data, and so is a vector where a number is due.
        """
        total = 0.0
        for sign, name in self.terms:
            part = self._number(counted.get(name))
            if part is None:
                return None
            total += sign * part
        total *= self.factor
        if self.divided_by is None:
            return total
        samples = self._number(counted.get(self.divided_by))
        return total / samples if samples else None

    def vector(self, counted: Mapping[str, Counted]) -> list[float] | None:
        """Return the bins added over all counters; None when one is absent or lengths differ."""
        parts = []
        for sign, name in self.terms:
            part = counted.get(name)
            if not isinstance(part, Sequence):
                return None
            parts.append([sign * self.factor * item for item in part])
        if len({len(part) for part in parts}) != 1:
            return None
        return [sum(bins) for bins in zip(*parts, strict=True)]

    @cached_property
    def terms(self) -> tuple[tuple[int, str], ...]:
        """Each counter with its sign."""
        return tuple(signed(counter) for counter in self.counters)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Every counter it needs."""
        names = tuple(name for _, name in self.terms)
        return (*names, self.divided_by) if self.divided_by else names

    def _number(self, counted: Counted) -> float | None:
        if self.layout == "pairs" and counted is not None:
            return _sum_of_pairs(counted)
        return None if isinstance(counted, Sequence) else counted


class VendorMap(BaseModel):
    """The counters of one vendor's network element.

    Attributes:
        name: ours; unique.
        title: for people.
        vendor_names: values of a file header's `vendorName` that it serves.
        source: where the correspondence was learned.
        description: one sentence.
        mappings: one a measurement and class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    vendor_names: tuple[str, ...] = Field(min_length=1)
    source: str
    description: str
    mappings: tuple[CounterMapping, ...]

    @cached_property
    def by_class(self) -> Mapping[str, tuple[CounterMapping, ...]]:
        """The mappings of each object class."""
        names = dict.fromkeys(mapping.object_class for mapping in self.mappings)
        return {
            name: tuple(mapping for mapping in self.mappings if mapping.object_class == name)
            for name in names
        }

    def counters(self, object_class: str) -> frozenset[str]:
        """Return every counter that the map reads from objects of a class."""
        return frozenset(
            counter for mapping in self.by_class.get(object_class, ()) for counter in mapping.reads
        )


def _sum_of_pairs(counted: float | Sequence[float]) -> float | None:
    values = list(counted) if isinstance(counted, Sequence) else [counted]
    if not values or len(values) != 1 + 2 * values[0]:
        return None
    return float(sum(values[2::2]))
