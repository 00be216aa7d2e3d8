"""Fuzz every reader, or those named: `python -m tests.fuzzing [TARGET ...] [--minutes 60]`.

Each target runs in a process of its own, one after the other, for its share of the minutes. Ends
with 1 if any of them crashed, hung, grew, or lost something.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.twin.sample_network import write_sample_network
from tests.conftest import REPOSITORY
from tests.fuzzing.targets import TARGETS
from tests.fuzzing.worker import has_atheris

MOST_GROWTH_MB = 150
MOST_RSS_MB = 2_048
_STALLED_S = 180
_STARTING_S = 120
_MOST_STARTS = 5
_GUIDED_SHARE = 0.75
_COLUMNS = (
    "target",
    "runs",
    "runs/s",
    "slowest",
    "RSS MB",
    "coverage",
    "told wrong",
    "silent",
    "failures",
)


def main() -> int:
    """Run the targets and print what happened."""
    arguments = _arguments()
    keep = Path(arguments.keep or tempfile.mkdtemp(prefix="fuzzing-"))
    keep.mkdir(parents=True, exist_ok=True)
    names = arguments.target or list(TARGETS)
    engine = "atheris" if has_atheris() and not arguments.own else "own"
    share = arguments.minutes * 60 / len(names)
    _say(
        f"{len(names)} targets, {share:.0f} s each, engine {engine}, failures under {keep}",
    )
    with tempfile.TemporaryDirectory(prefix="fuzzed-") as scratch:
        sample = Path(scratch) / "sample"
        write_sample_network("village", 1, sample, history_days=1, newest_days=1)
        rows = []
        for number, name in enumerate(names):
            run = _Run(name, engine, keep, Path(scratch), sample)
            rows.append(run.all(share, arguments.seed + number))
            _say(_line(_cells(rows[-1])))
    _summary(rows, arguments.minutes, engine)
    return int(any(row["failures"] for row in rows))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="names; all without")
    parser.add_argument("--minutes", type=float, default=60.0, help="of all targets together")
    parser.add_argument("--keep", default="", help="folder for inputs that fail")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--own", action="store_true", help="our own mutator though atheris is there"
    )
    return parser.parse_args()


class _Run:
    """One target's processes: one, and another where an input ended it."""

    def __init__(self, name: str, engine: str, keep: Path, scratch: Path, sample: Path) -> None:
        self.name, self.engine, self.keep, self.sample = name, engine, keep, sample
        self.folder = scratch / name
        self.folder.mkdir()
        self.deaths: dict[str, str] = {}

    def all(self, seconds: float, seed: int) -> dict[str, Any]:
        """Fuzz until the seconds are over, and return what happened.

        Behind guided runs the inputs that they found are mutated on in a plain process: its memory
        is that of the reader alone, since the guide's own grows with what it traces.
        """
        parts: list[dict[str, Any]] = []
        if self.engine != "own":
            parts += self._some(seconds * _GUIDED_SHARE, seed, self.engine)
        told = sum(part.get("seconds", 0.0) for part in parts)
        plain = self._some(max(seconds - told, 1.0), seed + 500, "own")
        return _together(self.name, [*parts, *plain], plain, self.deaths)

    def _some(self, seconds: float, seed: int, engine: str) -> list[dict[str, Any]]:
        """Run a process, and others where an input ends it before the seconds are over."""
        parts: list[dict[str, Any]] = []
        left = seconds
        while left > 0.1 * seconds and len(parts) < _MOST_STARTS:
            parts.append(self._once(left, seed + len(parts), engine))
            left -= max(parts[-1].get("seconds", 0.0), 1.0)
        return parts

    def _once(self, seconds: float, seed: int, engine: str) -> dict[str, Any]:
        """Run one process and watch over its memory and its progress."""
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        log = self.folder / "log"
        words = (self.name, seconds, self.folder, self.keep, engine, seed, self.sample)
        command = [sys.executable, "-m", "tests.fuzzing.worker", *map(str, words)]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, stdout=stream, stderr=stream, start_new_session=True
            )
            why = self._watched(process, seconds, told)
        if why or process.returncode:
            self._died(why or f"ended with {process.returncode}", log)
        found: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
        return found | {"coverage": _coverage(log)}

    def _watched(self, process: "subprocess.Popen[bytes]", seconds: float, told: Path) -> str:
        begun = moved = time.monotonic()
        last = -1.0
        while process.poll() is None:
            time.sleep(0.5)
            now = time.monotonic()
            changed = told.stat().st_mtime if told.exists() else last
            if changed != last:
                last, moved = changed, now
            why = ""
            if _rss_mb(process.pid) > MOST_RSS_MB:
                why = f"held more than {MOST_RSS_MB} MB"
            elif now - moved > (_STALLED_S if last > 0 else _STARTING_S + _STALLED_S):
                why = f"told nothing for {now - moved:.0f} s"
            elif now - begun > seconds + _STARTING_S + _STALLED_S:
                why = "did not end"
            if why:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return why
        return ""

    def _died(self, why: str, log: Path) -> None:
        name = f"{self.name}-ended-{len(self.deaths)}"
        self.deaths[f"the process {why}"] = name
        with suppress(OSError):
            (self.keep / f"{name}.input").write_bytes((self.folder / "current").read_bytes())
        said = log.read_bytes()[-4_000:].decode(errors="replace")
        (self.keep / f"{name}.txt").write_text(f"{why}\n{said}", encoding="utf-8")


