"""The door into every product: one contract, one pass of checks, one judge, one publish.

Order of writes: quarantine, then verdicts, then the product. Each is one atomic replacement of
the same window, so a run that is killed between two of them leaves the last good product whole,
and the next run replaces all three.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from data_products.checks import Check, CheckVerdict, compiled_checks
from data_products.data_quality.derive import (
    accepted,
    held_back_row,
    quarantine_rows,
    verdict_rows,
)
from data_products.lineage import Lineage, Snapshot
from data_products.measuring import SplitRows, applicable, measure, split_rows
from data_products.product import ProductTable
from data_products.publication import (
    require_known_columns,
    scope_text,
    typed,
    with_constants,
)
from data_products.registry import table as registered_table
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.lineage_of_publishes import PublishTeller, StandingContracts
from tasks.ports import Clock, LineageSink, TableStore, Validator

_LOG = logging.getLogger(__name__)
_QUALITY = "data_quality"
_QUARANTINE = "data_quality.quarantine"
_SOURCE = "source"
_UNNAMED_SOURCE = "delivered"


class ContractDoor:
    """Implements `Door` on a table store and a validator.

    Args:
        tables: where products are published.
        validator: who judges them.
        described: what a table's contract says, by its full name.
        catalogue_version: version of the definitions; the packaged catalogue's when empty.
        lineage: who is told of each publish; None tells nobody.
        clock: the moment of each publish, for lineage.
    """

    def __init__(
        self,
        tables: TableStore,
        validator: Validator,
        described: Callable[[str], ProductTable] = registered_table,
        catalogue_version: str = "",
        lineage: LineageSink | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._told = PublishTeller(lineage, clock)
        self._standing = StandingContracts(tables)
        self._tables = tables
        self._validator = validator
        self._described = described
        self._catalogue_version = catalogue_version or catalogue().version

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
        """Publish the rows that keep the contract, if enough of them do; see `Door.publish`."""
        with self._told.publish(table, inputs, run_id) as told:
            shape = self._described(table)
            require_known_columns(shape, frame)
            parts = _whole_scope(shape, frame, scope or {})
            broken_contract = self._standing.broken_by(shape)
            judged = self._judged(shape, window, _scoped_rows(shape, frame, parts))
            told.checks(judged.checks, judged.verdicts)

            def lineage(version: str) -> Lineage:
                read = tuple(f"{snapshot.table}@{snapshot.id}" for snapshot in inputs)
                return Lineage(run_id, version, self._catalogue_version, read)

            about = {"table_name": table, "scope": scope_text(parts)}
            quality = lineage(self._described(_QUALITY).version)
            rejected = quarantine_rows(
                shape, window, judged.split.failing, judged.quarantined(window, quarantined)
            )
            verdicts = verdict_rows(shape, window, judged.checks, judged.verdicts, judged.split)
            self._publish_quarantine(window, rejected, quality, about)
            self._tables.publish(_QUALITY, window, verdicts, quality, about)
            if judged.is_accepted:
                good = judged.split.good
                made = self._tables.publish(table, window, good, lineage(shape.version), parts)
                snapshot = replace(made, reason=broken_contract)
            else:
                broken = ", ".join(judged.broken)
                _LOG.warning("%s of %s is refused: it broke %s.", window, table, broken)
                standing = self._tables.snapshot(table)
                snapshot = replace(standing, verdict="refused", reason=f"It broke {broken}.")
            return told.ended(replace(snapshot, window=window, scope=scope_text(parts)))

    def _judged(self, shape: ProductTable, window: Window, rows: pl.DataFrame) -> "_Judged":
        checks = applicable(compiled_checks(shape), rows)
        metrics = measure(rows, checks, window)
        verdicts = self._validator.judge(checks, metrics)
        return _Judged(checks, verdicts, split_rows(rows, checks, metrics, window))

    def _publish_quarantine(
        self, window: Window, rejected: pl.DataFrame, lineage: Lineage, about: Mapping[str, str]
    ) -> None:
        if rejected.is_empty() and not self._holds(window, about):
            return
        if not rejected.is_empty():
            _LOG.warning("%s rows of %s are quarantined.", rejected.height, about["table_name"])
        self._tables.publish(_QUARANTINE, window, rejected, lineage, about)

    def _holds(self, window: Window, about: Mapping[str, str]) -> bool:
        standing = self._tables.read(_QUARANTINE, window, columns=list(about))
        wanted = standing.filter(pl.col(name) == value for name, value in about.items())
        return not wanted.head(1).collect().is_empty()


@dataclass(frozen=True, slots=True)
class _Judged:
    """Rows, split by what was judged of them."""

    checks: Sequence[Check]
    verdicts: Sequence[CheckVerdict]
    split: SplitRows

    @property
    def is_accepted(self) -> bool:
        return accepted(self.checks, self.verdicts)

    @property
    def broken(self) -> list[str]:
        return [verdict.check_id for verdict in self.verdicts if not verdict.is_passed]

    def quarantined(self, window: Window, brought: pl.DataFrame | None) -> pl.DataFrame | None:
        """Return what the producer brought, and a note on good rows that are held back."""
        if self.is_accepted:
            return brought
        note = held_back_row(window, self.split.good.height, self.broken)
        return note if brought is None else pl.concat([brought, note], how="diagonal_relaxed")


def _scoped_rows(
    shape: ProductTable, frame: pl.DataFrame, parts: Mapping[str, str]
) -> pl.DataFrame:
    return with_constants(typed(shape, frame), parts)


def _whole_scope(
    shape: ProductTable, frame: pl.DataFrame, given: Mapping[str, str]
) -> dict[str, str]:
    found = dict(given)
    for name in shape.scope:
        if name in found:
            continue
        seen = frame[name].unique().to_list() if name in frame.columns else []
        if len(seen) > 1:
            raise InputError(
                f"A publish of {shape.name!r} replaces one {name!r}; the frame holds "
                f"{', '.join(map(repr, seen[:5]))}. Publish each by itself."
            )
        if not seen and name != _SOURCE:
            raise InputError(
                f"A publish of {shape.name!r} must name its {name!r}; the frame holds none. "
                f"Pass scope={{{name!r}: ...}}."
            )
        found[name] = str(seen[0]) if seen else _UNNAMED_SOURCE
    return shape.scoped(found)
