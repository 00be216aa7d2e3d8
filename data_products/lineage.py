"""Where a published row comes from: the values that travel between steps, and with every row."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A reference to one published state of a product's table; frames never travel, this does.

    Attributes:
        table: full table name, `product` or `product.table` for a second table of a product.
        id: the store's snapshot id; 0 when nothing was ever published.
        rows: rows published by the run that made it (not the size of the table).
        verdict: `published`, or `refused` when the product failed its contract and the last
            good snapshot was kept.
    """

    table: str
    id: int
    rows: int
    verdict: str = "published"


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a row needs to say where it came from; becomes columns of every published table.

    Attributes:
        run_id: the flow run (or command) that published the row.
        inputs: the snapshots read, as `table@id`, sorted.
        contract_version: version of the product's data contract.
        catalogue_version: content hash of the semantic layer's definitions.
    """

    run_id: str
    contract_version: str
    catalogue_version: str
    inputs: tuple[str, ...] = field(default=())

    def columns(self) -> dict[str, str]:
        """Return the lineage columns and their one value for a whole published frame."""
        return {
            "run_id": self.run_id,
            "input_snapshots": ",".join(sorted(self.inputs)),
            "contract_version": self.contract_version,
            "catalogue_version": self.catalogue_version,
        }


LINEAGE_COLUMNS = ("run_id", "input_snapshots", "contract_version", "catalogue_version")
