"""Time as measurements see it: half-open windows in UTC, and granularity periods that tile them.

`period_start` names a period. Nothing here knows the present: a run is given its window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from semantic_layer.errors import InputError

GRANULARITIES = {"15min": 900, "hour": 3600, "day": 86400}
"""Granularity names and their seconds."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span of UTC time, [start, end).

    Raises:
        InputError: a bound is naive, or the span is empty or reversed.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for bound in (self.start, self.end):
            if bound.tzinfo is None:
                raise InputError(f"A window needs times with a zone; {bound.isoformat()} has none.")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.start >= self.end:
            raise InputError(
                f"A window must end after it starts; got {self.start.isoformat()} to "
                f"{self.end.isoformat()}."
            )

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M}Z/{self.end:%Y-%m-%dT%H:%M}Z"

    @property
    def seconds(self) -> float:
        """The window's length in seconds."""
        return (self.end - self.start).total_seconds()

    def covers(self, moment: datetime) -> bool:
        """Tell whether `moment` lies in [start, end)."""
        return self.start <= moment < self.end

    def before(self, length: timedelta) -> "Window":
        """Return the window of `length` that ends where this one starts."""
        return Window(self.start - length, self.start)

    def widened_to(self, granularity: str) -> "Window":
        """Return the smallest window of whole periods of `granularity` that covers this one."""
        start = floor_to(self.start, granularity)
        end = floor_to(self.end, granularity)
        if end < self.end:
            end += timedelta(seconds=GRANULARITIES[granularity])
        return Window(start, end)

    def split(self, granularity: str) -> Iterator["Window"]:
        """Yield this window's whole periods of `granularity`, in order."""
        whole = self.widened_to(granularity)
        length = timedelta(seconds=GRANULARITIES[granularity])
        start = whole.start
        while start < whole.end:
            yield Window(start, start + length)
            start += length


def floor_to(moment: datetime, granularity: str) -> datetime:
    """Return the start of the period of `granularity` that holds `moment`, in UTC.

    Raises:
        InputError: the granularity is unknown.
    """
    if granularity not in GRANULARITIES:
        raise InputError(f"No granularity {granularity!r}; known are {', '.join(GRANULARITIES)}.")
    seconds = GRANULARITIES[granularity]
    epoch = int(moment.astimezone(UTC).timestamp())
    return datetime.fromtimestamp(epoch - epoch % seconds, UTC)


def last_closed(granularity: str, moment: datetime) -> Window:
    """Return the newest period of `granularity` that had ended at `moment`."""
    end = floor_to(moment, granularity)
    return Window(end - timedelta(seconds=GRANULARITIES[granularity]), end)
