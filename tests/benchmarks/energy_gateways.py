"""How fast a town's savings are written and taken back through the gateways of production.

    python -m tests.benchmarks energy_gateways [--sites NUMBER]

Sites of three cells, two writes a cell, one proposal a site; each is carried out and taken back by
the executor, with the ledger in SQLite as in production. The servers are those of tests/ports, on
this machine: a network's distance adds its way there and back, calls a write times. A whole town is
every cell of the sample network's seed 7: 333 of NR, 666 writes.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.execution.executing import carried_out
from tasks.execution.recalling import recalled
from tasks.messages.change_sets import ChangeSet
from tests.ports.network_servers import netconf_element, provisioning_element
from tests.tasks.execution.energy_town import FUNCTION, town
from tests.tasks.execution.told import StoppedClock, approved, hands
from tests.tasks.guardrails.town import NOON, cell, saver, sleep

SITES, NUMBERS, WHOLE_TOWN = 20, (1, 2, 3), 666
KINDS: dict[str, tuple[int, Callable[..., AbstractContextManager[Any]]]] = {
    "NETCONF, candidate with confirmed commit": (10, netconf_element),
    "NETCONF, running": (4, partial(netconf_element, target="running")),
    "ProvMnS with ETags": (2, provisioning_element),
    "ProvMnS without": (3, partial(provisioning_element, *["--without-tags"])),
}
"""Calls of a write, and how each is opened; the folder comes first."""


def main() -> None:
    """Print a line for each kind of gateway."""
    words = sys.argv
    sites = int(words[words.index("--sites") + 1]) if "--sites" in words else SITES
    for name, (calls, opened) in KINDS.items():
        try:
            told = _measured(opened, sites)
        except pytest.skip.Exception as skipped:
            told = f"not measured: {skipped}"
        sys.stdout.write(f"{name:42s} {calls:2d} calls a write; {told}\n")
        sys.stdout.flush()


def _measured(opened: Callable[..., AbstractContextManager[Any]], sites: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        option = {"objects": town(sites=sites)}
        with _open(opened, path, option) as element:
            ledger = SqliteLedger(path / "ledger", None, StoppedClock(NOON))
            tools = hands(ledger, element.gateway, StoppedClock(NOON))
            changes = [_all_of(site) for site in range(1, sites + 1)]
            names = [
                approved(ledger, one, at=NOON, use_case="save_energy", cells=(cell(site),))
                for site, one in enumerate(changes, 1)
            ]
            writes = sum(len(one.operations) for one in changes)
            to_sleep = _timed(names, lambda name: carried_out(name, tools).stage, "APPLIED")
            to_wake = _timed(names, lambda name: recalled(name, "Wake.", tools).stage, "RECALLED")
            begin = time.perf_counter()
            found = len(element.gateway.read_below("SubNetwork=1", FUNCTION))
            reading = time.perf_counter() - begin
    return (
        f"{60 * writes / to_sleep:5.0f} writes a minute to sleep, {60 * writes / to_wake:5.0f} to "
        f"wake: the whole town in {to_wake / writes * WHOLE_TOWN:3.0f} s; "
        f"{found} saving functions read in {reading:.2f} s"
    )


def _open(
    opened: Callable[..., AbstractContextManager[Any]], path: Path, option: dict[str, Any]
) -> AbstractContextManager[Any]:
    if isinstance(opened, partial):
        return opened.func(path, *opened.args, **opened.keywords, **option)  # type: ignore[no-any-return]
    return opened(path, **option)


def _all_of(site: int) -> ChangeSet:
    return ChangeSet(tuple(one for number in NUMBERS for one in sleep(saver(site, number))))


def _timed(names: Sequence[str], work: Callable[[str], str], ends: str) -> float:
    """Return the seconds that work takes on every proposal, each of which must end as said."""
    begin = time.perf_counter()
    for name in names:
        stage = work(name)
        if stage != ends:
            raise RuntimeError(f"{name} ended {stage}, not {ends}.")
    return time.perf_counter() - begin
