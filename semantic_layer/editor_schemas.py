"""JSON Schemas of the catalogue's files, so that an editor completes and checks them while typing.

Written from the same models that load the files: `python -m semantic_layer.editor_schemas`. What
an editor cannot know (that a name is defined, that units fit) the loader still checks; names that
the packaged catalogue has are offered, and others allowed: a network may define its own.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from semantic_layer.agent_rules import AgentRules
from semantic_layer.alarms import AlarmDefinition, ProbableCause
from semantic_layer.approval_rules import ApprovalRules
from semantic_layer.autonomy import AutonomyRules
from semantic_layer.catalogue_type import Catalogue
from semantic_layer.causes import Cause, ExplainingRules
from semantic_layer.correlation import CorrelationRule
from semantic_layer.detection import Detection
from semantic_layer.energy_accounting import EnergyAccountingRules
from semantic_layer.energy_calendar import EnergyCalendar
from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.energy_planning import EnergyPlanningRules
from semantic_layer.energy_waking import EnergyWakingRules
from semantic_layer.evidence import EvidenceRules
from semantic_layer.execution_rules import ExecutionRules
from semantic_layer.fault_kinds import NamedFault
from semantic_layer.finding_worth import FindingWorth
from semantic_layer.guardrails import GuardrailRules
from semantic_layer.healing import HealingRules
from semantic_layer.knowledge_rules import KnowledgeRules
from semantic_layer.kpis import Kpi
from semantic_layer.lifecycle import Lifecycle
from semantic_layer.load_forecasting import LoadForecastingRules
from semantic_layer.loading import PACKAGED, catalogue
from semantic_layer.managed_objects import ObjectClass
from semantic_layer.measurements import OBSERVED_TIME, Measurement
from semantic_layer.model_promotion import ModelPromotion
from semantic_layer.profiles import Profile
from semantic_layer.profiling import Profiling
from semantic_layer.protected import ProtectedPlaces
from semantic_layer.services import ServiceCatalogue
from semantic_layer.synonyms import Synonym
from semantic_layer.vendors import VendorMap

FOLDER = PACKAGED / "schemas"
"""Where the schemas lie."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONTRACTS = (
    "https://raw.githubusercontent.com/bitol-io/open-data-contract-standard/main/schema/"
    "odcs-json-schema-v3.1.0.json"
)
"""The published schema of data contracts (ODCS); their custom properties are ours."""

Schema = dict[str, Any]
_COMPUTED = "factor"
_ATTRIBUTE = re.compile(r"^(?P<names>[a-z_]+(?:, [a-z_]+)*): (?P<says>.*)$")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        files: a glob, from the catalogue's folder.
        model: of an entry; of the whole file where `is_list` is false.
        is_list: the file is a list of entries, or one entry.
    """

    files: str
    model: type[BaseModel]
    is_list: bool = True


KINDS: Mapping[str, Kind] = {
    "measurements": Kind("measurements/*.yaml", Measurement),
    "kpis": Kind("kpis/*.yaml", Kpi),
    "vendors": Kind("vendors/*.yaml", VendorMap),
    "managed_objects": Kind("managed_objects.yaml", ObjectClass),
    "profiles": Kind("profiles.yaml", Profile),
    "alarms": Kind("alarms/*.yaml", AlarmDefinition),
    "probable_causes": Kind("probable_causes.yaml", ProbableCause),
    "correlation": Kind("correlation/*.yaml", CorrelationRule),
    "synonyms": Kind("synonyms.yaml", Synonym),
    "lifecycle": Kind("lifecycle.yaml", Lifecycle),
    "causes": Kind("causes.yaml", Cause),
    "fault_kinds": Kind("fault_kinds.yaml", NamedFault),
    "services": Kind("services.yaml", ServiceCatalogue, is_list=False),
}
RULES: Mapping[str, type[BaseModel]] = {
    "agent_rules": AgentRules,
    "autonomy": AutonomyRules,
    "detection": Detection,
    "approval": ApprovalRules,
    "evidence": EvidenceRules,
    "explaining": ExplainingRules,
    "execution_rules": ExecutionRules,
    "finding_worth": FindingWorth,
    "healing": HealingRules,
    "load_forecasting": LoadForecastingRules,
    "energy_calendar": EnergyCalendar,
    "energy_planning": EnergyPlanningRules,
    "energy_waking": EnergyWakingRules,
    "energy_accounting": EnergyAccountingRules,
    "energy_goals": EnergyGoalRules,
    "guardrails": GuardrailRules,
    "knowledge_rules": KnowledgeRules,
    "model_promotion": ModelPromotion,
    "profiling": Profiling,
    "protected": ProtectedPlaces,
}
"""Files of rules with an owner, each named as the rules; a model's fields are the rules."""


def schemas(known: Catalogue) -> dict[str, Schema]:
    """Return a schema for each kind of file, by the kind's name.

    Args:
        known: whose names are offered where a definition refers to another.
    """
    found = {name: _file_schema(name, kind, _offers(known)) for name, kind in KINDS.items()}
    found |= {name: _rules_schema(name, model) for name, model in RULES.items()}
    return dict(sorted(found.items()))


