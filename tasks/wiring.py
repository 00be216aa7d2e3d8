"""Which adapter stands behind which port; adapters are imported on first use.

Steps call `services()`; tests and other hosts hand in their own with `use_services(...)`.
"""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from semantic_layer.errors import InputError
from tasks.action_ports import (
    ChatModel,
    ConfigurationGateway,
    Embedder,
    KnowledgeIndex,
    Ledger,
    LoadFeed,
    NetworkClock,
    SpanSink,
    TranscriptStore,
)
from tasks.ports import (
    Clock,
    DataReader,
    Door,
    HotStore,
    LineageSink,
    ModelRegistry,
    TableMaintenance,
    TableStore,
    Validator,
    WorkerPool,
)
from tasks.settings import Settings, settings

if TYPE_CHECKING:
    from tasks.adapters.iceberg_tables import IcebergTables
    from tasks.adapters.tiered_tables import TieredTables


class Services:
    """The engines of one process, each made when first asked for."""

    def __init__(self, chosen: Settings) -> None:
        self.settings = chosen

    @cached_property
    def tables(self) -> TableStore:
        """Published tables: of record, behind a fast copy of the newest rows if one is chosen."""
        return self.tiers or self._iceberg

    @cached_property
    def tiers(self) -> "TieredTables | None":
        """The two tiers of published tables, None when `hot_store` is `none`."""
        hot = self.hot
        if hot is None:
            return None
        from data_products.registry import table
        from semantic_layer.loading import catalogue
        from tasks.adapters.tiered_tables import TieredTables

        def hot_days(name: str) -> int:
            chosen = self.settings.hot_days
            return catalogue().lifecycle_of(name).hot_days if chosen is None else chosen

        return TieredTables(self._iceberg, hot, hot_days, table)

    @cached_property
    def hot(self) -> HotStore | None:
        """The fast copy of the newest rows, None when none is chosen."""
        match self.settings.hot_store:
            case "duckdb":
                from tasks.adapters.duckdb_hot_store import DuckDbHotStore

                return DuckDbHotStore(self.settings.root / "hot" / "newest.duckdb")
            case "clickhouse" if self.settings.hot_store_url:
                from tasks.adapters.clickhouse_hot_store import ClickHouseHotStore

                return ClickHouseHotStore(self.settings.hot_store_url)
            case "none":
                return None
        raise InputError(
            f"ANOPS_HOT_STORE={self.settings.hot_store!r} names no hot store, or lacks its "
            "ANOPS_HOT_STORE_URL; use duckdb, clickhouse with a URL, or none."
        )

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
    def models(self) -> ModelRegistry:
        """Fitted models, and which of them serve."""
        from tasks.adapters.mlflow_registry import MlflowModelRegistry

        chosen = self.settings
        return MlflowModelRegistry.at(
            chosen.root, self.clock, chosen.model_registry, chosen.model_key_file
        )

    @cached_property
    def chat(self) -> ChatModel:
        """Language models by role; with no route that answers, every question says so at once."""
        from tasks.adapters.litellm_chat import LiteLlmChat

        chosen = self.settings
        return LiteLlmChat.at(chosen.routes_file, chosen.root / "chat", chosen.local_model)

    @cached_property
    def embedder(self) -> Embedder:
        """Vectors of texts: made here, or by a LiteLLM model."""
        model = self.settings.embedding_model
        if model is not None:
            from tasks.adapters.litellm_embedder import LiteLlmEmbedder

            return LiteLlmEmbedder(model)
        from tasks.adapters.local_embedder import LocalEmbedder
        from tasks.adapters.remembered_embedder import RememberedEmbedder

        return RememberedEmbedder(LocalEmbedder(), self.settings.root / "vectors")

    @cached_property
    def knowledge(self) -> KnowledgeIndex:
        """Passages of documents and validated cases."""
        from tasks.adapters.qdrant_knowledge import QdrantKnowledge

        chosen = self.settings
        return QdrantKnowledge(self.embedder, chosen.root / "knowledge", chosen.knowledge_url)

    @cached_property
    def gateway(self) -> ConfigurationGateway:
        """The way into the network: the sample network's, or one by address."""
        address = self.settings.gateway
        if address is None:
            from tasks.adapters.sample_gateway import SampleGateway

            return SampleGateway(self.settings.sample_folder)
        if address.startswith("netconf"):
            from tasks.adapters.netconf_gateway import NetconfGateway

            return NetconfGateway.at(address, self.settings.gateway_secret_file)
        from tasks.adapters.provisioning_gateway import ProvisioningGateway

        return ProvisioningGateway.at(address, self.settings.gateway_secret_file)

    @cached_property
    def network_clock(self) -> NetworkClock:
        """What time it is in the network that the gateway reaches."""
        if self.settings.gateway is None:
            from tasks.adapters.sample_gateway import SampleClock

            return SampleClock(self.settings.sample_folder, self.clock)
        return self.clock

    @cached_property
    def load_feed(self) -> LoadFeed:
        """Load by the minute: of a collector's folder, of the sample network, or none."""
        folder = self.settings.feed_folder
        if folder is not None:
            from tasks.adapters.ves_load_feed import VesLoadFeed

            return VesLoadFeed(folder, is_awaited=self.settings.load_feed_folder is not None)
        from tasks.adapters.memory_load_feed import MemoryLoadFeed

        return MemoryLoadFeed()

    @cached_property
    def ledger(self) -> Ledger:
        """Everything that was decided, approved and written."""
        from tasks.adapters.sqlite_ledger import SqliteLedger

        chosen = self.settings
        return SqliteLedger(chosen.root / "ledger", chosen.ledger_key_file, self.clock)

    @cached_property
    def transcripts(self) -> TranscriptStore:
        """What happened in agents' runs."""
        from tasks.adapters.file_transcripts import FileTranscripts

        return FileTranscripts(self.settings.root / "transcripts")

    @cached_property
    def spans(self) -> SpanSink:
        """Where spans of agents' runs are told: files, and a collector by address."""
        from tasks.adapters.telemetry_spans import TelemetrySpans

        return TelemetrySpans(self.settings.root / "spans", self.settings.telemetry_url)

    @cached_property
    def clock(self) -> Clock:
        """The present."""
        from tasks.adapters.system_clock import SystemClock

        return SystemClock()

    def close(self) -> None:
        """Let go of what other processes may want, such as the hot copy's file; safe to repeat.

        What is asked for later is made anew.
        """
        for name in ("hot", "knowledge", "ledger"):
            held = self.__dict__.pop(name, None)
            if held is not None:
                held.close()
        for name in [name for name in self.__dict__ if name != "settings"]:
            del self.__dict__[name]


_chosen: list[Services] = []


def services() -> Services:
    """Return this process's services; they are closed when it ends, command or flow alike."""
    if not _chosen:
        _chosen.append(Services(settings()))
        atexit.register(close_services)
    return _chosen[-1]


def close_services() -> None:
    """Close this process's services, at its end; a later call of `services` makes new ones."""
    while _chosen:
        _chosen.pop().close()


@contextmanager
def use_services(instead: Services) -> Iterator[Services]:
    """Use other services inside a with block, in this process."""
    _chosen.append(instead)
    try:
        yield instead
    finally:
        _chosen.remove(instead)