def _rss_mb(process: int) -> float:
    with suppress(OSError, IndexError, ValueError):
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def _coverage(log: Path) -> int:
    """Return the edges that libFuzzer last told; 0 where it was not it that ran."""
    words = log.read_bytes().rpartition(b" cov: ")[2].split(None, 1)
    return int(words[0]) if b" cov: " in log.read_bytes() and words[0].isdigit() else 0


def _together(
    name: str,
    parts: list[dict[str, Any]],
    plain: list[dict[str, Any]],
    deaths: dict[str, str],
) -> dict[str, Any]:
    def of(key: str) -> Iterator[Any]:
        return (part.get(key, 0) for part in parts)

    failures = {
        key: file for part in parts for key, file in part.get("failures", {}).items()
    } | deaths
    growths = [(it["rss_begin_mb"], it["rss_end_mb"]) for it in plain if it.get("rss_begin_mb")]
    begin, end = max(growths, key=lambda it: it[1] - it[0], default=(0.0, 0.0))
    if end - begin > MOST_GROWTH_MB:
        failures[f"memory grew by {end - begin:.0f} MB"] = ""
    return {
        "target": name, "executions": sum(of("executions")), "seconds": sum(of("seconds")),
        "slowest_s": max(of("slowest_s"), default=0), "begin": begin, "end": end,
        "coverage": max(of("coverage"), default=0), "found_fault": sum(of("found_fault")),
        "silent": sum(of("silent")), "failures": failures,
    }  # fmt: skip


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    rate = row["executions"] / max(row["seconds"], 1e-9)
    return (
        row["target"], f"{row['executions']:,}", f"{rate:,.0f}", f"{row['slowest_s']:.2f} s",
        f"{row['begin']:.0f} to {row['end']:.0f}", str(row["coverage"] or "-"),
        f"{row['found_fault']:,}", str(row["silent"]), str(len(row["failures"])),
    )  # fmt: skip


def _line(cells: tuple[str, ...]) -> str:
    first, *rest = cells
    return f"{first:18}" + "".join(f"{cell:>14}" for cell in rest)


def _summary(rows: list[dict[str, Any]], minutes: float, engine: str) -> None:
    _say(f"\n{_line(_COLUMNS)}")
    for row in rows:
        _say(_line(_cells(row)))
    whole = sum(row["executions"] for row in rows)
    failed = sum(len(row["failures"]) for row in rows)
    _say(f"\n{whole:,} inputs in {minutes:g} minutes by {engine}; {failed} failures")
    for row in rows:
        for says, file in row["failures"].items():
            _say(f"  {row['target']}: {says} {file}")


if __name__ == "__main__":
    sys.exit(main())
