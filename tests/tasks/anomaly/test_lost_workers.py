"""Workers die with kill -9 in the midst of scoring; what is published must not show it."""

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semantic_layer.detection import detection
from tasks.adapters.ray_worker_pool import RayWorkerPool
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly import score_rows
from tasks.anomaly.outcome import Outcome, scored_window
from tasks.ports import WorkerPool
from tests.tasks.anomaly.world import KPIS, THROUGHPUT, kpi_rows, last_day, network

DAY = 96


def done_then_killed(
    chunk: range, called: Callable[..., Any], folder: str, **shared: object
) -> object:
    """Do the work; the first worker to get to some chunk dies with the result in its hands."""
    result = called(chunk, **shared)
    mark = Path(folder) / f"{called.__name__}-{chunk.start}"
    is_first = not mark.exists()
    mark.touch()
    if is_first and chunk.start == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result


class LossyPool:
    """A worker pool whose workers are killed once in every map."""

    def __init__(self, inner: WorkerPool, folder: Path) -> None:
        self._inner, self._folder = inner, folder

    def map(
        self,
        function: Callable[..., Any],
        chunks: Iterable[Any],
        *,
        shared: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        more = {"called": function, "folder": str(self._folder), **(shared or {})}
        return self._inner.map(done_then_killed, chunks, shared=more)

    def close(self) -> None:
        self._inner.close()


def outcome(workers: WorkerPool) -> Outcome:
    values = network(cells=16)
    values[5, THROUGHPUT, 28 * DAY + 40 : 28 * DAY + 60] *= 0.6
    nothing_earlier = pl.DataFrame(schema=score_rows.SCORES)
    rows = kpi_rows(values).lazy()
    return scored_window(rows, nothing_earlier, KPIS, last_day(), detection(), workers)


@pytest.mark.slow
def test_killed_workers_lose_and_double_no_row(tmp_path):
    pool = RayWorkerPool(None, 2)
    try:
        lossy = outcome(LossyPool(pool, tmp_path))
    finally:
        pool.close()
    killed = {path.name.rpartition("-")[0] for path in tmp_path.iterdir()}
    assert killed == {"_residuals", "_judge", "_explain"}
    whole = outcome(SerialWorkerPool())
    assert whole.findings.height == 1
    for name in ("scores", "findings", "expectations"):
        assert_frame_equal(getattr(lossy, name), getattr(whole, name))
