"""Learn: each profile of cells gets the model that earns its place, weekly."""

from typing import Any

from prefect import flow

from semantic_layer.periods import Window
from tasks.anomaly.training import steps as training
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.step import scheduled_at


@flow(name="train-models")
def train_models(window: Window | None = None) -> list[dict[str, Any]]:
    """Train, compare and register models from four weeks of KPIs; promote those that may serve."""
    known_by = scheduled_at()
    window = window or newest_published("cell_kpis", known_by, "15min")
    return training.train_models(newest_snapshot("cell_kpis"), window, known_by)