def file_patterns() -> dict[str, str]:
    """Return which schema is for which files: schema, then glob, both from the repository."""
    here = "semantic_layer/catalogue"
    own = {f"{here}/schemas/{name}.schema.json": f"{here}/{it.files}" for name, it in KINDS.items()}
    own |= {f"{here}/schemas/{name}.schema.json": f"{here}/{name}.yaml" for name in RULES}
    return dict(sorted(own.items())) | {CONTRACTS: "data_products/*/contract.yaml"}


def files(known: Catalogue) -> dict[Path, str]:
    """Return what stands in each file of the folder, `editor.json` among them.

    `editor.json` is what editors take as `yaml.schemas`.
    """
    written = {f"{name}.schema.json": schema for name, schema in schemas(known).items()}
    written["editor.json"] = {"yaml.schemas": file_patterns()}
    return {FOLDER / name: _text(content) for name, content in written.items()}


def described(model: type[BaseModel]) -> Schema:
    """Return a model's schema, each property with the words of the class's docstring."""
    schema = model.model_json_schema()
    parts = {model.__name__: schema} | schema.get("$defs", {})
    for name, part in parts.items():
        says = _attributes(part.pop("description", ""))
        part.pop("title", None)
        for key, value in part.get("properties", {}).items():
            value.pop("title", None)
            if key in says:
                value["description"] = says[key]
            if key == "unit":
                _accept_bare_one(value)
        part.get("properties", {}).pop(_COMPUTED, None)
        part["title"] = name
    return schema


def _accept_bare_one(unit: Schema) -> None:
    """Let the unit of a plain number be written as 1, which YAML reads as a number."""
    if unit.pop("type", None):
        unit["anyOf"] = [{"type": "string"}, {"const": 1}]


def _file_schema(name: str, kind: Kind, offers: Mapping[str, list[str]]) -> Schema:
    schema = described(kind.model)
    for part in (schema, *schema.get("$defs", {}).values()):
        for key, value in part.get("properties", {}).items():
            _offer(value, offers.get(key, []))
    parts = schema.pop("$defs", {})
    head: Schema = {"$schema": DIALECT, "$id": f"{name}.schema.json"}
    if not kind.is_list:
        return head | schema | {"$defs": parts}
    entry = kind.model.__name__
    alone = {"$ref": f"#/$defs/{entry}"}
    return head | {
        "title": name,
        "anyOf": [{"type": "array", "items": alone, "minItems": 1}, alone],
        "$defs": {entry: schema} | parts,
    }


def _offer(value: Schema, names: Iterable[str]) -> None:
    """Offer names for a text or the texts of a list; any other text stays allowed."""
    at = value.get("items", value)
    offered = list(names)
    if offered and at.get("type") == "string":
        at.pop("type")
        at["anyOf"] = [{"enum": offered}, {"type": "string"}]


def _offers(known: Catalogue) -> dict[str, list[str]]:
    """Return the names that each key may take from the catalogue."""
    measurements = sorted(known.measurements)
    terms = [OBSERVED_TIME, *measurements]
    classes = sorted(known.object_classes)
    alarms = sorted(known.alarms)
    return {
        "numerator": [*terms, *(f"-{name}" for name in terms)],
        "denominator": [*terms, *(f"-{name}" for name in terms)],
        "derived_from": measurements,
        "measurement": measurements,
        "object_class": classes,
        "object_classes": classes,
        "contained_by": classes,
        "counted_on": classes,
        "cause": alarms,
        "effect": alarms,
        "probable_cause": sorted(known.probable_causes),
        "means": [
            *(f"kpi/{name}" for name in sorted(known.kpis)),
            *(f"alarm/{name}" for name in alarms),
            *(f"measurement/{name}" for name in measurements),
            *(f"object_class/{name}" for name in classes),
        ],
    }


def _rules_schema(title: str, model: type[BaseModel]) -> Schema:
    """Return the schema of a file of rules: entries whose value depends on their name."""
    rules = described(model)
    values = rules["properties"]
    parts = rules.get("$defs", {})
    text = {"type": "string", "minLength": 1}
    entry = {
        "type": "object",
        "properties": {
            "name": {"enum": sorted(values)},
            "value": {},
            "unit": {"anyOf": [text, {"const": 1}]},
            "owner": text,
            "description": text,
        },
        "required": ["name", "value", "unit", "owner", "description"],
        "allOf": [
            {
                "if": {"properties": {"name": {"const": name}}, "required": ["name"]},
                "then": {"properties": {"value": value}},
            }
            for name, value in sorted(values.items())
        ],
    }
    return {
        "$schema": DIALECT,
        "$id": f"{title}.schema.json",
        "title": title,
        "type": "array",
        "items": entry,
        "$defs": parts,
    }


def _attributes(docstring: str) -> dict[str, str]:
    """Return what a docstring says of each attribute."""
    _, _, section = docstring.partition("Attributes:\n")
    says: dict[str, str] = {}
    current: list[str] = []
    for line in (line.strip() for line in section.splitlines()):
        found = _ATTRIBUTE.match(line)
        if found:
            current = found["names"].split(", ")
            says |= dict.fromkeys(current, found["says"])
        elif not line:
            break
        else:
            says |= {name: f"{says[name]} {line}" for name in current}
    return says


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every schema of the packaged catalogue; take away those of kinds that are gone."""
    FOLDER.mkdir(exist_ok=True)
    written = files(catalogue())
    for path in FOLDER.glob("*.json"):
        if path not in written:
            path.unlink()
    for path, content in written.items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
