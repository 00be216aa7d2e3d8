"""Keep tables small, quick and sound: compact, expire, clean, check."""

from typing import Any

from prefect import flow

from tasks.retention import steps as retention


@flow(name="maintain-tables")
def maintain_tables(tables: list[str] | None = None) -> list[dict[str, Any]]:
    """Maintain the named tables, every table of every product when None."""
    return retention.maintain_tables(tables)
