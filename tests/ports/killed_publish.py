"""A program that kills its own publishes with SIGKILL, one step later each time, and looks.

    python -m tests.ports.killed_publish FOLDER first|again

`first` kills the first publish into an empty store; `again` kills publishes that replace rows. A
step is every file that the store begins to write and each side of every catalogue commit. After
each kill it checks that no product is half, no row lost or doubled; then it publishes again and
checks that everything is there once. It prints the number of steps at which it killed.

It forks before Polars or Arrow start threads, so one import serves every kill.
"""

import os
import signal
import sys
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO

from data_products.checks import CheckVerdict
from data_products.product import TIME
from semantic_layer.periods import Window
from tasks.adapters.contract_door import ContractDoor
from tasks.adapters.iceberg_tables import IcebergTables

TABLE = "network_topology"
GOOD, BAD = 40, 2
START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=2))
NEVER = 10_000


class PlainValidator:
    """Compares shares with limits, without the seconds that a validation engine takes to import."""

    def judge(self, checks, metrics):
        return [
            CheckVerdict(
                check.id,
                metrics.failed_share(check.id) <= check.limit_share,
                metrics.evaluated[check.id],
                metrics.failed[check.id],
                check.limit_share,
            )
            for check in checks
        ]


def rows(generation):
    places = pl.int_range(GOOD + BAD, eager=True)
    return pl.DataFrame(
        {
            "cell_dn": [f"NRCellDU={place}" for place in places],
            "valid_from": [START + timedelta(days=place % 2) for place in places],
            "azimuth_deg": [float(generation)] * GOOD + [999.0] * BAD,
        },
        schema_overrides={"valid_from": TIME},
    )


def publish(folder, generation):
    door = ContractDoor(IcebergTables.at(folder), PlainValidator(), catalogue_version="test")
    return door.publish(TABLE, WINDOW, rows(generation), [], f"run-{generation}")


def kill_at(step):
    """Kill this process at its `step`-th step; return what counts one."""
    taken = [0]

    def count():
        taken[0] += 1
        if taken[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    write, commit = PyArrowFileIO.new_output, SqlCatalog.commit_table

    def counted_write(self, location):
        count()
        return write(self, location)

    def counted_commit(self, *args, **kwargs):
        count()
        response = commit(self, *args, **kwargs)
        count()
        return response

    PyArrowFileIO.new_output, SqlCatalog.commit_table = counted_write, counted_commit
    return count


def check(folder, allowed):
    """Raise unless each table holds one whole generation of `allowed`; None stands for empty."""
    tables = IcebergTables.at(folder)
    product = tables.read(TABLE).collect()
    found = {int(value) for value in product["azimuth_deg"].unique()} or {None}
    assert len(found) == 1, f"the product holds generations {found}"
    assert found <= set(allowed), f"the product holds {found}, not one of {allowed}"
    assert product.height in ({0} if found == {None} else {GOOD}), f"{product.height} rows"
    assert product["cell_dn"].n_unique() == product.height, "a row is doubled"
    for name, expected in (("data_quality.quarantine", {0, BAD}), ("data_quality", None)):
        kept = tables.read(name).collect()
        runs = set(kept["run_id"].unique())
        assert len(runs) <= 1, f"{name} mixes runs {runs}"
        assert expected is None or kept.height in expected, f"{name} holds {kept.height} rows"
        key = "check_id" if expected is None else "key"
        assert kept[key].n_unique() == kept.height, f"{name} holds a row twice"


def in_child(work):
    """Return how a forked child that does `work` ended: its exit code, or minus its signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    except BaseException:  # noqa: BLE001 - a child must never return into the parent's loop
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def killed_steps(folder, mode):
    """Return at how many steps a publish was killed, each kill checked and mended."""
    stands = 0 if mode == "again" else None
    if stands is not None:
        assert in_child(lambda: publish(folder, 0)) == 0, "the store does not work at all"
    # A first publish is killed at every other step: it takes the steps of one that replaces.
    stride = 1 if mode == "again" else 2
    for kills, step in enumerate(range(1, NEVER, stride)):
        home = folder if mode == "again" else folder / f"step-{step}"

        def killed(step=step, home=home):
            kill_at(step)
            publish(home, step)

        def mended(step=step, home=home, stands=stands):
            check(home, [stands, step])
            publish(home, step)
            check(home, [step])

        ended = in_child(killed)
        assert in_child(mended) == 0, f"killed at step {step}"
        if ended == 0:
            return kills
        assert ended == -signal.SIGKILL, f"step {step} ended with {ended}"
        stands = step if mode == "again" else None
    raise AssertionError("the publish never ended")


if __name__ == "__main__":
    sys.stdout.write(f"{killed_steps(Path(sys.argv[1]), sys.argv[2])}\n")
