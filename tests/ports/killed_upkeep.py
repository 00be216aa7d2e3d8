"""A program that kills upkeep with SIGKILL, one step later each time, and looks.

    python -m tests.ports.killed_upkeep FOLDER

A step is every file that compaction, expiry and the history begin to write, every file that
orphan removal deletes, each side of every catalogue commit, and each piece of a hot copy. After
each kill all rows and all history are there, once; then upkeep runs to its end and they still are.
"""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from tasks.adapters import iceberg_maintenance
from tasks.adapters.duckdb_hot_store import DuckDbHotStore
from tasks.adapters.iceberg_maintenance import IcebergMaintenance
from tasks.adapters.iceberg_tables import IcebergTables
from tasks.adapters.tiered_tables import TieredTables
from tests.ports import killed_publish
from tests.ports.test_table_maintenance import FUTURE, QUARTERS
from tests.ports.test_table_store import DAY, FIFTEEN, described, lineage, rows


def opened(folder):
    tables = IcebergTables.at(folder, described=described)
    hot = DuckDbHotStore(folder / "hot.duckdb")
    return tables, TieredTables(tables, hot, lambda _table: 3, described)


def publish(folder, generation):
    """Publish every other quarter of five hours anew."""
    tables, _ = opened(folder)
    for window in QUARTERS[generation % 4 :: 4]:
        tables.publish(
            "loads", window, rows(window, load=float(generation)), lineage(f"{generation}"), FIFTEEN
        )


def upkeep(folder):
    tables, tiers = opened(folder)
    store = IcebergMaintenance(tables)
    tiers.warm_up("loads")
    for kind in ("warm", "cold"):
        store.rewrite("loads", [file.path for file in store.files("loads")], kind)
    store.expire("loads", datetime.now(UTC) - timedelta(milliseconds=1))  # noqa: TID251
    store.remove_orphans("loads", FUTURE)
    tiers.warm_up("loads")


def told(folder):
    tables, tiers = opened(folder)
    order = ["cell_dn", "period_start"]
    found = tables.read("loads").collect().sort(order)
    history = tables.history("loads").select("run_id", "window_start", "rows")
    hot = tiers.read("loads", DAY).collect().sort(order)
    assert_frame_equal(hot, found)
    assert IcebergMaintenance(tables).problems("loads") == []
    return found, history


def kill_at(step):
    count = killed_publish.kill_at(step)
    read, delete = IcebergTables.read, iceberg_maintenance.delete_file

    def counted_read(*args, **kwargs):
        count()
        return read(*args, **kwargs)

    def counted_delete(*args):
        count()
        delete(*args)
        count()

    IcebergTables.read, iceberg_maintenance.delete_file = counted_read, counted_delete


def keep(folder):
    found, history = told(folder)
    found.write_parquet(folder / "found.parquet")
    history.write_parquet(folder / "history.parquet")


def compare(folder):
    found, history = told(folder)
    assert_frame_equal(found, pl.read_parquet(folder / "found.parquet"))
    assert_frame_equal(history, pl.read_parquet(folder / "history.parquet"))


def mended(folder):
    compare(folder)
    upkeep(folder)
    compare(folder)


def turn(folder, deed, step):
    """Do one thing in this process."""
    if deed == "killed":
        kill_at(step)
        upkeep(folder)
        return
    if deed == "mended":
        mended(folder)
    publish(folder, step)
    keep(folder)


def killed_steps(folder):
    """Return at how many steps upkeep was killed, each kill checked and mended."""

    def ended(deed, step):
        program = [sys.executable, "-m", "tests.ports.killed_upkeep", str(folder), deed, str(step)]
        return subprocess.run(program, check=False, timeout=120).returncode

    assert ended("made", 0) == 0
    for kills, step in enumerate(range(1, 10_000, 23)):
        code = ended("killed", step)
        assert ended("mended", step) == 0, f"killed at step {step}"
        if code == 0:
            return kills
        assert code == -signal.SIGKILL, f"step {step} ended with {code}"
    raise AssertionError("upkeep never ended")


if __name__ == "__main__":
    home, *deed = sys.argv[1:]
    if deed:
        turn(Path(home), deed[0], int(deed[1]))
    else:
        sys.stdout.write(f"{killed_steps(Path(home))}\n")
