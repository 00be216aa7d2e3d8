"""What models cost, by run and by use case: a line for each call, and sums of lines."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

_LOG = logging.getLogger(__name__)
_MONTHS_KEPT = 13

Outcome = Literal["answered", "cached", "failed"]
"""A cached answer cost nothing; a failed call gave none and was a request all the same."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One call of a route, or an answer from the cache.

    Attributes:
        at: seconds since 1970, by this machine's clock.
        is_priced: False where nobody knows the price, and `usd` says 0.
    """

    at: float
    use_case: str
    run_id: str
    role: str
    route: str
    model: str
    outcome: Outcome
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    is_priced: bool = True
    seconds: float = 0.0


@dataclass(slots=True)
class CostSum:
    """Sums of calls; `unpriced` are answers whose price nobody knew."""

    answered: int = 0
    cached: int = 0
    failed: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0

    def add(self, line: CostLine) -> None:
        """Count one call."""
        setattr(self, line.outcome, getattr(self, line.outcome) + 1)
        if line.outcome != "answered":
            self.seconds += line.seconds
            return
        self.unpriced += not line.is_priced
        self.prompt_tokens += line.prompt_tokens
        self.completion_tokens += line.completion_tokens
        self.usd += line.usd
        self.seconds += line.seconds


@dataclass(slots=True)
class Costs:
    """What all calls cost.

    Attributes:
        broken_lines: that could not be read, and are in no sum.
    """

    by_use_case: dict[str, CostSum] = field(default_factory=dict)
    by_run: dict[str, CostSum] = field(default_factory=dict)
    by_route: dict[str, CostSum] = field(default_factory=dict)
    broken_lines: int = 0


def record_cost(folder: Path, line: CostLine) -> None:
    """Append a line to the month's file, whole; lost lines are logged and hold nobody up."""
    month = datetime.fromtimestamp(line.at, UTC)
    path = folder / f"costs-{month:%Y%m}.ndjson"
    text = json.dumps(asdict(line), separators=(",", ":")) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        held = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(held, text.encode())
        finally:
            os.close(held)
        if is_new:
            for old in sorted(folder.glob("costs-*.ndjson"))[:-_MONTHS_KEPT]:
                old.unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("A model's cost cannot be written to %s: %s.", path, error.strerror)


def costs(folder: Path) -> Costs:
    """Return the sums of every call on record under a folder; empty where none is."""
    sums = Costs()
    for line in _lines(folder):
        if line is None:
            sums.broken_lines += 1
            continue
        for held, key in (
            (sums.by_use_case, line.use_case),
            (sums.by_run, line.run_id),
            (sums.by_route, line.route),
        ):
            held.setdefault(key, CostSum()).add(line)
    return sums


def _lines(folder: Path) -> Iterator[CostLine | None]:
    for path in sorted(folder.glob("costs-*.ndjson")):
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                yield _line(text)


def _line(text: str) -> CostLine | None:
    try:
        held: dict[str, Any] = json.loads(text)
        line = CostLine(**held)
    except (ValueError, TypeError):
        return None
    return line if line.outcome in ("answered", "cached", "failed") else None
