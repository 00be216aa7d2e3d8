"""Causes that a finding may have, and the signs that speak for and against each.

What engineers know of faults, from runbooks and what measurements mean, as definitions with an
owner. They are written down, not fitted; a sign that nobody looked for, or no data told of, counts
for nothing.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from semantic_layer.errors import DefinitionError, did_you_mean
from semantic_layer.fault_kinds import FaultKinds, fault_kinds
from semantic_layer.owned_rules import load_rules
from semantic_layer.plain_yaml import read_yaml_file

PACKAGED = Path(__file__).parent / "catalogue" / "causes.yaml"
PACKAGED_RULES = Path(__file__).parent / "catalogue" / "explaining.yaml"

SignKind = Literal["kpi", "core_kpi", "alarm", "change", "drift", "fact"]
Relation = Literal["same_cell", "same_site", "upstream", "neighbor_site", "network"]
Fact = Literal[
    "alone_at_site",          # share of the site's other cells that are sound
    "whole_site",             # share of the site's other cells that stray
    "neighbors_stray",        # share of the neighbor cells elsewhere that stray
    "neighbor_strays_more",   # a neighbor, or carrier of the sector, strays more, and no later
    "neighbor_lost_users",    # one of them lost its users, or its service
    "noise_follows_load",     # uplink noise rises and falls with the cell's own downlink load
    "lasts_days",             # the deviation is older than explaining.lasting_hours
    "passes_soon",            # it ended, or is younger, than explaining.passing_hours
]  # fmt: skip
"""What code computes of a finding's surroundings; each is 0 to 1, or not known."""


class Sign(BaseModel):
    """One thing that speaks for a cause, or against it.

    Attributes:
        about: what kind of thing; the rest says which one.
        any_of: names of KPIs, alarms, kinds of change, one fact; of drift, the attributes that
            differ, or the classes of planned objects that are missing.
        moves: which way a KPI goes; `changed` is either, `usual` is none of them moved.
        at: where an alarm, change or drift must stand; empty for anywhere near.
        weight: log-odds (natural logarithm) where it is wholly so; above 0 speaks for the cause.
        otherwise: log-odds where it is known not to be so.
        because: the engineering reason, a short phrase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: SignKind
    any_of: tuple[str, ...] = Field(min_length=1)
    moves: Literal["up", "down", "changed", "usual"] | None = None
    at: tuple[Relation, ...] = ()
    weight: float = Field(ge=-6, le=6)
    otherwise: float = Field(0.0, ge=-6, le=6)
    because: str = Field(min_length=3)

    @model_validator(mode="after")
    def _moves_where_it_can(self) -> "Sign":
        if (self.moves is not None) != (self.about in ("kpi", "core_kpi")):
            raise ValueError("a sign about KPIs says how they move, and no other sign does")
        return self


class Decider(BaseModel):
    """An observation that would tell a cause from others.

    Attributes:
        look: what to look at, an instruction for an engineer.
        source: the tool, measurement or site visit that gives it.
        against: causes that it tells this one from; empty for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    look: str = Field(min_length=10)
    source: str = Field(min_length=3)
    against: tuple[str, ...] = ()


class Cause(BaseModel):
    """One cause that a finding may have.

    Attributes:
        name: ours; unique.
        title: for people.
        fault_kind: what a person would call such a finding; None where the fault is another cell's.
        owner: who answers for the signs.
        description: one sentence.
        base: log-odds before any sign, from how often such causes come next to others.
        signs: what speaks for and against it.
        deciders: what would tell it from others, best first.
        runbook: words that find its runbook.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=3)
    fault_kind: str | None
    owner: str = Field(min_length=3)
    description: str = Field(min_length=10)
    base: float = Field(0.0, ge=-6, le=6)
    signs: tuple[Sign, ...] = Field(min_length=2)
    deciders: tuple[Decider, ...] = Field(min_length=1)
    runbook: str = Field(min_length=3)


Causes = Mapping[str, Cause]
"""Causes by name, in the order of their file."""


class ExplainingRules(BaseModel):
    """The rules of explaining; each is described where it is set, in explaining.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noticeable_bands: float = Field(gt=0)
    clear_bands: float = Field(gt=0)
    prompt_hours: float = Field(gt=0)
    late_hours: float = Field(ge=0)
    standing_strength: float = Field(ge=0, le=1)
    stale_strength: float = Field(ge=0, le=1)
    stray_share: float = Field(gt=0, le=1)
    stronger_ratio: float = Field(ge=1)
    least_follows_load: float = Field(ge=0, lt=1)
    clear_follows_load: float = Field(gt=0, le=1)
    lasting_hours: float = Field(gt=0)
    passing_hours: float = Field(gt=0)
    unknown_log_odds: float
    decided_probability: float = Field(gt=0, lt=1)
    decided_margin: float = Field(ge=0, lt=1)
    close_margin: float = Field(ge=0, lt=1)
    told_hypotheses: int = Field(ge=2, le=20)
    findings_a_run: int = Field(ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> "ExplainingRules":
        if self.clear_bands <= self.noticeable_bands:
            raise ValueError("clear_bands must be more than noticeable_bands")
        if self.clear_follows_load <= self.least_follows_load:
            raise ValueError("clear_follows_load must be more than least_follows_load")
        return self


@cache
def causes() -> Causes:
    """Return the packaged causes by name.

    >>> causes()["sleeping_cell"].fault_kind
    'sleeping_cell'
    """
    return load_causes(PACKAGED, fault_kinds())


@cache
def explaining_rules() -> ExplainingRules:
    """Return the packaged rules of explaining."""
    return load_explaining(PACKAGED_RULES)


def load_explaining(path: Path) -> ExplainingRules:
    """Return the rules of explaining in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, ExplainingRules, "explaining")


def load_causes(path: Path, kinds: FaultKinds) -> dict[str, Cause]:
    """Return the causes that a file defines, by name.

    Args:
        path: a YAML list of causes.
        kinds: what findings may be called.

    Raises:
        DefinitionError: an entry cannot be read, a name stands twice, or one refers to a kind or
            cause that is not defined.
    """
    try:
        listed = TypeAdapter(list[Cause]).validate_python(read_yaml_file(path))
    except (yaml.YAMLError, ValidationError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error
    found = {cause.name: cause for cause in listed}
    if len(found) < len(listed):
        names = [cause.name for cause in listed]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DefinitionError(f"{path.name} defines {', '.join(twice)} twice.")
    for cause in listed:
        if cause.fault_kind is not None and cause.fault_kind not in kinds:
            raise DefinitionError(
                f"{path.name}: cause {cause.name!r} names no fault kind "
                f"{cause.fault_kind!r}{did_you_mean(cause.fault_kind, kinds)}"
            )
        for other in {name for decider in cause.deciders for name in decider.against}:
            if other not in found:
                raise DefinitionError(
                    f"{path.name}: a decider of {cause.name!r} is against {other!r}, which is no "
                    f"cause{did_you_mean(other, found)}"
                )
    return found
