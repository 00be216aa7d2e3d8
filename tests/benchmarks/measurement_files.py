"""How fast measurement files are read: CPU seconds of one core, MB of unpacked XML.

Files like a town's: 25 gNBs of 4 cells and 60 measurements in one file of a quarter of an hour,
in both layouts, plain and gzip; a file of one gNB; and the same read element by element.
"""

import gzip
import random
import re
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.ingestion.measurements.measured_blocks import Interpreter
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tasks.ingestion.measurements.measurement_files import events, read_events

_NAME = "A20260105.{:02d}00+0000-{:02d}15+0000_town.xml"
_WINDOW = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
_CELLS, _MEASUREMENTS = 4, 60
_ROUNDS = 5
_VALUE = re.compile(rb'<r p="(\d+)">([^<]*)</r>')


def main() -> None:
    """Print MB/s a core for each way of writing and reading."""
    for layout in ("r p", "measResults"):
        files = [town_file(25, hour, layout) for hour in range(20)]
        _read(f"town, {layout}", files)
    _read("one gNB, r p", [town_file(1, hour, "r p") for hour in range(20)])


def _read(name: str, files: list[bytes]) -> None:
    size = sum(map(len, files)) / 1e6
    print(f"bench measurement_files: {name} files of {size / len(files) * 1e3:.0f} kB")
    one_by_one = _cpu(lambda: [list(events([file], in_bulk=False)) for file in files[:4]])
    _tell(name, "element by element", size * 4 / len(files), one_by_one)
    in_bulk = _cpu(lambda: [list(events([file])) for file in files])
    _tell(name, "parsed", size, in_bulk)
    _tell(name, "parsed and interpreted", size, _cpu(lambda: [_blocks(file) for file in files]))
    if name.endswith("r p"):
        _tell(name, "bare regex", size, _cpu(lambda: [_VALUE.findall(file) for file in files]))
    with tempfile.TemporaryDirectory() as folder:
        for packed in (False, True):
            paths = _delivered(Path(folder), files, packed=packed)
            how = "gzip" if packed else "plain"
            read = _cpu(lambda paths=paths: [list(read_events(Path(path))) for path in paths])
            _tell(name, f"parsed from disk, {how}", size, read)
            rows = _cpu(lambda paths=paths: measured_batch(paths, _WINDOW))
            _tell(name, f"rows of pm_measurements, {how}", size, rows)


def _delivered(folder: Path, files: list[bytes], *, packed: bool) -> list[str]:
    paths = []
    for hour, file in enumerate(files):
        path = folder / (_NAME.format(hour, hour) + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(file) if packed else file)
        paths.append(str(path))
    return paths


def _blocks(file: bytes) -> None:
    interpreter = Interpreter()
    for event in events([file]):
        for _ in interpreter.interpret(event):
            pass


def _cpu(work: Callable[[], object]) -> float:
    """Return the least CPU seconds of a few rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def _tell(name: str, what: str, size: float, seconds: float) -> None:
    print(f"bench measurement_files: {name}: {what} {size / seconds:.0f} MB/s a core")


def town_file(gnbs: int, hour: int, layout: str) -> bytes:
    """Return a measurement file of a quarter of an hour, values as a network has them."""
    chance = random.Random(hour)  # noqa: S311 - a story, not a secret
    names = [
        item.standard_name
        for item in catalogue().measurements.values()
        if item.technology == "NR" and item.shape == "scalar" and item.derived_from is None
        and item.object_class in {"NRCellCU", "NRCellDU"}
    ]  # fmt: skip
    types = (names + [f"Vendor.Other{n}" for n in range(_MEASUREMENTS)])[:_MEASUREMENTS]
    told = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<measCollecFile xmlns="http://www.3gpp.org/ftp/'
        'specs/archive/32_series/32.435#measCollec">\n<fileHeader fileFormatVersion="32.435 V10.0" '
        'vendorName="Acme" dnPrefix="SubNetwork=1"><fileSender localDn="x"/><measCollec '
        f'beginTime="2026-01-05T{hour:02d}:00:00+00:00"/></fileHeader>\n'
    ]
    for gnb in range(gnbs):
        told.append(
            f'  <measData>\n    <managedElement localDn="ManagedElement={gnb}"/>\n'
            f'    <measInfo measInfoId="NRCellDU">\n      <job jobId="1"/>\n'
            f'      <granPeriod duration="PT900S" endTime="2026-01-05T{hour:02d}:15:00+00:00"/>\n'
            '      <repPeriod duration="PT900S"/>\n'
        )
        if layout == "measResults":
            told.append(f"      <measTypes>{' '.join(types)}</measTypes>\n")
        else:
            told.extend(f'      <measType p="{p}">{t}</measType>\n' for p, t in enumerate(types, 1))
        told.extend(_measured(cell, layout, chance) for cell in range(_CELLS))
        told.append("    </measInfo>\n  </measData>\n")
    told.append(
        f'  <fileFooter><measCollec endTime="2026-01-05T{hour:02d}:15:00+00:00"/></fileFooter>\n'
        "</measCollecFile>\n"
    )
    return "".join(told).encode()


def _measured(cell: int, layout: str, chance: random.Random) -> str:
    values = [
        chance.choice(
            [
                "0",
                str(chance.randint(0, 9)),
                str(chance.randint(0, 10**6)),
                f"{chance.random():.5f}",
            ]
        )
        for _ in range(_MEASUREMENTS)
    ]
    if layout == "measResults":
        inside = f"        <measResults>{' '.join(values)}</measResults>\n"
    else:
        inside = "".join(f'        <r p="{p}">{text}</r>\n' for p, text in enumerate(values, 1))
    return (
        f'      <measValue measObjLdn="GNBDUFunction=1,NRCellDU={cell}">\n{inside}'
        "        <suspect>false</suspect>\n      </measValue>\n"
    )
