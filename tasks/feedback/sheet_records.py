"""A sheet's bytes become records with the line that each begins on; damage stays where it is.

A record whose quotes make no sense is one bad line, and reading goes on with the next: an open
quote must not swallow the rest of a sheet.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass

from semantic_layer.errors import InputError

MOST_BYTES = 64 << 20
"""Of one sheet; more is surely something else."""

_MOST_LINES = 50
"""Of one record: a comment may have some, an open quote has all that follow."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = ",;\t"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line it begins on, from 1, and its cells; `fault` where it has none."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""


def sheet_text(content: bytes, name: str) -> str:
    """Return a sheet's text, lines ended by a line feed.

    Raises:
        InputError: it is too large, empty, or no text.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"{name} has {len(content) >> 20} MiB; sheets have at most 64.")
    encoding = next((named for mark, named in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{name} is no text in UTF-8 (line {line}); save it as CSV in UTF-8."
        ) from error
    if "\0" in text:
        raise InputError(f"{name} is no text; save it as CSV in UTF-8.")
    if not text.strip():
        raise InputError(f"{name} is empty; it needs a header with finding_id and verdict.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def records(text: str) -> Iterator[Record]:
    """Yield the header and every record that is not blank.

    The separator is the one of comma, semicolon and tab that the header has most; a first line
    such as `sep=;` names it.
    """
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if line.strip())
    separator = lines[at][4:5] if lines[at].lower().startswith("sep=") else ""
    if separator and separator in _SEPARATORS:
        at += 1
    else:
        separator = max(_SEPARATORS, key=lines[at].count)
    while at < len(lines):
        record, used = _record(lines, at, separator)
        if record.fault or any(cell.strip() for cell in record.cells):
            yield record
        at += used


def _record(lines: list[str], at: int, separator: str) -> tuple[Record, int]:
    line = lines[at]
    if '"' not in line:
        return Record(at + 1, tuple(line.split(separator))), 1
    ahead = [f"{following}\n" for following in lines[at : at + _MOST_LINES]]
    reader = csv.reader(ahead, delimiter=separator, strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        return Record(at + 1, (line,), f"Its quotes make no sense ({error})."), 1
    return Record(at + 1, tuple(cells)), reader.line_num
