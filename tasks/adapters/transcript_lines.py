"""Transcripts as lines of text: each event with a hash that covers it and every line before.

Whoever holds such a file can check it alone: a line that was changed, taken out, moved or torn is
told by its number. Lines are plain ASCII, so that no reader takes a character for a line's end.
Lines cut off at the end show by the last event, which says that it is and counts them all.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from semantic_layer.errors import InputError
from tasks.messages.canonical import canonical_json

FIRST = "0" * 64
"""What the first line names as the hash before it."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}")
_BEGIN, _END = "run_began", "run_ended"


def safe_run_id(run_id: str) -> str:
    """Return the run's id, if it can be the name of a file anywhere.

    Raises:
        InputError: it is empty, too long, or holds anything but letters, digits and `._:-`.
    """
    if not _RUN_ID.fullmatch(run_id) or ".." in run_id:
        raise InputError(
            f"No run id {run_id[:60]!r}; it is 1 to 120 letters, digits, '.', '_', ':' and '-', "
            "begun by a letter or digit."
        )
    return run_id


def lines_of(events: Iterable[dict[str, Any]], previous_hash: str = FIRST) -> list[str]:
    """Return a line for each event, the first one bound to `previous_hash`.

    Raises:
        InputError: an event is not JSON.
    """
    lines = []
    for event in events:
        text = canonical_json(event)
        hash_ = _hash(previous_hash, text)
        if not text.isascii():
            text = json.dumps(event, sort_keys=True, separators=(",", ":"))
        lines.append(f'{{"event":{text},"hash":"{hash_}","previous_hash":"{previous_hash}"}}')
        previous_hash = hash_
    return lines


def events_of(text: str, name: str) -> list[dict[str, Any]]:
    """Return the events of a whole transcript, oldest first.

    Args:
        text: the whole file.
        name: of the run or file, as errors tell it.

    Raises:
        InputError: a line is torn, changed, missing or moved; it tells the first such line.
    """
    events = events_so_far(text, name)
    if events and events[0].get("kind") == _BEGIN:
        _check_end(events, name)
    return events


def events_so_far(text: str, name: str) -> list[dict[str, Any]]:
    """Return the events of a transcript that may go on; see `events_of`."""
    events: list[dict[str, Any]] = []
    previous = FIRST
    lines = text.split("\n")
    if lines[-1]:
        raise InputError(
            f"Transcript {name} ends in a torn line, {len(lines)}; the {len(lines) - 1} before it "
            "were written whole."
        )
    for number, line in enumerate(lines[:-1], start=1):
        event, previous = _checked(line, previous, f"Line {number} of transcript {name}")
        events.append(event)
    return events


def follows(before: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]], name: str) -> None:
    """Check that events continue those that stand.

    Raises:
        InputError: their numbers do not go on; another run bears the same id.
    """
    number = events[0].get("number") if events else None
    if number is not None and number != len(before) + 1:
        raise InputError(
            f"Transcript {name} holds {len(before)} events, and event {number} does not follow; "
            "another run bears this id."
        )


def last_hash(text: str) -> str:
    """Return the hash that the next line must name; `text` was checked before."""
    return str(json.loads(text.split("\n")[-2])["hash"]) if text else FIRST


def _checked(line: str, previous: str, where: str) -> tuple[dict[str, Any], str]:
    try:
        told = json.loads(line)
        event, hash_ = told["event"], told["hash"]
        is_next = told["previous_hash"] == previous
        is_same = is_next and _hash(previous, canonical_json(event)) == hash_
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise InputError(f"{where} is not what was written: {error}.") from error
    if not is_same or not isinstance(event, dict):
        raise InputError(f"{where} was changed, or lines before it were taken out or moved.")
    return event, str(hash_)


def _hash(previous: str, text: str) -> str:
    """Return the digest of a pair: the hash before, and an event's canonical JSON."""
    return hashlib.sha256(f'["{previous}",{text}]'.encode()).hexdigest()


def _check_end(events: Sequence[dict[str, Any]], name: str) -> None:
    if events[-1].get("kind") != _END:
        raise InputError(
            f"Transcript {name} has no end: after event {len(events)} others were cut off, or the "
            "run still goes on."
        )
    count = events[-1].get("content", {}).get("events")
    if count != len(events):
        raise InputError(f"Transcript {name} says {count} events and holds {len(events)}.")
