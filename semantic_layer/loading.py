"""Loading: from YAML to a checked catalogue, or to every problem at once.

A catalogue's folder holds the files named in `_KINDS` and `_OWNED_RULES`, and `detection.yaml`.
Several folders make one catalogue: a network's own definitions may stand beside the packaged ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from semantic_layer.agent_rules import load_agent_rules
from semantic_layer.alarms import AlarmDefinition, ProbableCause
from semantic_layer.approval_rules import load_approval_rules
from semantic_layer.autonomy import load_autonomy_rules
from semantic_layer.catalogue_type import Catalogue
from semantic_layer.causes import load_explaining
from semantic_layer.correlation import CorrelationRule
from semantic_layer.detection import Detection, load_detection
from semantic_layer.draft import Definition, Draft
from semantic_layer.energy_accounting import load_energy_accounting_rules
from semantic_layer.energy_calendar import load_energy_calendar
from semantic_layer.energy_goals import load_energy_goals_rules
from semantic_layer.energy_planning import load_energy_planning_rules
from semantic_layer.energy_waking import load_energy_waking_rules
from semantic_layer.errors import DefinitionError, did_you_mean
from semantic_layer.evidence import load_evidence_rules
from semantic_layer.execution_rules import load_execution_rules
from semantic_layer.finding_worth import load_finding_worth
from semantic_layer.guardrails import load_guardrail_rules
from semantic_layer.healing import load_healing_rules
from semantic_layer.knowledge_rules import load_knowledge_rules
from semantic_layer.kpi_rules import term_unit
from semantic_layer.kpis import Kpi
from semantic_layer.lifecycle import Lifecycle
from semantic_layer.load_forecasting import load_load_forecasting_rules
from semantic_layer.managed_objects import ObjectClass
from semantic_layer.measurements import OBSERVED_TIME, Measurement, signed
from semantic_layer.model_promotion import load_model_promotion
from semantic_layer.profiles import Profile
from semantic_layer.profiling import load_profiling
from semantic_layer.protected import load_protected_places
from semantic_layer.rules import RULES
from semantic_layer.synonyms import Synonym
from semantic_layer.units import parse_unit
from semantic_layer.vendors import VendorMap
from semantic_layer.yaml_source import Entry, Problem, read_entries

__all__ = ["PACKAGED", "Catalogue", "CatalogueError", "catalogue", "load_catalogue"]

PACKAGED = Path(__file__).parent / "catalogue"
"""The folder of the definitions that come with the project."""

_DETECTION = "detection.yaml"
_OWNED_RULES: Mapping[str, Callable[[Path], BaseModel]] = {
    "agent_rules.yaml": load_agent_rules,
    "autonomy.yaml": load_autonomy_rules,
    "approval.yaml": load_approval_rules,
    "load_forecasting.yaml": load_load_forecasting_rules,
    "energy_calendar.yaml": load_energy_calendar,
    "energy_planning.yaml": load_energy_planning_rules,
    "energy_waking.yaml": load_energy_waking_rules,
    "energy_accounting.yaml": load_energy_accounting_rules,
    "energy_goals.yaml": load_energy_goals_rules,
    "evidence.yaml": load_evidence_rules,
    "explaining.yaml": load_explaining,
    "execution_rules.yaml": load_execution_rules,
    "finding_worth.yaml": load_finding_worth,
    "healing.yaml": load_healing_rules,
    "guardrails.yaml": load_guardrail_rules,
    "knowledge_rules.yaml": load_knowledge_rules,
    "model_promotion.yaml": load_model_promotion,
    "profiling.yaml": load_profiling,
    "protected.yaml": load_protected_places,
}
_KINDS: Mapping[str, tuple[str, type[Definition]]] = {
    "managed_objects.yaml": ("object class", ObjectClass),
    "profiles.yaml": ("profile", Profile),
    "measurements/*.yaml": ("measurement", Measurement),
    "kpis/*.yaml": ("kpi", Kpi),
    "vendors/*.yaml": ("vendor map", VendorMap),
    "probable_causes.yaml": ("probable cause", ProbableCause),
    "alarms/*.yaml": ("alarm", AlarmDefinition),
    "correlation/*.yaml": ("correlation rule", CorrelationRule),
    "synonyms.yaml": ("synonym", Synonym),
    "lifecycle.yaml": ("lifecycle rule", Lifecycle),
}
_COMPUTED = "factor"
_Item = TypeVar("_Item")


class CatalogueError(DefinitionError):
    """Definitions that cannot be used as they are.

    Attributes:
        problems: every one, sorted by file and line.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.file, problem.line))
        lines = "\n".join(str(problem) for problem in self.problems)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' * (count != 1)} in the catalogue:\n{lines}")


