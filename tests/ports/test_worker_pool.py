"""The behaviour that every worker pool owes: order, values shared once, honest errors."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from semantic_layer.errors import InputError, TransientError
from tasks.adapters.ray_worker_pool import RayWorkerPool
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.ports import WorkerPool


@pytest.fixture(
    scope="module",
    params=["serial", pytest.param("ray", marks=pytest.mark.slow)],
)
def pool(request: pytest.FixtureRequest) -> Iterator[WorkerPool]:
    made = SerialWorkerPool() if request.param == "serial" else RayWorkerPool(None, 2)
    yield made
    made.close()


@pytest.fixture
def ray_pool() -> Iterator[WorkerPool]:
    made = RayWorkerPool(None, 2)
    yield made
    made.close()


def row_sums(chunk: range, table: np.ndarray, offset: float) -> list[float]:
    return [float(table[row].sum()) + offset for row in chunk]


def arrow_rows(chunk: range, table: pa.Table) -> int:
    return table.slice(chunk.start, len(chunk)).num_rows


def is_writable(_chunk: int, table: np.ndarray) -> bool:
    return bool(table.flags.writeable)


def refuse(chunk: int) -> int:
    if chunk == 2:
        raise InputError(f"Chunk {chunk} holds no cells.")
    return chunk


def die_the_first_time(chunk: int, folder: str) -> tuple[int, int]:
    tries = Path(folder) / f"{chunk}"
    with tries.open("a") as log:
        log.write("x")
    if chunk == 3 and tries.read_text() == "x":
        os.kill(os.getpid(), signal.SIGKILL)
    return chunk, os.getpid()


def always_die(_chunk: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_chunks(pool):
    table = np.arange(12.0).reshape(6, 2)
    found = pool.map(
        row_sums, [range(4, 6), range(2), range(2, 4)], shared={"table": table, "offset": 0.5}
    )
    assert found == [[17.5, 21.5], [1.5, 5.5], [9.5, 13.5]]


def test_an_arrow_table_can_be_shared(pool):
    table = pa.table({"load": np.arange(10.0)})
    assert pool.map(arrow_rows, [range(4), range(4, 10)], shared={"table": table}) == [4, 6]


def test_no_chunk_gives_no_result(pool):
    assert pool.map(refuse, []) == []


def test_an_error_of_the_function_is_raised_as_itself(pool):
    with pytest.raises(InputError, match=r"^Chunk 2 holds no cells\.$"):
        pool.map(refuse, [1, 2, 3])


def test_the_pool_still_works_after_an_error(pool):
    with pytest.raises(InputError):
        pool.map(refuse, [2])
    assert pool.map(refuse, [1, 3]) == [1, 3]


@pytest.mark.slow
def test_large_shared_arrays_reach_ray_workers_without_a_copy(ray_pool):
    assert ray_pool.map(is_writable, [0, 1], shared={"table": np.zeros(1_000_000)}) == [False] * 2


@pytest.mark.slow
def test_a_worker_killed_in_mid_chunk_loses_and_doubles_nothing(ray_pool, tmp_path):
    found = ray_pool.map(die_the_first_time, range(8), shared={"folder": str(tmp_path)})
    assert [chunk for chunk, _ in found] == list(range(8))
    assert (tmp_path / "3").read_text() == "xx"


@pytest.mark.slow
def test_a_chunk_that_kills_every_worker_is_a_transient_error(ray_pool):
    with pytest.raises(TransientError, match="always_die"):
        ray_pool.map(always_die, [0])
    assert ray_pool.map(refuse, [1]) == [1]


@pytest.mark.slow
def test_closing_twice_is_harmless_and_the_pool_can_be_used_again():
    pool = RayWorkerPool(None, 1)
    pool.close()
    assert pool.map(refuse, [1]) == [1]
    pool.close()
    pool.close()
    assert pool.map(refuse, [3]) == [3]
    pool.close()


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_a_transient_error():
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1"):
        RayWorkerPool("127.0.0.1:1").map(refuse, [1])
