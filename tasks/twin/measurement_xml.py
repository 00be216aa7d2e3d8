"""Writes measurement files as 3GPP TS 32.435 lays them out: one a subnetwork and period, gzip.

The two layouts of the standard are both written: subnetworks with an odd number, core and transport
list their types in one `measTypes` and their values in one `measResults`; even ones number each
`measType` and `r`. DNs differ as they do between vendors: relative to the managed element, or from
it. File names follow TS 32.432 (type C: several elements, one granularity period).
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from semantic_layer.loading import Catalogue
from semantic_layer.measurements import Measurement
from tasks.twin.delivered_rows import DeliveredRows, is_whole
from tasks.twin.traffic import PERIOD_S

_NAMESPACE = "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"
_COMPRESSION = 4
_ELEMENT = r"^(SubNetwork=[^,]+,ManagedElement=[^,]+)"
_HALVES = {"GNBDUFunction": "GNBCUCPFunction", "NRCellDU": "NRCellCU"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """One of the standard's two ways to write types and values."""

    is_numbered: bool
    zone: ZoneInfo

    def types(self, names: Sequence[str]) -> str:
        if not self.is_numbered:
            return f"<measTypes>{' '.join(names)}</measTypes>"
        return "".join(f'<measType p="{n}">{name}</measType>' for n, name in enumerate(names, 1))

    def values(self, texts: Sequence[pl.Expr]) -> pl.Expr:
        if not self.is_numbered:
            filled = [text.fill_null("NIL") for text in texts]
            joined = pl.concat_str(filled, separator=" ")
            return pl.concat_str(pl.lit("<measResults>"), joined, pl.lit("</measResults>"))
        items: list[pl.Expr] = []
        for number, text in enumerate(texts, 1):
            whole = pl.concat_str(pl.lit(f'<r p="{number}">'), text, pl.lit("</r>"))
            items.append(whole.fill_null(f'<r p="{number}"/>'))
        return pl.concat_str(items)


def write_measurement_files(rows: DeliveredRows, folder: Path, catalogue: Catalogue) -> int:
    """Write the files of all subnetworks and periods in `rows`; return how many.

    Nulls are written as the standard says for each layout: `NIL`, or an empty `r`.
    """
    written = 0
    for subnetwork, parts in _subnetworks(rows):
        layout = _layout(subnetwork)
        infos = [
            _meas_infos(part, layout, measurements)
            for part in parts
            for measurements in _by_class(part, catalogue)
        ]
        for period, content in _files(pl.concat(infos), subnetwork, layout):
            name = _file_name(subnetwork, period, layout)
            packed = gzip.compress(content.encode(), compresslevel=_COMPRESSION, mtime=0)
            (folder / name).write_bytes(packed)
            written += 1
    return written


def _layout(subnetwork: str) -> _Layout:
    name = subnetwork.rpartition("=")[2]
    is_even = name.isdigit() and int(name) % 2 == 0
    return _Layout(is_even, ZoneInfo("Europe/Berlin") if is_even else ZoneInfo("UTC"))


def _subnetworks(rows: DeliveredRows) -> Iterator[tuple[str, list[pl.DataFrame]]]:
    found: dict[str, list[pl.DataFrame]] = {}
    for frame in rows.frames().values():
        named = frame.with_columns(
            subnetwork=pl.col("managed_object_dn").str.extract(r"^([^,]+)"),
            element=pl.col("managed_object_dn").str.extract(_ELEMENT),
        )
        for (subnetwork,), part in named.partition_by("subnetwork", as_dict=True).items():
            found.setdefault(str(subnetwork), []).append(part.drop("subnetwork"))
    yield from sorted(found.items())


def _by_class(part: pl.DataFrame, catalogue: Catalogue) -> list[list[Measurement]]:
    """Return the measurements that a frame carries, grouped by the class that counts them."""
    classes: dict[str, list[Measurement]] = {}
    for measurement in catalogue.measurements.values():
        if measurement.column in part.columns and measurement.derived_from is None:
            classes.setdefault(measurement.object_class, []).append(measurement)
    return [classes[name] for name in sorted(classes)]


