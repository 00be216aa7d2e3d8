"""Reads one TS 32.435 or TS 28.532 measurement file, as a stream, in constant memory.

The bytes come in pieces; expat reads the structure (`measurement_reader`), long runs of plain
values are read in bulk (`measurement_runs`). Both say the same, and tests hold them to it. What an
event means is decided in `measured_blocks`.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces
from tasks.ingestion.measurements.measurement_events import Event, MeasInfo, MeasuredValues, Remark
from tasks.ingestion.measurements.measurement_reader import MeasurementReader
from tasks.ingestion.measurements.measurement_runs import TypeRun, ValueRun, runs

LIMITS = ReadingLimits()
"""What a delivered file may cost unless told otherwise."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_DECLARATION = b"<?xml "
_LONGEST_PREFACE = 64 << 10
_MOST_CANDIDATES = 16
_ROOT_TAG = re.compile(rb"<(?:[\w.-]+:)?meas(?:Collec|Data)File\b[^>]*>")
_VALUE_END = b"</measValue>"
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"PAR1": "a Parquet file",
}


def read_events(path: Path, limits: ReadingLimits = LIMITS) -> Iterator[Event]:
    """Yield what the file at `path` says, in its order.

    Raises:
        UnreadableFileError: it is not a whole, well-formed measurement file. Events that came
            before are of a file that was cut off or damaged: use none of them.
    """
    yield from events(delivered_pieces(path, limits), limits)


def events(
    pieces: Iterable[bytes], limits: ReadingLimits = LIMITS, *, in_bulk: bool = True
) -> Iterator[Event]:
    """Yield what a file says that comes in `pieces`; element by element if not `in_bulk`.

    Raises:
        UnreadableFileError: as `read_events`.
    """
    stream = iter(pieces)
    head, preface_bytes, preface_lines = _without_preface(_head(stream))
    reader = MeasurementReader(limits)
    reader.is_plain = in_bulk and not head.startswith(_WIDE_MARKS)
    reader.skip(preface_lines)
    if preface_bytes:
        text = f"{preface_bytes} bytes before the XML declaration were passed over."
        yield Remark("line 1", text)
    rest = head
    for piece in stream:
        rest = _read(reader, rest) + piece
        yield from _gathered(reader)
    reader.feed(_read(reader, rest))
    reader.close()
    yield from _gathered(reader)


def _gathered(reader: MeasurementReader) -> list[Event]:
    events_so_far, reader.elements.events = reader.elements.events, []
    return events_so_far


def _read(reader: MeasurementReader, piece: bytes) -> bytes:
    """Read the piece up to its last whole measValue, or tag, and return the rest of it."""
    end = piece.rfind(_VALUE_END) + len(_VALUE_END)
    if end < len(_VALUE_END):
        end = piece.rfind(b">") + 1
    whole, rest = piece[:end], piece[end:]
    reader.require_short(rest)
    whole = _read_prologue(reader, whole)
    if not reader.is_plain or _has_markup(whole):
        reader.is_plain = False
        reader.feed(whole)
    else:
        _read_in_bulk(reader, whole)
    return rest


def _has_markup(piece: bytes) -> bool:
    """Tell whether a comment, CDATA section or processing instruction may begin in the piece.

    A carriage return without a newline counts too: it ends a line for expat alone.
    """
    if b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n"):
        return True
    return (b"!" in piece and b"<!" in piece) or (b"?" in piece and b"<?" in piece)


def _read_prologue(reader: MeasurementReader, piece: bytes) -> bytes:
    """Read up to the root's start tag, and return what follows it."""
    if reader.has_root or not reader.is_plain:
        return piece
    position = 0
    for candidate in islice(_ROOT_TAG.finditer(piece), _MOST_CANDIDATES):
        reader.feed(piece[position : candidate.end()])
        position = candidate.end()
        if reader.has_root:
            return piece[position:]
    reader.is_plain = False
    return piece[position:]


def _read_in_bulk(reader: MeasurementReader, piece: bytes) -> None:
    position = 0
    for run in runs(piece):
        reader.feed(piece[position : run.start])
        info = reader.open_info()
        if info is None or not reader.is_plain:
            reader.feed(piece[run.start : run.end])
        else:
            if isinstance(run, TypeRun):
                reader.elements.take_types(run.types, reader.line)
            else:
                reader.elements.take_values(_values(info, run))
            reader.skip(run.lines)
        position = run.end
    reader.feed(piece[position:])


def _values(info: MeasInfo, run: ValueRun) -> MeasuredValues:
    return MeasuredValues(
        info=info,
        objects=run.objects,
        is_suspect=run.is_suspect,
        rows=run.rows,
        positions=run.positions,
        texts=run.texts,
        numbers=run.numbers,
        listed_counts=run.listed_counts,
    )


def _head(stream: Iterator[bytes]) -> bytes:
    head = b""
    for piece in stream:
        head += piece
        if len(head) >= _LONGEST_PREFACE:
            break
    return head


def _without_preface(head: bytes) -> tuple[bytes, int, int]:
    """Return the head from its XML declaration on, and bytes and lines of what stood before."""
    body = head.removeprefix(_BYTE_ORDER_MARK)
    _refuse_other_formats(body)
    at = body.find(_DECLARATION, 0, _LONGEST_PREFACE)
    if at <= 0 or _ROOT_TAG.search(body, 0, at):
        return body, 0, 0
    return body[at:], at, body.count(b"\n", 0, at)


def _refuse_other_formats(body: bytes) -> None:
    for mark, name in _OTHER_FORMATS.items():
        if body.startswith(mark):
            raise UnreadableFileError(f"The file is {name}, not XML or gzip.", "line 1")
    start = body.lstrip()[:1]
    if start in {b"{", b"["}:
        raise UnreadableFileError(
            "The file is JSON: a VES event (perf3gppFields) that wraps measurements. "
            "Deliver the XML file that it was made from."
            if b"perf3gppFields" in body
            else "The file is JSON, not XML.",
            "line 1",
        )
    if not start:
        raise UnreadableFileError("The file is empty.", "line 1")
