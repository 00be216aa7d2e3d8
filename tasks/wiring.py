"""Which adapter stands behind which port; adapters are imported on first use.

Steps call `services()`; tests and other hosts hand in their own with `use_services(...)`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from tasks.ports import (
    Clock,
    DataReader,
    Door,
    LineageSink,
    TableMaintenance,
    TableStore,
    Validator,
    WorkerPool,
)
from tasks.settings import Settings, settings

if TYPE_CHECKING:
    from tasks.adapters.iceberg_tables import IcebergTables


class Services:
    """The engines of one process, each made when first asked for."""

    def __init__(self, chosen: Settings) -> None:
        self.settings = chosen

    @cached_property
    def tables(self) -> TableStore:
        """Published tables."""
        return self._iceberg

    @cached_property
    def _iceberg(self) -> "IcebergTables":
        from tasks.adapters.iceberg_tables import IcebergTables

        return IcebergTables.at(
            self.settings.root, self.settings.table_catalogue, self.settings.table_warehouse
        )

    @cached_property
    def maintenance(self) -> TableMaintenance:
        """The upkeep of published tables."""
        from tasks.adapters.iceberg_maintenance import IcebergMaintenance

        return IcebergMaintenance(self._iceberg)

    @cached_property
    def validator(self) -> Validator:
        """The judge of checks."""
        from tasks.adapters.great_expectations_validator import GreatExpectationsValidator

        return GreatExpectationsValidator()

    @cached_property
    def door(self) -> Door:
        """The way into a product."""
        from tasks.adapters.contract_door import ContractDoor

        return ContractDoor(self.tables, self.validator, lineage=self.lineage, clock=self.clock)

    @cached_property
    def reader(self) -> DataReader:
        """Published tables for a person or an agent: by identity, and on record."""
        from data_products.access import load_access_rules
        from tasks.adapters.guarded_reader import GuardedReader

        return GuardedReader(
            self.tables,
            load_access_rules(self.settings.access_rules),
            self.settings.root / "audit",
            self.clock,
        )

    @cached_property
    def lineage(self) -> LineageSink:
        """Where publishes are told."""
        folder = self.settings.root / "lineage"
        if self.settings.lineage_url:
            from tasks.adapters.http_lineage import HttpLineage

            return HttpLineage(self.settings.lineage_url, folder / "unsent")
        from tasks.adapters.file_lineage import FileLineage

        return FileLineage(folder)

    @cached_property
    def workers(self) -> WorkerPool:
        """Where chunks of work run."""
        if self.settings.worker_pool == "serial":
            from tasks.adapters.serial_worker_pool import SerialWorkerPool

            return SerialWorkerPool()
        from tasks.adapters.ray_worker_pool import RayWorkerPool

        return RayWorkerPool(self.settings.ray_address, self.settings.worker_count)

    @cached_property
    def clock(self) -> Clock:
        """The present."""
        from tasks.adapters.system_clock import SystemClock

        return SystemClock()


_chosen: list[Services] = []


def services() -> Services:
    """Return this process's services."""
    if not _chosen:
        _chosen.append(Services(settings()))
    return _chosen[-1]


@contextmanager
def use_services(instead: Services) -> Iterator[Services]:
    """Use other services inside a with block, in this process."""
    _chosen.append(instead)
    try:
        yield instead
    finally:
        _chosen.remove(instead)
