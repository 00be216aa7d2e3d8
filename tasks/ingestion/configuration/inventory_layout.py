r"""Inventory files: how an operator's tables of sites, antennas and cells name each other.

An inventory is a YAML file named `<anything>.inventory.yaml`. It lies beside the three tables in
the delivered folder, or on the shelf of mapping files, and says:

    inventory: 1                      # version of this format
    title: ...  source: ...  notes: ... # free text, for people
    csv: {separator: ";", encoding: utf-8}
    valid_from: 2025-01-01T00:00:00Z  # since when it is so
    sites:
      file: sites.csv
      id: site_id
      coordinates: coordinates        # "lat, lon" in one column; or latitude: ... longitude: ...
      name: site_name                 # optional
      ignore: [construction]          # columns left out on purpose
    antennas:
      file: antennas.csv
      id: antenna_id
      site: site_id                   # the site's id
      azimuth: orientation            # optional, as height: and tilt:
      ignore: [manufacturer]
    cells:
      file: cells.csv
      id: cell_id
      antenna: antenna_id             # the antenna's id
      band: service
    bands:                            # the first rule that fits the whole text counts
      - like: N(\d+)
        band: n{1}                    # {1} is the first group
        cell_dn: "ManagedElement={site},GNBDUFunction=1,NRCellDU={cell}"
    element_dn: "ManagedElement={site}"

A DN may name {site}, {antenna}, {cell} and any column of the three tables. A column that is
neither named nor ignored is an error: nothing is dropped in silence.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from semantic_layer.errors import InputError
from semantic_layer.plain_yaml import read_yaml_file

SUFFIX = ".inventory.yaml"
"""What an inventory file's name ends with."""

_FIELD = re.compile(r"\{([^{}]+)\}")
_LONGEST_FILE = 1 << 20


class InventoryError(InputError):
    """An inventory file cannot be used as it is; the message holds every problem, one a line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InventoryCsv(_Strict):
    """How the tables are written."""

    separator: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"


class SiteTable(_Strict):
    """The table of sites."""

    file: str
    id: str
    coordinates: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    name: str | None = None
    ignore: tuple[str, ...] = ()


class AntennaTable(_Strict):
    """The table of antennas."""

    file: str
    id: str
    site: str
    azimuth: str | None = None
    height: str | None = None
    tilt: str | None = None
    ignore: tuple[str, ...] = ()


class CellTable(_Strict):
    """The table of cells."""

    file: str
    id: str
    antenna: str
    band: str
    ignore: tuple[str, ...] = ()


class BandRule(_Strict):
    """How a text says a band, and what the DN of such a cell is."""

    like: str
    band: str
    cell_dn: str

    @field_validator("like")
    @classmethod
    def _is_regular(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value


class Inventory(_Strict):
    """A whole inventory file."""

    inventory: int = Field(ge=1, le=1)
    title: str = ""
    source: str = ""
    notes: str = ""
    csv: InventoryCsv = InventoryCsv()
    valid_from: AwareDatetime
    sites: SiteTable
    antennas: AntennaTable
    cells: CellTable
    bands: tuple[BandRule, ...] = Field(min_length=1)
    element_dn: str

    @property
    def files(self) -> tuple[str, str, str]:
        """The names of the three tables."""
        return self.sites.file, self.antennas.file, self.cells.file

    @property
    def since(self) -> datetime:
        """Since when it is so."""
        return self.valid_from

    def dn_fields(self) -> set[str]:
        """Return the columns that its DNs name."""
        templates = (self.element_dn, *(rule.cell_dn for rule in self.bands))
        return {name for template in templates for name in _FIELD.findall(template)}


def load_inventory(path: Path) -> Inventory:
    """Return an inventory file's content.

    Raises:
        InventoryError: it is no YAML, or breaks the format; with every problem.
    """
    try:
        if path.stat().st_size > _LONGEST_FILE:
            raise InventoryError(f"{path.name} is larger than {_LONGEST_FILE:,} bytes.")
        told: Any = read_yaml_file(path)
        return Inventory.model_validate(told)
    except yaml.YAMLError as error:
        raise InventoryError(f"{path.name} is not YAML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{path.name}: {'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors()
        ]
        raise InventoryError("\n".join(lines)) from error
