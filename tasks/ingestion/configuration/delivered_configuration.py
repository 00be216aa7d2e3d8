"""Documents of configuration in a delivered folder: which there are, and what each says.

A document belongs to the source that its format names; plans are sources of their own. A plan
lies in a folder `planned`, or says so in its header.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

import polars as pl

from data_products.product import TIME
from tasks.ingestion.configuration.bulk_cm_reader import read_bulk_cm
from tasks.ingestion.configuration.nrm_reader import read_nrm
from tasks.ingestion.configuration.read_configuration import ReadConfiguration, Remark, moment_of
from tasks.ingestion.delivered_bytes import UnreadableFileError
from tasks.ingestion.delivered_documents import delivered_documents
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.inventory import Remembered

PLANNED = "_planned"
"""What the name of a source ends with that holds plans."""

SEEN_SCHEMA: dict[str, pl.DataType] = {
    "managed_object_dn": pl.String(),
    "attribute": pl.String(),
    "valid_from": TIME,
    "value": pl.String(),
}
LOOK_SCHEMA: dict[str, pl.DataType] = {
    "root_dn": pl.String(),
    "taken_at": TIME,
    "source_file": pl.String(),
    "is_whole": pl.Boolean(),
    "objects_count": pl.Int64(),
    "attributes_count": pl.Int64(),
    "content_hash": pl.String(),
}

_READERS = {"nrm": read_nrm, "bulk_cm": read_bulk_cm}
_PLAN_FOLDER = "planned"
_NAME_TIME = re.compile(
    r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?:[T._-]?(\d\d)[:.-]?(\d\d)(?:[:.-]?(\d\d))?)?(?!\d)"
)


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A document, by its path in the folder, and what it holds by its hash."""

    path: Path
    name: str
    kind: str
    content_hash: str


@dataclass(frozen=True)
class ConfigurationRead:
    """What one document says, ready for its source; without a time it says nothing usable."""

    file: ConfigurationFile
    source: str
    taken_at: datetime | None
    seen: pl.DataFrame
    looks: pl.DataFrame
    remarks: tuple[Remark, ...]


def configuration_files(folder: Path) -> list[ConfigurationFile]:
    """Return the folder's documents of configuration, by name."""
    found = [
        ConfigurationFile(
            document.path,
            document.path.relative_to(folder).as_posix(),
            document.kind,
            content_hash(document.path),
        )
        for document in delivered_documents(folder, ("nrm", "bulk_cm"))
    ]
    return sorted(found, key=lambda file: file.name)


def content_hash(path: Path) -> str:
    """Return a short hash of the file as it lies there; of nothing when it cannot be read."""
    try:
        return _HASHES.of(path)
    except OSError:
        return ""


def _content_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()[:32]


_HASHES = Remembered(_content_hash)


def read_configuration_file(file: ConfigurationFile) -> ConfigurationRead:
    """Return what a document says; what keeps it from being used is a remark."""
    source = file.kind
    is_plan = _PLAN_FOLDER in (part.lower() for part in Path(file.name).parts[:-1])
    try:
        read = _READERS[file.kind](file.path)
    except UnreadableFileError as error:
        remark = Remark(error.place, "", error.reason)
        empty = (pl.DataFrame(schema=SEEN_SCHEMA), pl.DataFrame(schema=LOOK_SCHEMA))
        return ConfigurationRead(file, source + PLANNED * is_plan, None, *empty, (remark,))
    is_plan = is_plan or read.purpose == "planned"
    taken_at = read.taken_at or named_time(file.name)
    remarks = tuple(read.remarks)
    if taken_at is None:
        reason = "It says no time, neither inside nor in its name, so nobody knows since when."
        remarks = (*remarks, Remark("", "", reason))
    elif read.rows.is_empty():
        remarks = (*remarks, Remark("", "", "It holds no objects."))
    return ConfigurationRead(
        file, source + PLANNED * is_plan, taken_at, *_frames(file, read, taken_at), remarks
    )


def named_time(name: str) -> datetime | None:
    """Return the time in a file's name, taken as UTC; None without one.

    >>> named_time("dumps/site7_20250601.0200.json").isoformat()
    '2025-06-01T02:00:00+00:00'
    """
    for found in reversed(list(_NAME_TIME.finditer(Path(name).name))):
        year, month, day, *clock = found.groups()
        hour, minute, second = (part or "00" for part in clock)
        moment = moment_of(f"{year}-{month}-{day}T{hour}:{minute}:{second}")
        if moment is not None:
            return moment
    return None


def taken_together(
    reads: Iterable[ConfigurationRead],
) -> tuple[pl.DataFrame, pl.DataFrame, list[tuple[ConfigurationRead, Remark]]]:
    """Return what documents of one source say together, and which said the same of one time.

    Where two documents tell one subtree at one time, the later name counts.
    """
    ordered = sorted(reads, key=lambda read: read.file.name)
    looks = pl.concat([pl.DataFrame(schema=LOOK_SCHEMA), *(read.looks for read in ordered)])
    last = looks.group_by("root_dn", "taken_at", "is_whole").agg(
        pl.col("source_file").last().alias("\tlast"), pl.len().alias("\tcount")
    )
    doubled = last.filter(pl.col("\tcount") > 1)
    seen = [pl.DataFrame(schema=SEEN_SCHEMA)]
    told: list[tuple[ConfigurationRead, Remark]] = []
    for read in ordered:
        lost = read.looks.join(doubled, on=["root_dn", "taken_at", "is_whole"]).filter(
            pl.col("\tlast") != pl.col("source_file")
        )
        rows = read.seen
        for root, is_whole in lost.select("root_dn", "is_whole").iter_rows():
            is_of_it = pl.col("managed_object_dn") == root
            if is_whole:
                is_of_it |= pl.col("managed_object_dn").str.starts_with(f"{root},")
            rows = rows.filter(~is_of_it)
        for other, count in lost.group_by("\tlast").len().sort("\tlast").iter_rows():
            reason = (
                f"{other!r} tells {count} of its subtrees at the same time; the later name counts."
            )
            told.append((read, Remark("", "", reason)))
        seen.append(rows)
    return pl.concat(seen), looks, told


def findings_of(
    told: Iterable[tuple[ConfigurationRead, Remark]], otherwise: datetime
) -> pl.DataFrame:
    """Return remarks as findings; those without a time stand at `otherwise`."""
    rows = [
        (
            read.taken_at or otherwise, read.file.name, remark.place, remark.key, remark.reason,
            remark.content,
        )
        for read, remark in told
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def _frames(
    file: ConfigurationFile, read: ReadConfiguration, taken_at: datetime | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    time = pl.lit(taken_at, dtype=TIME)
    name = pl.lit(file.name)
    seen = read.rows.with_columns(time.alias("valid_from"))
    looks = read.looks.with_columns(
        time.alias("taken_at"),
        name.alias("source_file"),
        pl.lit(file.content_hash).alias("content_hash"),
    )
    return seen.select(*SEEN_SCHEMA), looks.select(*LOOK_SCHEMA)
