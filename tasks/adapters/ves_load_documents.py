"""The JSON of VES batches: files of a folder that can matter, and the events that they hold.

A file holds one value or several after one another: an object with `event`, one with `eventList`,
a list of events, or lines of them (NDJSON). Of a file that breaks off, the events before the break
are read; the rest follows once its writer is done.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from semantic_layer.errors import TransientError
from semantic_layer.periods import Window
from tasks.adapters.ves_load_refusals import Refusals, shown

ENDINGS = (".json", ".ndjson", ".jsonl")
"""How names of batches end; writers rename what is done to one of these."""

MOST_FILES = 20_000
MOST_BYTES = 64 << 20
MOST_EVENTS = 100_000
"""Of one file."""

_FEW_FILES = 120
_SLACK_S = 300.0
"""Seconds by which the clock of the folder may be ahead of the network's."""
_MOST_BROKEN = 20
_EARLIEST, _LATEST = 946_684_800_000_000, 4_102_444_800_000_000
"""Microseconds of the years 2000 and 2100."""

_SPACE = re.compile(r"[\s\x00]*")
_LIST = re.compile(r'(?:\{\s*"eventList"\s*:\s*)?\[')
_LIST_END = re.compile(r"\s*\]")
_OBJECT_END = re.compile(r"\s*\]\s*\}")
_NEXT_VALUE = re.compile(r"\n(?=[{\[])")
_ENDS = re.compile(rb'"lastEpochMicrosec"\s*:\s*([0-9]{1,20})\s*[,}]')


@dataclass(frozen=True, slots=True)
class Batch:
    """One file of the folder, and when it was last written (nanoseconds)."""

    name: str
    written_ns: int


def batches(folder: Path, window: Window, refused: Refusals) -> list[Batch]:
    """Return the files that may tell of a window, those written first in front.

    No name is trusted to tell a time. Where a folder holds few files, all may matter: the network
    may have a time of its own. Of many, those written before the window began cannot.

    Args:
        folder: where batches lie; folders in it are not looked into.
        window: what is asked for.
        refused: is told of files beyond the most that are read.

    Raises:
        TransientError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [batch for batch in map(_batch, entries) if batch is not None]
    except OSError as error:
        raise TransientError(
            f"The load feed's folder {folder} cannot be read: {error.strerror}; is it there, and "
            "does the collector run? ANOPS_LOAD_FEED_FOLDER names it."
        ) from error
    if len(found) > _FEW_FILES:
        earliest = (window.start.timestamp() - _SLACK_S) * 1e9
        found = [batch for batch in found if batch.written_ns >= earliest]
    found.sort(key=lambda batch: (batch.written_ns, batch.name))
    if len(found) > MOST_FILES:
        refused.add(
            shown(str(folder)),
            f"{len(found) - MOST_FILES:,} files older than the newest {MOST_FILES:,} are not read; "
            "let the collector put more events into a file, and remove files after an hour.",
        )
    return found[-MOST_FILES:]


def events_of(folder: Path, batch: Batch, window: Window, refused: Refusals) -> Iterator[Any]:
    """Yield the events of a file that can matter, as they are told; anything may be one.

    Args:
        folder: where the file lies.
        batch: the file.
        window: a file none of whose events end in it is not taken apart.
        refused: is told of what cannot be read.
    """
    try:
        with (folder / batch.name).open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return  # Whoever keeps the folder short removed it meanwhile.
    except OSError as error:
        refused.add(shown(batch.name), f"the file cannot be read: {error.strerror}.")
        return
    if len(content) > MOST_BYTES:
        refused.add(
            shown(batch.name),
            f"the file is larger than {MOST_BYTES >> 20} MiB and is not read; let the collector "
            "write smaller batches.",
        )
        return
    if not _may_matter(content, window):
        return
    text = content.decode("utf-8-sig", "replace")
    for count, event in enumerate(_Reader(text, shown(batch.name), refused).events()):
        if count == MOST_EVENTS:
            refused.add(
                shown(batch.name),
                f"events beyond the first {MOST_EVENTS:,} are not read; let the collector write "
                "smaller batches.",
            )
            return
        yield event


def is_moment(micros: float) -> bool:
    """Tell whether microseconds since 1970 are of this century; others are of another unit."""
    return _EARLIEST <= micros <= _LATEST


def moment_of(micros: int) -> datetime:
    """Return the moment of microseconds since 1970, UTC."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)


def _batch(entry: "os.DirEntry[str]") -> Batch | None:
    if entry.name.startswith(".") or not entry.name.endswith(ENDINGS):
        return None
    try:
        return Batch(entry.name, entry.stat().st_mtime_ns) if entry.is_file() else None
    except FileNotFoundError:
        return None


def _may_matter(content: bytes, window: Window) -> bool:
    """Tell whether an event may end within (start, end] of the window, without taking it apart."""
    ends = _ENDS.findall(content)
    if not ends or len(ends) != content.count(b"lastEpochMicrosec") or b"\\u" in content:
        return True
    first, last = (moment.timestamp() * 1e6 for moment in (window.start, window.end))
    moments = (int(end) for end in ends)
    return any(first < moment <= last or not is_moment(moment) for moment in moments)


class _Reader:
    """Walks the text of a file once, event by event, so that few of them are held at a time."""

    def __init__(self, text: str, name: str, refused: Refusals) -> None:
        self._text, self._name, self._refused = text, name, refused
        self._at = 0
        self._broken = 0

    def events(self) -> Iterator[Any]:
        """Yield events; after what is broken, from the next line that begins a value."""
        if not self._skip_space():
            reason = "the file is empty; it is read again once it is written."
            self._refused.add(self._name, reason)
        while self._skip_space():
            try:
                listed = _LIST.match(self._text, self._at)
                if listed is None:
                    yield from self._alone()
                else:
                    yield from self._listed(listed)
            except (ValueError, RecursionError) as error:
                self._refused.add(f"{self._name}, line {self._line()}", _reason(error, self._text))
                if not self._go_on():
                    return

    def _alone(self) -> Iterator[Any]:
        value = self._next()
        events = value.get("eventList") if isinstance(value, dict) else None
        if isinstance(events, list):
            yield from events
        else:
            yield value

    def _listed(self, listed: re.Match[str]) -> Iterator[Any]:
        self._at = listed.end()
        closing = _LIST_END if listed.group().startswith("[") else _OBJECT_END
        is_first = True
        while True:
            ended = closing.match(self._text, self._at)
            if ended is not None:
                self._at = ended.end()
                return
            if not is_first:
                self._comma()
            is_first = False
            self._skip_space()
            yield self._next()

    def _comma(self) -> None:
        self._skip_space()
        if not self._text.startswith(",", self._at):
            raise json.JSONDecodeError("Expecting ',' delimiter", self._text, self._at)
        self._at += 1

    def _next(self) -> object:
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        return value

    def _skip_space(self) -> bool:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _go_on(self) -> bool:
        self._broken += 1
        following = _NEXT_VALUE.search(self._text, self._at)
        if following is None or self._broken == _MOST_BROKEN:
            return False
        self._at = following.end()
        return True


def _reason(error: ValueError | RecursionError, text: str) -> str:
    if isinstance(error, RecursionError):
        return "what follows is nested too deep and is not read."
    if isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")
    ):
        return "what follows is cut off; it is read again once its writer is done."
    said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return f"what follows is no JSON ({said[:1].lower()}{said[1:100]}) and is not read."


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number in JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
