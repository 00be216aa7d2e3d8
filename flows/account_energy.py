"""Learn: what a day of saving brought in kWh, money and CO2, against what would have been drawn."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.curation.steps import newest_published
from tasks.energy.accounting.steps import publish_energy_savings
from tasks.energy.waking.steps import publish_wakings
from tasks.step import scheduled_at


@flow(name="account-energy")
def account_energy(window: Window | None = None) -> Snapshot:
    """Publish the savings of a day with their interval, rebound and what users felt counted.

    How late cells woke is published as well, should a run that woke them have died before.

    Args:
        window: the newest whole day that was measured when None.
    """
    publish_wakings()
    return publish_energy_savings(window or newest_published("cell_kpis", scheduled_at(), "day"))
