"""Rules of energy goals: the words by which people say them, and what plans are compared by.

Definitions with an owner; each is described where it is set, in energy_goals.yaml.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_goals.yaml"

Direction = Literal[
    "north", "south", "west", "east", "north_west", "north_east", "south_west", "south_east"
]
Words = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NamedHours(_Part):
    """A time of the day that has a name.

    Attributes:
        words: that name it, in lower case.
        from_hour, until_hour: local hours, 0 to 24; over midnight where the first is later.
    """

    words: Words = Field(min_length=1)
    from_hour: float = Field(ge=0, le=24)
    until_hour: float = Field(ge=0, le=24)


class Promise(_Part):
    """How much more than the rules of planning ask for a plan promises to users.

    Attributes:
        name: of the promise.
        floor: times the throughput floor.
        reserve: times the share of capacity that a surge must find free.
        asleep: times the share of a community that may be off the air.
    """

    name: str = Field(pattern=r"^[a-z][a-z_]{2,20}$")
    floor: float = Field(ge=1, le=10)
    reserve: float = Field(ge=1, le=10)
    asleep: float = Field(gt=0, le=1)


class EnergyGoalRules(BaseModel):
    """The rules of energy goals, as energy_goals.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    near_m: float = Field(gt=0)
    time_zone: str
    most_text_chars: int = Field(gt=0, le=4000)
    standing_goal: str
    hours: Mapping[str, NamedHours]
    directions: Mapping[Direction, Words]
    archetypes: Mapping[str, Words]
    services: Mapping[str, Words]
    site_words: Words
    no_places: tuple[str, ...]
    promised_services: Words = Field(min_length=1)
    prepared_quantile: float = Field(gt=0.5, lt=1)
    promises: tuple[Promise, ...] = Field(min_length=1)
    solve_seconds: float = Field(gt=0)
    timely_minutes: float = Field(gt=0)
    retry_hours: float = Field(gt=0)
    rejected_hours: float = Field(gt=0)
    restless_hours: float = Field(ge=0)
    sites_a_run: int = Field(ge=1)
    expected_share: float = Field(gt=0, le=1)
    least_gain: float = Field(gt=0, lt=1)
    worst_loss: float = Field(gt=0)
    settle_periods: int = Field(ge=0)
    verify_periods: int = Field(ge=1)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone of the IANA database") from error
        return name

    @field_validator("hours")
    @classmethod
    def _knows_the_night(cls, hours: Mapping[str, NamedHours]) -> Mapping[str, NamedHours]:
        if "night" not in hours:
            raise ValueError("the hours need a 'night', which open ends of a time rest on")
        return hours

    @property
    def zone(self) -> ZoneInfo:
        """The zone of hours that people say."""
        return ZoneInfo(self.time_zone)


@cache
def energy_goals_rules() -> EnergyGoalRules:
    """Return the packaged rules of energy goals."""
    return load_energy_goals_rules(PACKAGED)


def load_energy_goals_rules(path: Path) -> EnergyGoalRules:
    """Return the rules of energy goals in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, EnergyGoalRules, "energy goals")
