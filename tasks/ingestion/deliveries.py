"""What lies in a delivered folder: measurement files by the time they cover, and mapping files.

Files are chosen by the period that they say they cover, never by the time of the file system, so
a late file joins the window it belongs to when that window is ingested again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import ReadingLimits
from tasks.ingestion.measurements.delivered_periods import span_of_file
from tasks.ingestion.measurements.measurement_files import LIMITS
from tasks.ingestion.tables.mapping_files import SUFFIX

MEASUREMENT_SUFFIXES = (".xml", ".xml.gz", ".gz", ".xml2")
"""How names of measurement files end; what such a file holds is found out by reading it."""

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
    found = (
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(MEASUREMENT_SUFFIXES)
        and not path.name.startswith(".")
        and path.is_file()
    )
    return sorted(found, key=lambda path: (path.name, str(path)))


def mapping_files(folder: Path) -> list[Path]:
    """Return the folder's mapping files, by path."""
    return sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_file())


def deliveries(paths: Iterable[Path], limits: ReadingLimits = LIMITS) -> list[Delivery]:
    """Return the files with the time that each covers."""
    return [Delivery(path, span_of_file(path, limits)) for path in paths]


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
