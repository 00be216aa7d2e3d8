"""What a change proposal must keep to: who may change what, by how much, where, when, how often.

Definitions with an owner; each is described where it is set, in guardrails.yaml. What must be
spared is in protected.py; who must approve is in autonomy.py. Code that judges holds no limit of
its own (tasks/guardrails).
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "guardrails.yaml"

ANYWHERE = "anywhere"
"""The area of a privilege that is bound to no subnetwork."""

Form = Literal["restart", "planned_number", "planned_object", "energy_saving"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Allowance(_Part):
    """One kind of write that a use case may contain; what no allowance names is forbidden.

    Attributes:
        use_case: such as `heal_tilt_slip`.
        kind: MODIFY, CREATE or DELETE.
        object_class: of the object, as the standard spells it.
        attribute: its name in the standard; empty for whole objects.
        form: `restart` is an administrative state locked and unlocked again; `planned_number` a
            whole number set to what is planned; `planned_object` an object created as planned;
            `energy_saving` a cell that enters a mode of saving_modes and is told to save energy.
        unit: of the number.
        lowest, highest: bounds of the number, both before and after.
        largest_step: how far one change may move it.
    """

    use_case: str = Field(min_length=1)
    kind: Literal["MODIFY", "CREATE", "DELETE"]
    object_class: str = Field(min_length=1)
    attribute: str = ""
    form: Form
    unit: str = ""
    lowest: int | None = None
    highest: int | None = None
    largest_step: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _is_whole(self) -> "Allowance":
        is_number = self.form == "planned_number"
        bounds = (self.lowest, self.highest, self.largest_step)
        if is_number and (None in bounds or not self.unit):
            raise ValueError("a planned_number needs unit, lowest, highest and largest_step")
        if (self.form == "planned_object") != (self.kind == "CREATE"):
            raise ValueError("planned_object goes with CREATE, and only with it")
        if self.kind == "DELETE":
            raise ValueError("no form of DELETE is known; objects are never deleted")
        return self


class Privilege(_Part):
    """What one identity may propose.

    Attributes:
        identity: of an agent, as in deployments/access.yaml.
        use_case: in which it acts.
        object_classes, attributes: that it may write; attributes are empty for whole objects.
        areas: subnetworks, such as `SubNetwork=1`, or `anywhere`.
    """

    identity: str = Field(min_length=1)
    use_case: str = Field(min_length=1)
    object_classes: tuple[str, ...] = Field(min_length=1)
    attributes: tuple[str, ...]
    areas: tuple[str, ...] = Field(min_length=1)


class Rate(_Part):
    """How many changes may begin in some hours, of each identity, use case, cell, or in all.

    A rate of a use case counts that one alone; the others count all use cases that have none.
    """

    each: Literal["identity", "use_case", "cell", "network"]
    hours: float = Field(gt=0)
    most: int = Field(ge=0)
    use_case: str = ""


class SavingMode(_Part):
    """One way for a cell to save energy, as guards count it.

    Attributes:
        mode: its name in the network's configuration.
        is_off_air: the cell serves nobody.
        power_db: change of transmitted power, where it stays on the air.
        capacity_share: of its capacity that stays, at least.
    """

    mode: str = Field(min_length=1)
    is_off_air: bool
    power_db: float = Field(0.0, le=0)
    capacity_share: float = Field(1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _leaves_what_it_says(self) -> "SavingMode":
        if self.is_off_air != (self.capacity_share == 0):
            raise ValueError(f"mode {self.mode!r} is off the air just where no capacity stays")
        return self


class FreezeWindow(_Part):
    """A time in which nothing is changed, as the calendar of changes says.

    Attributes:
        begins, ends: with a time zone; half open.
    """

    name: str = Field(min_length=1)
    begins: datetime
    ends: datetime

    @model_validator(mode="after")
    def _is_a_span(self) -> "FreezeWindow":
        if self.begins.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError(f"freeze window {self.name!r} needs times with a zone")
        if self.begins >= self.ends:
            raise ValueError(f"freeze window {self.name!r} ends before it begins")
        return self


class BusyHours(_Part):
    """Hours of local time, from and until; until lies after from."""

    begins: float = Field(ge=0, le=24)
    ends: float = Field(ge=0, le=24)


class GuardrailRules(_Part):
    """The rules of guardrails; each is described where it is set, in guardrails.yaml."""

    allowances: tuple[Allowance, ...]
    privileges: tuple[Privilege, ...]
    priorities: tuple[str, ...]
    most_operations: int = Field(ge=1)
    most_cells_at_once: int = Field(ge=0)
    most_community_share: float = Field(ge=0, le=1)
    least_community_cells: int = Field(ge=0)
    community_sites: int = Field(ge=1)
    recent_hours: float = Field(ge=0)
    coverage_dbm: float
    most_coverage_lost_share: float = Field(ge=0, le=1)
    most_users_uncovered: float = Field(ge=0)
    most_load_pct: float = Field(ge=0)
    most_passing_load_pct: float = Field(ge=0)
    load_tolerance_pct: float = Field(ge=0)
    restart_minutes: float = Field(gt=0)
    stale_load_hours: float = Field(gt=0)
    time_zone: str
    busy_hours: tuple[BusyHours, ...]
    busy_most_users: float = Field(ge=0)
    freeze_windows: tuple[FreezeWindow, ...]
    ended_change_states: tuple[str, ...]
    change_ahead_hours: float = Field(ge=0)
    change_open_days: float = Field(gt=0)
    rates: tuple[Rate, ...]
    same_cell_rest_hours: float = Field(ge=0)
    repairs_before_person: int = Field(ge=1)
    repeat_days: float = Field(gt=0)
    passing_rules: tuple[str, ...]
    proposal_keeps_hours: float = Field(gt=0)
    saving_modes: tuple[SavingMode, ...]
    most_saving_cells: int = Field(ge=0)
    most_asleep_share: float = Field(ge=0, le=1)
    most_network_asleep_share: float = Field(ge=0, le=1)
    most_entering_share: float = Field(ge=0, le=1)
    entering_hours: float = Field(gt=0)
    most_saving_load_pct: float = Field(ge=0)
    saving_load_minutes: float = Field(gt=0)
    saving_keeps_minutes: float = Field(gt=0)
    rest_after_harm_hours: float = Field(ge=0)
    barring_severities: tuple[str, ...]
    findings_keep_hours: float = Field(gt=0)
    most_saving_loss: float = Field(ge=0, le=1)
    most_saving_periods: int = Field(ge=1)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {name!r}; write it as Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _use_cases_are_ranked(self) -> "GuardrailRules":
        named = {one.use_case for one in self.allowances}
        named |= {one.use_case for one in self.privileges}
        lacking = sorted(named - set(self.priorities))
        if lacking:
            raise ValueError(f"priorities lack the use cases {', '.join(lacking)}")
        return self

    def saves_energy(self, use_case: str) -> bool:
        """Return whether changes of a use case put cells to sleep."""
        return any(
            one.form == "energy_saving" for one in self.allowances if one.use_case == use_case
        )

    def saving_mode(self, mode: object) -> SavingMode | None:
        """Return a mode that cells may enter; None where a value names none."""
        return next((one for one in self.saving_modes if one.mode == mode), None)

    def priority(self, use_case: str) -> int:
        """Return a use case's place in the order of priority, 0 first; unranked ones come last."""
        if use_case in self.priorities:
            return self.priorities.index(use_case)
        return len(self.priorities)


@cache
def guardrail_rules() -> GuardrailRules:
    """Return the packaged rules of guardrails."""
    return load_guardrail_rules(PACKAGED)


def load_guardrail_rules(path: Path) -> GuardrailRules:
    """Return the rules of guardrails in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, GuardrailRules, "guardrails")
