"""Tables under strain: many processes at once, a full disk, a folder that may not be written."""

import os
import resource
import signal
from concurrent.futures import ProcessPoolExecutor, wait
from datetime import timedelta
from itertools import takewhile
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import pytest

from semantic_layer.errors import AnopsError, TransientError
from semantic_layer.periods import Window
from tasks.adapters.iceberg_errors import TableStoreError
from tests.ports.test_table_maintenance import FUTURE, QUARTERS, on_iceberg
from tests.ports.test_table_store import DAY, FIFTEEN, iceberg, lineage, loads, rows

pytestmark = pytest.mark.slow
ROUNDS = 12
NOBODY = 65534


def writer(folder, parity):
    """Publish every other quarter again and again; each round is one generation."""
    tables = iceberg(Path(folder))
    for generation in range(1, ROUNDS + 1):
        for window in QUARTERS[parity:8:2]:
            for _ in range(10):
                try:
                    tables.publish(
                        "loads", window, rows(window, load=float(generation)), lineage(), FIFTEEN
                    )
                    break
                except TransientError:
                    continue
    return ROUNDS


def reader(folder):
    """Read until all windows are of the last generation; each time every window is whole."""
    tables = iceberg(Path(folder))
    for reads in range(1, 5000):
        found = loads(tables, window=DAY)
        windows = found.group_by("period_start").agg("load_pct", "cell_dn")
        for _, loads_seen, cells in windows.rows():
            assert len(set(loads_seen)) == 1, "a window of two generations"
            assert sorted(cells) == ["A", "B"], "a window that is not whole"
        if found.height == 16 and set(found["load_pct"]) == {float(ROUNDS)}:
            return reads
    raise AssertionError("the writers never came to an end")


def keeper(folder):
    """Compact and expire without a pause while others write."""
    _, upkeep = on_iceberg(Path(folder))
    done = 0
    for _ in range(30):
        done += upkeep.rewrite("loads", [file.path for file in upkeep.files("loads")], "warm")
        upkeep.remove_orphans("loads", FUTURE - timedelta(days=365 * 80))
    return done


def test_two_writers_a_reader_and_upkeep_at_once_leave_whole_windows(tmp_path):
    tables = iceberg(tmp_path)
    tables.publish("loads", DAY, rows(DAY).clear(), lineage(), FIFTEEN)
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        works = [
            pool.submit(writer, str(tmp_path), 0),
            pool.submit(writer, str(tmp_path), 1),
            pool.submit(reader, str(tmp_path)),
            pool.submit(keeper, str(tmp_path)),
        ]
        wait(works, timeout=300)
        results = [work.result(timeout=1) for work in works]
    assert results[:2] == [ROUNDS, ROUNDS]
    assert results[2] > 1
    assert loads(tables).height == 16


def publish_with_small_files_only(folder, limit):
    """Publish where no file may grow beyond `limit` bytes: a full disk, for one process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    tables = iceberg(Path(folder))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        tables.publish("loads", DAY, rows(DAY, load=2.0), lineage(), FIFTEEN)
    except AnopsError as error:
        return type(error).__name__, str(error)
    return "published", ""


@pytest.mark.parametrize("limit", [0, 1500, 3000, 5000])
def test_a_disk_that_takes_no_more_is_told_and_the_rows_before_stand(tmp_path, limit):
    tables = iceberg(tmp_path)
    tables.publish("loads", DAY, rows(DAY, load=1.0), lineage(), FIFTEEN)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        kind, told = pool.submit(publish_with_small_files_only, str(tmp_path), limit).result(120)
    assert kind in ("TableStoreError", "TransientError"), told
    assert "Publishing" in told or "Opening" in told
    assert set(loads(tables)["load_pct"]) == {1.0}
    tables.publish("loads", DAY, rows(DAY, load=3.0), lineage(), FIFTEEN)
    assert set(loads(tables)["load_pct"]) == {3.0}
    assert loads(tables).height == 192


def publish_as_nobody(folder):
    """Publish as a user who may read the folder but not write it; root may write everywhere."""
    window = QUARTERS[0]
    with TemporaryDirectory() as own:  # whatever is imported on use is imported before
        warmed = iceberg(Path(own))
        warmed.publish("loads", window, rows(window), lineage(), FIFTEEN)
        warmed.publish("loads", window, rows(window), lineage(), FIFTEEN)
        assert loads(warmed).height == 2
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    tables = iceberg(Path(folder))
    heights = [loads(tables).height]
    try:
        tables.publish("loads", DAY, rows(DAY, load=2.0), lineage(), FIFTEEN)
    except AnopsError as error:
        return type(error).__name__, str(error), heights
    return "published", "", heights


def test_a_folder_that_may_not_be_written_is_read_and_told(tmp_path):
    tables = iceberg(tmp_path)
    window = Window(DAY.start, DAY.end)
    tables.publish("loads", window, rows(DAY, load=1.0), lineage(), FIFTEEN)
    everybody_s = Path(gettempdir())
    above = takewhile(lambda path: path != everybody_s, tmp_path.parents)
    outside = [tmp_path, *above]
    modes = {path: path.stat().st_mode for path in [*tmp_path.rglob("*"), *outside]}
    try:
        for path in modes:
            is_inside = path not in outside[1:]
            path.chmod(0o555 if path.is_dir() and is_inside else 0o755 if path.is_dir() else 0o444)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            kind, told, heights = pool.submit(publish_as_nobody, str(tmp_path)).result(120)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert kind == TableStoreError.__name__, told
    assert heights == [192]
    assert "written" in told or "writing" in told
    tables.publish("loads", DAY, rows(DAY, load=3.0), lineage(), FIFTEEN)
    assert set(loads(tables)["load_pct"]) == {3.0}
