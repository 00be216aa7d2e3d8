"""Protocols of every outside service, in our words. Adapters implement them; wiring chooses.

Each has an in-process default and passes one behaviour suite under tests/ports.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import polars as pl

from data_products.checks import Check, CheckMetrics, CheckVerdict
from data_products.lineage import Lineage, LineageEvent, Snapshot
from semantic_layer.periods import Window
from tasks.stored_models import ModelCard, ModelVersion, StoredModel

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class TableStore(Protocol):
    """Published tables: partitioned by time, replaced window by window, readable as they were.

    A table is named `product` or `product.table`; its time column and key come from its contract.
    """

    def publish(
        self,
        table: str,
        window: Window,
        frame: pl.DataFrame,
        lineage: Lineage,
        scope: Mapping[str, str] | None = None,
    ) -> Snapshot:
        """Replace exactly the rows of `window` by `frame`, atomically, and return the snapshot.

        Rows outside the window are refused; columns new to the table are added to it, nullable.
        An empty frame empties the window. The same call twice leaves the same rows.

        Args:
            table: full name.
            window: what is replaced; where rows are spans, those wholly inside it.
            frame: the new rows, without lineage columns.
            lineage: where they come from.
            scope: a value for each scope column of the contract, such as
                `{"granularity": "hour", "source": "pm_measurements"}`; only rows of that scope
                are replaced. None for tables without scope.

        Raises:
            InputError: rows lie outside the window or scope, or a column changed its type.
            TransientError: another writer changed the same window at the same time.
        """
        ...

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        columns: Sequence[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of `window` (all when None), as of `snapshot_id` (newest when None).

        A table that was never published reads as empty, with its contract's columns.

        Raises:
            InputError: no such snapshot or column.
        """
        ...

    def snapshot(self, table: str) -> Snapshot:
        """Return the newest snapshot; id 0 when the table was never published."""
        ...

    def history(self, table: str) -> pl.DataFrame:
        """Return one row a snapshot: snapshot_id, committed_at, run_id, window, rows."""
        ...

    def bounds(self, table: str) -> Window | None:
        """Return the window from the first to past the last published time, None when empty."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a table as it stands.

    Attributes:
        path: names it within the store.
        partition: rows of one partition share this text.
        kind: `fresh` as published, `warm` compacted, `cold` rewritten for the long term.
        rows: in it.
        size: in bytes.
        first, last: bounds of its rows' time; None when unknown.
    """

    path: str
    partition: str
    kind: str
    rows: int
    size: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class StoreSize:
    """What a table takes: files that stand, all files kept for it, and snapshots."""

    files: int
    bytes: int
    kept_files: int
    kept_bytes: int
    snapshots: int


class TableMaintenance(Protocol):
    """Keeps published tables small and sound. It never changes a row, but for `delete`.

    Whoever publishes goes first: work that meets a publish of the same rows gives way.
    """

    def files(self, table: str) -> list[StoredFile]:
        """Return the files of the table as it stands; none when it was never published."""
        ...

    def rewrite(self, table: str, paths: Sequence[str], kind: str) -> bool:
        """Put the rows of these files of one partition into one new file of `kind`.

        Returns:
            False when one of the files was replaced meanwhile; then nothing changed.
        """
        ...

    def expire(self, table: str, before: datetime) -> int:
        """Give up reading the table as it was before that moment; return the snapshots given up.

        The newest snapshot stays, and so does all that `TableStore.history` tells.
        """
        ...

    def remove_orphans(self, table: str, before: datetime) -> int:
        """Delete files older than `before` that no snapshot needs; return how many."""
        ...

    def delete(self, table: str, window: Window, lineage: Lineage) -> Snapshot:
        """Delete the rows of `window` in all scopes; the history of the table says so."""
        ...

    def problems(self, table: str) -> list[str]:
        """Return a sentence for each file that is missing or is not what the table says."""
        ...

    def size(self, table: str) -> StoreSize:
        """Return what the table takes."""
        ...


@dataclass(frozen=True, slots=True)
class HotMark:
    """How far a hot copy of a table has come.

    Attributes:
        snapshot_id: the last publish that it holds, as `TableStore.history` names it.
        since: it holds all rows whose time is this or later.
        token: changes whenever the copy does.
    """

    snapshot_id: int
    since: datetime
    token: str


class HotStore(Protocol):
    """A copy of the newest rows of tables, kept for speed; it may be lost or locked at any time.

    No method raises because the store is held by another process or does not answer: then it holds
    nothing. The rows of record are those of the `TableStore`.
    """

    def can_hold(self, schema: Mapping[str, pl.DataType]) -> bool:
        """Tell whether columns of these types come back as they went in."""
        ...

    def mark(self, table: str) -> HotMark | None:
        """Return how far the copy of a table has come, None when there is none."""
        ...

    def update(
        self,
        table: str,
        time_column: str,
        schema: Mapping[str, pl.DataType],
        pieces: Iterable[tuple[Window, pl.DataFrame]],
        mark: HotMark,
    ) -> bool:
        """Replace the rows of each window and drop those before `mark.since`, then set the mark.

        Readers never see a part of it. A copy with other columns is begun anew.

        Returns:
            False when the store could not be used; then no mark stands or the former one does.
        """
        ...

    def read(
        self,
        table: str,
        mark: HotMark,
        time_column: str,
        window: Window,
        columns: Mapping[str, pl.DataType],
    ) -> pl.DataFrame | None:
        """Return these columns of the rows of `window`, None unless `mark` stands."""
        ...

    def query(self, sql: str, marks: Mapping[str, HotMark]) -> pl.DataFrame | None:
        """Return what SQL over the copies finds, None unless all of `marks` stand.

        Tables are named as in the catalogue of tables, in double quotes.
        """
        ...

    def close(self) -> None:
        """Let another process hold the store; the next call takes it again."""
        ...


