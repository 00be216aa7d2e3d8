"""Reads bulk CM XML (3GPP TS 32.615 `configData`) with expat, piece by piece, within limits.

An object is an element with an `id`; its attributes stand in its element `attributes`. A
`VsDataContainer` is an object of the class that its `vsDataType` names, and what stands inside
the element of that name are its attributes. Document types are refused at their first byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

from semantic_layer.errors import InputError
from semantic_layer.identity import normalized_dn
from tasks.ingestion.configuration.read_configuration import (
    ObjectCollector,
    ReadConfiguration,
    moment_of,
    object_dn,
)
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces

LIMITS = ReadingLimits(file_bytes=2 << 30, depth=64)

ROOT = "bulkCmConfigDataFile"
_CONTAINER = "vsdatacontainer"
_DECLARATION = b"<?xml"
_LONGEST_PREFACE = 1 << 16
_LONGEST_TEXT = 1 << 20
_MOST_ELEMENTS = 200_000


def read_bulk_cm(path: Path, limits: ReadingLimits = LIMITS) -> ReadConfiguration:
    """Return what a bulk CM file says.

    Raises:
        UnreadableFileError: it is not a whole, well-formed bulk CM file, or beyond the limits.
    """
    return bulk_cm_configuration(delivered_pieces(path, limits), limits)


def bulk_cm_configuration(
    pieces: Iterator[bytes], limits: ReadingLimits = LIMITS
) -> ReadConfiguration:
    """Return what a file says that comes in pieces.

    Raises:
        UnreadableFileError: as `read_bulk_cm`.
    """
    reader = _BulkCmReader(limits)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _LONGEST_PREFACE:
            break
    reader.feed(_without_preface(head, reader.collector))
    for piece in pieces:
        reader.feed(piece)
    return reader.finished()


@dataclass(slots=True)
class _Object:
    """An object that is being read; it is named once its class is known."""

    object_class: str
    id: str
    dn: str = ""
    is_named: bool = False
    is_left_out: bool = False
    has_attributes: bool = False
    attributes: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Element:
    """An element inside `attributes`: its text, and the elements in it by name."""

    name: str
    parts: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, name: str, value: object) -> None:
        """Add a part; parts of one name become a list."""
        if name not in self.parts:
            self.parts[name] = value
        elif isinstance(self.parts[name], _Repeated):
            self.parts[name].append(value)
        else:
            self.parts[name] = _Repeated([self.parts[name], value])

    def value(self) -> object:
        """Return the text, or the parts with the text beside them under ''."""
        text = "".join(self.texts).strip()
        if not self.parts:
            return text
        return ({"": text} if text else {}) | self.parts


class _Repeated(list[Any]):
    """Elements of one name."""


class _BulkCmReader:
    """An expat parser with a stack of open objects and one of open elements in attributes."""

    def __init__(self, limits: ReadingLimits) -> None:
        self.collector = ObjectCollector()
        self._limits = limits
        self._depth = 0
        self._unanswered = 0
        self._place = ""  # root, config or object: what is directly open
        self._objects: list[_Object] = []
        self._elements: list[_Element] = []
        self._element_count = 0
        self._skipped = 0
        self._prefix = ""
        self._has_footer = False
        self._times: dict[str, datetime] = {}
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, piece: bytes) -> None:
        self._unanswered += len(piece)
        self._parse(piece, is_last=False)
        if self._unanswered > self._limits.piece_bytes:
            raise self._refusal("A comment, tag or text is too long.")

    def finished(self) -> ReadConfiguration:
        self._parse(b"", is_last=True)
        taken_at = self._times.get("fileFooter") or self._times.get("fileHeader")
        return self.collector.finished(taken_at, "actual")

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code) or "not well-formed"
            if is_last:
                reason = "it ends in the middle, cut off or still being written"
            raise UnreadableFileError(
                f"The XML cannot be read: {reason}.", f"line {error.lineno}"
            ) from error
        except (LookupError, UnicodeError) as error:
            raise UnreadableFileError(f"The XML cannot be decoded: {error}.", "line 1") from error

    def _refusal(self, reason: str) -> UnreadableFileError:
        return UnreadableFileError(reason, self._line())

    def _line(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"

    def _doctype(self, *_: object) -> None:
        raise self._refusal(
            "The file brings a document type, which could make entities that expand without end; "
            "bulk CM files have none, so it is not read."
        )

    def _start(self, name: str, marks: dict[str, str]) -> None:
        self._unanswered = 0
        self._depth += 1
        if self._depth > self._limits.depth:
            raise self._refusal(f"Elements are nested more than {self._limits.depth} deep.")
        local = name.rpartition(" ")[2]
        if self._depth == 1:
            self._start_root(local)
        elif self._skipped:
            self._skipped += 1
        elif self._elements:
            self._start_element(local, marks)
        elif self._depth == 2:
            self._start_part(local, marks)
        elif self._objects and local == "attributes":
            self._elements.append(_Element(local))
            self._element_count = 0
        else:
            self._start_object(local, marks)

    def _start_root(self, local: str) -> None:
        if local != ROOT:
            raise self._refusal(
                f"The root element is {local!r}; a bulk CM file begins with {ROOT}."
            )

    def _start_part(self, local: str, marks: dict[str, str]) -> None:
        if local == "configData":
            self._prefix = marks.get("dnPrefix", "").strip()
            return
        moment = moment_of(marks.get("dateTime"))
        if local in ("fileHeader", "fileFooter"):
            if moment is not None:
                self._times[local] = moment
        else:
            self.collector.remark(self._line(), "", f"A bulk CM file holds no {local!r}.")
        self._skipped = 1

    def _start_object(self, local: str, marks: dict[str, str]) -> None:
        above = self._objects[-1] if self._objects else None
        if marks.get("modifier"):
            raise self._refusal(
                f"The file orders changes (modifier {marks['modifier'][:40]!r}); it does not say "
                "how things are, so it is not read as a dump."
            )
        if above is not None:
            self._name(above)
        if "id" not in marks or (above is not None and above.is_left_out):
            if "id" not in marks:
                key = above.dn if above else ""
                self.collector.remark(
                    self._line(), key, f"The element {local!r} has no id; it is left out."
                )
            self._lack()
            self._skipped = 1
            return
        self._objects.append(_Object(local, marks["id"]))
        for key, text in _said(marks):
            if key != "id":
                self._objects[-1].attributes.append((f"@{key}", text))

    def _start_element(self, local: str, marks: dict[str, str]) -> None:
        self._element_count += 1
        if self._element_count > _MOST_ELEMENTS:
            raise self._refusal(f"An object has more than {_MOST_ELEMENTS:,} attributes.")
        element = _Element(local)
        element.parts.update({f"@{key}": text for key, text in _said(marks)})
        self._elements.append(element)

    def _end(self, _name: str) -> None:
        self._unanswered = 0
        self._depth -= 1
        if self._skipped:
            self._skipped -= 1
        elif self._elements:
            self._end_element()
        elif self._objects:
            self._name(self._objects[-1])
            self._objects.pop()

    def _end_element(self) -> None:
        element = self._elements.pop()
        if self._elements:
            self._elements[-1].add(element.name, element.value())
            return
        own = self._objects[-1]
        if own.has_attributes:
            self._name(own)  # its first `attributes` name it
        if own.is_named:
            self._tell(own, element.parts)
        elif not own.is_left_out:
            own.has_attributes = True
            own.attributes.extend(element.parts.items())

    def _name(self, own: _Object) -> None:
        """Name an object, which its first `attributes` may have a say in, and hand it over."""
        if own.is_named or own.is_left_out:
            return
        position = len(self._objects) - 1
        above = self._objects[position - 1].dn if position else self._prefix
        told = dict(own.attributes)
        object_class = own.object_class
        if object_class.lower() == _CONTAINER:
            named = str(told.get("vsDataType") or "").strip()
            object_class = named or "VsDataContainer"
        try:
            if not position and above:
                above = normalized_dn(above)
            own.dn, known = object_dn(above, object_class, own.id)
        except InputError as error:
            reason = f"{error} It and what it contains is left out."
            self.collector.remark(self._line(), above, reason, f"{own.object_class} {own.id!r}")
            own.is_left_out = True
            self._lack()
            return
        own.is_named = True
        self.collector.add(own.dn, known)
        self._tell(own, told)

    def _tell(self, own: _Object, told: dict[str, Any]) -> None:
        vendor = str(told.get("vsDataType") or "").strip()
        is_container = own.object_class.lower() == _CONTAINER
        for name, value in told.items():
            if is_container and name == "vsDataType":
                continue
            if is_container and name == vendor and isinstance(value, dict):
                for inner, part in value.items():
                    self.collector.tell(own.dn, inner or name, part, self._line())
            else:
                self.collector.tell(own.dn, name, value, self._line())

    def _lack(self) -> None:
        self.collector.lacks(next((it.dn for it in reversed(self._objects) if it.dn), ""))

    def _characters(self, text: str) -> None:
        self._unanswered = 0
        if not self._elements:
            if text.strip() and not self._skipped:
                self.collector.remark(
                    self._line(), self._objects[-1].dn if self._objects else "",
                    "Text stands where only elements do.", text.strip(),
                )  # fmt: skip
            return
        element = self._elements[-1]
        element.length += len(text)
        if element.length > _LONGEST_TEXT:
            raise self._refusal(f"The text of {element.name} is longer than {_LONGEST_TEXT:,}.")
        element.texts.append(text)


def _said(marks: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the XML attributes that say something of the network, by local name."""
    for name, text in marks.items():
        namespace, _, local = name.rpartition(" ")
        if "XMLSchema-instance" not in namespace:
            yield local, text


def _without_preface(head: bytes, collector: ObjectCollector) -> bytes:
    """Return the head from its XML declaration on; what stood before is told."""
    body = head.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise UnreadableFileError("The file is empty.", "line 1")
    at = body.find(_DECLARATION, 0, _LONGEST_PREFACE)
    if at <= 0 or ROOT.encode() in body[:at]:
        return body
    if body[:at].strip():
        collector.remark(
            "line 1", "", f"{at} bytes before the XML declaration were passed over.",
            body[: min(at, 200)].decode(errors="replace"),
        )  # fmt: skip
    return body[at:]