@cache
def catalogue() -> Catalogue:
    """Return the packaged catalogue, loaded once.

    >>> catalogue().measurement("prb_used_dl").column
    'prb_used_dl_prb'
    >>> catalogue().kpi("rrc_setup_success_rate").column
    'rrc_setup_success_rate_pct'
    """
    return load_catalogue(PACKAGED)


def load_catalogue(*folders: Path) -> Catalogue:
    """Return the catalogue that stands in `folders`.

    Raises:
        CatalogueError: with every problem of every file.
        DefinitionError: the rules of detection, or other rules with an owner, cannot be used.
    """
    draft = Draft()
    problems: list[Problem] = []
    for folder in folders:
        if not folder.is_dir():
            problems.append(Problem(str(folder), 1, "There is no such folder of definitions."))
        for pattern, (kind, model) in _KINDS.items():
            for path in sorted(folder.glob(pattern)):
                file = f"{folder.name}/{path.relative_to(folder).as_posix()}"
                entries, unreadable = read_entries(path, file)
                problems.extend(unreadable)
                for entry in entries:
                    problems.extend(_place(draft, kind, model, entry))
    for rule in RULES:
        problems.extend(rule(draft))
    if problems:
        raise CatalogueError(problems)
    rules = [folder / _DETECTION for folder in folders if (folder / _DETECTION).is_file()]
    owned = {
        name: load(folder / name)
        for folder in folders
        for name, load in _OWNED_RULES.items()
        if (folder / name).is_file()
    }
    return _assembled(draft, load_detection(rules[-1]) if rules else None, owned)


def _place(draft: Draft, kind: str, model: type[Definition], entry: Entry) -> Iterator[Problem]:
    declared = draft.declared.setdefault(kind, {})
    declared.setdefault(entry.name, []).append(entry)
    if _COMPUTED in entry.content or any(
        _COMPUTED in part.content for parts in entry.parts.values() for part in parts
    ):
        yield entry.problem(
            f"{entry.name!r} writes a factor, which is worked out from the units.",
            "Leave it out.",
            key=_COMPUTED,
        )
    try:
        definition: Definition = model.model_validate(dict(entry.content))
    except ValidationError as error:
        yield from (_explained(kind, model, entry, detail) for detail in error.errors())
        return
    if len(declared[entry.name]) == 1:
        draft.put(definition, entry)


def _explained(kind: str, model: type[Definition], entry: Entry, detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    key = str(path[0]) if path else ""
    at = entry
    if len(path) > 2 and key in entry.parts and isinstance(path[1], int):
        at, key = entry.parts[key][path[1]], str(path[2])
    known = list(model.model_fields)
    if detail["type"] == "missing":
        return at.problem(f"{kind.capitalize()} {entry.name!r} has no {key}.", f"Add `{key}:`.")
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return at.problem(
            f"{kind.capitalize()} {entry.name!r} has an unknown key {key!r}"
            f"{did_you_mean(key, known)}",
            key=key,
        )
    return at.problem(
        f"{kind.capitalize()} {entry.name!r}, {key}: {detail['msg']}; it is {detail['input']!r}.",
        key=key,
    )


def _assembled(draft: Draft, rules: Detection | None, owned: Mapping[str, BaseModel]) -> Catalogue:
    measurements = _items(draft.measurements)
    return Catalogue(
        measurements=measurements,
        kpis={
            name: item.model_copy(update={_COMPUTED: _kpi_factor(item, measurements)})
            for name, (item, _) in draft.kpis.items()
        },
        object_classes=_items(draft.classes),
        vendor_maps={
            name: _with_factors(item, measurements) for name, (item, _) in draft.vendors.items()
        },
        profiles=_items(draft.profiles),
        detection=rules,
        alarms=_items(draft.alarms),
        probable_causes=_items(draft.causes),
        correlation_rules=_items(draft.correlations),
        synonym_terms=_items(draft.synonyms),
        lifecycles=_items(draft.lifecycles),
        owned_rules=owned,
    )


def _items(shelf: Mapping[str, tuple[_Item, Entry]]) -> dict[str, _Item]:
    return {name: item for name, (item, _) in shelf.items()}


def _kpi_factor(kpi: Kpi, measurements: Mapping[str, Measurement]) -> float:
    """Return what the quotient of the stored columns' sums is multiplied by."""

    def factor(terms: Sequence[str]) -> float:
        _, name = signed(terms[0])
        return term_unit(None if name == OBSERVED_TIME else measurements[name]).factor

    return factor(kpi.numerator) / factor(kpi.denominator) / kpi.parsed_unit.factor


def _with_factors(vendor: VendorMap, measurements: Mapping[str, Measurement]) -> VendorMap:
    mappings = tuple(
        mapping.model_copy(
            update={
                _COMPUTED: parse_unit(mapping.unit).factor_to(
                    measurements[mapping.measurement].parsed_unit
                )
            }
        )
        for mapping in vendor.mappings
    )
    return vendor.model_copy(update={"mappings": mappings})
