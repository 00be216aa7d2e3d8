"""Chunks of work called one after another in this process: for unit tests and tiny networks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class SerialWorkerPool:
    """Implements `WorkerPool` with no worker but the caller."""

    def map(
        self,
        function: Callable[..., Result],
        chunks: Iterable[Chunk],
        *,
        shared: Mapping[str, Any] | None = None,
    ) -> list[Result]:
        """Return `function(chunk, **shared)` for each chunk, in order."""
        return [function(chunk, **(shared or {})) for chunk in chunks]

    def close(self) -> None:
        """Do nothing: there is no worker to give back."""
