"""Steps of retention: keep every published table small, sound and no longer than it may be kept."""

import logging
from time import perf_counter
from typing import Any

from data_products.lineage import Lineage
from data_products.registry import products
from semantic_layer.loading import catalogue
from tasks.retention.planning import newest_of
from tasks.retention.upkeep import keep_up
from tasks.step import Progress, run_id, show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_RUN_PREFIX = "retention"
_MEASUREMENTS = "pm_measurements"
"""The table that tells how far the network has come; rows age by it, not by the wall clock."""


@step
def maintain_tables(tables: list[str] | None = None) -> list[dict[str, Any]]:
    """Compact, expire, clean and check tables as their lifecycles say, and fill the hot copy.

    Args:
        tables: full names; every table of every product when None.

    Returns:
        One row a table: files, bytes and snapshots before and after, what was done, what is
        broken, seconds. The same stands on the run's page.
    """
    definitions, engines = catalogue(), services()
    described = {name: table for one in products().values() for name, table in one.tables.items()}
    chosen = list(described) if tables is None else tables
    newest = newest_of(engines.maintenance.files(_MEASUREMENTS))
    progress, rows = Progress("Tables maintained"), []
    for place, name in enumerate(chosen, 1):
        started = perf_counter()
        version = described[name].version if name in described else ""
        done = keep_up(
            engines.maintenance,
            name,
            definitions.lifecycle_of(name),
            engines.clock.now(),
            Lineage(f"{_RUN_PREFIX} {run_id()}", version, definitions.version),
            newest,
        )
        is_hot = engines.tiers is not None and engines.tiers.warm_up(name)
        for problem in done.problems:
            _LOG.error("Table %s: %s", name, problem)
        rows.append(done.row() | {"hot": is_hot, "seconds": round(perf_counter() - started, 2)})
        progress.reach(place / len(chosen))
    show_table("table-maintenance", rows, "Tables before and after maintenance")
    return rows
