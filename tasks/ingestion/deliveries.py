"""What lies in a delivered folder: measurement files by the time they cover, and mapping files.

Files are chosen by the period that they say they cover, never by the time of the file system, so
a late file joins the window it belongs to when that window is ingested again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import ReadingLimits
from tasks.ingestion.delivered_documents import document_kind
from tasks.ingestion.inventory import FoundFile, Remembered, found_files
from tasks.ingestion.measurements.delivered_periods import span_of_file, span_of_name
from tasks.ingestion.measurements.measurement_files import LIMITS
from tasks.ingestion.tables.mapping_files import SUFFIX

MEASUREMENT_SUFFIXES = (".xml", ".xml.gz", ".gz", ".xml2")
"""How names of measurement files end; what such a file holds is found out by reading it."""

_OTHERS = (".json.gz", ".ndjson.gz", ".csv.gz", ".parquet.gz", ".tar.gz", ".md.gz", ".txt.gz")
_BATCH_FILES = 50
_BATCH_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """A measurement file and the time that it covers; None when it says none."""

    path: Path
    span: Window | None


def measurement_files(folder: Path) -> list[Path]:
    """Return the folder's measurement files in order of delivery: by name, then by path.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {str(folder)!r} to read deliveries from; name one that is there."
        )
    return measurement_files_among(found_files(folder))


def measurement_files_among(files: Iterable[FoundFile]) -> list[Path]:
    """Return which of the files are measurement files, in their order.

    What begins as another kind of document is none; what begins as nothing known is one, so that
    it is read and refused with a reason.
    """
    return [
        file.path
        for file in files
        if file.name.lower().endswith(MEASUREMENT_SUFFIXES)
        and not file.name.lower().endswith(_OTHERS)
        and document_kind(file.path) in ("measurements", "unknown")
    ]


def mapping_files(folder: Path) -> list[Path]:
    """Return the folder's mapping files, by path."""
    found = found_files(folder)
    return sorted(file.path for file in found if file.name.endswith(SUFFIX))


def deliveries(paths: Iterable[Path], limits: ReadingLimits = LIMITS) -> list[Delivery]:
    """Return the files with the time that each covers."""
    return [Delivery(path, _span(path, limits)) for path in paths]


def _span(path: Path, limits: ReadingLimits) -> Window | None:
    named = span_of_name(path.name)
    if named is not None or limits != LIMITS:
        return named or span_of_file(path, limits)
    try:
        return _SPANS.of(path)
    except OSError:
        return None


_SPANS: Remembered[Window | None] = Remembered(partial(span_of_file, limits=LIMITS))


def delivered_in(found: Iterable[Delivery], window: Window) -> list[Path]:
    """Return the files that cover any of the window, and those that do not say what they cover.

    A file without a time is told to every window: it cannot be used, and somebody must know.
    """
    return [
        delivery.path
        for delivery in found
        if delivery.span is None
        or (delivery.span.start < window.end and window.start < delivery.span.end)
    ]


def batches(paths: Sequence[Path]) -> list[list[str]]:
    """Return the files in batches of bounded size, in order; the same files, the same batches."""
    found: list[list[str]] = []
    size = _BATCH_BYTES
    for path in paths:
        length = path.stat().st_size
        if size + length > _BATCH_BYTES or len(found[-1]) >= _BATCH_FILES:
            found.append([])
            size = 0
        found[-1].append(str(path))
        size += length
    return found
