"""Mapping files for records: how a person's table becomes alarms, tickets or changes, with no code.

Its head (`mapping`, `files`, `csv`, `sheets`, `null_values`) is that of `mapping_files`. The rest:

    mapping: 1
    into: trouble_tickets             # whose columns the rows have; see `RECORDS`
    files: ["incident_event_log.zip!*.csv"]
    zone: Europe/Lisbon               # of times that carry none; default UTC
    columns:                          # column of the file -> column of the product
      number: ticket_id
      opened_at: {is: opened_at, format: "%d/%m/%Y %H:%M", zone: UTC}
      start: {is: raised_at, epoch: 2021-01-01T00:00:00Z, unit: s}   # a number since an epoch
      deltaT: [{is: observed_at, epoch: 2021-01-01T00:00:00Z}, offset_s]   # one column, two uses
      impact: {is: severity, values: {"1 - High": HIGH, "*": keep}}   # `*`: any other; or a text
      alarms: {is: alarm_ids, separator: ";"}
      minutes: {is: clock_skew_s, scale: 60}
      "*": by_name                    # every other column that bears a column's name
    templates: {managed_object_dn: "ManagedElement={device_id}", alarm_id: "{device_id}/{#line}"}
    constants: {perceived_severity: INDETERMINATE}
    unpivot: {columns: {DL: downlink, UL: uplink}, name: measure, value: value}   # a row for each
    stands_twice: first               # a row that its file holds twice: first counts, or keep
    ignore: [vendor]                  # columns left out on purpose; "*" leaves out all the rest

Types come from the product's contract. Columns that end in `_dn` or `_dns` are read as
distinguished names, and what a template puts into one is escaped. `{#line}` and `{#file}` say where
a row stands.
A column of the file that is neither mapped nor ignored is an error: nothing is dropped in silence.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from semantic_layer.errors import did_you_mean
from tasks.ingestion.tables.table_layout import (
    CsvLayout,
    Strict,
    TableLayout,
    checked,
    known_zone,
    mapping_text,
)

RECORDS: Mapping[str, tuple[str, ...]] = {
    "alarms": ("alarms", "alarms.notifications"),
    "alarms.notifications": ("alarms.notifications",),
    "change_history": ("change_history", "change_history.states"),
    "change_history.observations": ("change_history.observations",),
    "customer_experience": ("customer_experience",),
    "service_sessions": ("service_sessions",),
    "trouble_tickets": ("trouble_tickets", "trouble_tickets.updates"),
}
"""What `into` may name, and the tables whose columns such a row may have."""

KEEP = "keep"
OTHERS = "*"
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "min": 60_000_000, "h": 3_600_000_000}
"""Microseconds of a unit of time since an epoch."""


class Use(Strict):
    """What a column of the file is in the product.

    Attributes:
        name: the product's column.
        format: strptime's, of a time; ISO 8601 without.
        zone: of times that carry none; the mapping's without.
        epoch: the time that a number is counted from.
        unit: of such numbers.
        values: what texts mean; `*` says what becomes of the others: `keep`, or a text.
        separator: of a list in one cell; without, a cell is one element.
        scale: what numbers are multiplied by.
    """

    name: str = Field(alias="is")
    format: str | None = None
    zone: str | None = None
    epoch: datetime | None = None
    unit: str = "s"
    values: Mapping[str, str | None] = Field(default_factory=dict)
    separator: str | None = Field(None, min_length=1)
    scale: float = 1.0

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)

    @field_validator("epoch", mode="before")
    @classmethod
    def _moment(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML held
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, value: str) -> str:
        if value not in UNITS:
            raise ValueError(f"no unit of time {value!r}; known are {', '.join(UNITS)}")
        return value

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML held
        if not isinstance(value, dict):
            return value
        return {_text(key): None if told is None else _text(told) for key, told in value.items()}

    @model_validator(mode="after")
    def _consistent(self) -> "Use":
        if self.epoch is not None and self.format is not None:
            raise ValueError("a time has a `format` or an `epoch`, not both")
        return self


class Unpivot(Strict):
    """Columns that become rows: `name` takes what a column is called there, `value` its value."""

    columns: Mapping[str, str] = Field(min_length=1)
    name: str
    value: str


class RecordMapping(TableLayout):
    """One mapping file into records, checked."""

    into: str
    zone: str = "UTC"
    columns: Mapping[str, tuple[Use, ...]] = Field(default_factory=dict)
    takes_by_name: bool = False
    templates: Mapping[str, str] = Field(default_factory=dict)
    constants: Mapping[str, str] = Field(default_factory=dict)
    unpivot: Unpivot | None = None
    stands_twice: Literal["first", "keep"] = "first"
    ignore: tuple[str, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)

    @field_validator("into")
    @classmethod
    def _known_table(cls, value: str) -> str:
        if value not in RECORDS:
            raise ValueError(f"no records {value!r}{did_you_mean(value, RECORDS).rstrip('.')}")
        return value

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML held
        if not isinstance(value, dict):
            return value
        return {key: _text(told) for key, told in value.items()}

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:  # noqa: ANN401 - what YAML held
        if not isinstance(raw, dict) or not isinstance(raw.get("columns"), dict):
            return raw
        columns = dict(raw["columns"])
        by_name = columns.pop("*", None)
        if by_name not in (None, "by_name"):
            raise ValueError('the column "*" can only be `by_name`')
        full = {str(column): _uses(told) for column, told in columns.items()}
        return raw | {"columns": full, "takes_by_name": by_name is not None}

    @model_validator(mode="after")
    def _consistent(self) -> "RecordMapping":
        if not (self.columns or self.takes_by_name or self.templates):
            raise ValueError("`columns` maps nothing")
        told = self.named()
        twice = sorted({name for name in told if told.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is said twice")
        return self

    def named(self) -> list[str]:
        """Return the product's columns that the mapping fills by name."""
        uses = chain.from_iterable(self.columns.values())
        turned = [self.unpivot.name, self.unpivot.value] if self.unpivot else []
        return [*(use.name for use in uses), *self.templates, *self.constants, *turned]


def load_record_mapping(path: Path) -> RecordMapping:
    """Return the mapping that the file at `path` holds.

    Raises:
        MappingError: the file is not YAML, or something in it is missing, unknown or contradictory.
    """
    return parse_record_mapping(mapping_text(path), path.name)


def parse_record_mapping(text: str, name: str) -> RecordMapping:
    """Return the mapping that `text` holds; `name` is its file, for messages.

    Raises:
        MappingError: as `load_record_mapping`.
    """
    return checked(RecordMapping, text, name, _PARTS)


_PARTS: dict[str, type[BaseModel]] = {"csv": CsvLayout, "columns": Use, "unpivot": Unpivot}


def _uses(told: Any) -> Any:  # noqa: ANN401 - what YAML held
    if isinstance(told, list):
        return [{"is": use} if isinstance(use, str) else use for use in told]
    return [{"is": told}] if isinstance(told, str) else [told]


def _text(value: Any) -> Any:  # noqa: ANN401 - YAML reads 1, true or a date where text is meant
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int | float) else value
