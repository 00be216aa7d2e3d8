"""Reads an operator's inventory of sites, antennas and cells, three tables that name each other.

What a row says that cannot be used is a finding; a row that names a site or an antenna that is
not listed is left out with one. How the tables are laid out is an inventory file's matter.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.identity import normalized_dn
from tasks.ingestion.configuration.bands import downlink_mhz
from tasks.ingestion.configuration.inventory_layout import (
    SUFFIX,
    Inventory,
    InventoryError,
    load_inventory,
)
from tasks.ingestion.findings import FINDING_SCHEMA

_LINE = "\tline"
_SPECIAL = r'([,+"\\<>;=])'
_FIELD = re.compile(r"\{([^{}]+)\}")
CELL_COLUMNS = (
    "cell_dn", "site_id", "site_name", "latitude_deg", "longitude_deg", "azimuth_deg",
    "antenna_height_m", "digital_tilt_deg", "band", "frequency_mhz", "managed_element_dn",
    "valid_from",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InventorySource:
    """An inventory, the name that it publishes under, and the folder of its tables."""

    name: str
    folder: Path
    layout: Inventory


@dataclass(frozen=True)
class ReadInventory:
    """What an inventory says.

    Attributes:
        cells: `CELL_COLUMNS` of `network_topology`.
        nodes: node_id, kind, site_id, managed_object_dn, name, latitude_deg, longitude_deg,
            supported_by (an antenna's site).
        findings: what could not be used.
    """

    cells: pl.DataFrame
    nodes: pl.DataFrame
    findings: pl.DataFrame


def inventory_sources(folder: Path, shelf: Path | None = None) -> list[InventorySource]:
    """Return the inventories that speak about tables in `folder`, by name.

    Args:
        folder: of deliveries; its inventory files speak about the folder that they lie in.
        shelf: inventory files kept elsewhere; each counts where its three tables lie in `folder`
            and no inventory of that name was delivered.

    Raises:
        InventoryError: an inventory file cannot be used, or two have one name.
    """
    found: dict[str, InventorySource] = {}
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if name in found:
            raise InventoryError(f"Two inventory files are called {path.name!r}; rename one.")
        found[name] = InventorySource(name, path.parent, load_inventory(path))
    for path in sorted(shelf.rglob(f"*{SUFFIX}")) if shelf is not None else []:
        name = path.name.removesuffix(SUFFIX)
        layout = load_inventory(path)
        if name not in found and all((folder / table).is_file() for table in layout.files):
            found[name] = InventorySource(name, folder, layout)
    return [found[name] for name in sorted(found)]


def read_inventory(source: InventorySource) -> ReadInventory:
    """Return what an inventory says.

    Raises:
        InputError: a table cannot be opened, or lacks or has a column that the layout says
            otherwise.
    """
    try:
        return _Reading(source).read()
    except pl.exceptions.ComputeError as error:
        raise InventoryError(f"{source.name}: a rule cannot be used: {error}") from error


@dataclass
class _Reading:
    source: InventorySource
    found: list[pl.DataFrame] = field(default_factory=list)

    def read(self) -> ReadInventory:
        layout = self.source.layout
        sites, antennas, cells = self._sites(), self._antennas(), self._cells()
        antennas = self._named(antennas, sites, "site", layout.antennas.file)
        whole = self._named(cells, antennas, "antenna", layout.cells.file)
        whole = self._banded(whole)
        nodes = self._nodes(sites, antennas)
        empty = pl.DataFrame(schema=FINDING_SCHEMA)
        return ReadInventory(whole.select(CELL_COLUMNS), nodes, pl.concat([empty, *self.found]))

    def _sites(self) -> pl.DataFrame:
        told = self.source.layout.sites
        used = (told.id, told.coordinates, told.latitude, told.longitude, told.name)
        rows = self._table(told.file, used, told.ignore, told.id, "site")
        if told.coordinates is not None:
            parts = pl.col(told.coordinates).str.split(",")
            latitude, longitude = (
                parts.list.get(place, null_on_oob=True).str.strip_chars() for place in (0, 1)
            )
            texts = rows.with_columns(latitude.alias("\tlatitude"), longitude.alias("\tlongitude"))
        elif told.latitude is not None and told.longitude is not None:
            texts = rows.with_columns(
                pl.col(told.latitude).alias("\tlatitude"),
                pl.col(told.longitude).alias("\tlongitude"),
            )
        else:
            raise InventoryError("sites: name `coordinates`, or `latitude` and `longitude`.")
        name = pl.col(told.name) if told.name else pl.lit(None, dtype=pl.String)
        texts = self._number(texts, "\tlatitude", "latitude_deg", told.file, "site")
        texts = self._number(texts, "\tlongitude", "longitude_deg", told.file, "site")
        texts = texts.with_columns(name.alias("site_name"))
        return texts.with_columns(
            self._dn(texts, self.source.layout.element_dn).alias("managed_element_dn")
            if self._fits(texts, self.source.layout.element_dn)
            else pl.lit(None, dtype=pl.String).alias("managed_element_dn")
        )

    def _antennas(self) -> pl.DataFrame:
        told = self.source.layout.antennas
        used = (told.id, told.site, told.azimuth, told.height, told.tilt)
        rows = self._table(told.file, used, told.ignore, told.id, "antenna")
        for column, name in (
            (told.azimuth, "azimuth_deg"),
            (told.height, "antenna_height_m"),
            (told.tilt, "digital_tilt_deg"),
        ):
            rows = (
                rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(name))
                if column is None
                else self._number(rows, column, name, told.file, "antenna")
            )
        return rows.with_columns(pl.col(told.site).alias("site"))

    def _cells(self) -> pl.DataFrame:
        told = self.source.layout.cells
        used = (told.id, told.antenna, told.band)
        rows = self._table(told.file, used, told.ignore, told.id, "cell")
        return rows.with_columns(pl.col(told.antenna).alias("antenna"))

    def _table(
        self,
        file: str,
        used: tuple[str | None, ...],
        ignored: tuple[str, ...],
        key: str,
        alias: str,
    ) -> pl.DataFrame:
        layout = self.source.layout
        try:
            rows = pl.read_csv(
                self.source.folder / file,
                separator=layout.csv.separator,
                encoding="utf8"
                if layout.csv.encoding.lower() in {"utf-8", "utf8"}
                else layout.csv.encoding,
                infer_schema=False,
                raise_if_empty=False,
            )
        except (pl.exceptions.PolarsError, OSError, UnicodeError, LookupError) as error:
            raise InputError(f"{file} cannot be read as the inventory says: {error}.") from error
        named = {name for name in used if name is not None}
        missing = sorted(named - set(rows.columns))
        strange = [
            name
            for name in rows.columns
            if name not in named and name not in ignored and name not in layout.dn_fields()
        ]
        if missing or strange:
            raise InputError(
                f"{file}: columns that lack: {', '.join(missing) or 'none'}; neither used nor "
                f"ignored: {', '.join(strange) or 'none'}."
            )
        rows = rows.with_row_index(_LINE, offset=2).with_columns(
            pl.col(rows.columns).str.strip_chars()
        )
        nameless = pl.col(key).fill_null("") == ""
        self._tell(rows.filter(nameless), file, key, f"The {alias} has no {key}; it is left out.")
        rows = rows.filter(~nameless)
        doubled = rows.filter(pl.col(key).is_duplicated() & ~pl.col(key).is_last_distinct())
        self._tell(doubled, file, key, f"The {alias} stands again further down, which counts.")
        return rows.filter(pl.col(key).is_last_distinct()).with_columns(
            pl.col(key).alias(alias), pl.col(key).alias(f"{alias}_id")
        )

    def _named(
        self, rows: pl.DataFrame, above: pl.DataFrame, alias: str, file: str
    ) -> pl.DataFrame:
        """Join what a row names by `alias`; a row that names what is not listed is told."""
        lost = rows.join(above, on=alias, how="anti")
        self._tell(lost, file, alias, f"No {alias} is listed of that id; the row is left out.")
        own = [name for name in above.columns if name == alias or name not in rows.columns]
        return rows.join(above.select(own), on=alias, how="inner", maintain_order="left")

    def _banded(self, rows: pl.DataFrame) -> pl.DataFrame:
        told = self.source.layout.cells
        parts = []
        for rule in self.source.layout.bands:
            fits = pl.col(told.band).str.contains(f"^(?:{rule.like})$").fill_null(value=False)
            own, rows = rows.filter(fits), rows.filter(~fits)
            band = pl.col(told.band).str.replace(
                f"^(?:{rule.like})$", re.sub(r"\{(\d+)\}", r"${\1}", rule.band)
            )
            own = own.with_columns(band.alias("band"))
            parts.append(own.with_columns(self._dn(own, rule.cell_dn).alias("cell_dn")))
        self._tell(rows, told.file, told.band, "No rule of `bands` fits; the cell is left out.")
        whole = pl.concat(parts).sort(_LINE)
        listed = {band: downlink_mhz(band) for band in whole["band"].unique().to_list()}
        frequency = pl.col("band").replace_strict(
            list(listed), list(listed.values()), default=None, return_dtype=pl.Float64
        )
        element = self.source.layout.element_dn
        return whole.with_columns(
            frequency.alias("frequency_mhz"),
            self._dn(whole, element).alias("managed_element_dn"),
            pl.lit(self.source.layout.since).dt.cast_time_unit("us").alias("valid_from"),
        )

    def _nodes(self, sites: pl.DataFrame, antennas: pl.DataFrame) -> pl.DataFrame:
        place = antennas.select(
            pl.col("antenna").alias("node_id"),
            pl.lit("antenna").alias("kind"),
            pl.col("site").alias("site_id"),
            pl.lit(None, dtype=pl.String).alias("managed_object_dn"),
            pl.lit(None, dtype=pl.String).alias("name"),
            "latitude_deg",
            "longitude_deg",
            pl.concat_list("site").alias("supported_by"),
        )
        own = sites.select(
            pl.col("site").alias("node_id"),
            pl.lit("site").alias("kind"),
            "site_id",
            pl.col("managed_element_dn").alias("managed_object_dn"),
            pl.col("site_name").alias("name"),
            "latitude_deg",
            "longitude_deg",
            pl.lit([], dtype=pl.List(pl.String)).alias("supported_by"),
        )
        both = pl.concat([own, place])
        doubled = both.filter(pl.col("node_id").is_duplicated(), pl.col("kind") == "antenna")
        renamed = pl.col("node_id").is_in(doubled["node_id"].implode()) & (
            pl.col("kind") == "antenna"
        )
        # An antenna may have a site's id: ids are of their table.
        return both.with_columns(
            pl.when(renamed)
            .then(pl.concat_str(pl.lit("antenna "), pl.col("node_id")))
            .otherwise("node_id")
            .alias("node_id")
        )

    def _number(
        self, rows: pl.DataFrame, column: str, name: str, file: str, key: str
    ) -> pl.DataFrame:
        number = pl.col(column).cast(pl.Float64, strict=False)
        found = rows.with_columns(pl.when(number.is_finite()).then(number).alias(f"\t{name}"))
        is_lost = pl.col(f"\t{name}").is_null() & (pl.col(column).fill_null("") != "")
        self._tell(found.filter(is_lost), file, key, f"{name} is no number.", column)
        return found.drop(name, strict=False).rename({f"\t{name}": name})

    @staticmethod
    def _fits(rows: pl.DataFrame, template: str) -> bool:
        return all(name in rows.columns for name in _FIELD.findall(template))

    def _dn(self, rows: pl.DataFrame, template: str) -> pl.Expr:
        """Return a DN filled with columns, their special characters escaped."""
        normalized_dn(_FIELD.sub("x", template))
        parts: list[pl.Expr] = []
        for number, text in enumerate(_FIELD.split(template)):
            if number % 2 == 0:
                parts.append(pl.lit(text))
                continue
            if text not in rows.columns:
                raise InputError(f"A DN names {{{text}}}; no table has such a column.")
            parts.append(pl.col(text).str.replace_all(_SPECIAL, r"\$1"))
        return pl.concat_str(parts)

    def _tell(
        self, rows: pl.DataFrame, file: str, key: str, reason: str, content: str | None = None
    ) -> None:
        if rows.is_empty():
            return
        told = pl.col(content or key).cast(pl.String)
        self.found.append(
            rows.select(
                pl.lit(self.source.layout.since).dt.cast_time_unit("us").alias("period_start"),
                pl.lit(file).alias("source_file"),
                pl.format("line {}", pl.col(_LINE)).alias("place"),
                pl.col(key).cast(pl.String).alias("key"),
                pl.lit(reason).alias("reason"),
                told.alias("content"),
            ).cast(FINDING_SCHEMA)  # type: ignore[arg-type]
        )
