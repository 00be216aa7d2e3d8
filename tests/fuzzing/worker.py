"""One target in a process of its own: inputs are made and read until the time is over.

`python -m tests.fuzzing.worker TARGET SECONDS FOLDER KEEP ENGINE SEED`; what happened stands, from
second to second, in `FOLDER/told.json`, and the input that is being read in `FOLDER/current`, so
that one which kills the process is known too.
"""

import importlib.util
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from types import FrameType

from tests.fuzzing.target import LostError, holds_nothing

LONGEST_S = 10.0
"""Processor time after which reading one input counts as a hang."""

MOST_PEAK_MB = 400
"""How much one input may add to the highest memory of the process."""

_WARM_SHARE = 0.25
_POOL = 400


class HangError(BaseException):
    """Reading an input takes too long; no `except Exception` keeps it."""


@dataclass
class Told:
    """What happened so far."""

    target: str
    engine: str
    executions: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    slowest_input: str = ""
    rss_begin_mb: float = 0.0
    rss_end_mb: float = 0.0
    peak_mb: float = 0.0
    silent: int = 0
    found_fault: int = 0
    seeds: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


class Worker:
    """Reads inputs with one target and keeps account."""

    def __init__(self, name: str, seconds: float, folder: Path, keep: Path, engine: str) -> None:
        from tests.fuzzing.targets import TARGETS  # instrumented, where coverage guides

        self.target = TARGETS[name]
        self.told = Told(name, engine)
        self._folder, self._keep = folder, keep
        self._scratch = folder / "scratch"
        self._scratch.mkdir(exist_ok=True)
        self._begun = time.monotonic()
        self._until = self._begun + seconds
        self._warm_at = self._begun + seconds * _WARM_SHARE
        self._written = 0.0
        self._is_warm = False
        self.peak = peak_mb()
        signal.signal(signal.SIGPROF, _hang)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def take(self, data: bytes) -> None:
        """Read one input, and note what becomes of it."""
        (self._folder / "current").write_bytes(data)
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        try:
            outcome = self.target.read(data, self._scratch)
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.told.found_fault += bool(outcome.faults)
            if outcome.is_silent:
                self._silence(data)
        except BaseException as error:
            signal.setitimer(signal.ITIMER_PROF, 0)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            self.fail(_named(error), traceback.format_exc(limit=-12), data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._account(data, time.process_time() - began)

    def _silence(self, data: bytes) -> None:
        self.told.silent += 1
        if not self.target.silence_is_fine and not holds_nothing(data):
            self.fail("silence", "The input is neither told nor found fault with.", data)

    def fail(self, key: str, says: str, data: bytes) -> None:
        """Keep an input that failed, once a kind of failure."""
        told = self.told
        told.counts[key] = told.counts.get(key, 0) + 1
        if key in told.failures:
            return
        name = f"{self.target.name}-{sha256(key.encode()).hexdigest()[:8]}"
        told.failures[key] = name
        (self._keep / f"{name}.input").write_bytes(data)
        (self._keep / f"{name}.txt").write_text(
            f"{key}\n{says}", encoding="utf-8", errors="replace"
        )
        self.write()

    def write(self) -> None:
        """Write the account where the parent reads it."""
        self.told.seconds = time.monotonic() - self._begun
        self.told.rss_end_mb, self.told.peak_mb = rss_mb(), peak_mb()
        path = self._folder / "told.json.new"
        path.write_text(json.dumps(asdict(self.told)), encoding="utf-8")
        path.replace(self._folder / "told.json")

    def _account(self, data: bytes, took: float) -> None:
        told, now = self.told, time.monotonic()
        told.executions += 1
        if took > told.slowest_s:
            told.slowest_s, told.slowest_input = took, f"{self.target.name}-slowest"
            (self._keep / f"{self.target.name}-slowest.input").write_bytes(data)
        peak = peak_mb()
        if peak > self.peak + MOST_PEAK_MB:
            self.fail("memory of one input", f"{self.peak:.0f} MB became {peak:.0f} MB.", data)
        self.peak = max(peak, self.peak)
        if not self._is_warm and now >= self._warm_at:
            self._is_warm, told.rss_begin_mb = True, rss_mb()
        if now - self._written > 1:
            self._written = now
            self.write()


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise HangError(f"Reading takes more than {LONGEST_S:g} s.")


def _named(error: BaseException) -> str:
    """Return what tells failures apart: the error's kind and the innermost line of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        it
        for it in frames
        if "/site-packages/" not in it.filename and "/lib/python" not in it.filename
    ]
    last = own[-1] if own else frames[-1]
    if isinstance(error, LostError) and last.name == "must":
        last = own[-2]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.name}:{last.lineno}"


def rss_mb() -> float:
    """Return how much memory the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mb() -> float:
    """Return how much memory the process held at most."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def own_loop(worker: Worker, seeds: Sequence[bytes], seed: int) -> None:
    """Mutate inputs at random until the time is over; those of new behavior join the pool."""
    from tests.fuzzing.mutations import mutated

    rng = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    pool = list(seeds)
    target = worker.target
    while not worker.is_over:
        data = mutated(rng.choice(pool), target.shape, rng, target.tokens)[: target.longest]
        worker.take(data)
        if rng.random() < 0.02:
            if len(pool) < _POOL:
                pool.append(data)
            else:
                pool[rng.randrange(len(pool))] = data


def guided_loop(worker: Worker, seeds: Sequence[bytes], folder: Path, seed: int) -> None:
    """Let libFuzzer choose inputs by the coverage they reach, made by our mutations and its."""
    import atheris

    from tests.fuzzing.mutations import mutated

    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    target = worker.target
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(data)

    def change(data: bytes, most: int, draw: int) -> bytes:
        rng = random.Random(draw)  # noqa: S311
        if rng.random() < 0.15:
            return atheris.Mutate(data, most)
        try:
            return mutated(data, target.shape, rng, target.tokens)[:most]
        except RecursionError:
            return data

    def take(data: bytes) -> None:
        worker.take(data)
        if worker.is_over:
            worker.write()
            os._exit(0)

    options = [
        f"-seed={seed}",
        f"-max_len={target.longest}",
        f"-artifact_prefix={folder}/",
        "-timeout=3600",
        "-rss_limit_mb=0",
        "-len_control=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], take, custom_mutator=change)
    atheris.Fuzz()


def main(arguments: Sequence[str]) -> None:
    """Run one target."""
    name, seconds, place, kept, engine, seed = arguments[:6]
    folder, keep = Path(place), Path(kept)

    def load() -> Worker:
        return Worker(name, float(seconds), folder, keep, engine)

    if engine == "atheris":
        import atheris

        rooms = [
            "tasks.ingestion",
            "semantic_layer",
            "data_products",
            "markdown_it",
        ]
        with suppress(ImportError), atheris.instrument_imports(include=rooms):
            worker = load()
    else:
        worker = load()
    from tests.fuzzing.seeds import sample_lies_in

    if len(arguments) > 6:
        sample_lies_in(Path(arguments[6]))
    seeds = [data[: worker.target.longest] for data in worker.target.seeds()]
    if engine == "own":
        found = sorted((folder / "corpus").glob("*"))
        seeds += [path.read_bytes() for path in found[:: len(found) // _POOL + 1]]
    worker.told.seeds = len(seeds)
    for data in seeds:
        worker.take(data)
    worker.peak = max(worker.peak, peak_mb())
    if engine == "atheris":
        guided_loop(worker, seeds, folder, int(seed))
    else:
        own_loop(worker, seeds, int(seed))
    worker.write()


def has_atheris() -> bool:
    """Tell whether the extra `fuzz` is installed."""
    return importlib.util.find_spec("atheris") is not None


if __name__ == "__main__":
    main(sys.argv[1:])
