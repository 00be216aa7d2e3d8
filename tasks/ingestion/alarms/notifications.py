"""What every alarm format becomes: notifications in our words, and reasons for what cannot.

Standard spellings are read here, once: severities, alarm types, times, names of objects.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.identity import format_dn, joined_dn, normalized_dn
from tasks.ingestion.delivered_json import is_storable, plain_text
from tasks.ingestion.findings import FINDING_SCHEMA

NOTIFICATION_SCHEMA: dict[str, pl.DataType] = {
    "notified_at": TIME,
    "notification_id": pl.String(),
    "alarm_id": pl.String(),
    "managed_object_dn": pl.String(),
    "notification_type": pl.String(),
    "alarm_type": pl.String(),
    "probable_cause": pl.String(),
    "perceived_severity": pl.String(),
    "specific_problem": pl.String(),
    "reporting_entity": pl.String(),
    "received_at": TIME,
    "additional_text": pl.String(),
    "source_file": pl.String(),
}
"""Columns of a notification as a delivery tells it; the definition's name and the source follow."""

SEVERITIES = ("CRITICAL", "MAJOR", "MINOR", "WARNING", "INDETERMINATE", "CLEARED")
ALARM_TYPES = (
    "COMMUNICATIONS_ALARM", "PROCESSING_ERROR_ALARM", "ENVIRONMENTAL_ALARM",
    "QUALITY_OF_SERVICE_ALARM", "EQUIPMENT_ALARM", "INTEGRITY_VIOLATION", "OPERATIONAL_VIOLATION",
    "PHYSICAL_VIOLATION", "SECURITY_SERVICE_OR_MECHANISM_VIOLATION", "TIME_DOMAIN_VIOLATION",
)  # fmt: skip
"""Event types of ITU-T X.733 and X.736 as 3GPP TS 28.532 spells them."""

_LONGEST = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)


class UnusableEventError(InputError):
    """An event cannot be used; the message is the reason."""


class Notification(NamedTuple):
    """One thing that a network said about one alarm; fields as `NOTIFICATION_SCHEMA`."""

    notified_at: datetime
    notification_id: str
    alarm_id: str
    managed_object_dn: str
    notification_type: str
    alarm_type: str | None
    probable_cause: str | None
    perceived_severity: str | None
    specific_problem: str | None
    reporting_entity: str | None
    received_at: datetime | None
    additional_text: str | None
    source_file: str


Finding = tuple[datetime | None, str, str, str | None, str, str | None]


@dataclass(slots=True)
class ReadEvents:
    """What a file said: rows for products, and a reason for each thing that is none."""

    notifications: list[Notification] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def refuse(
        self,
        source_file: str,
        place: str,
        reason: str,
        content: object = None,
        key: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Note why something is not used."""
        shown = None if content is None else content_text(content)
        named = None if key is None else plain_text(key)[:200]
        self.findings.append((at, source_file, place, named, plain_text(reason), shown))


def notification_frame(notifications: Iterable[Notification]) -> pl.DataFrame:
    """Return notifications as a frame."""
    return pl.DataFrame(list(notifications), schema=NOTIFICATION_SCHEMA, orient="row")


def finding_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """Return findings as a frame."""
    return pl.DataFrame(list(findings), schema=FINDING_SCHEMA, orient="row")


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


_SEVERITY_OF = {_letters(name): name for name in SEVERITIES} | {
    "normal": "CLEARED", "clear": "CLEARED", "unknown": "INDETERMINATE",
}  # fmt: skip
_TYPE_OF = {_letters(name).removesuffix("alarm"): name for name in ALARM_TYPES} | {
    "communication": "COMMUNICATIONS_ALARM", "environment": "ENVIRONMENTAL_ALARM",
    "processing": "PROCESSING_ERROR_ALARM", "qos": "QUALITY_OF_SERVICE_ALARM",
}  # fmt: skip


def severity(value: object, name: str = "perceivedSeverity") -> str:
    """Return a severity in the standard's spelling.

    Raises:
        UnusableEventError: it is none.
    """
    found = _SEVERITY_OF.get(_letters(value)) if isinstance(value, str) else None
    if found is None:
        raise UnusableEventError(f"{name} is {shown(value)}; it is one of {', '.join(SEVERITIES)}.")
    return found


def alarm_type(value: object) -> str | None:
    """Return an alarm type in the standard's spelling; None when it is missing or none."""
    if not isinstance(value, str):
        return None
    return _TYPE_OF.get(_letters(value).removesuffix("alarm"))


def text(event: dict[str, Any], name: str) -> str | None:
    """Return a text of an event, None when it is missing or empty; numbers become text.

    Raises:
        UnusableEventError: it is neither text nor number, or not made of characters.
    """
    value = event.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnusableEventError(f"{name} is {shown(value)}, which is no text.")
    found = value if isinstance(value, str) else f"{value:g}"
    if isinstance(value, int):
        found = str(value)
    if not is_storable(found):
        raise UnusableEventError(f"{name} holds bytes that are not UTF-8.")
    return found[:_LONGEST].strip() or None


def needed(event: dict[str, Any], name: str) -> str:
    """Return a text that an event must have.

    Raises:
        UnusableEventError: it is missing, empty or no text.
    """
    found = text(event, name)
    if found is None:
        raise UnusableEventError(f"{name} is missing.")
    return found


def moment(value: object, name: str) -> datetime:
    """Return an ISO 8601 time with its zone, in UTC.

    Raises:
        UnusableEventError: it is no such time.
    """
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise UnusableEventError(f"{name} is {shown(value)}, which is no ISO 8601 time.")
    if found.tzinfo is None:
        raise UnusableEventError(f"{name} is {shown(value)}, which has no time zone.")
    return _bounded(lambda: found.astimezone(UTC), value, name)


def moment_or_none(event: dict[str, Any], name: str) -> datetime | None:
    """Return a time of an event, None when it has none; see `moment`."""
    value = event.get(name)
    return None if value is None or value == "" else moment(value, name)


def epoch_moment(value: object, name: str) -> datetime:
    """Return a time that is given as microseconds since 1970.

    Raises:
        UnusableEventError: it is no number, or lies outside 1970 to 2200.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):  # type: ignore[arg-type]
        raise UnusableEventError(f"{name} is {shown(value)}, which is no number of microseconds.")
    return _bounded(lambda: _EPOCH + timedelta(microseconds=int(value)), value, name)  # type: ignore[call-overload]


def _bounded(found: Callable[[], datetime], value: object, name: str) -> datetime:
    try:
        at = found()
    except OverflowError:
        at = _LAST
    if not _EPOCH <= at < _LAST:
        raise UnusableEventError(f"{name} is {shown(value)}, outside the years 1970 to 2200.")
    return at


def object_dn(element: str, local: str | None = None) -> str:
    """Return the DN of an object that is named by its element and a local DN, or by a DN.

    A name that is no DN is the id of a managed element.
    """
    below = local if local and "=" in local else ""
    above = "" if below.startswith("SubNetwork=") else element
    try:
        return normalized_dn(joined_dn("", above, below))
    except InputError:
        return format_dn([("ManagedElement", element)])


def shown(value: object) -> str:
    """Return a value as a reason quotes it."""
    return plain_text(repr(value))[:80]


def content_text(content: object) -> str:
    """Return the content of a finding as text of bounded length."""
    whole = content if isinstance(content, str) else _dumped(content)
    return plain_text(whole)[:_LONGEST]


def _dumped(content: object) -> str:
    try:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=repr)
    except RecursionError:
        return "nested too deep to show"
