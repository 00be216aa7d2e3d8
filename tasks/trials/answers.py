"""What models are asked to answer in trials: one schema a kind of work."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Goal = Literal[
    "save_energy",
    "raise_throughput",
    "reduce_drops",
    "improve_coverage",
    "balance_load",
    "restore_service",
    "protect_service",
    "explain_problem",
    "unclear",
]
Scope = Literal["cell", "site", "area", "network", "unclear"]
Quantity = Literal[
    "load_pct",
    "throughput_mbps",
    "drop_rate_pct",
    "latency_ms",
    "energy_pct",
    "availability_pct",
    "cell_count",
]
Bound = Literal["at_most", "at_least"]
Hour = Annotated[int, Field(ge=0, le=24)]

UNCLEAR: Goal = "unclear"
"""The right goal where a message holds none, or one that cannot be."""


class _Answer(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )

    @classmethod
    def asked_schema(cls) -> dict[str, Any]:
        """Return the schema that models are told: every field is named, also where it is empty."""
        return cls.model_json_schema(mode="serialization")


class Limit(_Answer):
    """A number that an operator sets: so much at most, or at least."""

    quantity: Quantity
    bound: Bound
    value: float


class Intent(_Answer):
    """An operator's goal.

    Attributes:
        scope: what it is about; `unclear` where nothing is said.
        place: number or name of the cell, site or area as written; empty for the whole network.
        limits: numbers that must hold.
        from_hour: where hours of the day are said, the first one; to_hour ends it.
    """

    goal: Goal
    scope: Scope
    place: str = Field("", max_length=60)
    limits: tuple[Limit, ...] = Field((), max_length=4)
    from_hour: Hour | None = None
    to_hour: Hour | None = None
