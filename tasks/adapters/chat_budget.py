"""How much of its budget each agent's run has used, over processes and repeated runs."""

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from uuid import uuid4

from semantic_layer.errors import InputError
from tasks.messages.chat import BudgetError

_LOG = logging.getLogger(__name__)
_KEPT_S = 60 * 86_400.0


@dataclass(frozen=True, slots=True)
class Spending:
    """What was used, or may at most be."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0

    def plus(self, other: "Spending", sign: int = 1) -> "Spending":
        """Return both together, or one without the other; never less than nothing."""
        return Spending(
            max(0, self.requests + sign * other.requests),
            max(0, self.tokens + sign * other.tokens),
            max(0.0, self.usd + sign * other.usd),
            max(0.0, self.seconds + sign * other.seconds),
        )


class RunBudgets:
    """Counts what runs use, a file a run, and refuses what would exceed a limit.

    What a question may take is counted before it is asked and corrected afterwards, so questions
    asked side by side, in one process or many, stay within the limits together; a process that
    dies in between leaves the larger figure.

    Args:
        folder: of the files; made when first needed.
        now: the present in seconds, by which files of old runs are given up.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now
        self._unnamed = Spending()
        self._is_tidy = False
        self._lock = Lock()

    def spent(self, run_id: str) -> Spending:
        """Return what a run has used so far."""
        if not run_id:
            return self._unnamed
        return _stored(self._path(run_id))

    def reserve(self, run_id: str, limits: Spending, most: Spending) -> None:
        """Count what a question may take at most.

        A run without a name is one with this process.

        Raises:
            BudgetError: nothing is left, or too little; nothing is counted then.
            InputError: the folder cannot be written.
        """

        def counted(spent: Spending) -> Spending:
            _require(run_id, limits, spent, most)
            return spent.plus(most)

        self._change(run_id, counted)

    def settle(self, run_id: str, most: Spending, used: Spending) -> None:
        """Put what a question took in the place of what was reserved for it."""
        self._change(run_id, lambda spent: spent.plus(most, -1).plus(used))

    def _change(self, run_id: str, change: Callable[[Spending], Spending]) -> None:
        if not run_id:
            with self._lock:
                self._unnamed = change(self._unnamed)
            return
        try:
            with self._alone():
                path = self._path(run_id)
                spent = change(_stored(path))
                written = path.with_suffix(f".{uuid4().hex}.part")
                written.write_text(json.dumps({"run_id": run_id, **asdict(spent)}), "utf-8")
                written.replace(path)
        except OSError as error:
            raise InputError(
                f"What run {run_id!r} uses cannot be counted under {self._folder} "
                f"({error.strerror}), and no model is asked uncounted; ANOPS_HOME names a folder "
                "that can be written."
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread of one process at a time count."""
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            held = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
                self._tidy()
                yield
            finally:
                os.close(held)

    def _tidy(self) -> None:
        """Give up files of runs long past, once a process."""
        if self._is_tidy:
            return
        self._is_tidy = True
        for path in self._folder.glob("*.*"):
            if self._now() - path.stat().st_mtime > _KEPT_S:
                path.unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{sha256(run_id.encode()).hexdigest()[:40]}.json"


def _stored(path: Path) -> Spending:
    """Return what a file says; a broken one is logged, and its run starts from nothing."""
    try:
        held = json.loads(path.read_text("utf-8"))
        return Spending(
            int(held["requests"]),
            int(held["tokens"]),
            float(held["usd"]),
            float(held["seconds"]),
        )
    except FileNotFoundError:
        return Spending()
    except (ValueError, KeyError, TypeError) as error:
        _LOG.warning("%s is broken (%s); its run is counted from nothing.", path, error)
        return Spending()


def _require(run_id: str, limits: Spending, spent: Spending, most: Spending) -> None:
    """Raise where a limit would be exceeded.

    Raises:
        BudgetError: the sentence says of what, and how much.
    """
    named = f"Run {run_id!r}" if run_id else "What asks here without a run"
    for what, told in _TOLD.items():
        limit, used, more = getattr(limits, what), getattr(spent, what), getattr(most, what)
        if used + more > limit or (what == "seconds" and used >= limit):
            next_ = f", and the next question may take {told.format(more)}" if more else ""
            raise BudgetError(
                f"{named} has used {told.format(used)} of {told.format(limit)}{next_}; a new run "
                "starts afresh, and `budget` in the file of routes sets the limit."
            )


_TOLD: Mapping[str, str] = {
    "requests": "{:,} requests",
    "tokens": "{:,} tokens",
    "usd": "{:.4f} USD",
    "seconds": "{:,.1f} seconds",
}
