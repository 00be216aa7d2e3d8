"""Alarms that the network may raise, as definitions, and which one a delivered alarm is.

Whatever a vendor or OSS calls it, an alarm is recognized once, at ingestion; the names of vendors
appear nowhere behind it. Types, causes and severities are those of ITU-T X.733 and X.736, as 3GPP
TS 32.111-2 annex B and TS 28.532 carry them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

AlarmType = Literal[
    "EQUIPMENT_ALARM",
    "COMMUNICATIONS_ALARM",
    "PROCESSING_ERROR_ALARM",
    "QUALITY_OF_SERVICE_ALARM",
    "ENVIRONMENTAL_ALARM",
]
Severity = Literal["CRITICAL", "MAJOR", "MINOR", "WARNING"]
Layer = Literal[
    "radio",
    "hardware",
    "power",
    "environment",
    "synchronization",
    "transport",
    "optical",
    "core",
    "software",
]


class ProbableCause(BaseModel):
    """A probable cause that the standards list.

    Attributes:
        name: as in the standards, in camelCase.
        number: its value where files send numbers (IETF RFC 3877, IANA-ITU-ALARM-TC-MIB).
        is_general: fits many alarms, and so tells none of them alone.
        source: the document that lists it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern="^[a-z][A-Za-z]*$")
    number: int | None = Field(default=None, ge=0)
    is_general: bool = False
    source: str


class AlarmDefinition(BaseModel):
    """One alarm.

    Attributes:
        name: ours; unique.
        title: for people.
        alarm_type, probable_cause: as in the standards.
        perceived_severity: the one it is usually raised with.
        specific_problem: the one text that tells it.
        also_known_as: texts and ids under which vendors and OSSs send it.
        object_classes: the classes that raise it.
        layer: the part of the network it belongs to.
        is_service_affecting: whether users notice while it stands.
        source: document, and clause where confirmed.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    alarm_type: AlarmType
    probable_cause: str
    perceived_severity: Severity
    specific_problem: str
    also_known_as: tuple[str, ...] = ()
    object_classes: tuple[str, ...] = Field(min_length=1)
    layer: Layer
    is_service_affecting: bool
    source: str
    description: str

    @property
    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text by which it is recognized, with the key under which it is written."""
        yield "specific_problem", self.specific_problem
        yield "name", self.name
        yield from (("also_known_as", text) for text in self.also_known_as)


@dataclass(frozen=True, slots=True)
class AlarmTexts:
    """Which definition a text, or a telling cause, leads to.

    Attributes:
        by_text: definitions by their texts, spelled alike.
        by_cause: definitions by cause, spelled alike; for causes that are not general.
        cause_names: the standards' names of causes, by spelling and by number.
    """

    by_text: Mapping[str, AlarmDefinition]
    by_cause: Mapping[str, tuple[AlarmDefinition, ...]]
    cause_names: Mapping[str, str]

    def found(
        self, probable_cause: str, specific_problem: str, alarm_type: str
    ) -> AlarmDefinition | None:
        """Return the definition, told by the problem first, else by a cause that only it has."""
        told = self.by_text.get(alike(specific_problem))
        if told is not None:
            return told
        cause = self.cause_names.get(alike(probable_cause), "")
        candidates = self.by_cause.get(alike(cause), ())
        wanted = alike(alarm_type)
        fitting = [item for item in candidates if wanted in ("", alike(item.alarm_type))]
        return fitting[0] if len(fitting) == 1 else None


def alarm_texts(alarms: Iterable[AlarmDefinition], causes: Iterable[ProbableCause]) -> AlarmTexts:
    """Return what leads from texts and causes to `alarms`."""
    by_text: dict[str, AlarmDefinition] = {}
    by_cause: dict[str, tuple[AlarmDefinition, ...]] = {}
    cause_names: dict[str, str] = {}
    general = set()
    for cause in causes:
        cause_names[alike(cause.name)] = cause.name
        if cause.number is not None:
            cause_names[str(cause.number)] = cause.name
        if cause.is_general:
            general.add(cause.name)
    for alarm in alarms:
        for _, text in alarm.texts:
            by_text.setdefault(alike(text), alarm)
        if alarm.probable_cause not in general:
            key = alike(alarm.probable_cause)
            by_cause[key] = (*by_cause.get(key, ()), alarm)
    return AlarmTexts(by_text, by_cause, cause_names)


def alike(text: str) -> str:
    """Return a text without case, spaces and marks, so that spellings of one name are equal.

    >>> alike("VSWR_OVER_THRESHOLD") == alike("VSWR over  threshold") == alike("vswrOverThreshold")
    True
    """
    return "".join(letter for letter in text.casefold() if letter.isalnum())
