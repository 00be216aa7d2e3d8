"""The catalogue: every definition, checked, by name; and how each is found.

Made by `loading`; definitions know nothing of it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel

from semantic_layer.alarms import AlarmDefinition, AlarmTexts, ProbableCause, alarm_texts
from semantic_layer.correlation import CorrelationRule
from semantic_layer.detection import Detection
from semantic_layer.errors import UnknownNameError
from semantic_layer.kpis import Kpi
from semantic_layer.lifecycle import Lifecycle, closest
from semantic_layer.managed_objects import ObjectClass
from semantic_layer.measurements import Measurement
from semantic_layer.profiles import Profile
from semantic_layer.synonyms import Kind, Named, Phrases, Synonym, named_in, phrases
from semantic_layer.vendors import VendorMap

_ANY_VENDOR = "*"
_Named = TypeVar("_Named")


@dataclass(frozen=True)
class Catalogue:
    """Every definition, checked.

    Attributes:
        measurements, kpis, object_classes, vendor_maps, profiles: by name.
        detection: the rules of detection, where a folder has them (`detection.yaml`).
        alarms: alarm definitions by name.
        probable_causes: causes that an alarm may give, by name.
        correlation_rules: which alarm brings which, by name.
        synonym_terms: terms of the field with what they mean, by term.
        lifecycles: rules of keeping, by name.
        owned_rules: rules of evidence, worth, promotion and profiling, by file name, where a
            folder has them.
    """

    measurements: Mapping[str, Measurement]
    kpis: Mapping[str, Kpi]
    object_classes: Mapping[str, ObjectClass]
    vendor_maps: Mapping[str, VendorMap]
    profiles: Mapping[str, Profile]
    detection: Detection | None = None
    alarms: Mapping[str, AlarmDefinition] = field(default_factory=dict)
    probable_causes: Mapping[str, ProbableCause] = field(default_factory=dict)
    correlation_rules: Mapping[str, CorrelationRule] = field(default_factory=dict)
    synonym_terms: Mapping[str, Synonym] = field(default_factory=dict)
    lifecycles: Mapping[str, Lifecycle] = field(default_factory=dict)
    owned_rules: Mapping[str, BaseModel] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """A hash of what the definitions say; comments and layout do not change it.

        Synonyms and lifecycles have no part in it: no published value depends on them.
        """
        kinds: tuple[Mapping[str, BaseModel], ...] = (
            self.measurements,
            self.kpis,
            self.object_classes,
            self.vendor_maps,
            self.profiles,
            self.alarms,
            self.probable_causes,
            self.correlation_rules,
            self.owned_rules,
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

    def alarm(self, name: str) -> AlarmDefinition:
        """Return an alarm definition by name."""
        return _known("alarm", name, self.alarms)

    def vendor_map(self, name: str) -> VendorMap:
        """Return a vendor map by name."""
        return _known("vendor map", name, self.vendor_maps)

    def vendor_map_of(self, vendor_name: str) -> VendorMap | None:
        """Return the map that serves a file header's `vendorName`: its own, or everyone's."""
        by_vendor = self._by_vendor
        return by_vendor.get(vendor_name.strip().casefold()) or by_vendor.get(_ANY_VENDOR)

    def by_standard_name(
        self, standard_name: str, technology: str | None = None, object_class: str = ""
    ) -> Measurement | None:
        """Return the measurement with a standard name (or alias, or its `.sum` sub-counter).

        Several classes may count under one name (`VR.VCpuUsageMean`): then the one that stands on
        the rows of `object_class` is meant, or else the first.
        """
        plain = standard_name.strip()
        row = self._row_class(object_class)
        for name in (plain, _without_sum(plain)):
            found = [
                item
                for item in self._by_standard_name.get(name, ())
                if technology is None or item.technology in (technology, "any")
            ]
            for item in found:
                if self._row_class(item.object_class) == row:
                    return item
            if found:
                return found[0]
        return None

    def alarm_of(
        self, probable_cause: str, specific_problem: str, alarm_type: str = ""
    ) -> AlarmDefinition | None:
        """Return the alarm that a delivered one is, told by its texts; None when none is sure.

        The specific problem tells first (as our text, or one of a vendor's), whatever its case,
        spaces and marks; then a probable cause (by name or number) that a single definition has.
        """
        return self._alarm_texts.found(probable_cause, specific_problem, alarm_type)

    @property
    def synonyms(self) -> Mapping[str, tuple[str, ...]]:
        """Terms of the field and their synonyms."""
        return {name: item.also for name, item in self.synonym_terms.items()}

    def named_by(self, text: str) -> list[Named]:
        """Return the definitions that a text names, in its order: by name, title or synonym."""
        return named_in(text, self._phrases)

    def lifecycle_of(self, table: str) -> Lifecycle:
        """Return the rule by which a table's rows are kept.

        Raises:
            UnknownNameError: no rule names the table.
        """
        found = closest(self.lifecycles.values(), table)
        if found is None:
            raise UnknownNameError.of("lifecycle for table", table, ())
        return found

    @cached_property
    def _by_vendor(self) -> Mapping[str, VendorMap]:
        return {
            name.casefold(): vendor
            for vendor in self.vendor_maps.values()
            for name in vendor.vendor_names
        }

    @cached_property
    def _by_standard_name(self) -> Mapping[str, tuple[Measurement, ...]]:
        found: dict[str, tuple[Measurement, ...]] = {}
        for measurement in self.measurements.values():
            if measurement.derived_from is None:
                for name in (measurement.standard_name, *measurement.aliases):
                    found[name] = (*found.get(name, ()), measurement)
        return found

    @cached_property
    def _alarm_texts(self) -> AlarmTexts:
        return alarm_texts(self.alarms.values(), self.probable_causes.values())

    @cached_property
    def _phrases(self) -> Phrases:
        return phrases(self._titles(), self.synonym_terms.values())

    def _titles(self) -> Iterator[tuple[Kind, str, Sequence[str]]]:
        for kpi in self.kpis.values():
            yield "kpi", kpi.name, (kpi.title, kpi.column)
        for item in self.measurements.values():
            yield "measurement", item.name, (item.title, item.column, item.standard_name)
        for alarm in self.alarms.values():
            yield "alarm", alarm.name, (alarm.title, alarm.specific_problem, *alarm.also_known_as)
        for known in self.object_classes.values():
            yield "object_class", known.name, known.also_spelled

    def _row_class(self, object_class: str) -> str:
        known = self.object_classes.get(object_class)
        return object_class if known is None else known.row_class


def _known(kind: str, name: str, known: Mapping[str, _Named]) -> _Named:
    if name not in known:
        raise UnknownNameError.of(kind, name, known)
    return known[name]


def _without_sum(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return stem if stem and ending.casefold() == "sum" else name
