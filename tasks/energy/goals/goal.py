"""What a person wants of energy saving, as types: where, when, under which promise, how far.

A goal names places as the gazetteer does (places.py) and holds no cell: which cells it means
follows from the topology of the day.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from semantic_layer.errors import InputError
from tasks.twin.sleep_modes import MODES, SavingMode

Objective = Literal["energy", "money", "co2"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

DEEPEST: SavingMode = "DEEP_SLEEP"


class GoalError(InputError):
    """A goal cannot be planned for: unclear, in contradiction, or asking for what is barred."""


@dataclass(frozen=True, slots=True, order=True)
class Area:
    """A place, or what lies around it.

    Attributes:
        name: as the gazetteer knows it: a site, a kind of ground, a service, a direction.
        within_m: how far around it the area reaches; 0 for the place's own sites.
    """

    name: str
    within_m: float = 0.0

    @property
    def says(self) -> str:
        """The area in words."""
        plain = self.name.replace("_", " ")
        return f"within {self.within_m:g} m of {plain}" if self.within_m else plain


@dataclass(frozen=True, slots=True)
class EnergyGoal:
    """A goal.

    Attributes:
        where: areas in which cells may save, all together; empty for the whole network.
        within: areas that cells must lie in as well; empty for none. A second, narrower reading.
        spared: areas in which none may.
        from_hour, until_hour: local hours in which cells may save, 0 to 24, over midnight where
            the first is later; None for any time.
        floor_mbps: what the 5th percentile of users keeps; None for what the rules ask for.
        objective: what is to be little.
        least_saving_share: of what all cells on would take, that is wanted; None for all there is.
        most_asleep_share: of the cells that may be off the air at a time; None for no such wish.
        deepest_mode: the deepest that a cell may save.
    """

    where: tuple[Area, ...] = ()
    within: tuple[Area, ...] = ()
    spared: tuple[Area, ...] = ()
    from_hour: float | None = None
    until_hour: float | None = None
    floor_mbps: float | None = None
    objective: Objective = "energy"
    least_saving_share: float | None = None
    most_asleep_share: float | None = None
    deepest_mode: SavingMode = DEEPEST

    def to_json(self) -> dict[str, Any]:
        """Return the goal as JSON values."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        areas = {
            name: [asdict(area) for area in told[name]] for name in ("where", "within", "spared")
        }
        return told | areas

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "EnergyGoal":
        """Return the goal that `to_json` told.

        Raises:
            GoalError: a field is unknown, or a value is none that a goal has.
        """
        try:
            areas = {
                name: tuple(Area(**one) for one in told.get(name, ()))
                for name in ("where", "within", "spared")
            }
            goal = cls(**{**told, **areas})
        except (TypeError, AttributeError) as error:
            raise GoalError(f"Not an energy goal: {error}.") from error
        if goal.objective not in OBJECTIVES or goal.deepest_mode not in MODES:
            raise GoalError(
                f"Not an energy goal: objective {goal.objective!r}, deepest mode "
                f"{goal.deepest_mode!r}."
            )
        return goal

    @property
    def says(self) -> str:
        """The goal as a sentence, built from what was understood."""
        parts = [_WANTS[self.objective]]
        if self.least_saving_share is not None:
            parts.append(f"at least {100 * self.least_saving_share:g} %")
        parts.append(f"in {_listed(self.where)}" if self.where else "in the whole network")
        if self.within:
            parts.append(f"and only in {_listed(self.within)}")
        if self.from_hour is not None and self.until_hour is not None:
            parts.append(f"from {_clock(self.from_hour)} to {_clock(self.until_hour)}")
        told = " ".join(parts)
        for wish in (
            f"nothing {_listed(self.spared, ' or ')}" if self.spared else "",
            f"users keep {self.floor_mbps:g} Mbit/s" if self.floor_mbps is not None else "",
            f"at most {100 * self.most_asleep_share:g} % of the cells asleep"
            if self.most_asleep_share is not None
            else "",
            f"no deeper than {self.deepest_mode}" if self.deepest_mode != DEEPEST else "",
        ):
            told += f"; {wish}" if wish else ""
        return f"{told}."


_WANTS: Mapping[Objective, str] = {
    "energy": "Save energy",
    "money": "Save money",
    "co2": "Save CO2",
}


def _listed(areas: tuple[Area, ...], last: str = ", ") -> str:
    return last.join(area.says for area in areas)


def _clock(hour: float) -> str:
    whole, minutes = divmod(round(hour * 60), 60)
    return f"{whole:02d}:{minutes:02d}"
