"""Loading: from YAML to a checked catalogue, or to every problem at once.

A catalogue's folder holds `measurements/*.yaml`, `kpis/*.yaml`, `vendors/*.yaml`,
`managed_objects.yaml` and `profiles.yaml`. Several folders make one catalogue: a network's own
definitions may stand beside the packaged ones.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from semantic_layer.detection import Detection, load_detection
from semantic_layer.draft import Definition, Draft, Profile
from semantic_layer.errors import DefinitionError, UnknownNameError, did_you_mean
from semantic_layer.kpi_rules import term_unit
from semantic_layer.kpis import Kpi
from semantic_layer.managed_objects import ObjectClass
from semantic_layer.measurements import OBSERVED_TIME, Measurement, signed
from semantic_layer.rules import RULES
from semantic_layer.units import parse_unit
from semantic_layer.vendors import VendorMap
from semantic_layer.yaml_source import Entry, Problem, read_entries

PACKAGED = Path(__file__).parent / "catalogue"
"""The folder of the definitions that come with the project."""

_DETECTION = "detection.yaml"
_KINDS: Mapping[str, tuple[str, type[Definition]]] = {
    "managed_objects.yaml": ("object class", ObjectClass),
    "profiles.yaml": ("profile", Profile),
    "measurements/*.yaml": ("measurement", Measurement),
    "kpis/*.yaml": ("kpi", Kpi),
    "vendors/*.yaml": ("vendor map", VendorMap),
}
_COMPUTED = "factor"
_Named = TypeVar("_Named")


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


@dataclass(frozen=True)
class Catalogue:
    """Every definition, checked.

    Attributes:
        measurements, kpis, object_classes, vendor_maps, profiles: by name.
        detection: the rules of detection, where a folder has them (`detection.yaml`).
    """

    measurements: Mapping[str, Measurement]
    kpis: Mapping[str, Kpi]
    object_classes: Mapping[str, ObjectClass]
    vendor_maps: Mapping[str, VendorMap]
    profiles: Mapping[str, Profile]
    detection: Detection | None = None

    @cached_property
    def version(self) -> str:
        """A hash of what the definitions say; comments and layout do not change it."""
        kinds: tuple[Mapping[str, Definition], ...] = (
            self.measurements,
            self.kpis,
            self.object_classes,
            self.vendor_maps,
            self.profiles,
        )
        content: list[object] = [
            {name: item.model_dump(mode="json") for name, item in kind.items()} for kind in kinds
        ]
        if self.detection is not None:
            content.append(self.detection.model_dump(mode="json"))
        text = json.dumps(content, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def measurement(self, name: str) -> Measurement:
        """Return a measurement by name."""
        return _known("measurement", name, self.measurements)

    def kpi(self, name: str) -> Kpi:
        """Return a KPI by name."""
        return _known("KPI", name, self.kpis)

    def vendor_map(self, name: str) -> VendorMap:
        """Return a vendor map by name."""
        return _known("vendor map", name, self.vendor_maps)

    def vendor_map_of(self, vendor_name: str) -> VendorMap | None:
        """Return the map that serves a file header's `vendorName`, if any does."""
        wanted = vendor_name.strip().casefold()
        for vendor in self.vendor_maps.values():
            if wanted in (name.casefold() for name in vendor.vendor_names):
                return vendor
        return None

    def by_standard_name(
        self, standard_name: str, technology: str | None = None, object_class: str = ""
    ) -> Measurement | None:
        """Return the measurement with a standard name (or alias, or its `.sum` sub-counter).

        Several classes may count under one name (`VR.VCpuUsageMean`): then the one that stands on
        the rows of `object_class` is meant, or else the first.
        """
        plain = standard_name.strip()
        for name in (plain, _without_sum(plain)):
            found = [
                item
                for item in self._by_standard_name.get(name, ())
                if technology is None or item.technology in (technology, "any")
            ]
            row = self._row_class(object_class)
            for item in found:
                if self._row_class(item.object_class) == row:
                    return item
            if found:
                return found[0]
        return None

    def _row_class(self, object_class: str) -> str:
        known = self.object_classes.get(object_class)
        return object_class if known is None else known.row_class

    @cached_property
    def _by_standard_name(self) -> Mapping[str, tuple[Measurement, ...]]:
        found: dict[str, tuple[Measurement, ...]] = {}
        for measurement in self.measurements.values():
            if measurement.derived_from is None:
                for name in (measurement.standard_name, *measurement.aliases):
                    found[name] = (*found.get(name, ()), measurement)
        return found


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
        DefinitionError: the rules of detection cannot be used.
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
    return _assembled(draft, load_detection(rules[-1]) if rules else None)


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


def _assembled(draft: Draft, rules: Detection | None) -> Catalogue:
    measurements = {name: item for name, (item, _) in draft.measurements.items()}
    return Catalogue(
        measurements=measurements,
        kpis={
            name: item.model_copy(update={_COMPUTED: _kpi_factor(item, measurements)})
            for name, (item, _) in draft.kpis.items()
        },
        object_classes={name: item for name, (item, _) in draft.classes.items()},
        vendor_maps={
            name: _with_factors(item, measurements) for name, (item, _) in draft.vendors.items()
        },
        profiles={name: item for name, (item, _) in draft.profiles.items()},
        detection=rules,
    )


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


def _known(kind: str, name: str, known: Mapping[str, _Named]) -> _Named:
    if name not in known:
        raise UnknownNameError.of(kind, name, known)
    return known[name]


def _without_sum(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return stem if stem and ending.casefold() == "sum" else name
