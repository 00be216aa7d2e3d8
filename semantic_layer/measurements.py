"""Measurements: what a network function counts (TS 28.552, TS 32.425), as definitions.

Definitions only; which files carry them, and under which vendor's names, is told by `vendors`.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict

from semantic_layer.managed_objects import ObjectClass, Technology
from semantic_layer.units import Unit, parse_unit

UnitText = Annotated[str, BeforeValidator(lambda value: str(value) if value == 1 else value)]
"""A unit as written; YAML reads a bare 1 as a number."""

OBSERVED_TIME = "observed_time"
"""The built-in measurement of every row: the seconds it covers."""


class Measurement(BaseModel):
    """One measurement.

    Attributes:
        name: ours; unique.
        title: for people.
        standard_name: as in the standard, such as `RRU.PrbTotDl`.
        aliases: other names under which standard files carry the same measurement.
        technology: NR, LTE, 5GC, transport, or any.
        object_class: the class that reports it.
        unit: as the catalogue stores it.
        aggregation: how periods combine: `sum` adds; `mean` is weighted by time; `max`.
        shape: a number, or a vector (one number a bin).
        derived_from: the vector measurement it is computed from.
        reduce: how: `sum` of all bins, or `index_sum`, bins weighted by their index.
        low, high: inclusive bounds of a plausible value.
        source: document, and clause where confirmed.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    title: str
    standard_name: str
    aliases: tuple[str, ...] = ()
    technology: Technology
    object_class: str
    unit: UnitText
    aggregation: Literal["sum", "mean", "max"] = "sum"
    shape: Literal["scalar", "vector"] = "scalar"
    derived_from: str | None = None
    reduce: Literal["sum", "index_sum"] | None = None
    low: float | None = None
    high: float | None = None
    source: str
    description: str

    @cached_property
    def parsed_unit(self) -> Unit:
        """The unit, parsed."""
        return parse_unit(self.unit)

    @cached_property
    def column(self) -> str:
        """Its column in every table."""
        return self.parsed_unit.column(self.name)


class Definitions(Protocol):
    """What computing KPIs asks of a catalogue."""

    @property
    def object_classes(self) -> Mapping[str, ObjectClass]:
        """Classes by name."""

    def measurement(self, name: str) -> Measurement:
        """Return a measurement by name."""


def signed(term: str) -> tuple[int, str]:
    """Return a term's sign and measurement name.

    >>> signed("-cell_unavailable_time")
    (-1, 'cell_unavailable_time')
    """
    return (-1, term[1:].strip()) if term.startswith("-") else (1, term)
