"""Where a published row comes from: the values that travel between steps, and with every row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from semantic_layer.periods import Window


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A reference to one published state of a product's table; frames never travel, this does.

    Attributes:
        table: full table name, `product` or `product.table` for a second table of a product.
        id: the store's snapshot id; 0 when nothing was ever published.
        rows: rows published by the run that made it (not the size of the table).
        verdict: `published`, or `refused` when the product failed its contract and the last
            good snapshot was kept.
        window: what the publish replaced, where a door tells it.
        scope: which part of the table, `granularity=hour,source=...`.
        reason: why it was refused, or how its contract was broken; empty when all is well.
    """

    table: str
    id: int
    rows: int
    verdict: str = "published"
    window: Window | None = field(default=None, compare=False)
    scope: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


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


@dataclass(frozen=True, slots=True)
class AssertedCheck:
    """How one check of a publish came out, for those who follow lineage."""

    check_id: str
    kind: str
    column: str
    is_passed: bool
    is_blocking: bool
    evaluated_count: int
    failed_count: int


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """One moment of one publish.

    Attributes:
        run_id: the flow run, or command, that publishes.
        job: what is done, such as `publish cell_kpis`.
        output: the table, with its snapshot once there is one.
        inputs: the snapshots that the rows were computed from.
        when: the moment.
        state: `START`, `COMPLETE`, or `FAIL` when nothing was published.
        publish_id: one publish's own id, the same from its start to its end.
        checks: how the contract was kept, once that was judged.
        reason: why it failed.
    """

    run_id: str
    job: str
    output: Snapshot
    inputs: tuple[Snapshot, ...]
    when: datetime
    state: Literal["START", "COMPLETE", "FAIL"]
    publish_id: str
    checks: tuple[AssertedCheck, ...] = ()
    reason: str = ""
