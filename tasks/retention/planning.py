"""What maintenance should do to a table, from its list of files and its lifecycle: no side effect.

Warm rows lie in files of about the target size, in the order of time, so that a late window
touches one of them. Cold rows lie sorted by object in one file a partition, packed harder.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

from semantic_layer.lifecycle import Lifecycle
from semantic_layer.periods import Window, floor_to
from tasks.ports import StoredFile

_MIB = 1024 * 1024
_FEW = 8  # small files that may stand in a partition that is still written
_COLD_FACTOR = 4  # a cold file may be this many times larger: it is read rarely, and in order
_DAY = timedelta(days=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Files of one partition that become one file.

    Attributes:
        paths: the files, in the order of their rows' time.
        kind: `warm` or `cold`.
        size: of them all, in bytes.
    """

    paths: tuple[str, ...]
    kind: Literal["warm", "cold"]
    size: int


def rewrites(files: Iterable[StoredFile], rule: Lifecycle, now: datetime) -> list[Rewrite]:
    """Return what to compact, oldest partition first.

    Args:
        files: of the table as it stands.
        rule: its lifecycle.
        now: the moment of maintenance.
    """
    ordered = sorted(files, key=lambda file: (file.partition, _time(file.first), file.path))
    found: list[tuple[datetime, Rewrite]] = []
    for _, group in groupby(ordered, key=lambda file: file.partition):
        partition = list(group)
        newest = max(_time(file.last) for file in partition)
        planned = (
            _cold(partition, rule)
            if newest < now - rule.warm_days * _DAY
            else _warm(partition, rule, is_closed=newest < now - _DAY)
        )
        found += [(newest, rewrite) for rewrite in planned]
    return [rewrite for _, rewrite in sorted(found, key=lambda pair: pair[0])]


def lifetime_over(files: Sequence[StoredFile], rule: Lifecycle, now: datetime) -> Window | None:
    """Return the window of whole days whose rows have outlived the lifecycle, None for none."""
    if rule.cold_days is None:
        return None
    end = floor_to(now - rule.cold_days * _DAY, "day")
    firsts = [file.first for file in files if file.first is not None]
    if not firsts or min(firsts) >= end:
        return None
    return Window(floor_to(min(firsts), "day"), end)


def newest_of(files: Iterable[StoredFile]) -> datetime | None:
    """Return the newest time of a table's rows; None when it tells none."""
    return max((file.last for file in files if file.last is not None), default=None)


def readable_until(rule: Lifecycle, now: datetime) -> datetime:
    """Return the moment before which snapshots may be given up."""
    return now - rule.keep_snapshots_days * _DAY


def _cold(partition: Sequence[StoredFile], rule: Lifecycle) -> Iterator[Rewrite]:
    for part in _bins(partition, _COLD_FACTOR * rule.target_file_mb * _MIB):
        if len(part) > 1 or part[0].kind != "cold":
            yield _rewrite(part, "cold")


def _warm(
    partition: Sequence[StoredFile], rule: Lifecycle, *, is_closed: bool
) -> Iterator[Rewrite]:
    for part in _bins(partition, rule.target_file_mb * _MIB):
        if len(part) >= (2 if is_closed else _FEW):
            yield _rewrite(part, "warm")


def _bins(files: Sequence[StoredFile], limit: int) -> Iterator[list[StoredFile]]:
    """Yield neighbors in time that together stay within `limit` bytes; a larger file alone."""
    part: list[StoredFile] = []
    for file in files:
        if part and sum(one.size for one in part) + file.size > limit:
            yield part
            part = []
        part.append(file)
    if part:
        yield part


def _rewrite(part: Sequence[StoredFile], kind: Literal["warm", "cold"]) -> Rewrite:
    return Rewrite(tuple(file.path for file in part), kind, sum(file.size for file in part))


def _time(moment: datetime | None) -> datetime:
    return moment or _BEGINNING