class Validator(Protocol):
    """Judges measured facts of a frame against checks compiled from its contract."""

    def judge(self, checks: Sequence[Check], metrics: CheckMetrics) -> list[CheckVerdict]:
        """Return one verdict a check, in the order given."""
        ...


class Door(Protocol):
    """The one way into a product: checked, judged, split and published, or refused."""

    def publish(
        self,
        table: str,
        window: Window,
        frame: pl.DataFrame,
        inputs: Sequence[Snapshot],
        run_id: str,
        quarantined: pl.DataFrame | None = None,
        scope: Mapping[str, str] | None = None,
    ) -> Snapshot:
        """Publish the rows of `frame` that keep the contract, if enough of them do.

        Rows that fail go to `data_quality.quarantine` with their reasons, verdicts to
        `data_quality`; both are replaced exactly when the same window and scope come again. A
        product over its failure limit is refused and its last good rows stand.

        Args:
            table: full name, `product` or `product.table`.
            window: the window that the frame covers and replaces.
            frame: rows with contract columns; those that are absent become null.
            inputs: the snapshots that the rows were computed from.
            run_id: the run that publishes.
            quarantined: what the producer itself could not use: `reason`, and any of
                `source_file`, `place`, `key`, `content`, `period_start`.
            scope: a value for each scope column of the contract. One that is left out is taken
                from the frame where all its rows agree; `source` is `delivered` if unnamed.

        Returns:
            The snapshot, with verdict `published`; or the standing one, with `refused`.

        Raises:
            InputError: a column that the contract doesn't know, a wrong type, or no scope.
            TransientError: another writer changed the same window at the same time.
        """
        ...


class LineageSink(Protocol):
    """Where the lineage of publishes is told, for catalogues beyond this one (OpenLineage)."""

    def emit(self, event: LineageEvent) -> None:
        """Tell one moment of one publish.

        It never raises because a listener is away, and never waits long: what could not be sent
        is kept and sent later, in order.
        """
        ...

    def close(self) -> None:
        """Send what is still unsent, if the listener answers; calling twice is harmless."""
        ...


class DataReader(Protocol):
    """Published tables, read for a person or an agent: allowed column by column, and on record."""

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        identity: str,
        columns: Sequence[str] | None = None,
        purpose: str = "",
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Return rows of a table, with the columns that `identity` may see.

        Args:
            table: full name.
            window: rows of this time only; all when None.
            identity: who asks; must be known.
            columns: these columns; one that may not be seen is refused. None: all that may be.
            purpose: why, for the record.
            snapshot_id: as the table was then; newest when None.

        Raises:
            AccessDeniedError: the identity is unknown, may not read the table or a named column,
                or the read cannot be put on record.
            InputError: no such table or column.
        """
        ...


class WorkerPool(Protocol):
    """Calls a function on chunks of work, on one machine or many; order of results is kept."""

    def map(
        self,
        function: Callable[..., Result],
        chunks: Iterable[Chunk],
        *,
        shared: Mapping[str, Any] | None = None,
    ) -> list[Result]:
        """Return `function(chunk, **shared)` for each chunk.

        Args:
            function: importable by name; pure.
            chunks: small, picklable descriptions of work, such as index ranges.
            shared: large values sent to each worker once; prefer Arrow tables or NumPy arrays.

        Raises:
            TransientError: a worker was lost and the retries were used up.
        """
        ...

    def close(self) -> None:
        """Give the workers back; calling twice is harmless."""
        ...


class ModelRegistry(Protocol):
    """Fitted models by name and version, with where each came from and which one serves."""

    def register(self, name: str, model: StoredModel, card: ModelCard) -> ModelVersion:
        """Keep a model; the same model under the same name again gives the version it has."""
        ...

    def load(self, name: str, reference: str | int) -> tuple[StoredModel, ModelVersion]:
        """Return the model of a version, or of an alias such as `champion`, checked by its digest.

        Raises:
            InputError: no such version or alias, or what is stored is not what was registered.
        """
        ...

    def versions(self, name: str) -> list[ModelVersion]:
        """Return all versions of a name, oldest first; none when it is not known."""
        ...

    def names(self) -> list[str]:
        """Return the names that have a version, sorted."""
        ...

    def assign(self, name: str, alias: str, version: int | None, reason: str, author: str) -> None:
        """Let a version hold an alias, or nobody (None); who held it before is remembered."""
        ...

    def assignments(self, name: str, alias: str) -> list[tuple[int | None, str, str, datetime]]:
        """Return who held an alias: version, reason, author and since when, oldest first."""
        ...


class Clock(Protocol):
    """The one source of the present moment."""

    def now(self) -> datetime:
        """Return the moment, with its zone (UTC)."""
        ...
