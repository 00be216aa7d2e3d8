"""What must be spared: cells and sites that serve emergencies, hospitals and events.

Definitions with an owner, in protected.yaml; an operator's own file takes the packaged one's place.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "protected.yaml"


class ProtectedPlace(BaseModel):
    """Cells that a change may not touch, or only with more people.

    Attributes:
        name: what people call the place.
        service: what is protected there.
        rule: `never` bars every change; `no_interruption` those that cut users off; with
            `two_persons` two people must approve, whatever the level of autonomy.
        site_ids, cell_dns: where; a place names at least one of either.
        begins, ends: when, with a time zone, half open; always where left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    service: Literal["emergency", "hospital", "event", "other"]
    rule: Literal["never", "no_interruption", "two_persons"]
    site_ids: tuple[str, ...] = ()
    cell_dns: tuple[str, ...] = ()
    begins: datetime | None = None
    ends: datetime | None = None

    @model_validator(mode="after")
    def _is_somewhere_and_sometime(self) -> "ProtectedPlace":
        if not self.site_ids and not self.cell_dns:
            raise ValueError(f"protected place {self.name!r} names no site and no cell")
        times = [at for at in (self.begins, self.ends) if at is not None]
        if any(at.tzinfo is None for at in times):
            raise ValueError(f"protected place {self.name!r} needs times with a zone")
        if len(times) == 2 and times[0] >= times[1]:
            raise ValueError(f"protected place {self.name!r} ends before it begins")
        return self

    def holds_at(self, moment: datetime) -> bool:
        """Return whether the place is protected at a moment."""
        is_begun = self.begins is None or self.begins <= moment
        return is_begun and (self.ends is None or moment < self.ends)


class ProtectedPlaces(BaseModel):
    """The rules of protection; each is described where it is set, in protected.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    places: tuple[ProtectedPlace, ...]
    ahead_hours: float = Field(ge=0)


@cache
def protected_places() -> ProtectedPlaces:
    """Return the packaged protected places."""
    return load_protected_places(PACKAGED)


def load_protected_places(path: Path) -> ProtectedPlaces:
    """Return the protected places in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a place is nowhere.
    """
    return load_rules(path, ProtectedPlaces, "protection")
