"""Mapping files: how a person's table becomes measurements, KPIs or topology, with no code.

A mapping is a YAML file named `<anything>.mapping.yaml`. It lies beside the tables that it
describes, in the delivered folder, and names them by `files`. Everything else in it:

    mapping: 1                        # version of this format
    into: cell_kpis                   # pm_measurements, cell_kpis or network_topology
    files: ["*.csv"]                  # globs, relative to the folder that is read; a file in an
                                      # archive: "log.zip!*.csv", "alarms.tar.gz!*/Alarm.csv"
    title: ...  source: ...  notes: ... # free text, for people
    csv: {separator: ";", quote: '"', decimal: ",", encoding: latin-1, skip_rows: 0}  # CSV only
    sheets: ["2016", "2017"]          # xlsx only; default: all, one under the other

    object:                           # whose row it is; exactly one of the two
      column: managed_object_dn       # a column that holds the DN
      dn: "SubNetwork=1,ManagedElement={site},ENBFunction=1"   # or a template of {columns}

    time:                             # the period (or, for topology, valid_from)
      column: Date                    # or `constant: 2026-01-01T00:00:00Z`
      format: "%Y-%m-%d"              # strptime; default ISO 8601 or the file's own time type
      zone: Africa/Cairo              # for times that carry none; default UTC
      names: start                    # or `end`: which end of the period the time names
    granularity: hour                 # 15min, hour, day, seconds, or {column: granularity_s}

    null_values: ["", "-", "NIL"]     # besides empty cells
    suspect: {column: is_suspect}     # optional
    columns:                          # column of the table -> what it is
      RRC_SR: lte_rrc_setup_success_rate          # a definition's name (or standard name)
      DL_TP: {is: lte_user_throughput_dl, unit: bit/s}      # converted to the definition's unit
      DROPS: {is: lte_erab_rel_active, scale: 1000}         # or multiplied
      FAIL_PCT: {is: lte_rrc_setup_success_rate, complement_of: 100}   # 100 - value
      NEIGHBOURS: {is: neighbor_dns, separator: "|"}        # a list in one cell (or a vector)
      "*": by_name                    # every other column that bears a definition's column or name
    ignore: [Encoded]                 # columns left out on purpose; "*" leaves out all the rest
    duplicates: refuse                # rows of one file with one key: refuse, first, last, combine
    combine: {DL_TP: sum, RRC_SR: mean}         # for `duplicates: combine`: mean, sum, min, max

A column of the table that is neither mapped nor ignored is an error: nothing is dropped in silence.
Several files may each carry some of the columns: rows with the same key are joined; where two files
say different things about one value, the later name (in order of path) wins and that is counted.
Records (alarms, tickets, changes) are mapped by `record_mappings`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from semantic_layer.errors import did_you_mean
from semantic_layer.periods import GRANULARITIES
from tasks.ingestion.tables.table_layout import (
    SUFFIX,
    CsvLayout,
    MappingError,
    Strict,
    TableLayout,
    checked,
    known_zone,
    mapping_text,
)

__all__ = ["SUFFIX", "MappingError", "TableMapping", "load_mapping", "parse_mapping"]

Target = Literal["pm_measurements", "cell_kpis", "network_topology"]
Combination = Literal["mean", "sum", "min", "max"]


class ObjectOf(Strict):
    """Where a row says which managed object it is about."""

    column: str | None = None
    dn: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "ObjectOf":
        if (self.column is None) == (self.dn is None):
            raise ValueError("give exactly one of `column` and `dn`")
        return self


class TimeOf(Strict):
    """Where a row says which period it is about."""

    column: str | None = None
    constant: str | None = None
    format: str | None = None
    zone: str = "UTC"
    names: Literal["start", "end"] = "start"

    @field_validator("constant", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:  # noqa: ANN401 - YAML reads a date where text is meant
        return value.isoformat() if hasattr(value, "isoformat") else value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _one_of_two(self) -> "TimeOf":
        if (self.column is None) == (self.constant is None):
            raise ValueError("give exactly one of `column` and `constant`")
        return self


class ColumnOf(Strict):
    """A column that holds a plain fact."""

    column: str


class Meaning(Strict):
    """What a column of the table is, and how its numbers become the definition's."""

    name: str = Field(alias="is")
    unit: str | None = None
    scale: float = 1.0
    complement_of: float | None = None
    separator: str | None = None


class TableMapping(TableLayout):
    """One mapping file, checked."""

    into: Target
    object: ObjectOf
    time: TimeOf
    granularity: str | int | ColumnOf | None = None
    suspect: ColumnOf | None = None
    columns: Mapping[str, Meaning]
    takes_by_name: bool = False
    ignore: tuple[str, ...] = ()
    duplicates: Literal["refuse", "first", "last", "combine"] = "refuse"
    combine: Mapping[str, Combination] = Field(default_factory=dict)

    @field_validator("granularity", mode="before")
    @classmethod
    def _known_granularity(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML held
        is_seconds = isinstance(value, int) and value > 0
        if value is None or is_seconds or isinstance(value, dict):
            return value
        if isinstance(value, str) and value in GRANULARITIES:
            return value
        raise ValueError(
            f"{value!r} is no granularity; give {', '.join(GRANULARITIES)}, seconds, or a column"
        )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:  # noqa: ANN401 - what YAML held
        if not isinstance(raw, dict) or not isinstance(raw.get("columns"), dict):
            return raw
        columns = dict(raw["columns"])
        by_name = columns.pop("*", None)
        if by_name not in (None, "by_name"):
            raise ValueError('the column "*" can only be `by_name`')
        full = {
            str(column): {"is": meaning} if isinstance(meaning, str) else meaning
            for column, meaning in columns.items()
        }
        return raw | {"columns": full, "takes_by_name": by_name is not None}

    @model_validator(mode="after")
    def _consistent(self) -> "TableMapping":
        if self.into != "network_topology" and self.granularity is None:
            raise ValueError(f"`granularity` is needed for {self.into}")
        if self.into == "cell_kpis" and self.granularity not in GRANULARITIES:
            names = ", ".join(GRANULARITIES)
            raise ValueError(f"`granularity` of KPIs is one of {names}, not {self.granularity!r}")
        if not self.columns and not self.takes_by_name:
            raise ValueError("`columns` maps nothing")
        if self.combine and self.duplicates != "combine":
            raise ValueError("`combine` only counts with `duplicates: combine`")
        if self.duplicates == "combine" and not self.takes_by_name:
            left = sorted(set(self.columns) - set(self.combine))
            if left:
                raise ValueError(f"`combine` does not say how rows of {left[0]!r} become one")
        unknown = sorted(set(self.combine) - set(self.columns))
        if unknown:
            raise ValueError(
                f"`combine` names {unknown[0]!r}, which `columns` does not"
                f"{did_you_mean(unknown[0], self.columns)}"
            )
        return self


def load_mapping(path: Path) -> TableMapping:
    """Return the mapping that the file at `path` holds.

    Raises:
        MappingError: the file is not YAML, or something in it is missing, unknown or contradictory.
    """
    return parse_mapping(mapping_text(path), path.name)


def parse_mapping(text: str, name: str) -> TableMapping:
    """Return the mapping that `text` holds; `name` is its file, for messages.

    Raises:
        MappingError: as `load_mapping`.
    """
    return checked(TableMapping, text, name, _KNOWN_KEYS)


_KNOWN_KEYS: dict[str, type[BaseModel]] = {
    "csv": CsvLayout,
    "object": ObjectOf,
    "time": TimeOf,
    "suspect": ColumnOf,
    "columns": Meaning,
    "granularity": ColumnOf,
}
