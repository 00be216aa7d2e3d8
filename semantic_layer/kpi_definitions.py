"""KPIs as definitions: two sums of measurements, a unit, and what is good."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.managed_objects import Technology
from semantic_layer.measurements import UnitText, signed
from semantic_layer.units import Unit, parse_unit

DEFAULT_PROFILE = "default"


class Kpi(BaseModel):
    """One key performance indicator.

    Attributes:
        name: ours; unique.
        title: for people.
        category: what it tells of the service.
        technology: NR, LTE, 5GC, transport, or any.
        object_class: the class whose rows it describes.
        numerator, denominator: measurements that are added; a leading `-` subtracts.
        unit: of the quotient.
        better: which way is good; `neither` for loads and volumes.
        low, high: inclusive bounds of a plausible value.
        thresholds: profile to `warning` and `critical`.
        is_scored: whether a detector should look at it.
        factor: from the quotient of sums to `unit`; worked out by the loader.
        source: document, and clause where confirmed.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    title: str
    category: Literal[
        "accessibility",
        "retainability",
        "mobility",
        "integrity",
        "utilization",
        "availability",
        "energy_efficiency",
        "synchronization",
    ]
    technology: Technology
    object_class: str
    numerator: tuple[str, ...] = Field(min_length=1)
    denominator: tuple[str, ...] = Field(min_length=1)
    unit: UnitText
    better: Literal["higher", "lower", "neither"]
    low: float | None = None
    high: float | None = None
    thresholds: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    is_scored: bool
    factor: float = 1.0
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

    @property
    def terms(self) -> tuple[tuple[int, str], ...]:
        """Every term of both sums: sign and measurement name."""
        return tuple(signed(term) for term in self.numerator + self.denominator)

    def threshold(self, profile: str, severity: Literal["warning", "critical"]) -> float | None:
        """Return a limit of a profile, of `default` where the profile has none of its own."""
        limits = self.thresholds.get(profile) or self.thresholds.get(DEFAULT_PROFILE) or {}
        return limits.get(severity)
