"""Show what is published: every product with its quality, consumers and lineage, on one page."""

from prefect import flow

from tasks.reporting import steps as reporting


@flow(name="write-catalogue")
def write_catalogue() -> str:
    """Write the page of data products and return its path."""
    return reporting.write_catalogue()
