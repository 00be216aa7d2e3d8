"""Measurement files written by hand, and what the reader says of them, for stories."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, unpacked_pieces
from tasks.ingestion.measurements.measured_blocks import Finding, Interpreter, MeasuredBlock
from tasks.ingestion.measurements.measurement_events import MeasInfo, MeasuredValues, Remark
from tasks.ingestion.measurements.measurement_files import LIMITS, events

NS_32435 = "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"
NS_28532 = "http://www.3gpp.org/ftp/specs/archive/28_series/28.532#measData"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
NAME = "A20260105.1200+0000-1215+0000_gnb.xml"


def value(ldn: str, results: Iterable[tuple[object, str]], suspect: str = "") -> str:
    """Return a measValue with `r p` results."""
    inside = "".join(f'<r p="{p}">{text}</r>\n' for p, text in results)
    flag = f"<suspect>{suspect}</suspect>" if suspect else ""
    return f'<measValue measObjLdn="{ldn}">{inside}{flag}</measValue>\n'


def listed(ldn: str, results: str, suspect: str = "") -> str:
    """Return a measValue with measResults."""
    flag = f"<suspect>{suspect}</suspect>" if suspect else ""
    return f'<measValue measObjLdn="{ldn}"><measResults>{results}</measResults>{flag}</measValue>\n'


def info(
    types: Sequence[str] | str,
    values: str,
    end: str = "2026-01-05T12:15:00Z",
    duration: str = "PT900S",
    name: str = "cells",
) -> str:
    """Return a measInfo; `types` as text gives the measTypes layout."""
    told = (
        f"<measTypes>{types}</measTypes>\n"
        if isinstance(types, str)
        else "".join(f'<measType p="{p}">{t}</measType>\n' for p, t in enumerate(types, 1))
    )
    return (
        f'<measInfo measInfoId="{name}"><job jobId="j"/>\n'
        f'<granPeriod duration="{duration}" endTime="{end}"/>\n<repPeriod duration="PT900S"/>\n'
        f"{told}{values}</measInfo>\n"
    )


def measurement_file(
    *infos: str,
    element: str | None = "ManagedElement=7",
    prefix: str = "SubNetwork=1",
    vendor: str = "Acme",
    is_28532: bool = False,
    footer: bool = True,
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
    namespace: str | None = None,
) -> str:
    """Return a whole measurement file of one managed element."""
    root = "measDataFile" if is_28532 else "measCollecFile"
    space = namespace or (NS_28532 if is_28532 else NS_32435)
    begin = "measData" if is_28532 else "measCollec"
    told = "measEntity" if is_28532 else "managedElement"
    owner = f'<{told} localDn="{element}" swVersion="1"/>\n' if element is not None else ""
    end = f'<fileFooter><{begin} endTime="2026-01-05T12:15:00Z"/></fileFooter>\n' if footer else ""
    return (
        f'{declaration}<{root} xmlns="{space}">\n'
        f'<fileHeader fileFormatVersion="1" vendorName="{vendor}" dnPrefix="{prefix}">\n'
        f'<fileSender localDn="x" elementType="gNB"/><{begin} beginTime="2026-01-05T12:00:00Z"/>\n'
        f"</fileHeader>\n<measData>\n{owner}{''.join(infos)}</measData>\n{end}</{root}>\n"
    )


def raw(text: str | bytes, *, in_bulk: bool = True, piece: int = 1 << 20) -> list[object]:
    """Return everything that the reader says of a file, as plain values that can be compared."""
    content = text.encode() if isinstance(text, str) else text
    pieces = (content[at : at + piece] for at in range(0, len(content), piece))
    told: list[object] = []
    values: dict[int, list[object]] = {}
    for event in events(pieces, in_bulk=in_bulk):
        if isinstance(event, MeasuredValues):
            values.setdefault(id(event.info), []).extend(_flat(event))
        elif isinstance(event, MeasInfo):
            told.append(event)
        elif isinstance(event, Remark):
            told.append((event.place, event.text))
        else:
            told.append(event)
    return [
        (entry, values.get(id(entry), [])) if isinstance(entry, MeasInfo) else entry
        for entry in told
    ]


def _flat(event: MeasuredValues) -> list[object]:
    said: list[object] = [
        ("measValue", *row)
        for row in zip(event.objects, event.is_suspect, event.listed_counts.tolist(), strict=True)
    ]
    results = [
        (event.objects[row], position, text, None if np.isnan(number) else number)
        for row, position, text, number in zip(
            event.rows.tolist(),
            event.positions.tolist(),
            event.texts.to_list(),
            event.numbers.tolist(),
            strict=True,
        )
    ]
    return [*said, *results]


def outcome(text: str | bytes, *, in_bulk: bool, piece: int = 1 << 20) -> object:
    """Return what the reader says, in an order that does not depend on pieces; or its refusal."""
    try:
        told = raw(text, in_bulk=in_bulk, piece=piece)
    except UnreadableFileError as error:
        return ("refused", error.reason, error.place)
    return [
        (entry[0], sorted(map(repr, entry[1]))) if isinstance(entry, tuple) else entry
        for entry in told
    ]


def meaning(
    content: str | bytes, limits: ReadingLimits = LIMITS
) -> tuple[Interpreter, list[MeasuredBlock], list[Finding]]:
    """Return the interpreter, blocks and findings of a whole file."""
    interpreter = Interpreter()
    blocks, findings = [], []
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    for event in events(unpacked_pieces(stream, limits), limits):
        for meant in interpreter.interpret(event):
            (blocks if isinstance(meant, MeasuredBlock) else findings).append(meant)
    interpreter.finish()
    return interpreter, blocks, findings


def numbers(blocks: Iterable[MeasuredBlock]) -> dict[tuple[str, str], float]:
    """Return the numbers by object and counter."""
    return {
        (block.objects[row], block.counters[column]): float(block.numbers[row, column])
        for block in blocks
        for row, column in zip(*np.nonzero(~np.isnan(block.numbers)), strict=True)
    }
