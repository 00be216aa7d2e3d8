"""Published tables behind a gate: each read is allowed column by column and put on record first.

Records are lines of JSON in a file a day under home; the step `publish_access_audit` brings them
into the product `access_audit`. A read that cannot be put on record is refused.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import polars as pl

from data_products.access import AccessDeniedError, AccessRules, Decision, decided
from data_products.product import Product
from data_products.registry import products
from semantic_layer.errors import UnknownNameError
from semantic_layer.periods import Window
from tasks.ports import Clock, TableStore


class GuardedReader:
    """Implements `DataReader` over a table store.

    Args:
        tables: where rows lie.
        rules: identities, roles and what they see.
        folder: of the records of reads.
        clock: the moment of each read.
        published: the products, whose contracts classify columns and grant roles.
    """

    def __init__(
        self,
        tables: TableStore,
        rules: AccessRules,
        folder: Path,
        clock: Clock,
        published: Callable[[], Mapping[str, Product]] = products,
    ) -> None:
        self._tables = tables
        self._rules = rules
        self._folder = folder
        self._clock = clock
        self._published = published

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
        """Return what `identity` may see; see `DataReader.read`."""
        product = self._product_of(table)
        shape = product.table(table)
        decision = decided(self._rules, identity, product, shape, columns)
        self._record(table, window, identity, columns, purpose, decision)
        if decision.refusal:
            raise AccessDeniedError(decision.refusal)
        return self._tables.read(
            table, window, columns=list(decision.columns), snapshot_id=snapshot_id
        )

    def _product_of(self, table: str) -> Product:
        published = self._published().values()
        for product in published:
            if table in product.tables:
                return product
        raise UnknownNameError.of(
            "table", table, [name for product in published for name in product.tables]
        )

    def _record(
        self,
        table: str,
        window: Window | None,
        identity: str,
        columns: Sequence[str] | None,
        purpose: str,
        decision: Decision,
    ) -> None:
        now = self._clock.now()
        line = json.dumps(
            {
                "read_id": uuid4().hex,
                "read_at": now.isoformat(),
                "identity": identity,
                "table_name": table,
                "read_columns": decision.columns,
                "asked_columns": list(columns or ()),
                "window_start": window.start.isoformat() if window else None,
                "window_end": window.end.isoformat() if window else None,
                "outcome": "denied" if decision.refusal else "allowed",
                "refusal": decision.refusal or None,
                "purpose": purpose or None,
            }
        )
        path = self._folder / f"reads-{now:%Y%m%d}.ndjson"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise AccessDeniedError(
                f"The read of {table} by {identity} cannot be put on record in {path} "
                f"({error.strerror}), and so is refused."
            ) from error
