"""Load as it was measured, cell by quarter of an hour, and what of it may teach a forecast."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

QUARTER = timedelta(minutes=15)
QUARTERS_A_DAY = 96


@dataclass(frozen=True, slots=True, eq=False)
class LoadHistory:
    """Load of C cells over P quarters of an hour.

    Attributes:
        cell_dns: C names, each once.
        first: start of the first quarter, a whole one, with a time zone.
        load: (C, P) share of resource blocks in use, 0 to 1; NaN where nothing was measured.
        own: (C, P) whether the value shows the cell's own demand. False where a cell slept, or
            carried a sleeper's users: what our own actions made must not teach the forecast.
            None: all of it is own.

    Raises:
        InputError: shapes disagree, a name stands twice, or `first` is no start of a quarter.
    """

    cell_dns: tuple[str, ...]
    first: datetime
    load: Floats
    own: Flags | None = None

    def __post_init__(self) -> None:
        if self.load.ndim != 2 or len(self.cell_dns) != self.load.shape[0]:
            raise InputError(
                f"A load history of {len(self.cell_dns)} cells needs load by (cell, quarter); got "
                f"the shape {self.load.shape}."
            )
        if len(set(self.cell_dns)) != len(self.cell_dns):
            raise InputError("A load history names each cell once; one stands twice.")
        if self.own is not None and self.own.shape != self.load.shape:
            raise InputError(
                f"`own` has the shape {self.own.shape}, load {self.load.shape}; both are by "
                "(cell, quarter)."
            )
        checked_quarter(self.first)

    @property
    def end(self) -> datetime:
        """The end of the last quarter."""
        return self.first + int(self.load.shape[1]) * QUARTER

    @property
    def learnable(self) -> Floats:
        """Load by (C, P) as float32, NaN where it is unmeasured or not the cell's own."""
        load = np.clip(self.load.astype(np.float32), 0.0, 1.0)
        return load if self.own is None else np.where(self.own, load, np.float32(np.nan))

    def between(self, begin: datetime, end: datetime) -> "LoadHistory":
        """Return the quarters that start in [begin, end); none where they are not in it."""
        count = self.load.shape[1]
        low = min(max(-(-(begin - self.first) // QUARTER), 0), count)
        high = min(max((end - self.first) // QUARTER, low), count)
        part = slice(low, high)
        own = None if self.own is None else self.own[:, part]
        first = self.first + low * QUARTER
        return replace(self, first=first, load=self.load[:, part], own=own)


def checked_quarter(moment: datetime) -> datetime:
    """Return a moment in UTC.

    Raises:
        InputError: it has no zone, or is no start of a quarter of an hour.
    """
    if moment.tzinfo is None:
        raise InputError(f"Load needs times with a zone; {moment.isoformat()} has none.")
    if moment.timestamp() % QUARTER.total_seconds():
        raise InputError(f"{moment.isoformat()} is no start of a quarter of an hour.")
    return moment.astimezone(UTC)
