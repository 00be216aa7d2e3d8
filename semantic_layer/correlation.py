"""Which alarm brings which: causal rules between alarm definitions, and the relation they need.

A rule says that one alarm may be the consequence of another on a related object within a time.
Which objects are related is topology's to say; that the relation makes sense for the two alarms'
classes is checked when the rules are loaded.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.alarms import AlarmDefinition
from semantic_layer.managed_objects import ObjectClass, is_within

Relation = Literal[
    "same_object",
    "contained_in",
    "same_site",
    "carried_by",
    "supported_by",
    "served_by",
    "synchronized_by",
]
"""How the effect's object relates to the cause's: the effect's is contained in, carried by, ..."""


class CorrelationRule(BaseModel):
    """One causal rule.

    Attributes:
        name: ours; unique.
        cause, effect: names of alarm definitions.
        relation: how the effect's object stands to the cause's.
        max_delay_s: the effect comes no later than this after the cause.
        source: where the causality was learned.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    cause: str
    effect: str
    relation: Relation
    max_delay_s: int = Field(gt=0)
    source: str
    description: str


def why_impossible(
    rule: CorrelationRule,
    cause: AlarmDefinition,
    effect: AlarmDefinition,
    classes: Mapping[str, ObjectClass],
) -> str:
    """Return why no two objects of the alarms' classes can stand in the rule's relation, or ''."""
    pairs = [
        (classes[above], classes[below])
        for above in cause.object_classes
        for below in effect.object_classes
        if above in classes and below in classes
    ]
    if not pairs or any(_may_relate(rule.relation, *pair, classes) for pair in pairs):
        return ""
    return (
        f"no object of {', '.join(effect.object_classes)} is {rule.relation.replace('_', ' ')} "
        f"an object of {', '.join(cause.object_classes)}"
    )


def _may_relate(
    relation: Relation, cause: ObjectClass, effect: ObjectClass, classes: Mapping[str, ObjectClass]
) -> bool:
    both = (cause, effect)
    checks = {
        "same_object": cause.row_class == effect.row_class,
        "contained_in": cause.name != effect.name and is_within(effect.name, cause.name, classes),
        "same_site": all(item.technology != "5GC" for item in both),
        "carried_by": _carries(cause) and effect.technology != "transport",
        "supported_by": _carries(cause) and _carries(effect),
        "served_by": cause.technology == "5GC",
        "synchronized_by": all(item.technology != "5GC" for item in both),
    }
    return checks[relation]


def _carries(item: ObjectClass) -> bool:
    return item.technology == "transport" or item.name == "ManagedElement"
