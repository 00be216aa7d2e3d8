"""Documents of topology in a delivered folder: which there are, and what each says as rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from data_products.network_configuration.history import StateShape
from data_products.network_topology.derive import LINKS, NODES
from data_products.product import TIME
from data_products.registry import table
from tasks.ingestion.configuration.delivered_configuration import content_hash, named_time
from tasks.ingestion.configuration.read_configuration import Remark
from tasks.ingestion.configuration.topology_reader import ReadTopology, Row, read_topology
from tasks.ingestion.delivered_bytes import UnreadableFileError
from tasks.ingestion.delivered_documents import delivered_documents
from tasks.ingestion.findings import FINDING_SCHEMA

LOOK_SCHEMA: dict[str, pl.DataType] = {
    "network_id": pl.String(),
    "source_file": pl.String(),
    "taken_at": TIME,
    "nodes_count": pl.Int64(),
    "links_count": pl.Int64(),
    "content_hash": pl.String(),
}


@dataclass(frozen=True, slots=True)
class TopologyFile:
    """A document, by its path in the folder, and what it holds by its hash."""

    path: Path
    name: str
    content_hash: str


@dataclass(frozen=True)
class TopologyRead:
    """What one document says; without a time it says nothing usable.

    Attributes:
        taken_at: when it was so.
        nodes: rows as the history of nodes takes them.
        links: rows as the history of links takes them.
        looks: one row a network.
        remarks: what could not be used.
    """

    name: str
    taken_at: datetime | None
    nodes: pl.DataFrame
    links: pl.DataFrame
    looks: pl.DataFrame
    remarks: tuple[Remark, ...]


def topology_files(folder: Path) -> list[TopologyFile]:
    """Return the folder's documents of topology, by name."""
    found = [
        TopologyFile(
            document.path, document.path.relative_to(folder).as_posix(), content_hash(document.path)
        )
        for document in delivered_documents(folder, ("topology",))
    ]
    return sorted(found, key=lambda file: file.name)


def read_topology_file(file: TopologyFile) -> TopologyRead:
    """Return what a document says; what keeps it from being used is a remark."""
    try:
        read = read_topology(file.path)
    except UnreadableFileError as error:
        read = ReadTopology(remarks=[Remark(error.place, "", error.reason)])
        return topology_rows(read, file, None)
    taken_at = read.taken_at or named_time(file.name)
    if taken_at is None:
        reason = "It says no time, neither inside nor in its name, so nobody knows since when."
        read.remark("", "", reason)
    elif not read.networks:
        read.remark("", "", "It holds no network.")
    return topology_rows(read, file, taken_at)


def topology_rows(
    read: ReadTopology, file: TopologyFile, taken_at: datetime | None
) -> TopologyRead:
    """Return what was read as rows of one time and file."""
    nodes = seen_rows(read.nodes, NODES, taken_at)
    links = seen_rows(read.links, LINKS, taken_at)
    counts = [
        (
            network,
            file.name,
            taken_at,
            nodes.filter(pl.col("network_id") == network).height,
            links.filter(pl.col("network_id") == network).height,
            file.content_hash,
        )
        for network in read.networks
    ]
    looks = pl.DataFrame(counts, schema=LOOK_SCHEMA, orient="row")
    return TopologyRead(file.name, taken_at, nodes, links, looks, tuple(read.remarks))


def seen_rows(rows: Sequence[Row], shape: StateShape, taken_at: datetime | None) -> pl.DataFrame:
    """Return rows of nodes or links as their history takes them."""
    types = table("network_topology.nodes" if shape is NODES else "network_topology.links").schema
    told = pl.DataFrame(rows, schema={it: types[it] for it in (*shape.key, *shape.values)})
    since = pl.lit(taken_at, dtype=TIME).alias("valid_from")
    return told.with_columns(since).select(*shape.key, "valid_from", *shape.values)


def told_together(reads: Iterable[TopologyRead]) -> tuple[TopologyRead, list[tuple[str, Remark]]]:
    """Return what documents say together; of one network and time the later name counts."""
    ordered = sorted(reads, key=lambda read: read.name)
    looks = pl.concat([pl.DataFrame(schema=LOOK_SCHEMA), *(read.looks for read in ordered)])
    key = ["network_id", "taken_at"]
    last = looks.group_by(key).agg(pl.col("source_file").last())
    told: list[tuple[str, Remark]] = []
    for network, other, name in (
        looks.join(last, on=key, suffix="_last")
        .filter(pl.col("source_file") != pl.col("source_file_last"))
        .select("network_id", "source_file_last", "source_file")
        .iter_rows()
    ):
        reason = f"{other!r} tells the same of the same time; it counts, having the later name."
        told.append((name, Remark("", network, reason)))
    counting = last.select("network_id", pl.col("taken_at").alias("valid_from"), "source_file")
    nodes = _counting(NODES, ((read.name, read.nodes) for read in ordered), counting)
    links = _counting(LINKS, ((read.name, read.links) for read in ordered), counting)
    return TopologyRead("", None, nodes, links, looks, ()), told


def topology_findings(
    reads: Sequence[TopologyRead], doubled: Iterable[tuple[str, Remark]], otherwise: datetime
) -> pl.DataFrame:
    """Return remarks as findings; those without a time stand at `otherwise`."""
    times = {read.name: read.taken_at for read in reads}
    told = [(read.name, remark) for read in reads for remark in read.remarks] + list(doubled)
    rows = [
        (times.get(name) or otherwise, name, it.place, it.key, it.reason, it.content)
        for name, it in told
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def _counting(
    shape: StateShape, parts: Iterable[tuple[str, pl.DataFrame]], counting: pl.DataFrame
) -> pl.DataFrame:
    """Return the rows of documents that count for their network and time."""
    empty = seen_rows([], shape, None)
    whole = [
        part.join(
            counting.filter(pl.col("source_file") == name),
            on=["network_id", "valid_from"],
            how="semi",
        )
        for name, part in parts
    ]
    return pl.concat([empty, *whole])
