"""What the door tells of each publish: when it began, how it ended, and a contract that changed.

Telling is beside the point of publishing: a listener that is away is the sink's to bear.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from data_products.checks import Check, CheckVerdict
from data_products.lineage import AssertedCheck, LineageEvent, Snapshot
from data_products.product import ProductTable
from data_products.publication import ContractBrokenError
from semantic_layer.periods import Window
from tasks.ports import Clock, LineageSink, TableStore

_CONTRACT_VERSION = "contract_version"


class PublishTeller:
    """Tells a sink of publishes; without a sink or a clock it is silent."""

    def __init__(self, sink: LineageSink | None, clock: Clock | None) -> None:
        self._sink = sink
        self._clock = clock

    @contextmanager
    def publish(
        self, table: str, inputs: Sequence[Snapshot], run_id: str
    ) -> Iterator["ToldPublish"]:
        """Tell that a publish began; a way out without an end tells that it failed."""
        told = ToldPublish(self._sink, self._clock, table, tuple(inputs), run_id)
        try:
            yield told
        finally:
            told.failed_unless_ended()


class ToldPublish:
    """One publish, from its start to its end."""

    def __init__(
        self,
        sink: LineageSink | None,
        clock: Clock | None,
        table: str,
        inputs: tuple[Snapshot, ...],
        run_id: str,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._is_ended = sink is None or clock is None
        self._event: LineageEvent | None = None
        if sink is not None and clock is not None:
            self._event = LineageEvent(
                run_id=run_id,
                job=f"publish {table}",
                output=Snapshot(table, 0, 0),
                inputs=inputs,
                when=clock.now(),
                state="START",
                publish_id=str(uuid4()),
            )
            sink.emit(self._event)

    def checks(self, checks: Sequence[Check], verdicts: Sequence[CheckVerdict]) -> None:
        """Remember how the contract was kept, to be told with the end."""
        if self._event is not None:
            asserted = tuple(
                AssertedCheck(
                    check_id=check.id,
                    kind=check.kind,
                    column=check.columns[0] if len(check.columns) == 1 else "",
                    is_passed=verdict.is_passed,
                    is_blocking=check.is_blocking,
                    evaluated_count=verdict.evaluated_count,
                    failed_count=verdict.failed_count,
                )
                for check, verdict in zip(checks, verdicts, strict=True)
            )
            self._event = replace(self._event, checks=asserted)

    def ended(self, snapshot: Snapshot) -> Snapshot:
        """Tell the end, and hand the snapshot on."""
        is_refused = snapshot.verdict == "refused"
        self._emit("FAIL" if is_refused else "COMPLETE", snapshot, snapshot.reason)
        return snapshot

    def failed_unless_ended(self) -> None:
        """Tell a failure where no end was told: an error is on its way out."""
        if not self._is_ended and self._event is not None:
            self._emit("FAIL", self._event.output, "The publish raised an error.")

    def _emit(self, state: str, snapshot: Snapshot, reason: str) -> None:
        if self._is_ended or self._event is None or self._sink is None or self._clock is None:
            return
        self._is_ended = True
        is_complete = state == "COMPLETE"
        self._sink.emit(
            replace(
                self._event,
                output=snapshot,
                when=self._clock.now(),
                state="COMPLETE" if is_complete else "FAIL",
                reason="" if is_complete else reason,
            )
        )


class StandingContracts:
    """Compares what stands published with the contract in force, once a table and process.

    A table that holds columns which the contract dropped, or that a newer major version wrote,
    was published under a promise that is no longer kept.
    """

    def __init__(self, tables: TableStore) -> None:
        self._tables = tables
        self._seen: dict[str, str] = {}

    def broken_by(self, shape: ProductTable) -> str:
        """Return how the contract in force breaks the one that stands; empty when it does not.

        Raises:
            ContractBrokenError: the standing rows were written by a newer major version.
        """
        if shape.name not in self._seen:
            self._seen[shape.name] = self._compared(shape)
        return self._seen[shape.name]

    def _compared(self, shape: ProductTable) -> str:
        history = self._tables.history(shape.name)
        if history.is_empty():
            return ""
        newest = history.filter(history["rows"] > 0).tail(1)
        start, end = (
            newest.select("window_start", "window_end").row(0) if newest.height else ("", "")
        )
        rows = self._tables.read(shape.name, Window(start, end) if start and end else None)
        gone = [name for name in rows.collect_schema() if name not in shape.schema]
        found = rows.select(_CONTRACT_VERSION).head(1).collect()
        version = str(found.item()) if found.height else ""
        if version and _major(version) > _major(shape.version):
            raise ContractBrokenError(
                f"Table {shape.name!r} was published under contract {version}, and the contract "
                f"in force is {shape.version}: an older program would write over newer rows. "
                "Update this program, or publish into a home of its own."
            )
        if not gone:
            return ""
        return (
            f"Contract {shape.version} of {shape.name!r} drops {', '.join(sorted(gone))}, which "
            f"{version or 'an earlier one'} published."
        )


def _major(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0
