"""How fast a minute of load is read from VES events: CPU seconds of one core, beside bare decoding.

A town's minute (78 elements) and a nation's (20,000), five cells an element, each with what load
and throughput rest on; and a town's newest quarter out of a folder of sixty minutes.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.ves_load_feed import VesLoadFeed
from tasks.twin.ves_stream import StreamedCells, StreamedElement, stream_batch

_MINUTE = timedelta(minutes=1)
_BEGIN = datetime(2026, 1, 5, 3, tzinfo=UTC)
_CELLS = 5
_KPIS = ("prb_usage_dl", "user_throughput_dl")
_MOST_EVENTS = 10_000


def main() -> None:
    """Print what a minute costs."""
    catalogue()
    for name, elements in (("a town's minute", 78), ("a nation's minute", 20_000)):
        with tempfile.TemporaryDirectory() as folder:
            size = _write(Path(folder), elements, 0)
            files = sorted(Path(folder).iterdir())
            bare = _cpu(lambda files=files: [json.loads(file.read_bytes()) for file in files])
            feed, window = VesLoadFeed(Path(folder)), Window(_BEGIN, _BEGIN + _MINUTE)
            found = feed.reports(window)
            read = _cpu(lambda feed=feed, window=window: feed.reports(window))
        cells = elements * _CELLS
        if len(found.reports) != cells or found.refused:
            raise SystemExit(f"{len(found.reports)} of {cells} cells were read: {found.refused}")
        print(
            f"bench load_feed: {name}, {cells} cells, {size / 1e6:.2f} MB: {1000 * read:.1f} "
            f"CPU-ms, {read / bare:.1f} x decoding the JSON alone"
        )
    with tempfile.TemporaryDirectory() as folder:
        for minute in range(60):
            _write(Path(folder), 78, minute)
        feed, end = VesLoadFeed(Path(folder)), _BEGIN + 60 * _MINUTE
        read = _cpu(lambda: feed.reports(Window(end - 15 * _MINUTE, end)))
    print(f"bench load_feed: a town's last quarter of sixty minutes: {1000 * read:.1f} CPU-ms")


def _write(folder: Path, elements: int, minute: int) -> int:
    """Write one minute as a collector does, some thousand events a file; return the bytes."""
    known, begin = catalogue(), _BEGIN + minute * _MINUTE
    kpis = [known.kpi(name) for name in _KPIS]
    names = [name for kpi in kpis for name in (*kpi.numerator, *kpi.denominator)]
    types = tuple(known.measurements[name].standard_name for name in names)
    rng = random.Random(minute)  # noqa: S311 - figures of a benchmark
    told = []
    for number in range(elements):
        dn = f"SubNetwork=1,ManagedElement={number}"
        cells = tuple(
            (f"{dn},GNBDUFunction=1,NRCellDU={cell}", False, _values(rng, len(types)))
            for cell in range(_CELLS)
        )
        told.append(StreamedElement(dn, (StreamedCells("NRCellDU", types, cells),)))
    size = 0
    for first in range(0, elements, _MOST_EVENTS):
        batch = stream_batch(told[first : first + _MOST_EVENTS], begin, begin + _MINUTE)
        size += (folder / f"{minute}-{first}.json").write_text(json.dumps(batch))
    return size


def _values(rng: random.Random, count: int) -> tuple[float, ...]:
    """Return values that grow: of a share the part comes before the whole."""
    return tuple(rng.uniform(10.0 * place, 10.0 * place + 9.0) for place in range(1, count + 1))


def _cpu(read: Callable[[], object]) -> float:
    """Return the least CPU seconds of three rounds."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        read()
        spent.append(time.process_time() - began)
    return min(spent)


if __name__ == "__main__":
    main()