def _meas_infos(
    part: pl.DataFrame, layout: _Layout, measurements: Sequence[Measurement]
) -> pl.DataFrame:
    """Return one row a period and element: the text of one measInfo, its times left open."""
    object_class = measurements[0].object_class
    local = pl.col("managed_object_dn")
    if object_class == "NRCellCU":
        for half, other in _HALVES.items():
            local = local.str.replace(f"{half}=", f"{other}=", literal=True)
    cut = r"^[^,]+," if layout.is_numbered or object_class == "ManagedElement" else r"^[^,]+,[^,]+,"
    value = pl.concat_str(
        pl.lit('<measValue measObjLdn="'),
        local.str.replace(cut, ""),
        pl.lit('">'),
        layout.values([_text(part, measurement) for measurement in measurements]),
        pl.when("is_suspect").then(pl.lit("<suspect>true</suspect>")).otherwise(pl.lit("")),
        pl.lit("</measValue>"),
    )
    types = layout.types([measurement.standard_name for measurement in measurements])
    return (
        part.select("period_start", "element", value.alias("value"))
        .group_by("period_start", "element", maintain_order=True)
        .agg(pl.col("value").str.join("\n"))
        .select(
            "period_start",
            "element",
            object_class=pl.lit(object_class),
            values=pl.concat_str(pl.lit(f"{types}\n"), "value"),
        )
    )


def _text(part: pl.DataFrame, measurement: Measurement) -> pl.Expr:
    column = pl.col(measurement.column)
    if measurement.shape == "vector":
        bins = part.select(column.list.len().max().fill_null(0)).item()
        items = [column.list.get(n).cast(pl.Int64).cast(pl.String) for n in range(bins)]
        return pl.concat_str(items, separator=",")
    return (
        column.cast(pl.Int64).cast(pl.String) if is_whole(measurement) else column.cast(pl.String)
    )


def _files(infos: pl.DataFrame, subnetwork: str, layout: _Layout) -> Iterator[tuple[datetime, str]]:
    ordered = infos.sort("period_start", "element", "object_class")
    for (start,), of_period in ordered.partition_by(
        "period_start", as_dict=True, maintain_order=True
    ).items():
        begin, end = _times(start, layout)
        timing = (
            f'<granPeriod duration="PT{PERIOD_S}S" endTime="{end}"/>'
            f'<repPeriod duration="PT{PERIOD_S}S"/>\n'
        )
        blocks: list[str] = []
        for (element,), of_element in of_period.partition_by(
            "element", as_dict=True, maintain_order=True
        ).items():
            local = str(element).partition(",")[2]
            blocks.append(f'<measData>\n<managedElement localDn="{local}" swVersion="24.Q4"/>')
            blocks.extend(
                f'<measInfo measInfoId="{name}"><job jobId="all_15min"/>{timing}{text}\n</measInfo>'
                for name, text in of_element.select("object_class", "values").iter_rows()
            )
            blocks.append("</measData>")
        yield start, _document("\n".join(blocks), subnetwork, begin, end)


def _document(body: str, subnetwork: str, begin: str, end: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<measCollecFile xmlns="{_NAMESPACE}">\n'
        f'<fileHeader fileFormatVersion="32.435 V18.0" vendorName="anops sample network" '
        f'dnPrefix="{subnetwork}"><fileSender elementType="ElementManager"/>'
        f'<measCollec beginTime="{begin}"/></fileHeader>\n{body}\n'
        f'<fileFooter><measCollec endTime="{end}"/></fileFooter>\n</measCollecFile>\n'
    )


def _times(start: datetime, layout: _Layout) -> tuple[str, str]:
    begin = start.astimezone(layout.zone)
    end = (start + timedelta(seconds=PERIOD_S)).astimezone(layout.zone)
    return begin.isoformat(), end.isoformat()


def _file_name(subnetwork: str, start: datetime, layout: _Layout) -> str:
    begin = start.astimezone(layout.zone)
    end = (start + timedelta(seconds=PERIOD_S)).astimezone(layout.zone)
    return f"C{begin:%Y%m%d.%H%M%z}-{end:%H%M%z}_{subnetwork}.xml.gz"
