"""The calendar that load follows: local time, public holidays, and events known beforehand.

Definitions with an owner, in energy_calendar.yaml; an operator's own file takes the packaged one's
place.
"""

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_calendar.yaml"


class CalendarDay(BaseModel):
    """A day on which people live as on another day of the week.

    Attributes:
        date: by local time.
        name: what people call it.
        like: the kind of day that it resembles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    name: str = Field(min_length=1)
    like: Literal["WORKDAY", "SATURDAY", "SUNDAY"] = "SUNDAY"


class Surroundings(BaseModel):
    """A circle on the ground.

    Attributes:
        latitude_deg, longitude_deg: of its center.
        radius_km: how far it reaches.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    radius_km: float = Field(gt=0)


class CalendarEvent(BaseModel):
    """What is known beforehand to move load somewhere.

    Attributes:
        name: what people call it.
        site_ids, cell_dns, near: where; at least one of them is told, and all that are count.
        begins, ends: when, with a time zone, half open.
        load_factor: load is expected to be multiplied by this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    site_ids: tuple[str, ...] = ()
    cell_dns: tuple[str, ...] = ()
    near: Surroundings | None = None
    begins: datetime
    ends: datetime
    load_factor: float = Field(gt=0, le=100)

    @model_validator(mode="after")
    def _is_somewhere_and_sometime(self) -> "CalendarEvent":
        if not self.site_ids and not self.cell_dns and self.near is None:
            raise ValueError(f"event {self.name!r} names no site, no cell and no surroundings")
        if self.begins.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError(f"event {self.name!r} needs times with a zone")
        if self.begins >= self.ends:
            raise ValueError(f"event {self.name!r} ends before it begins")
        return self


class EnergyCalendar(BaseModel):
    """The calendar; each part is described where it is set, in energy_calendar.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str
    days: tuple[CalendarDay, ...]
    events: tuple[CalendarEvent, ...]

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as error:
            raise ValueError(f"no time zone {name!r}; write it as Europe/Berlin") from error
        return name

    @field_validator("days")
    @classmethod
    def _stand_once(cls, days: tuple[CalendarDay, ...]) -> tuple[CalendarDay, ...]:
        if len({day.date for day in days}) != len(days):
            raise ValueError("a date stands twice; each day is like one kind of day")
        return days


@cache
def energy_calendar() -> EnergyCalendar:
    """Return the packaged calendar."""
    return load_energy_calendar(PACKAGED)


def load_energy_calendar(path: Path) -> EnergyCalendar:
    """Return the calendar in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or an event is nowhere.
    """
    return load_rules(path, EnergyCalendar, "the energy calendar")
